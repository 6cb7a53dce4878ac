"""A provider that is open towards one site of Datadog, and asked as the patrol asks."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Reading
from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Metrics, Site, app_of
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START, World, traffic
from watcher.signals.datadog import Settings, open_datadog
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.telemetry.metrics import Metrics as Telemetry

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
NEW, OLD = {"version": "v2"}, {"version": "v1"}
TAGS = "{env:prod,service:shop,version:${arm.version}}"
RATIO: Mapping[str, Any] = {
    "bad": f"sum:trace.http.request.errors{TAGS}.as_count()",
    "total": f"sum:trace.http.request.hits{TAGS}.as_count()",
}
LATENCY: Mapping[str, Any] = {"distribution": f"trace.http.request{TAGS}", "over": ["300ms", "1s"]}


def a_world(now: float = 12, **changes: Any) -> World:
    """Ten minutes of two releases, of which the new one fails more; *now*: in minutes."""
    log = traffic(3, 10, versions=[("v1", 0.7, 0.02), ("v2", 0.3, 0.3)], every=SECOND / 2)
    return World(**{"log": log, "now": START + now * MINUTE, **changes})


def a_site(world: World | None = None, **changes: Any) -> Site:
    of = world or a_world()
    late = changes.pop("late", timedelta(0))
    return Site(of, Metrics(of, late=late), **changes)


def indicator(
    query: Mapping[str, Any], kind: Kind = Kind.RATIO, name: str = "errors", bounds: tuple[float, ...] = ()
) -> Indicator:
    text = json.dumps(query)
    return Indicator(name, kind, "datadog", text, compares_arms="${arm." in text, bounds=bounds)


@dataclass
class Asking:
    """Someone who asks."""

    provider: Provider
    site: Site
    telemetry: Telemetry
    opening: Opening
    settings: Settings

    @contextlib.asynccontextmanager
    async def beside(self) -> "AsyncIterator[Asking]":
        """By another connection of the same daemon, with the same keys."""
        other = self.settings.model_copy(update={"flush": SECOND})
        async with open_datadog(other, self.opening) as provider:
            yield replace(self, provider=provider, settings=other)

    async def all(
        self,
        *indicators: Indicator,
        start: datetime = START,
        minutes: float = 10,
        canary: Mapping[str, str] = NEW,
        baseline: Mapping[str, str] | None = OLD,
        patience: float = 15,
    ) -> Mapping[str, Reading]:
        window = Window(start, start + minutes * MINUTE, self.site.world.now + patience * SECOND)
        asked = [Question(each.id, each, canary, baseline) for each in indicators]
        return await self.provider.read(asked, window)

    async def one(self, query: Mapping[str, Any] = RATIO, kind: Kind = Kind.RATIO, **more: Any) -> Reading:
        bounds = more.pop("bounds", ())
        return (await self.all(indicator(query, kind, bounds=bounds), **more))["errors"]

    def on(self, minutes: float) -> None:
        """Time goes on."""
        self.site.world.now += minutes * MINUTE


@contextlib.asynccontextmanager
async def asking(site: Site | None = None, **settings: Any) -> AsyncIterator[Asking]:
    """Towards *site*."""
    there = site or a_site()
    telemetry = Telemetry()

    def now() -> datetime:
        return there.world.now

    def monotonic() -> float:
        return (there.world.now - START).total_seconds()

    async with serving_app(app_of(there)) as port, http_to_loopback(now) as http:
        given = {"url": f"http://127.0.0.1:{port}", "api_key": API_KEY, "application_key": APPLICATION_KEY}
        opening = Opening(http, now, monotonic, telemetry, connection="dog")
        made = Settings.model_validate({**given, **settings})
        async with open_datadog(made, opening) as provider:
            yield Asking(provider, there, telemetry, opening, made)


def buckets(reading: Reading, place: int = 0) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[place].buckets


def counts(reading: Reading, place: int = 0) -> list[tuple[int, Counts | None, Counts | None]]:
    """The minute at which each bucket ends, and what is in it."""
    found = []
    for bucket in buckets(reading, place):
        assert isinstance(bucket.canary, Counts | None)
        assert isinstance(bucket.baseline, Counts | None)
        found.append((round((bucket.end - START) / MINUTE), bucket.canary, bucket.baseline))
    return found


def truth(world: World, version: str, minute: int, *, over: float | None = None) -> Counts | None:
    """What happened in the minute that ends at *minute*: those that failed, or were slower than *over*, of all."""
    own = world.between(START + (minute - 1) * MINUTE, START + minute * MINUTE, version=version)
    bad = sum(each.status >= 500 if over is None else each.seconds > over for each in own)
    return Counts(float(bad), float(len(own))) if own else None
