"""A service whose pages are scraped, moved through time by hand."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from rules.model import Indicator, Kind
from rules.sample import Bucket, Reading
from tests.fakes.exposition import answer
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START, Clock, World
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.sampling import Pace
from watcher.signals.scrape.provider import open_scrape

BEAT = timedelta(seconds=10)
Page = str | int  # the text of a page, or a status


@dataclass
class Pages:
    """What each instance says now: its page, or the status that it answers with."""

    base: str
    clock: Clock
    world: World
    provider: Provider
    say: dict[str, Page] = field(default_factory=dict)
    asked: int = 0

    async def beat(self, **say: Page) -> None:
        """Let the instances say this, and go on until the next beat is over."""
        self.say |= say
        await self.clock.advance(
            START + (self.world.now - START) // BEAT * BEAT + BEAT + timedelta(seconds=1)
        )

    async def read(
        self,
        indicator: Indicator,
        *,
        canary: str = "v2",
        baseline: str | None = "v1",
        since: datetime | None = None,
    ) -> Reading:
        end = START + (self.world.now - START) // BEAT * BEAT
        arm = None if baseline is None else {"version": baseline}
        question = Question("q", indicator, {"version": canary}, arm, since)
        return (
            await self.provider.read([question], Window(START - timedelta(hours=1), end, self.world.now))
        )["q"]

    async def buckets(self, indicator: Indicator, **how: Any) -> list[tuple[int, int, Any, Any]]:
        """Seconds from the start, and what was measured."""
        reading = await self.read(indicator, **how)
        assert isinstance(reading, tuple), reading
        return [(_second(b.start), _second(b.end), b.canary, b.baseline) for b in reading[0].buckets]

    def ratio(self, *instances: str, **changes: Any) -> Indicator:
        query = {"counter": "c_total", "where": {"version": "${arm.version}"}, "bad": {"code": "5.."}}
        return self.indicator(Kind.RATIO, *instances, **{**query, **changes})

    def indicator(
        self, kind: Kind, *instances: str, bounds: tuple[float, ...] = (), **query: Any
    ) -> Indicator:
        urls = [f"{self.base}/{instance}" for instance in instances or ("a",)]
        text = json.dumps({"urls": urls, "every": "10s", **query})
        return Indicator("i", kind, "scrape", text, compares_arms="${arm." in text, bounds=bounds)


def _second(at: datetime) -> int:
    return round((at - START).total_seconds())


def bucket_of(reading: Reading) -> Bucket:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets[-1]


@contextlib.asynccontextmanager
async def pages(now: Callable[[], datetime] | None = None) -> AsyncIterator[Pages]:
    """Pages that say nothing yet (404)."""
    world = World()
    clock = Clock(world)
    holder: list[Pages] = []

    async def handle(request: web.Request) -> web.Response:
        holder[0].asked += 1
        said = holder[0].say.get(request.match_info["instance"], 404)
        return web.Response(status=said) if isinstance(said, int) else answer(world, said)

    app = web.Application()
    app.router.add_get("/{instance}", handle)
    async with serving_app(app) as port, http_to_loopback(clock.now) as http:
        opening = Opening(http, clock.now, clock.monotonic)
        async with open_scrape(
            None, opening, Pace(now or clock.now, clock.monotonic, clock.until)
        ) as provider:
            holder.append(Pages(f"http://127.0.0.1:{port}", clock, world, provider))
            yield holder[0]


def counts(good: float, bad: float = 0, version: str = "v2", *, born: float | None = None) -> str:
    """A page with one version's counters; *born* is when its process began, in seconds from the start."""
    page = f'c_total{{version="{version}",code="200"}} {good}\n'
    page += f'c_total{{version="{version}",code="500"}} {bad}\n' if bad else ""
    return page + ("" if born is None else f"process_start_time_seconds {START.timestamp() + born}\n")
