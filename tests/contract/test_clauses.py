"""The table of clauses (``clauses.py``) is true: each test that it names is there, is run for that kind, and plays the fault.

A kind that is added without its row fails here, and so does a test that is renamed, skipped, or no longer plays what it did.
"""

import ast
import inspect
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.contract import test_aws_over_sockets
from tests.contract.clauses import CONTRACTS, OWN, Cannot, Clause, Here, Shown, There, Wired, shown
from tests.watcher.signals.test_registry import members
from watcher.signals.registry import PROVIDERS

NOT_RUN = {"skip", "skipif", "xfail"}


@pytest.mark.parametrize("kind", PROVIDERS)
def test_every_clause_is_played_for_every_kind_by_a_test_that_is_there(kind: str) -> None:
    mine = [member for member in members() if member.kind == kind and member.__name__.startswith("Test")]
    missing = [
        f"{clause}: {problem}"
        for member in mine
        for clause in Clause
        for problem in _problems(shown(kind, clause, member), member)
    ]

    assert mine
    assert missing == []


def test_nobody_says_anything_of_a_kind_that_is_not_there() -> None:
    assert set(OWN) <= set(PROVIDERS)
    assert all(set(row) == set(Clause) for row in CONTRACTS.values())


# ------------------------------------------------------------------------------------------------------- how it is looked up


def _problems(shown: Shown, member: type) -> Iterable[str]:
    if isinstance(shown, Cannot):
        return [] if len(shown.why) > 20 else ["it is not said why it cannot be played"]
    if not shown:
        return [f"nothing plays it for {member.__name__}"]
    return [problem for each in shown if (problem := _problem(each, member))]


def _problem(one: Here | Wired | There, member: type) -> str | None:
    match one:
        case Here(test, cases):
            found = getattr(member, test, None)
            lacks = set(cases) - set(_cases_of(found))
            if found is None or (_marks_of(found) | _marks_of(member)) & NOT_RUN:
                return f"{member.__name__} does not run {test}"
            return f"{test} does not play {sorted(map(str, lacks))}" if lacks else None
        case Wired(test, spoilt):
            found = getattr(test_aws_over_sockets, test, None)
            if (
                found is None
                or "member" not in inspect.signature(found).parameters
                or _marks_of(found) & NOT_RUN
            ):
                return f"no test over sockets is called {test}"
            unplayed = sorted(set(spoilt) - test_aws_over_sockets.PLAYED.get(test, set[str]()))
            if member not in test_aws_over_sockets.MEMBERS or unplayed:
                return f"{test} does not play {unplayed or member.__name__}"
        case There(file, test):
            return None if test in _tests_in(file) else f"{file} has no {test}"
    return None


def _marks_of(test: Any) -> set[str]:
    return {mark.name for mark in getattr(test, "pytestmark", ())}


def _cases_of(test: Any) -> Sequence[object]:
    """All values that *test* is parametrised by."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return [case for mark in marks for case in mark.args[1]]


@cache
def _tests_in(file: str) -> frozenset[str]:
    """The tests of a module that are run, without its import."""
    path = Path(__file__).parents[2] / file
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.exists() else ast.Module([], [])
    functions = [each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    return frozenset(
        each.name for each in functions if each.name.startswith("test_") and not _named_in(each) & NOT_RUN
    )


def _named_in(test: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """What the decorators of *test* name."""
    return {
        node.attr
        for decorator in test.decorator_list
        for node in ast.walk(decorator)
        if isinstance(node, ast.Attribute)
    }
