"""A system that samples are read from: what every provider must do.

A fault of the provider is a *value*, for the indicators that it touches and no others; exceptions are bugs.
"""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from deploy.model import Finding
from deploy.ports import Aws, AwsAccount
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Reading
from watcher.core.alerts import Remembered
from watcher.core.change import Beside
from watcher.core.relayed import Relayed
from watcher.http import Http
from watcher.signals.unknown import Unknown
from watcher.telemetry.metrics import Metrics

T = TypeVar("T")
# By the name of who tells them, and what was answered before.
AskAlerts = Callable[[str, Remembered | None], Awaitable[Remembered]]
AskMoved = Callable[
    [tuple[str, str], datetime, datetime], Awaitable[Beside]
]  # beside a service, from when until when
# Of a service in an environment: indicators, buckets that end after one moment and not after another, now.
AskRelayed = Callable[[str, str, Collection[str], datetime, datetime, datetime], Awaitable[Relayed]]


@dataclass(frozen=True, slots=True)
class Question:
    """One indicator of one watch, with the names of both arms. ``id`` is unique in a batch; *of* is the service, with its environment."""

    id: str
    indicator: Indicator
    canary: Mapping[str, str]
    baseline: Mapping[str, str] | None
    since: datetime | None = None  # newer than this is not known yet; None: from the window's start
    of: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """``[start, end)`` on the provider's bucket grid; *deadline* is when an answer is too late."""

    start: datetime
    end: datetime
    deadline: datetime


class Provider(Protocol):
    """One connection to one signal system."""

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """Read all *questions* over *window* in as few calls as the system allows: one reading a question, by its id."""


@runtime_checkable
class Examined(Protocol):
    """A connection that can be looked at before it is needed; for ``rollbackd doctor``."""

    async def examine(self) -> Sequence[Finding]:
        """Is it there, may it be asked, does it hold anything?"""

    async def unknown(self, indicator: Indicator, arm: Mapping[str, str]) -> Unknown | None:
        """What it does not know of what *indicator* asks for, of the release that goes by *arm*; ``None``: all is there."""


@runtime_checkable
class Billed(Protocol):
    """A connection that is paid by what it reads; for ``rollbackd doctor``."""

    def cost(self, indicator: Indicator) -> str | None:
        """What the last reading of *indicator* has cost, in words; ``None``: nobody has read it."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What is asked in one way, of what may be.

    Attributes:
        calls: For one bucket, as compiled.
        of: What the limit is of, as the system calls it; empty where it told of none.
        allowed: How many calls it allows to all who ask; ``None``: it did not tell.
        each: In how long; ``None``: it did not tell.
    """

    calls: int
    of: str = ""
    allowed: int | None = None
    each: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What a system promises itself of what an indicator asks for.

    Attributes:
        words: What it is, and how it stands.
        objectives: Shares that are to be good (0..1), by how long they are to be so, as the system calls it.
    """

    words: str
    objectives: Mapping[str, float]


@runtime_checkable
class Promising(Protocol):
    """A connection whose system has objectives of its own; for ``rollbackd doctor``."""

    async def promise(self, indicator: Indicator) -> Promise | None:
        """What is promised of what *indicator* asks for; ``None``: nothing, or it does not say."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one address of a service came to. *at*: its host; *words*: why it was bad, empty where it was good."""

    at: str
    words: str


@runtime_checkable
class Looking(Protocol):
    """A connection that looks at services itself, and can say of each look what it came to; for ``rollbackd doctor``."""

    def looked(self, question: Question, end: datetime) -> Sequence[Looked]:
        """What was counted for the release of *question*'s canary in the bucket that ends at *end* (UTC); nothing is asked."""


@runtime_checkable
class Metered(Protocol):
    """A connection whose system may limit how often it is asked; for ``rollbackd doctor``."""

    def spends(self, questions: Sequence[Question], window: Window) -> Sequence[Spending]:
        """What *questions* take, all of one bucket, as long as *window*; one for each limit. Nothing is asked, and nothing is kept.

        What cannot be asked (`Invalid`) takes nothing. What is asked once in a while (names) is left out.
        """


