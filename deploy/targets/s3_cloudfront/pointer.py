"""What says which release is live, and the call that would move it: whatever the layout, the same to everybody else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from deploy.model import Move, Release, Unreadable
from deploy.targets.aws.split import Split
from deploy.targets.s3_cloudfront.trace import Trace


@dataclass(frozen=True, slots=True)
class Pointer:
    """The pointer, as it was read.

    Attributes:
        release: Where it points to.
        version: What a compare-and-set compares: the ETag of the page, of the distribution's settings, of the store.
        since: Since when it points there, by AWS's clock.
        trace: Our last move, if it is what put the pointer there.
        arriving: What CloudFront is still doing to carry it to its edges; empty: nothing.
        settings: What the pointer is a part of, and has to be sent back with.
        beside: What shares the traffic with the release, which is the newer of the two; ``None``: it has everything.
        share: What the release has of the traffic (0 to 1).
        obstacles: Why moving it would do harm, or nothing: one sentence each, with its remedy.
    """

    release: Release
    version: str
    since: datetime | None = None
    trace: Trace | None = None
    arriving: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    beside: Release | None = None
    share: float = 1.0
    obstacles: tuple[str, ...] = ()

    @property
    def split(self) -> Split:
        """Who has what of the traffic, as far as the pointer says it."""
        older = ((self.beside, 1 - self.share),) if self.beside is not None else ()
        return Split.of((*older, (self.release, self.share)))


@dataclass(frozen=True, slots=True)
class Source:
    """The page of a release, in its own prefix: what a move goes to.

    Attributes:
        etag: Of this very content.
        tags: Those of its object.
    """

    release: Release
    key: str
    etag: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A call that changes something, as it is sent, foretold, and written for a person."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    told: str
    by_hand: str


class Layout(Protocol):
    """One way to say which release is live.

    Attributes:
        caches: CloudFront keeps the page under an address that stays the same: it has to be told to fetch it anew.
        swaps_files: A move takes the files of the release before from the addresses at which open pages ask for them.
    """

    caches: bool
    swaps_files: bool

    async def look(self) -> Pointer | Unreadable | None:
        """The pointer, now; ``None``: there is none. May raise `AwsRefused`."""

    def order(self, pointer: Pointer, source: Source, trace: Trace) -> Order:
        """The call that moves *pointer* to *source*, if it is still what it was: a compare-and-set."""

    def trail(self, pointer: Pointer, trace: Trace) -> Order | None:
        """The call that leaves *trace* before the move; ``None``: the move itself leaves it."""

    def unseen(self, move: Move) -> Order:
        """The call that would make *move*, while the pointer cannot be read."""
