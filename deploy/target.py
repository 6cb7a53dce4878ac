"""A system that a tag is put back on.

Every operation takes at most 7 s and none waits for a platform to finish: whoever calls looks again later. Nothing is
raised for what a platform says; exceptions are bugs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from deploy.model import (
    Beginning,
    Finding,
    Foretold,
    Gone,
    Live,
    Move,
    Pause,
    Progress,
    Recalled,
    Release,
    Shift,
    Standing,
    Unreadable,
    Word,
)
from deploy.ports import AwsAccount, Need, World

CALL_TIMEOUT = timedelta(seconds=7)  # below the lease margin: operations.md, 2.7


class Target(Protocol):
    """One part of one service in one environment, on its platform."""

    part: str

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* (``tag``, ``fingerprint``, ``version``...) mean; with no hints, what is coming or live."""

    async def observe(self) -> Live | Unreadable:
        """What runs now. Reads only."""

    async def begin(self, move: Move, key: str) -> Beginning:
        """Ask the platform to serve ``move.to``, and do not wait for it.

        At most one call that moves. Doing this twice with one *key* is harmless; a move that needs several calls says so by
        its `progress` (`deploy.model.Unfinished`), and is begun again.
        """

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        """How far the move is. Reads only."""

    async def foretell(self, move: Move) -> Foretold:
        """What `begin` would do. Reads only."""


@runtime_checkable
class Keeper(Protocol):
    """A target whose platform remembers releases, and keeps marks on them: so a store that is lost loses nothing that matters."""

    async def recall(self, now: datetime) -> Recalled | Unreadable:
        """What the platform remembers, and what our marks say. Reads only; may take 60 s, and is asked once."""

    async def mark(self, standings: Sequence[Standing]) -> str:
        """Write how releases stand onto the platform, where that differs; what could not be written, or nothing.

        Harmless when repeated. Called with rights to act, so never in shadow.
        """


@runtime_checkable
class Examined(Protocol):
    """A target of which there is more to be said before it is needed than what is live, and what a move would do."""

    async def examine(self) -> Sequence[Finding]:
        """What was found, for ``rollbackd doctor``. Reads only; may take 15 s."""


@dataclass(frozen=True, slots=True)
class AtHook:
    """Where a platform stops each rollout until it is answered.

    Attributes:
        stage: As the platform calls it.
        within: For how long it waits.
        goes_back: What it does then: go back; else it goes on, or stops half done, as *otherwise* says.
        otherwise: In words.
    """

    stage: str
    within: timedelta
    goes_back: bool
    otherwise: str


@dataclass(frozen=True, slots=True)
class Waits:
    """For how long a platform waits, by its own settings.

    Attributes:
        hooks: Where it waits for a word.
        keeps: For how long what served stands beside the new release once that has all the traffic, so that the way back takes
            seconds; ``None``: nothing is kept, or nobody says for how long.
    """

    hooks: tuple[AtHook, ...] = ()
    keeps: timedelta | None = None


@runtime_checkable
class Waiting(Protocol):
    """A target whose platform waits by itself: so that its times can be held against those of the watch before they matter."""

    async def waits(self) -> Waits | Unreadable:
        """For how long. Reads only; may take 7 s."""


@runtime_checkable
class Owning(Protocol):
    """A target whose platform itself moves rules or listeners of a balancer: nobody else may."""

    async def owns(self) -> Sequence[str] | Unreadable:
        """Their ARNs; a listener stands for its rules too. Reads only; may take 7 s."""


@runtime_checkable
class Hooked(Protocol):
    """A target whose platform stops a rollout at hooks (`Live.pause`) until it is told how to go on."""

    async def answer(self, pause: Pause, word: Word, key: str) -> Beginning:
        """Say *word* to the rollout that waits at *pause*. At most one call that changes anything.

        ``AlreadyThere``: that pause was answered already, or nothing waits there any more. Doing this twice is harmless.
        What breaks a rollout off while it waits is `Target.begin`, as anywhere; and there an own way back that waits at a
        hook is let go on (``Unfinished`` from `Target.progress` asks for it).
        """


@runtime_checkable
class Staged(Protocol):
    """A target whose traffic the daemon itself can share out between two releases."""

    async def shift(self, shift: Shift, key: str) -> Beginning:
        """Ask the platform to share the traffic out so. At most one call that moves; doing this twice with one *key* is harmless.

        One that needs several calls says so by `shifted` (``Unfinished``), and is asked again.

        ``Refused`` with ``third_tag`` where others than the two releases of *shift* have traffic, or *after* has another share
        than it expects.
        """

    async def shifted(self, shift: Shift, key: str) -> Progress | Unreadable:
        """How far that is; ``Serving`` once the traffic is shared out so. Reads only."""


