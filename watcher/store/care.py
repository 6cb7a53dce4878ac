"""What people do with a store beside the daemon: look at it, upgrade it, copy it. One of each for a kind that outlives its process."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from deploy.model import About, Finding, Level
from watcher.store.schema import Migration


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that was looked at, and what was found."""

    what: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that is on the disk, whole: *size* bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person has to run for a copy; no secret is in it. *words*: where the secret comes from."""

    command: str
    words: str


class Care(Protocol):
    """Each may be done while daemons are at work, unless it says otherwise. All raise `StoreUnavailable` where nobody answers."""

    async def look(self, now: datetime) -> Sequence[Looked]:
        """All that is worth knowing of the database; writes nothing. What is wrong with it is a finding, never an error."""

    async def missing(self) -> Sequence[Migration]:
        """What `migrate` would do; writes nothing. Raises as `migrate` does, but for who is at work."""

    async def migrate(self, now: datetime) -> Sequence[Migration]:
        """Bring the tables up to what this version knows; what was done. Two at once do it once.

        Raises:
            StoreMisplaced: A daemon is at work that could not go on afterwards.
            StoreTooNew: A newer version has upgraded the tables so that this one cannot work on them.
            StoreUnavailable: The tables are not those that this version's migrations make, or a watch cannot be read.
        """

    async def back_up(self, to: Path) -> Copied | ByHand:
        """Copy it to *to*, or say how. Raises StoreMisplaced where *to* is no place for it."""


def ok(what: str, words: str) -> Looked:
    """What is as it should be."""
    return Looked(what, Finding(Level.OK, words, about=About.STORE))


def warn(what: str, words: str, remedy: str) -> Looked:
    """What works, and will not always."""
    return Looked(what, Finding(Level.WARN, words, remedy, about=About.STORE))


def fail(what: str, words: str, remedy: str) -> Looked:
    """What does not work."""
    return Looked(what, Finding(Level.FAIL, words, remedy, about=About.STORE))
