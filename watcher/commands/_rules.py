"""Rule files as `test` and `replay` read them: where a signal is read is no matter there, so parameters may be left out."""

from pathlib import Path

from rules.document import Entry, Node, Place
from rules.errors import InvalidRules
from rules.model import RuleSet
from rules.rulefile import opened, read_rules
from rules.trial import Trial, read_trials, rules_named
from watcher.config.files import Unreadable, read_text, top_of
from watcher.config.promises import ENDING
from watcher.config.registries import all_kinds

ANYTHING = "unset"


def rules_at(path: Path, given: Node) -> RuleSet:
    """What the file at *path* promises, with the parameters *given* (``with:``).

    Raises:
        InvalidRules: With all that is wrong with it.
    """
    text = text_of(path, given)
    return read_rules(text, str(path), all_kinds().catalogue, _completed(given, text, path)).rules


def trials_at(file: Path) -> tuple[RuleSet, tuple[Trial, ...]]:
    """The tests in *file*, and the rules that they are of.

    Raises:
        InvalidRules: With all that is wrong with the file, or with the rules that it tests.
    """
    text = text_of(file, top_of(file))
    name, given = rules_named(text, str(file))
    if name is None and not file.name.endswith(ENDING):
        problem = given.at.problem(
            "which rules are tested?", f"write `rules: FILE`, or call this file NAME{ENDING}"
        )
        raise InvalidRules([problem])
    rules = rules_at(file.parent / (name or f"{file.name.removesuffix(ENDING)}.yaml"), given)
    return rules, read_trials(text, str(file), rules)


def text_of(path: Path, place: Node | Place) -> str:
    """The text of the file at *path*, which is named at *place*.

    Raises:
        InvalidRules: It cannot be read.
    """
    try:
        return read_text(path)
    except Unreadable as unreadable:
        remedy = unreadable.remedy(path, "name a file that is there")
        raise InvalidRules([place.problem(f"{path}: the file {unreadable}", remedy)]) from None


def _completed(given: Node, text: str, path: Path) -> Node:
    """*given*, and something for each parameter that has no value."""
    declared = opened(text, str(path))[0].get("parameters")
    entries = dict(given.entries())
    for name, entry in declared.entries() if declared else ():
        if name not in entries and entry.node.get("default") is None:
            entries[name] = Entry(given.at, Node(given.at, ANYTHING, ANYTHING))
    return Node(given.at, entries)
