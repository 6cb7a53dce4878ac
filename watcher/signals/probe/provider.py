"""Checks over HTTP as a kind of provider: one request a probe."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from watcher.signals.discovery import needs_account, placed
from watcher.signals.probe.check import Check, Reason
from watcher.signals.probe.looking import LATER_FOUND, Probe, Way, looking
from watcher.signals.probe.query import Query, parsed
from watcher.signals.provider import Kind, Opening, Provider
from watcher.signals.sampling import Pace

__all__ = ["KIND", "Probe", "open_probe"]

# A probe that times out with the usual 2 s is done by then. One that may take longer is counted a beat later.
SETTLE = timedelta(milliseconds=2500)
SETTLE_FOUND = SETTLE + LATER_FOUND


def _release(query: Query) -> str | None:
    return None if query.expect.version is None else query.expect.version.equals


def _anonymous(written: dict[str, Any]) -> dict[str, Any]:
    if "version" in written.get("expect", {}):
        written["expect"]["version"]["equals"] = "-"
    return written


def _begin(url: str, query: Query, opening: Opening, count: Callable[[Reason], None]) -> Check:
    return Check(url, query, opening.http, opening.now, count)


WAY = Way(parsed, _release, _anonymous, _begin)


def open_probe(
    _settings: BaseModel | None, opening: Opening, pace: Pace | None = None
) -> contextlib.AbstractAsyncContextManager[Provider]:
    """The provider, probing until it is closed. *pace* is the clock's, unless a test brings its own."""
    return looking(WAY, opening, pace)


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket: the beat of the query."""
    return parsed(indicator.query).every


def settle(indicator: Indicator) -> timedelta:
    """How long after its end a bucket is final."""
    return SETTLE if parsed(indicator.query).discover is None else SETTLE_FOUND


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.PROBE}),
    bucket=bucket,
    settle=SETTLE,
    settles=settle,
    open=open_probe,
    looks_itself=True,
    needs_account=needs_account,
    placed=placed,
)
