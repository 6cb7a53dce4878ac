"""What can be wrong with Slack, or with the way to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class How(StrEnum):
    """How it goes wrong."""

    ANSWER = "answer"  # another answer than it should be
    HANGS = "hangs"  # takes the request, and says nothing
    SLOW = "slow"  # answers, late
    LOST = "lost"  # does it, and the answer never arrives: the connection is cut
    SILENT = "silent"  # does it, and the answer never arrives: nothing is said


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong.

    Attributes:
        methods: With which methods of the Web API (``webhook``, ``upload``, ``response`` are the others); empty: with all.
        seconds: How late it answers.
    """

    how: How
    methods: frozenset[str] = frozenset()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0

    def concerns(self, method: str) -> bool:
        return not self.methods or method in self.methods


PAGE = "<!DOCTYPE html><html><title>Slack</title><h1>Something went wrong</h1></html>"


def down(*methods: str) -> Trouble:
    """HTTP 503 with a page for people, as Slack's edge answers in an outage."""
    return Trouble(How.ANSWER, frozenset(methods), 503, {"Content-Type": "text/html"}, PAGE)


def answers(status: int, headers: Mapping[str, str], *methods: str, body: str = "") -> Trouble:
    """Whatever a test says."""
    return Trouble(How.ANSWER, frozenset(methods), status, headers, body)


def refuses(word: str, *methods: str, needed: str = "") -> Trouble:
    """HTTP 200, not ``ok``, and a word."""
    more = f', "needed": "{needed}", "provided": "chat:write"' if needed else ""
    body = f'{{"ok": false, "error": "{word}"{more}}}'
    return Trouble(How.ANSWER, frozenset(methods), 200, {"Content-Type": "application/json"}, body)


def rate_limited(seconds: int, *methods: str) -> Trouble:
    """Too many requests: again in some seconds."""
    headers = {"Content-Type": "application/json", "Retry-After": str(seconds)}
    return Trouble(How.ANSWER, frozenset(methods), 429, headers, '{"ok": false, "error": "ratelimited"}')


def hangs(*methods: str) -> Trouble:
    """Nothing is done, and nothing is said."""
    return Trouble(How.HANGS, frozenset(methods))


def slow(seconds: float, *methods: str) -> Trouble:
    """It is done late."""
    return Trouble(How.SLOW, frozenset(methods), seconds=seconds)


def lost(*methods: str) -> Trouble:
    """It is done, and the connection is cut before the answer."""
    return Trouble(How.LOST, frozenset(methods))


def silent(*methods: str) -> Trouble:
    """It is done, and nothing is said."""
    return Trouble(How.SILENT, frozenset(methods))
