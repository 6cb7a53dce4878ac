"""The trace of our last move, as a tag of its deployment: by it a move is recognised as ours, also after the store was lost.

A deployment that we start has it from the beginning, by the call that starts it. One that we take back gets it just before; and so
it is ours only once that deployment was taken back.

Source:
    https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_TagResource.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.model import TAG

TAG_KEY = "rollbackd:move"
_LONGEST = 256  # characters of a tag's value
_TRACE = re.compile(
    rf"(?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}) (?P<at>\d{{9,11}}) (?P<does>start|stop|share) (?P<to>{TAG}|-)"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a move of ours did to the deployment that has it.

    Attributes:
        key: The action's.
        at: When, by our clock, to the second.
        starts: It started it; else it took it back.
        forward: It gave the release more of the traffic, and took nothing back.
        to: Which release is to serve; ``None`` where that was too long to be written.
    """

    key: str
    at: datetime
    starts: bool
    to: str | None
    forward: bool = False

    def written(self) -> str | None:
        """The tag's value; ``None``: it fits in no tag."""
        does = "share" if self.forward else "start" if self.starts else "stop"
        for to in (self.to or "-", "-"):
            value = f"{self.key} {self.at.timestamp():.0f} {does} {to}"
            if len(value) <= _LONGEST and _TRACE.fullmatch(value):
                return value
        return None


def trace_of(tags: Mapping[str, str]) -> Trace | None:
    """The trace among *tags*. Anybody may write there: what does not fit is none."""
    found = _TRACE.fullmatch(tags.get(TAG_KEY, ""))
    if found is None:
        return None
    at = datetime.fromtimestamp(int(found["at"]), UTC)
    to = None if found["to"] == "-" else found["to"]
    return Trace(found["key"], at, found["does"] != "stop", to, forward=found["does"] == "share")
