"""YAML text → `Node`, over PyYAML's events: its composer would follow aliases, and its constructor guess types.

Source:
    https://yaml.org/spec/1.2.2/#103-core-schema for what a plain scalar means.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from rules.document.node import Entry, Node, Place, Scalar
from rules.document.words import quoted
from rules.errors import InvalidRules, Problem

MAX_BYTES = 1 << 20  # of a file
MAX_DEPTH = 32  # mappings and lists inside one another
_MAX_DIGITS = 40  # of a number; beyond, Python's own limit would raise

# libyaml is several times faster and not everywhere; both tell the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TABBED = re.compile(r"\s*\t")
_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN")

_REMEDIES = (  # words of PyYAML and libyaml → what usually helps
    ("tab", "indent with spaces, never with tabs"),
    ("mapping values are not allowed", 'one "key: value" a line; quote text that contains ": "'),
    ("cannot start any token", "quote text that begins with a sign such as @, ` or %"),
    ("quoted scalar", "close the quotes"),
    ("flow", "close the bracket, and put a comma between members"),
    ("block", "indent the keys of one mapping alike, and the dashes of one list alike"),
    ("simple key", 'write "key: value", with a blank after the colon'),
)


SECOND = ("a second document begins here", "one document a file")


class _Stop(Exception):
    """No sense in reading on; what was found is already written down."""


def read_document(text: str, file: str) -> Node:
    """The tree of *text*.

    Args:
        text: YAML, one document.
        file: Its name, as messages give it.

    Raises:
        InvalidRules: With all problems, each with line and column. Nothing else, whatever the text.
    """
    (root,) = _read(text, file, several=False)
    return root


def read_documents(text: str, file: str) -> tuple[Node, ...]:
    """The trees of all documents in *text*, at least one.

    Args:
        text: YAML.
        file: Its name, as messages give it.

    Raises:
        InvalidRules: With all problems, each with line and column. Nothing else, whatever the text.
    """
    return _read(text, file, several=True)


def _read(text: str, file: str, *, several: bool) -> tuple[Node, ...]:
    walk = _Walk(file, several=several)
    roots = walk.read(text)
    if walk.problems or not roots:
        raise InvalidRules(walk.problems)
    return roots


class _Walk:
    """One pass over the events of a text."""

    def __init__(self, file: str, *, several: bool) -> None:
        self.top = Place(file, 1, 1)
        self._several = several
        self.problems: list[Problem] = []
        self._lines: list[str] = []
        self._events: Iterator[Any] = iter(())

    def read(self, text: str) -> tuple[Node, ...]:
        """The roots, or nothing with the reason in *problems*."""
        try:
            self._refuse_unreadable(text)
            self._lines = text.split("\n")
            self._events = yaml.parse(text, _LOADER)
            return self._documents()
        except yaml.MarkedYAMLError as error:
            self._note_syntax(error)
        except _Stop:
            pass
        return ()

    def _refuse_unreadable(self, text: str) -> None:
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            self._stop(
                self.top, "the file is larger than 1 MiB", "split it; services may stand in services.d/*.yaml"
            )
        strange = _UNPRINTABLE.search(text.removeprefix("\ufeff"))
        if strange is not None:
            lines = text.removeprefix("\ufeff")[: strange.start()].split("\n")
            place = Place(self.top.file, len(lines), len(lines[-1]) + 1)
            self._stop(place, f"the character U+{ord(strange[0]):04X} cannot stand in YAML", "remove it")

    def _documents(self) -> tuple[Node, ...]:
        roots: list[Node] = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if roots and not self._several:
                    self._stop(self._place(self.top, event), *SECOND)
                roots.append(self._root())
        if not roots:
            self._stop(self.top, "the file is empty", "begin with `version: 1`")
        return tuple(roots)

    def _root(self) -> Node:
        event = next(self._events)
        return self._node(event, self._place(self.top, event), MAX_DEPTH)

    def _node(self, event: Any, at: Place, depth: int) -> Node:
        """The node that begins with *event*; nested at most *depth* deep."""
        if isinstance(event, yaml.AliasEvent):
            self._note(at, f"aliases (*{event.anchor}) are not read", "write the value out")
            return Node(at, None, "")
        self._refuse_decoration(event, at)
        if isinstance(event, yaml.ScalarEvent):
            return Node(at, self._scalar(event, at), event.value)
        if depth == 0:
            self._stop(at, f"nested more than {MAX_DEPTH} deep", "bring it nearer to the top")
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(at, self._list(at, depth - 1))
        return Node(at, self._mapping(at, depth - 1))

    def _list(self, at: Place, depth: int) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, self._place(at, event, len(items)), depth))
        return tuple(items)

    def _mapping(self, at: Place, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(self._place(at, event), "a key must be a word", "write `key: value`")
            key = self._place(at, event, event.value)
            self._refuse_decoration(event, key)
            if event.value in entries:
                first = entries[event.value].key.line
                self._note(
                    key,
                    f"the key {quoted(event.value)} stands here twice; first in line {first}",
                    "keep one of them",
                )
            value = next(self._events)
            entries[event.value] = Entry(key, self._node(value, self._place(at, value, event.value), depth))
        return entries

    def _scalar(self, event: Any, at: Place) -> Scalar:
        text: str = event.value
        if not event.implicit[0]:
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == "true"
        return self._number(text, at)

    def _number(self, text: str, at: Place) -> Scalar:
        """A finite number, or the text itself if it is none."""
        is_int, is_float = _INT.fullmatch(text), _FLOAT.fullmatch(text)
        if not (is_int or is_float or _NOT_FINITE.fullmatch(text)):
            return text
        if len(text) > _MAX_DIGITS:
            self._note(at, f"a number of more than {_MAX_DIGITS} digits", "quote it, if it is text")
            return 0
        if is_int:
            return int(text, 0 if text[:2] in {"0o", "0x"} else 10)
        number = float(text) if is_float else math.inf
        if math.isinf(number):
            self._note(at, "a number must be finite", "write a number, or quote it, if it is text")
        return number

    def _refuse_decoration(self, event: Any, at: Place) -> None:
        if event.anchor is not None:
            self._note(
                at, f"anchors (&{event.anchor}) are not read", "write the value out where it is needed"
            )
        if event.tag is not None:
            self._note(at, f"tags ({quoted(event.tag)}) are not read", "remove it; quote what is to be text")

    def _note_syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        indented = "".join(self._lines[line : line + 1])  # none, where it breaks off at the end of the text
        words = f"{error.problem} {error.context} {'tab' if _TABBED.match(indented) else ''}"
        remedy = next(
            (remedy for sign, remedy in _REMEDIES if sign in words), "correct the line, or the one above"
        )
        context = f" ({error.context})" if error.context else ""
        self._note(Place(self.top.file, line + 1, column + 1), f"not YAML: {error.problem}{context}", remedy)

    def _place(self, above: Place, event: Any, step: str | int | None = None) -> Place:
        mark = event.start_mark
        return Place(above.file, mark.line + 1, mark.column + 1, above, step)

    def _note(self, at: Place, message: str, remedy: str) -> None:
        self.problems.append(at.problem(message, remedy))

    def _stop(self, at: Place, message: str, remedy: str) -> NoReturn:
        self._note(at, message, remedy)
        raise _Stop