@dataclass(frozen=True, slots=True)
class Opening:
    """What a provider is opened with: the daemon's HTTP sessions, its clock, and how it counts its calls.

    Attributes:
        aws: Where an account is configured; *account* is the one that a kind on AWS is opened for.
        relayed: What sidecars told, from the store; ``None`` where there is none to ask.
        alerts: What is remembered of alerts that were pushed, the same.
        moved: What else moved, the same.
        connection: Its name in the configuration, under which its limits are shown.
        until: How a moment is waited for; ``None``: by sleeping.
        _shared: What providers of one daemon share: see `shared`.
    """

    http: Http
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    metrics: Metrics = field(default_factory=Metrics)
    aws: Aws | None = None
    account: AwsAccount | None = None
    relayed: AskRelayed | None = None
    until: Callable[[datetime], Awaitable[None]] | None = None
    alerts: AskAlerts | None = None
    moved: AskMoved | None = None
    connection: str = ""
    _shared: dict[Hashable, Any] = field(default_factory=dict)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """What all who are opened with this opening (or one that was made of it by `replace`) share. Made at the first call."""
        if key not in self._shared:
            self._shared[key] = make()
        found: T = self._shared[key]
        return found


@dataclass(frozen=True, slots=True)
class Pushing:
    """What is special of a kind that asks nobody, because it is told: it may know more than its last bucket at any time.

    Attributes:
        source: Who tells what an indicator asks for, by its name in the configuration.
        decides: What is told may roll back by itself.
        placed: An indicator, once it is known whether its source repeats what it told.
    """

    source: Callable[[Indicator], str]
    decides: Callable[[Indicator], bool]
    placed: Callable[[Indicator, bool], Indicator]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of provider, for the registry.

    Attributes:
        settings: Of a connection (``connections:``); None where it needs none.
        query: Of an indicator, as it stands under ``{kind: {provider: query}}``.
        fits: Kinds of indicators that it can answer.
        bucket: Length of a bucket for a query. settle: how long after its end a bucket is final.
        settles: The same for a query, where it is not always `settle`.
        settles_at: The same for a connection, by its settings, where they tell it.
        account_at: The keys, from the outside in, under which a connection's settings may name an account of AWS.
        open: Gives the provider, for as long as the context lasts.
        mistake: What a query lacks for the kind of its indicator, and the remedy; for the check of a configuration.
        stands_alone: It has settings, and works without a connection too; it is open under its own name then.
        misfit: What a query asks of a connection that does not have it, and the remedy; for the check of a configuration.
        looks_itself: It knows only what it has seen itself, from when it was first asked; so it is asked about every
            service, always.
        on_aws: It is opened once an account, without settings, as `connection_in`. Its query may say ``account: NAME``;
            else the account of the service is meant.
        needs_account: An indicator whose provider is not on AWS itself, but finds there what it asks.
        placed: What an indicator's query says once the account of its service is known: where that is needed.
        unknown: What the system does not know of what an indicator asks for, of a kind on AWS whose silence may be a
            misspelt name; ``None``: all is there. Raises `deploy.errors.AwsRefused`.
        pushed: It asks nobody, because it is told.
        needs_telling: It sees nothing of a service that nobody tells of changes.
    """

    query: type[BaseModel]
    fits: frozenset[IndicatorKind]
    bucket: Callable[[Indicator], timedelta]
    settle: timedelta
    open: Callable[[BaseModel | None, Opening], AbstractAsyncContextManager[Provider]]
    settings: type[BaseModel] | None = None
    settles: Callable[[Indicator], timedelta] | None = None
    settles_at: Callable[[BaseModel | None], timedelta] | None = None
    account_at: tuple[str, ...] = ()
    mistake: Callable[[Indicator], tuple[str, str] | None] = lambda _indicator: None
    stands_alone: bool = False
    misfit: Callable[[Indicator, BaseModel], tuple[str, str] | None] = lambda _indicator, _settings: None
    looks_itself: bool = False
    on_aws: bool = False
    needs_account: Callable[[Indicator], bool] = lambda _indicator: False
    placed: Callable[[Indicator, str | None], Indicator] = lambda indicator, _account: indicator
    unknown: Callable[[Aws, AwsAccount, Indicator], Awaitable[Unknown | None]] | None = None
    pushed: Pushing | None = None
    needs_telling: bool = False

    def settle_of(self, indicator: Indicator) -> timedelta:
        """How long after its end a bucket of *indicator* is final."""
        return self.settle if self.settles is None else self.settles(indicator)

    def at(self, settings: BaseModel | None) -> "Kind":
        """The kind, as a connection with *settings* is of it."""
        return self if self.settles_at is None else replace(self, settle=self.settles_at(settings))


def connection_in(kind: str, account: str) -> str:
    """The name of the connection of a kind on AWS to one account."""
    return f"{kind}@{account}"
