"""All that the API needs of the daemon, given by the app. It reads no configuration, no clock and no environment."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from deploy.model import Foretold, Gone, RollbackPlan, Unreadable
from deploy.rollout import Beside
from deploy.source import Aside, Received, Source
from watcher.api.auth import Token
from watcher.api.limits import Limits
from watcher.core.facts import Facts
from watcher.core.service import Service
from watcher.core.watch import Watch
from watcher.signals.alert.pushed import Meaning
from watcher.signals.alert.senders.sender import Unproven
from watcher.store.besides import AskFires, Deaf, never_deaf, nothing_fires
from watcher.store.gates import Gates
from watcher.store.store import Store


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is, as its loops say.

    Attributes:
        beat_age: How long ago the slowest loop went round.
        store_age: How long ago the store was last seen to write and read; ``None``: never.
        draining: It is about to end: it finishes what it has in hand.
        words: What is not well, for people.
    """

    beat_age: timedelta
    store_age: timedelta | None
    draining: bool = False
    words: tuple[str, ...] = ()


def _uncounted(_route: str, _method: str, _status: int, _seconds: float) -> None:
    """Nobody counts."""


def _unsummed(_samples: Mapping[str, int]) -> None:
    """Nobody counts."""


def _unheard(_source: str, _result: str, _seconds: float) -> None:
    """Nobody counts."""


async def _unwanted(_aside: Aside, _now: datetime) -> str | None:
    """Nobody wants it."""
    return None


def _unawake() -> None:
    """Nobody is there."""


class Hearing(Protocol):
    """A connection to a system that people click in."""

    def believes(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> bool:
        """It is signed by that system, just now."""

    async def hear(self, headers: Mapping[str, str], raw: bytes, now: datetime) -> None:
        """Take what was clicked, and wait for what comes of it as long as that system does."""


class Alerted(Protocol):
    """Where alerts arrive that are pushed."""

    async def hear(self, name: str, received: Received) -> Meaning | Unproven:
        """Take what came for the sender of that name, if it is that system's. Durable when it returns."""

    def kinds(self) -> Mapping[str, str]:
        """The kinds of all who may be heard, by name."""


@dataclass(frozen=True, slots=True)
class Deps:
    """What the handlers work with. What a reload may swap is asked for anew at each request.

    Attributes:
        sources: Those that are told over HTTP, by their names; ``POST /v1/deployments`` is read by ``http``.
        facts_for: What a step of a watch needs to know: its way back, whether it is armed, where its people are told.
        foretell: What a rollback plan would do, by part, as the service's targets say.
        beside: The release that hints (``tag``, ``fingerprint``) mean, which stands beside what serves of a service, and what runs.
        wake_listener: The inbox has something new.
        wake_doorkeeper: A platform holds a deployment until it is answered.
        wake_performer: A step was saved: its actions and messages are there.
        metrics: The page, in the text format of Prometheus.
        monotonic: Seconds, for how long a request took.
        counted: Told after each request: route, method, status, seconds.
        ears: Connections that people click in, by their names.
        relayed: Told after each telling of a sidecar: how many of its samples were new, known, late or unasked for.
        alerts: Where alerts arrive that are pushed; ``None``: nowhere.
        heard: Told after each announcement: source, result, seconds until it was written down.
        deaf: Which sources, that are asked in a loop, do not answer.
        fires: Which alerts fire that rules of a watch mean.
        asides: Takes what a source told that is no deployment, keeps what of it is a change, and says what was made of it.
    """

    store: Store
    services: Callable[[], Mapping[tuple[str, str], Service]]
    tokens: Callable[[], Sequence[Token]]
    sources: Callable[[], Mapping[str, Source]]
    facts_for: Callable[[Watch], Awaitable[Facts]]
    foretell: Callable[[RollbackPlan], Awaitable[Mapping[str, Foretold]]]
    beside: Callable[[Service, Mapping[str, str]], Awaitable[Beside | Unreadable | Gone]]
    wake_listener: Callable[[], None]
    wake_performer: Callable[[], None]
    metrics: Callable[[], bytes]
    status: Callable[[], Status]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    new_id: Callable[[str, datetime], str]
    counted: Callable[[str, str, int, float], None] = _uncounted
    heard: Callable[[str, str, float], None] = _unheard
    wake_doorkeeper: Callable[[], None] = _unawake
    limits: Limits = field(default=Limits())
    ears: Callable[[], Mapping[str, Hearing]] = dict
    alerts: Alerted | None = None
    relayed: Callable[[Mapping[str, int]], None] = _unsummed
    deaf: Deaf = never_deaf
    fires: AskFires = nothing_fires
    asides: Callable[[Aside, datetime], Awaitable[str | None]] = _unwanted

    @property
    def gates(self) -> Gates:
        """What may be deployed."""
        return Gates(self.store, self.services, self.new_id)
