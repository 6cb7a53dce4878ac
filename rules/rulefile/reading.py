"""The file as a whole, and several files as what is promised of one service."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from rules.document import SECOND, Mistakes, Node, Place, quoted, read_documents
from rules.document.version import Version
from rules.errors import InvalidRules, Problem
from rules.model import RuleSet
from rules.rulefile.catalogue import Catalogue
from rules.rulefile.indicators import read_indicators
from rules.rulefile.openslo import is_openslo, translated
from rules.rulefile.promises import read_promises
from rules.rulefile.templates import Filling, read_parameters


class _File(BaseModel):
    """The keys of a rule file; what is in them is read part by part."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Version
    parameters: dict[str, Any] = {}
    indicators: Annotated[dict[str, Any], Field(min_length=1)]
    rules: Annotated[list[Any], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file, read.

    Attributes:
        queries: The query of each indicator, by id, with its lines: whoever knows the providers reads them as theirs. A
            ``connection:`` in it is ours, not the provider's.
        promises: Where each rule stands, by id, with its parameters filled in.
    """

    rules: RuleSet
    queries: Mapping[str, Node]
    promises: Mapping[str, Node]


@dataclass(frozen=True, slots=True)
class _Draft:
    file: RuleFile
    problems: tuple[Problem, ...]
    open: frozenset[tuple[int, int]]


def read_rules(text: str, file: str, catalogue: Catalogue, given: Node) -> RuleFile:
    """Read a rule file.

    Args:
        text: YAML.
        file: Its name, as messages give it.
        catalogue: Which providers there are.
        given: The parameters' values (``with:``); where there are none, an empty mapping that stands where they would.

    Raises:
        InvalidRules: With all problems, of the file and of *given*. Nothing else, whatever the text.
    """
    whole, problems = read_as_far(text, file, catalogue, given)
    if problems:
        raise InvalidRules(problems)
    return whole


def read_as_far(
    text: str, file: str, catalogue: Catalogue, given: Node
) -> tuple[RuleFile, tuple[Problem, ...]]:
    """As `read_rules`, but what could be read and all problems: so that whoever knows the providers looks at the queries too.

    Raises:
        InvalidRules: The text is no YAML document.
    """
    draft = _read(opened(text, file), catalogue, given)
    return _whole(draft), draft.problems


def lint_rules(text: str, file: str, catalogue: Catalogue) -> RuleFile:
    """Look at a rule file alone: what depends on parameters that nobody gave is not looked at.

    Returns:
        What could be read; queries with open parameters are left out, and rules may be.

    Raises:
        InvalidRules: With all problems.
    """
    whole, problems = lint_as_far(text, file, catalogue)
    if problems:
        raise InvalidRules(problems)
    return whole


def lint_as_far(text: str, file: str, catalogue: Catalogue) -> tuple[RuleFile, tuple[Problem, ...]]:
    """As `lint_rules`, but what could be read and all problems.

    Raises:
        InvalidRules: The text is no YAML document.
    """
    draft = _read(opened(text, file), catalogue, None)
    problems = (problem for problem in draft.problems if (problem.line, problem.column) not in draft.open)
    return _whole(draft), tuple(problems)


def _whole(draft: _Draft) -> RuleFile:
    """Without the queries in which a parameter has no value, or of which something wrong is told already."""
    places = draft.open | {(problem.line, problem.column) for problem in draft.problems}
    whole = {name: query for name, query in draft.file.queries.items() if not _touches(query, places)}
    return RuleFile(draft.file.rules, whole, draft.file.promises)


def _touches(query: Node, places: frozenset[tuple[int, int]]) -> bool:
    return any((scalar.at.line, scalar.at.column) in places for scalar in query.scalars())


def opened(text: str, file: str) -> tuple[Node, ...]:
    """The document of a rule file; of OpenSLO, which has one an object, perhaps several.

    Raises:
        InvalidRules: The text is no YAML, or has more documents than one and is not of OpenSLO.
    """
    documents = read_documents(text, file)
    if len(documents) > 1 and not is_openslo(documents[0]):
        raise InvalidRules([documents[1].problem(*SECOND)])
    return documents


def _read(documents: tuple[Node, ...], catalogue: Catalogue, given: Node | None) -> _Draft:
    mistakes, root = Mistakes(), documents[0]
    if is_openslo(root):
        promised = translated(documents, catalogue, mistakes)
        if promised is None:
            return _Draft(RuleFile(RuleSet((), ()), {}, {}), mistakes.problems, frozenset())
        root = promised
    mistakes.read(root, _File)
    values, missing = read_parameters(root.get("parameters"), given, mistakes)
    filling = Filling(values, missing, mistakes)
    nothing = Node(root.at, {})
    indicators, queries = read_indicators(
        filling.fill(root.get("indicators") or nothing, arms=True), catalogue, mistakes
    )
    rules, promises = read_promises(
        filling.fill(root.get("rules") or nothing, arms=False), indicators, mistakes
    )
    _refuse_unused(root.get("parameters") or nothing, filling.used, mistakes)
    return _Draft(
        RuleFile(RuleSet(tuple(i for i in indicators.values() if i), rules), queries, promises),
        mistakes.problems,
        frozenset(filling.open),
    )


def _refuse_unused(section: Node, used: set[str], mistakes: Mistakes) -> None:
    for name, entry in section.entries():
        if name not in used:
            mistakes.add(
                entry.key,
                f"the parameter {quoted(name)} is used nowhere",
                f"use it as ${{{name}}}, or remove it",
            )


def combined(files: Iterable[tuple[Place, RuleFile]]) -> RuleSet:
    """What all *files* of one service promise together.

    Args:
        files: Each with the place where the configuration names it.

    Raises:
        InvalidRules: Two files use one name for an indicator, or one id for a rule.
    """
    mistakes, whole = Mistakes(), RuleSet((), ())
    for place, file in files:
        for what, ids, taken in (
            ("indicator", {i.id for i in file.rules.indicators}, {i.id for i in whole.indicators}),
            ("rule", {rule.id for rule in file.rules.rules}, {rule.id for rule in whole.rules}),
        ):
            for name in sorted(ids & taken):
                mistakes.add(
                    place,
                    f"the {what} {quoted(name)} is in another file of this service too",
                    f"rename one {what}",
                )
        whole = RuleSet(whole.indicators + file.rules.indicators, whole.rules + file.rules.rules)
    if mistakes.problems:
        raise InvalidRules(mistakes.problems)
    return whole