@runtime_checkable
class StandingBy(Protocol):
    """A target on which a release can stand ready beside what serves, without traffic, and is known by its name there."""

    async def stands_by(self, hints: Mapping[str, str]) -> Release | Unreadable | Gone:
        """The release that *hints* mean, whether it has traffic or not. Reads only.

        ``Gone``: the platform has none such. `Target.resolve` knows only what has traffic, or had: what was announced and is
        not there yet is waited for.
        """

    async def unready(self, release: Release) -> str | Unreadable:
        """Why *release* should not be given traffic yet, by what its platform says of it; empty: it is ready. Reads only."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose target it is: one part of one service in one environment, and the account of AWS that it is in, if it is in one."""

    service: str
    environment: str
    part: str
    account: AwsAccount | None = None


def nowhere(_settings: BaseModel, _account: AwsAccount | None) -> tuple[str, ...]:
    """News of it comes by its name alone."""
    return ()


def needs_nothing(_settings: BaseModel, _account: AwsAccount, _release: Release) -> tuple[Need, ...]:
    """It acts without permissions of AWS."""
    return ()


S = TypeVar("S", bound=BaseModel)


def anywhere(_settings: BaseModel, _account: AwsAccount) -> None:
    """Any account will do."""


def movable(_settings: BaseModel) -> None:
    """It can be moved, for all that its settings say."""


def unstaged(_settings: BaseModel) -> tuple[str, str]:
    """Its traffic is its platform's to move."""
    return (
        "rollbackd cannot share out its traffic",
        "remove `stages`; where its platform has stages, it moves on by itself",
    )


BY_REFERENCE = "parameters and secrets that are read by reference, flags"
WRITTEN = "migrations, and what was written meanwhile (rows, messages, files)"


def leaves(_settings: BaseModel) -> str:
    """What no deployment puts back."""
    return f"{BY_REFERENCE}, {WRITTEN}"


def moves_all(_settings: BaseModel) -> bool:
    """Whoever comes after a move gets what it has brought."""
    return False


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of target, for the registry.

    Attributes:
        settings: What may stand under ``runs_on: [{kind: settings}]``.
        open: Gives the target. Touches nothing yet, and raises nothing for settings that were validated.
        on_aws: It needs `account:`, and so `Place.account` and `World.aws` are there.
        addresses: By which news from its platform are recognised (see `deploy.source.Directory`).
        misplaced: Why it cannot be in that account, and the remedy: what its settings say is elsewhere.
        needs: The permissions without which it could not put a release back.
        immovable: Why it can be watched and never be put back, as its settings are, and the remedy.
        unstaged: Why its traffic is not to be shared out by the daemon, and the remedy; ``None``: its target is `Staged`.
        not_undone: What a move to an older release leaves as the newer one has made it: one line, for a plan.
        hooked: Its target is `Hooked`.
        stands_by: Its target is `StandingBy`.
        lingers: Who has a release keeps it for long after the traffic has moved: a page that is open, a session that stays.
        least_share: The smallest step of a share (0..1) that its platform knows; a stage is a multiple of it.
    """

    settings: type[S]
    open: Callable[[S, Place, World], Target]
    on_aws: bool = False
    addresses: Callable[[S, AwsAccount | None], tuple[str, ...]] = nowhere
    misplaced: Callable[[S, AwsAccount], tuple[str, str] | None] = anywhere
    needs: Callable[[S, AwsAccount, Release], tuple[Need, ...]] = needs_nothing
    immovable: Callable[[S], tuple[str, str] | None] = movable
    unstaged: Callable[[S], tuple[str, str] | None] = unstaged
    not_undone: Callable[[S], str] = leaves
    hooked: bool = False
    stands_by: bool = False
    lingers: Callable[[S], bool] = moves_all
    least_share: float = 0.001


# What an announcement may hint at besides names.
HINTS = frozenset({"tag", "fingerprint", "part", "author", "reversible", "deployment"})


def with_hints(release: Release, hints: Mapping[str, str]) -> Release:
    """*release* with what only its announcement knows: more names, and that it cannot be undone.

    What the platform says of a name wins; a floor once laid stays.
    """
    names = {name: value for name, value in hints.items() if name not in HINTS} | dict(release.names)
    return replace(release, names=names, reversible=release.reversible and hints.get("reversible") != "false")
