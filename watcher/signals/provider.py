"""A system that samples are read from: what every provider must do.

A fault of the provider is a *value*, for the indicators that it touches and no others; exceptions are bugs.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Reading
from watcher.http import Http
from watcher.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Question:
    """One indicator of one watch, with the names of both arms. ``id`` is unique in a batch."""

    id: str
    indicator: Indicator
    canary: Mapping[str, str]
    baseline: Mapping[str, str] | None
    since: datetime | None = None  # newer than this is not known yet; None: from the window's start


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


@dataclass(frozen=True, slots=True)
class Opening:
    """What a provider is opened with: the daemon's HTTP sessions, its clock, and how it counts its calls."""

    http: Http
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    metrics: Metrics = field(default_factory=Metrics)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of provider, for the registry.

    Attributes:
        settings: Of a connection (``connections:``); None where it needs none.
        query: Of an indicator, as it stands under ``{kind: {provider: query}}``.
        fits: Kinds of indicators that it can answer.
        bucket: Length of a bucket for a query. settle: how long after its end a bucket is final.
        open: Gives the provider, for as long as the context lasts.
        mistake: What a query lacks for the kind of its indicator, and the remedy; for the check of a configuration.
        looks_itself: It knows only what it has seen itself, from when it was first asked; so it is asked about every
            service, always.
    """

    query: type[BaseModel]
    fits: frozenset[IndicatorKind]
    bucket: Callable[[Indicator], timedelta]
    settle: timedelta
    open: Callable[[BaseModel | None, Opening], AbstractAsyncContextManager[Provider]]
    settings: type[BaseModel] | None = None
    mistake: Callable[[Indicator], tuple[str, str] | None] = lambda _indicator: None
    looks_itself: bool = False
