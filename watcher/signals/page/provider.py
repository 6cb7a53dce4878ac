"""The white-screen check as a kind of provider: one visit a probe."""

import contextlib
from collections.abc import Callable
from datetime import timedelta

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from watcher.signals.discovery import needs_account, placed
from watcher.signals.page.query import Query, anonymous, parsed
from watcher.signals.page.visit import Page
from watcher.signals.probe.check import Reason
from watcher.signals.probe.looking import LATER_FOUND, SPREAD, Way, looking
from watcher.signals.provider import Kind, Opening, Provider
from watcher.signals.sampling import Pace

SETTLE = timedelta(seconds=10) + SPREAD


def _begin(url: str, query: Query, opening: Opening, count: Callable[[Reason], None]) -> Page:
    return Page(url, query, opening.http, count)


WAY = Way(parsed, lambda query: query.release, anonymous, _begin)


def open_page(
    _settings: BaseModel | None, opening: Opening, pace: Pace | None = None
) -> contextlib.AbstractAsyncContextManager[Provider]:
    """The provider, visiting until it is closed. *pace* is the clock's, unless a test brings its own."""
    return looking(WAY, opening, pace)


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the beat of the query."""
    return parsed(indicator.query).every


def settle(indicator: Indicator) -> timedelta:
    """How long after its end a bucket is final: once the visit that ends it is over."""
    query = parsed(indicator.query)
    return query.patience + SPREAD + (timedelta(0) if query.discover is None else LATER_FOUND)


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.PROBE}),
    bucket=bucket,
    settle=SETTLE,
    settles=settle,
    open=open_page,
    looks_itself=True,
    needs_account=needs_account,
    placed=placed,
)
