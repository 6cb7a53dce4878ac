"""A document as a tree of `Node`: data, and where each part of it stands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rules.document.words import quoted, words_for
from rules.errors import Problem

Scalar = str | int | float | bool | None
Step = str | int
M = TypeVar("M", bound=BaseModel)
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_*/-]{1,64}")  # any other is quoted in a path: it could forge a line


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: file, line and column (both from 1), and by which keys one gets there.

    A place knows the one above it instead of its whole path: a path may be long, and there is one for every node.
    """

    file: str
    line: int
    column: int
    above: "Place | None" = field(default=None, repr=False)
    step: Step | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        """Keys and indices from the top of the document."""
        steps: list[Step] = []
        place: Place | None = self
        while place is not None:
            steps += [] if place.step is None else [place.step]
            place = place.above
        return tuple(reversed(steps))

    @property
    def path(self) -> str:
        """Dotted keys from the top: ``rules[0].judge.slo``."""
        path = ""
        for step in self.steps:
            word = step if isinstance(step, int) or _PLAIN_KEY.fullmatch(step) else quoted(step)
            path += f"[{word}]" if isinstance(step, int) else f".{word}" if path else f"{word}"
        return path

    def inside(self, step: Step, line: int, column: int) -> "Place":
        """The place of what *step* leads to."""
        return Place(self.file, line, column, self, step)

    def problem(self, message: str, remedy: str) -> Problem:
        """A mistake here."""
        return Problem(self.file, self.line, self.column, self.path, message, remedy)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a mapping: where its key stands, and its value."""

    key: Place
    node: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document, and where it stands.

    Attributes:
        content: A scalar, a tuple of nodes for a list, a dict of entries for a mapping.
        text: A scalar as it is written, without its quotes; ``None`` for the others.
    """

    at: Place
    content: "Scalar | tuple[Node, ...] | dict[str, Entry]"
    text: str | None = None

    @property
    def is_mapping(self) -> bool:
        """It has keys."""
        return isinstance(self.content, dict)

    @property
    def is_list(self) -> bool:
        """It has items."""
        return isinstance(self.content, tuple)

    @property
    def is_scalar(self) -> bool:
        """It has neither keys nor items."""
        return not (self.is_mapping or self.is_list)

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Keys and entries of a mapping, in the order of the file; nothing for the others."""
        return iter(self.content.items()) if isinstance(self.content, dict) else iter(())

    def items(self) -> "tuple[Node, ...]":
        """The items of a list; nothing for the others."""
        return self.content if isinstance(self.content, tuple) else ()

    def get(self, key: str) -> "Node | None":
        """The value at *key*, if this is a mapping that has it."""
        entry = self.entry(key)
        return entry.node if entry else None

    def entry(self, key: str) -> Entry | None:
        """The entry at *key*, if this is a mapping that has it."""
        return self.content.get(key) if isinstance(self.content, dict) else None

    def without(self, *keys: str) -> "Node":
        """The same mapping with *keys* left out."""
        return Node(self.at, {key: entry for key, entry in self.entries() if key not in keys})

    def plain(self) -> Any:
        """The data alone, as JSON has it: dict, list and scalars."""
        if isinstance(self.content, dict):
            return {key: entry.node.plain() for key, entry in self.content.items()}
        if isinstance(self.content, tuple):
            return [item.plain() for item in self.content]
        return self.content

    def scalars(self) -> "Iterator[Node]":
        """All scalars in it, in the order of the file."""
        if self.is_scalar:
            yield self
        for item in (*self.items(), *(entry.node for _, entry in self.entries())):
            yield from item.scalars()

    def read_as(self, model: type[M]) -> M | tuple[Problem, ...]:
        """The value of *model* that stands here, or all that is wrong with it, each at its own place."""
        try:
            return model.model_validate(self.plain())
        except ValidationError as invalid:
            problems = [self._problem(error, model) for error in invalid.errors(include_url=False)]
        # The members of a union are all found wrong at one place; the first is what most files mean.
        return tuple(
            {(problem.line, problem.column, problem.path): problem for problem in reversed(problems)}.values()
        )

    def problem(self, message: str, remedy: str) -> Problem:
        """A mistake here."""
        return self.at.problem(message, remedy)

    def _problem(self, error: ErrorDetails, model: type[BaseModel]) -> Problem:
        node, place = self._follow(error["loc"])
        message, remedy = words_for(error, model, node.text)
        if error["type"] == "extra_forbidden":
            return place.problem(message, remedy)
        if error["type"] == "missing":
            return node.at.inside(str(error["loc"][-1]), node.at.line, node.at.column).problem(
                message, remedy
            )
        return node.problem(message, remedy)

    def _follow(self, steps: tuple[Step, ...]) -> "tuple[Node, Place]":
        """The deepest node on the way, and the place of its key. Steps that pydantic adds (members of a union) are passed over."""
        node, place = self, self.at
        for step in steps:
            if isinstance(step, int) and step < len(node.items()):
                node = node.items()[step]
                place = node.at
            elif (entry := node.entry(str(step))) is not None:
                node, place = entry.node, entry.key
        return node, place


def merged(under: Node, over: Node) -> Node:
    """Both mappings in one, key by key, all the way down; where both say something *over* wins. Each leaf keeps its place."""
    if not (isinstance(under.content, dict) and isinstance(over.content, dict)):
        return over
    entries = dict(under.content)
    for key, entry in over.content.items():
        below = entries.get(key)
        entries[key] = entry if below is None else Entry(entry.key, merged(below.node, entry.node))
    return Node(over.at, entries)
