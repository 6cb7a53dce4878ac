"""What can be wrong with a text, and what to do about it.

The tree of errors of this package::

    RulesError
    ├── Malformed       one scalar is not of its grammar (also a ValueError, so that pydantic reports it where it stands)
    └── InvalidRules    a file has mistakes: all of them at once

A mistake in a file is a value, `Problem`; it becomes an exception only where a file as a whole is refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a file: where, what, and what to do.

    Attributes:
        line: From 1.
        column: From 1, in characters.
        path: Dotted keys from the top of the document (``rules[0].judge``); empty for the document itself.
        remedy: What to write instead; computed from the facts, never empty.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    remedy: str

    def __str__(self) -> str:
        """Two lines: the first is what editors and compilers understand, ``file:line:column: …``."""
        path = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.message}\n    try: {self.remedy}"


class RulesError(Exception):
    """Anything that this package raises. *remedy* says what a person can do."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Malformed(RulesError, ValueError):
    """A scalar is not of its grammar: a duration, a share, a name."""


class InvalidRules(RulesError):
    """A file has mistakes. *problems* are all of them, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)), remedy="correct the lines named above")
