"""The trace of our last move, on the service itself: by it a move is recognised as ours, also after the store was lost.

It is written just *before* the move, so that no move goes without; so it says what was meant, not what was done. A move
is ours only if the newest deployment goes where it says, and was made when it says.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.targets.ecs.definition import tag_of
from deploy.targets.ecs.service import Service

TAG_KEY = "rollbackd:move"
# Our clock against AWS's: requests whose signature is older than 5 min are refused, so clocks differ by less.
SKEW = timedelta(minutes=5)

_TAG = r"[A-Za-z0-9_-]{1,255}:\d{1,10}"
_TRACE = re.compile(
    rf"(?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}) (?P<how>stop|update) (?P<at>\d{{9,11}}) (?P<expect>{_TAG}|-) (?P<to>{_TAG})"
)
_LONGEST = 256  # characters of a tag's value


@dataclass(frozen=True, slots=True)
class Trace:
    """What a move of ours was to do.

    Attributes:
        key: The action's.
        at: When, by our clock, to the second.
        expect: ``family:revision`` of what was to be undone; ``None`` where that was too long to be written.
        to: Of what was to serve.
        native: ECS was told to go back by itself: it may then take up a deployment that it had before.
    """

    key: str
    at: datetime
    expect: str | None
    to: str
    native: bool

    def written(self) -> str | None:
        """The tag's value, in AWS's grammar (letters, digits, space, ``+ - = . _ : / @``); ``None``: it fits in no tag."""
        how = "stop" if self.native else "update"
        for expect in (self.expect or "-", "-"):
            value = f"{self.key} {how} {self.at.timestamp():.0f} {expect} {self.to}"
            if len(value) <= _LONGEST and _TRACE.fullmatch(value):
                return value
        return None

    def made(self, service: Service) -> bool:
        """The newest deployment of *service* is the one that this move made."""
        primary = service.primary
        if primary is None or tag_of(primary.definition) != self.to:
            return False
        soon_after = primary.created <= self.at + SKEW
        return soon_after and (self.native or primary.created >= self.at - SKEW)


def trace_of(service: Service) -> Trace | None:
    """The trace on *service*; ``None`` if there is none that can be read."""
    return read(service.tags)


def read(tags: Iterable[tuple[str, str]]) -> Trace | None:
    """The trace among *tags*. Anybody may write there: what does not fit is no trace."""
    value = next((value for key, value in tags if key == TAG_KEY), "")
    found = _TRACE.fullmatch(value)
    if found is None:
        return None
    return Trace(
        key=found["key"],
        at=datetime.fromtimestamp(int(found["at"]), UTC),
        expect=None if found["expect"] == "-" else found["expect"],
        to=found["to"],
        native=found["how"] == "stop",
    )


def trace_by(service: Service, key: str, meant: Trace | None) -> Trace | None:
    """The trace of the move *key*: the one on *service*; else what was *meant*, where it could not be left there."""
    trace = trace_of(service)
    return trace if trace is not None and trace.key == key else meant


def our_move(service: Service) -> Trace | None:
    """Our own move, if the newest deployment is one."""
    trace = trace_of(service)
    return trace if trace is not None and trace.made(service) else None
