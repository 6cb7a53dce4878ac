"""Smoke suites as a kind of provider: one run a probe."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from watcher.signals.discovery import needs_account, placed
from watcher.signals.probe.check import Reason
from watcher.signals.probe.looking import LATER_FOUND, SPREAD, Way, looking
from watcher.signals.provider import Kind, Opening, Provider
from watcher.signals.sampling import Pace
from watcher.signals.steps.query import Query, Settings, anonymous, misfit, parsed
from watcher.signals.steps.run import Suite

SETTLE = timedelta(seconds=10) + SPREAD


def open_steps(
    settings: BaseModel | None, opening: Opening, pace: Pace | None = None
) -> contextlib.AbstractAsyncContextManager[Provider]:
    """The provider, running suites until it is closed. *pace* is the clock's, unless a test brings its own."""
    held = settings if isinstance(settings, Settings) else None

    def begin(url: str, query: Query, opening: Opening, count: Callable[[Reason], None]) -> Suite:
        return Suite(url, query, held, opening.http, count)

    return looking(Way(parsed, lambda query: query.release, anonymous, begin), opening, pace)


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the beat of the query."""
    return parsed(indicator.query).every


def settle(indicator: Indicator) -> timedelta:
    """How long after its end a bucket is final: once the run that ends it is over."""
    query = parsed(indicator.query)
    return query.patience + SPREAD + (timedelta(0) if query.discover is None else LATER_FOUND)


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.PROBE}),
    bucket=bucket,
    settle=SETTLE,
    settles=settle,
    open=open_steps,
    settings=Settings,
    stands_alone=True,
    misfit=misfit,
    looks_itself=True,
    needs_account=needs_account,
    placed=placed,
)
