"""Where deploy events come from: a parser for every source, and a feed for those that are asked in a loop.

A parser is pure: bytes in, meaning out. It is called by whoever received the bytes, after they were written down.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from deploy.model import Announcement


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived: the raw bytes, the headers that matter (lower case), when, and from whom."""

    body: bytes
    headers: Mapping[str, str]
    at: datetime
    principal: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood, and of no concern here."""

    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not understood, or not allowed: what is wrong, where in the body, and what to send instead."""

    why: str
    remedy: str
    where: str = ""


class Source(Protocol):
    """One source of deploy events."""

    name: str

    def read(self, received: Received) -> Announcement | Ignored | Rejected:
        """What *received* says. Pure; raises nothing for bad input."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One received message of a feed, and what acknowledges it."""

    received: Received
    receipt: str


class Feed(Protocol):
    """A source that is asked in a loop (a queue)."""

    async def receive(self) -> Sequence[Parcel]:
        """Wait for messages, at most 10 s. An empty answer means that there were none."""

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        """Tell the queue that these are written down. Doing it twice is harmless."""


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of source, for the registry.

    Attributes:
        settings: What may stand under ``sources: {name: {kind: settings}}``.
        open: Gives the parser, under the source's name in the configuration. Touches nothing.
    """

    settings: type[S]
    open: Callable[[S, str], Source]
