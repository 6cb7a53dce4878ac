"""A provider that is open towards a server, and asked as the patrol asks."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Reading
from tests.fakes.serve import http_to_loopback
from watcher.signals.prometheus import Settings, open_prometheus
from watcher.signals.provider import Opening, Provider, Question, Window

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
NEW, OLD = {"version": "v2"}, {"version": "v1"}
RATIO: Mapping[str, Any] = {
    "counter": "http_requests_total",
    "where": {"service": "shop", "version": "${arm.version}"},
    "bad": {"code": "5.."},
}


def indicator(
    query: Mapping[str, Any], kind: Kind = Kind.RATIO, name: str = "errors", bounds: tuple[float, ...] = ()
) -> Indicator:
    text = json.dumps(query)
    return Indicator(name, kind, "prometheus", text, compares_arms="${arm." in text, bounds=bounds)


class Asking:
    """Someone who asks, at a time that goes on when it is told to."""

    def __init__(self, provider: Provider, now: list[datetime]) -> None:
        self.provider = provider
        self.now = now

    async def all(
        self,
        *indicators: Indicator,
        start: datetime = NOON,
        minutes: float = 10,
        since: datetime | None = None,
        canary: Mapping[str, str] = NEW,
        baseline: Mapping[str, str] | None = OLD,
    ) -> Mapping[str, Reading]:
        window = Window(start, start + minutes * MINUTE, self.now[0] + 6 * SECOND)
        asked = [Question(each.id, each, canary, baseline, since) for each in indicators]
        return await self.provider.read(asked, window)

    async def one(self, query: Mapping[str, Any], kind: Kind = Kind.RATIO, **more: Any) -> Reading:
        bounds = more.pop("bounds", ())
        return (await self.all(indicator(query, kind, bounds=bounds), **more))["errors"]


@contextlib.asynccontextmanager
async def asking(
    url: str, *, now: datetime | None = None, aws: Any = None, **settings: Any
) -> AsyncIterator[Asking]:
    """Towards the server at *url*."""
    time = [now or NOON + 30 * MINUTE]

    def now_is() -> datetime:
        return time[0]

    def monotonic() -> float:
        return (time[0] - NOON).total_seconds()

    async with http_to_loopback(now_is) as http:
        opening = Opening(http, now_is, monotonic, aws=aws)
        given = Settings.model_validate({"url": url, **settings})
        async with open_prometheus(given, opening) as provider:
            yield Asking(provider, time)


def buckets(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


def canary(reading: Reading) -> list[tuple[int, float, float]]:
    """Of the new release: minute of the bucket's end, bad, total."""
    return [
        (int((bucket.end - NOON) / MINUTE), bucket.canary.bad, bucket.canary.total)
        for bucket in buckets(reading)
        if isinstance(bucket.canary, Counts)
    ]
