"""The trace of our last move, on the rule itself: by it a move is recognised as ours, also after the store was lost.

It is written just before the move, so that no move goes without; so it says what was meant. A move is ours only while what
it wanted has all the traffic.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.model import TAG

TAG_KEY = "rollbackd:move"
_LONGEST = 256  # characters of a tag's value
_TRACE = re.compile(
    rf"(?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}) (?P<at>\d{{9,11}}) (?P<expect>{TAG}|-) (?P<to>{TAG})"
)
_NEWER = re.compile(rf"(?P<before>{TAG}) (?P<after>{TAG})(?: (?P<share>0\.\d{{1,6}}|1))?")


@dataclass(frozen=True, slots=True)
class Trace:
    """What a move of ours was to do. *expect*: ``None`` where it was too long to be written."""

    key: str
    at: datetime
    expect: str | None
    to: str

    def written(self) -> str | None:
        """The tag's value; ``None``: it fits in no tag."""
        for expect in (self.expect or "-", "-"):
            value = f"{self.key} {self.at.timestamp():.0f} {expect} {self.to}"
            if len(value) <= _LONGEST and _TRACE.fullmatch(value):
                return value
        return None


@dataclass(frozen=True, slots=True)
class Newer:
    """Which of two releases is the newer: the one that we give the traffic of the other to, stage by stage.

    It stands on the rule, under the key by which groups are marked. Who is the newer is looked at only while exactly these two
    share.

    Attributes:
        share: Which one (0..1) we have last told the platform to give to *after*: a call that was still on its way when the
            rollback was sent is known by it. ``None`` where it was too long to be written.
    """

    before: str
    after: str
    share: float | None = None

    def written(self) -> str | None:
        """The tag's value; ``None``: it fits in no tag."""
        names = f"{self.before} {self.after}"
        for value in (*([f"{names} {self.share:.6g}"] if self.share is not None else []), names):
            if len(value) <= _LONGEST and _NEWER.fullmatch(value):
                return value
        return None


def newer_of(value: str) -> Newer | None:
    """What stands on the rule. Anybody may write there: what does not fit is none."""
    found = _NEWER.fullmatch(value)
    if found is None:
        return None
    return Newer(found["before"], found["after"], float(found["share"]) if found["share"] else None)


def trace_of(tags: Mapping[str, str]) -> Trace | None:
    """The trace among *tags*. Anybody may write there: what does not fit is none."""
    found = _TRACE.fullmatch(tags.get(TAG_KEY, ""))
    if found is None:
        return None
    expect = None if found["expect"] == "-" else found["expect"]
    return Trace(found["key"], datetime.fromtimestamp(int(found["at"]), UTC), expect, found["to"])
