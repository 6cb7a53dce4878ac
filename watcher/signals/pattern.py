"""Patterns of label values: a whole value is matched, as Prometheus does it, in time that cannot explode.

Rule files come from many hands and label values from the service that is under suspicion, so only a part of the grammar
of regular expressions is let in: characters, ``.``, classes, ``*`` ``+`` ``?`` ``{n}`` after one of these, ``|``, and
groups without a quantifier. What a pattern may branch into is counted; how much it repeats too.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rules.errors import Malformed
from watcher.signals.arms import filled, filled_with

LONGEST = 256  # characters of a pattern
LONGEST_VALUE = 512  # characters of a label value; a longer one matches nothing
MOST_BRANCHES = 64  # ways through a pattern
MOST_REPEATS = (
    2  # of `*` and `+` on one way: together with the lengths this bounds the steps to some ten thousand
)
_REMEDY = (
    "write characters, `.`, classes, `*`, `+`, `?`, `|` and plain groups: 5.., 4..|5.., /api/(cart|order)/.*"
)
_STAND_IN = "v"
_TOKEN = re.compile(
    r"(?P<atom>\\[dwsDWS]|\\[^A-Za-z0-9]|\[\^?(?:\\[dws]|\\[^A-Za-z0-9]|[^\[\]\\])+\]|[^\\\[\](){}|*+?^$])"
    r"|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)|(?P<quantifier>[*+?]|\{\d{1,2}\})"
)


@dataclass(frozen=True, slots=True)
class _Ways:
    """How many ways there are through a piece of a pattern, and the most repeats on one of them."""

    count: int = 1
    repeats: int = 0

    def then(self, other: "_Ways") -> "_Ways":
        return _Ways(self.count * other.count, self.repeats + other.repeats)

    def beside(self, other: "_Ways") -> "_Ways":
        return _Ways(self.count + other.count, max(self.repeats, other.repeats))


_QUANTIFIED = {"*": _Ways(1, 1), "+": _Ways(1, 1), "?": _Ways(2, 0)}


def check(text: str) -> str:
    """*text*, if it is a pattern that is let in; names of an arm count as one character.

    Raises:
        Malformed: It is not.
    """
    filling = filled_with(text, _STAND_IN)
    if len(filling) > LONGEST:
        raise Malformed(f"a pattern longer than {LONGEST} characters", remedy="write a shorter one")
    _Reader(filling).check()
    try:
        re.compile(filling)
    except re.error as error:  # a class whose range is reversed
        raise Malformed(f"not a pattern: {error}", remedy=_REMEDY) from error
    return text


def compiled(text: str, arm: Mapping[str, str]) -> re.Pattern[str]:
    """The pattern in *text*, with the names of *arm* as plain characters."""
    return _compiled(filled(text, arm, re.escape))


def matches(pattern: re.Pattern[str], value: str) -> bool:
    """The whole *value* is of the *pattern*."""
    return len(value) <= LONGEST_VALUE and _matches(pattern, value)


@functools.lru_cache(maxsize=1024)
def _compiled(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | re.DOTALL)


@functools.lru_cache(maxsize=16384)
def _matches(pattern: re.Pattern[str], value: str) -> bool:
    return pattern.fullmatch(value) is not None


class _Reader:
    """Reads a pattern from left to right, and counts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def check(self) -> None:
        ways = self._alternatives()
        if self._at < len(self._text):
            raise self._malformed()
        if ways.count > MOST_BRANCHES or ways.repeats > MOST_REPEATS:
            raise Malformed(
                "a pattern that branches or repeats too much",
                remedy=f"at most {MOST_REPEATS} of `*` and `+` on one way, and {MOST_BRANCHES} ways",
            )

    def _alternatives(self) -> _Ways:
        ways = self._sequence()
        while self._take("or"):
            ways = ways.beside(self._sequence())
        return ways

    def _sequence(self) -> _Ways:
        ways = _Ways()
        while True:
            if self._take("atom"):
                quantifier = self._take("quantifier")
                ways = ways.then(_QUANTIFIED.get(quantifier, _Ways()))
            elif self._take("open"):
                ways = ways.then(self._group())
            else:
                return ways

    def _group(self) -> _Ways:
        self._depth += 1
        if self._depth > 8:  # noqa: PLR2004 - deeper than anybody reads
            raise self._malformed()
        ways = self._alternatives()
        if not self._take("close"):
            raise self._malformed()
        self._depth -= 1
        return ways

    def _take(self, kind: str) -> str:
        """The next token, if it is of this *kind*."""
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup != kind:
            return ""
        self._at = found.end()
        return found[0]

    def _malformed(self) -> Malformed:
        return Malformed(
            f"not a pattern that is let in, from {self._text[self._at :][:20]!r} on", remedy=_REMEDY
        )
