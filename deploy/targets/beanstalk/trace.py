"""The trace of our last move, on the application version that it brought: by it a move is recognised as ours.

Not on the environment, where it would belong: to tag that is an update of the environment, which must be Ready for it and is
busy meanwhile. It is written just before the move; so it says what was meant. A move is ours only while the environment
has the version that it says.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-tagging-resources.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.model import TAG

PREFIX = "rollbackd:move"
_LONGEST = 256  # characters of a tag's value
_TRACE = re.compile(rf"(?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}) (?P<at>\d{{9,11}}) (?P<expect>{TAG}|-)")


def tag_key(environment: str) -> str:
    """The key of the trace of the environment of that name: a version may serve in several."""
    return f"{PREFIX}.{environment}"


@dataclass(frozen=True, slots=True)
class Trace:
    """What a move of ours was to do. *expect*: what was to be undone; ``None`` where it was too long to be written."""

    key: str
    at: datetime
    expect: str | None

    def written(self) -> str | None:
        """The tag's value; ``None``: it fits in no tag."""
        for expect in (self.expect or "-", "-"):
            value = f"{self.key} {self.at.timestamp():.0f} {expect}"
            if len(value) <= _LONGEST and _TRACE.fullmatch(value):
                return value
        return None


def trace_of(tags: Mapping[str, str], environment: str) -> Trace | None:
    """The trace among *tags*. Anybody may write there: what does not fit is none."""
    found = _TRACE.fullmatch(tags.get(tag_key(environment), ""))
    if found is None:
        return None
    expect = None if found["expect"] == "-" else found["expect"]
    return Trace(found["key"], datetime.fromtimestamp(int(found["at"]), UTC), expect)
