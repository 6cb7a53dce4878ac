"""The providers, each told in its own words what happened in one world."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from rules.model import Kind
from rules.sample import Bucket, Counts, Measure
from tests.contract.provider_contract import Life, ProviderContract
from tests.fakes.exposition import answer, page
from tests.fakes.faults import FAULTS
from tests.fakes.world import START, Clock, Happened, World
from watcher.signals.probe.provider import open_probe
from watcher.signals.provider import Opening, Provider
from watcher.signals.sampling import Pace
from watcher.signals.scrape.provider import open_scrape


class TestScrape(ProviderContract):
    kind = "scrape"
    measures = Kind.RATIO

    def query(self, base: str) -> dict[str, Any]:
        return {
            "url": f"{base}/metrics",
            "counter": "http_requests_total",
            "where": {"version": "${arm.version}"},
            "bad": {"code": "5.."},
            "every": "1s",
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        return {**self.query(base), "counter": "http_request_total"}

    def routes(self, world: World) -> Mapping[str, Callable[[web.Request], web.Response]]:
        return {"/metrics": lambda _: answer(world, page(world))}

    def silent(self, world: World) -> None:
        world.log = [replace(each, at=each.at - timedelta(hours=1)) for each in world.log]

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        start, end = life.look(bucket.start), life.look(bucket.end)
        arms = [life.world.between(start, end, version=name) for name in ("v2", "v1")]
        counts = [Counts(float(sum(each.status >= 500 for each in arm)), float(len(arm))) for arm in arms]
        return counts[0], counts[1]

    def open(self, opening: Opening, clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return open_scrape(None, opening, Pace(clock.now, clock.monotonic, clock.until))


class TestProbe(ProviderContract):
    kind = "http"
    measures = Kind.PROBE
    counts_faults = frozenset(FAULTS) | {"refused"}

    def query(self, base: str) -> dict[str, Any]:
        return {
            "url": f"{base}/health",
            "every": "1s",
            "expect": {
                "status": 200,
                "text": "Healthy",
                "version": {"header": "x-release", "equals": "${arm.version}"},
            },
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        query = self.query(base)
        query["expect"]["version"] = {"header": "x-version", "equals": "${arm.version}"}
        return query

    def routes(self, world: World) -> Mapping[str, Callable[[web.Request], web.Response]]:
        return {"/health": lambda _: _health(world)}

    def silent(self, world: World) -> None:
        world.log = [Happened(START - timedelta(hours=1), "v0", 200, 0.1)]

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        last = _last(life.world, life.look(bucket.end))
        counts = Counts(float(last.status != 200), 1.0)
        return (counts, None) if last.version == "v2" else (None, counts)

    def open(self, opening: Opening, clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return open_probe(None, opening, Pace(clock.now, clock.monotonic, clock.until))


def _health(world: World) -> web.Response:
    """Answers as the instance did that answered last."""
    last = _last(world, world.now)
    return web.Response(status=last.status, text="Healthy", headers={"X-Release": last.version})


def _last(world: World, now: datetime) -> Happened:
    return max((each for each in world.log if each.at < now), default=Happened(START, "v0", 200, 0.1))
