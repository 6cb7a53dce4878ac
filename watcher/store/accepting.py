"""How everybody writes down what arrived, before whoever sent it is told so: the HTTP door, and the loop that asks feeds."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from deploy.model import Announcement
from watcher.core.watch import Closing
from watcher.store.store import Accepted, Store

MOST_KEPT = 64 * 1024  # bytes of what arrived, for people to look at: what the HTTP door lets in at most


@dataclass(frozen=True, slots=True)
class Turned:
    """It is not to be resolved, and why: recorded as understood and of no concern, or rejected."""

    state: Literal["recorded", "rejected"]
    why: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived, and what it means.

    Attributes:
        source: The source's name.
        body: As it came.
        principal: Who sent it.
        said: ``None``: it could not be read.
        turned: Where it goes no further than the inbox.
        once: What is written down once for all that is called so; its bytes, where nothing is said.
    """

    source: str
    body: bytes
    principal: str
    said: Announcement | None
    turned: Turned | None = None
    once: str = ""

    @property
    def key(self) -> str:
        """By what it is known when it comes again, as its source says. What is turned away does not use a key up."""
        if self.said is not None and self.turned is None:
            return self.said.dedup_key
        return f"{self.principal}:refused:{self.once or hashlib.sha256(self.body).hexdigest()}"


async def accept(store: Store, id: str, arrival: Arrival, now: datetime) -> Accepted:
    """Write *arrival* down under *id*, once. Raises what `Store` raises."""
    turned = arrival.turned
    return await store.accept(
        id,
        arrival.said,
        arrival.body[:MOST_KEPT],
        arrival.principal,
        now,
        (arrival.source, arrival.key),
        Closing(id, turned.state, turned.why) if turned else None,
    )


def result_of(arrival: Arrival, accepted: Accepted) -> str:
    """What became of it, for the metric."""
    if accepted.conflict and not arrival.once:
        return "conflict"
    if accepted.duplicate:
        return "duplicate"
    return arrival.turned.state if arrival.turned else "accepted"
