"""The trace of our last move, beside the pointer: by it a move is recognised as ours, also after the store was lost.

In S3 and in a key value store it is written by the very call that moves; on a distribution, whose settings have no place for
it, just before. A move is ours only if the pointer is where it says, and was put there when it says.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.model import TAG

TAG_KEY = "rollbackd:move"
# Our clock against AWS's: requests whose signature is older than 5 min are refused, so clocks differ by less.
SKEW = timedelta(minutes=5)

_TRACE = re.compile(
    rf"(?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}) (?P<at>\d{{9,11}}) (?P<expect>{TAG}|-) (?P<to>{TAG})"
)
_LONGEST = 256  # characters of a tag's value


@dataclass(frozen=True, slots=True)
class Trace:
    """What a move of ours was to do.

    Attributes:
        key: The action's.
        at: When, by our clock, to the second.
        expect: The release that was to be undone; ``None`` where that was too long to be written.
        to: The one that was to serve.
    """

    key: str
    at: datetime
    expect: str | None
    to: str

    def written(self) -> str | None:
        """The value of a tag, in AWS's grammar (letters, digits, space, ``+ - = . _ : / @``); ``None``: it fits in none."""
        for expect in (self.expect or "-", "-"):
            value = f"{self.key} {self.at.timestamp():.0f} {expect} {self.to}"
            if len(value) <= _LONGEST and _TRACE.fullmatch(value):
                return value
        return None

    def made(self, name: str, since: datetime | None) -> bool:
        """The pointer, which has been at the release *name* since then, was put there by this move."""
        return self.to == name and since is not None and abs(since - self.at) <= SKEW


def read(value: str | None) -> Trace | None:
    """The trace in *value*. Anybody may write there: what does not fit is no trace."""
    found = _TRACE.fullmatch(value or "")
    if found is None:
        return None
    return Trace(
        key=found["key"],
        at=datetime.fromtimestamp(int(found["at"]), UTC),
        expect=None if found["expect"] == "-" else found["expect"],
        to=found["to"],
    )
