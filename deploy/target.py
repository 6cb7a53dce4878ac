"""A system that a tag is put back on.

Every operation takes at most 7 s and none waits for a platform to finish: whoever calls looks again later. Nothing is
raised for what a platform says; exceptions are bugs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from deploy.model import Beginning, Foretold, Live, Move, Progress, Release, Unreadable
from deploy.ports import World

CALL_TIMEOUT = timedelta(seconds=7)  # below the lease margin: operations.md, 2.7


class Target(Protocol):
    """One part of one service in one environment, on its platform."""

    part: str

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        """The release that *hints* (``tag``, ``fingerprint``, ``version``...) mean; with no hints, what is coming or live."""

    async def observe(self) -> Live | Unreadable:
        """What runs now. Reads only."""

    async def begin(self, move: Move, key: str) -> Beginning:
        """Ask the platform to serve ``move.to``, and do not wait for it.

        At most one call that changes anything. Doing this twice with one *key* is harmless.
        """

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do. Reads only."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose target it is: one part of one service in one environment."""

    service: str
    environment: str
    part: str


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of target, for the registry.

    Attributes:
        settings: What may stand under ``runs_on: [{kind: settings}]``.
        open: Gives the target. Touches nothing yet, and raises nothing for settings that were validated.
    """

    settings: type[S]
    open: Callable[[S, Place, World], Target]


# What an announcement may hint at besides names.
HINTS = frozenset({"tag", "fingerprint", "part", "author", "reversible"})


def with_hints(release: Release, hints: Mapping[str, str]) -> Release:
    """*release* with what only its announcement knows: more names, and that it cannot be undone.

    What the platform says of a name wins; a floor once laid stays.
    """
    names = {name: value for name, value in hints.items() if name not in HINTS} | dict(release.names)
    return replace(release, names=names, reversible=release.reversible and hints.get("reversible") != "false")
