"""The providers, each told in its own words what happened in one world."""

import asyncio
import contextlib
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Measure, Reading
from tests.contract.provider_contract import Life, ProviderContract
from tests.fakes.exposition import answer, page
from tests.fakes.faults import FAULTS
from tests.fakes.prometheus.gate import Gate, before
from tests.fakes.prometheus.real import Samples, filled
from tests.fakes.world import SECOND, START, Clock, Happened, World
from watcher.signals import prometheus
from watcher.signals.probe.provider import open_probe
from watcher.signals.provider import Opening, Provider, Question, Window
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


class TestPrometheus(ProviderContract):
    """A real server that has scraped the world four times a second, before the provider asks it of that time."""

    kind = "prometheus"
    measures = Kind.RATIO
    _patient = ""  # the address of the one that answers: the others are waited for a moment only

    def query(self, base: str) -> dict[str, Any]:
        """With the address, which `ByAddress` takes out: a connection has it elsewhere."""
        return {
            "url": base,
            "counter": "http_requests_total",
            "where": {"version": "${arm.version}"},
            "bad": {"code": "5.."},
            "bucket": "1s",
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        return {**self.query(base), "counter": "http_request_total"}

    def indicator(self, base: str, name: str = "errors", query: dict[str, Any] | None = None) -> Indicator:
        written = dict(self.query(base) if query is None else query)
        url = written.pop("url")
        return replace(super().indicator(base, name, written), connection=url)

    def silent(self, world: World) -> None:
        world.log = [replace(each, at=each.at - timedelta(hours=1)) for each in world.log]

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        arms = [life.world.between(bucket.start, bucket.end, version=name) for name in ("v2", "v1")]
        counts = [Counts(float(sum(each.status >= 500 for each in arm)), float(len(arm))) for arm in arms]
        return counts[0], counts[1]

    def open(self, opening: Opening, _clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return by_address(opening, self._patient)

    @contextlib.asynccontextmanager
    async def living(self, world: World) -> AsyncIterator[Life]:
        calls: list[datetime] = []

        def came(_form: Mapping[str, str]) -> None:
            calls.append(world.now)

        with tempfile.TemporaryDirectory() as folder:
            async with (
                filled(scraped(world), Path(folder)) as real,
                before(Gate(came), real) as url,
            ):
                self._patient = url
                async with self.alone(world, url) as life:
                    life.calls = calls
                    yield life

    @contextlib.asynccontextmanager
    async def alone(self, world: World, base: str) -> AsyncIterator[Life]:
        async with super().alone(world, base) as life:
            life.settle = timedelta(0)  # all was scraped before it is asked
            yield life


@dataclass
class ByAddress:
    """A provider that has a connection to each address that it is asked about."""

    opening: Opening
    patient: str
    stack: contextlib.AsyncExitStack
    opened: dict[str, Provider] = field(default_factory=dict)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        by_url: dict[str, list[Question]] = {}
        for question in questions:
            by_url.setdefault(question.indicator.connection or "", []).append(question)
        answers = await asyncio.gather(
            *[(await self._at(url)).read(asked, self._window(url, window)) for url, asked in by_url.items()]
        )
        return {name: reading for answer in answers for name, reading in answer.items()}

    def _window(self, url: str, window: Window) -> Window:
        return window if url == self.patient else replace(window, deadline=self.opening.now() + SECOND * 0.8)

    async def _at(self, url: str) -> Provider:
        if url not in self.opened:
            base, _, token = url.partition("?token=")
            secret = {"bearer": token} if token else {}
            settings = prometheus.Settings.model_validate(
                {"url": base, "scrape_interval": "250ms", "settle": "0s", **secret}
            )
            self.opened[url] = await self.stack.enter_async_context(
                prometheus.open_prometheus(settings, self.opening)
            )
        return self.opened[url]


@contextlib.asynccontextmanager
async def by_address(opening: Opening, patient: str) -> AsyncIterator[Provider]:
    async with contextlib.AsyncExitStack() as stack:
        yield ByAddress(opening, patient, stack)


def scraped(world: World, every: timedelta = SECOND / 4) -> Samples:
    """What a server has that looked at the world's page so often, up to the end of its log."""
    samples, counted = Samples(), Counter[tuple[str, str]]()
    log = sorted(world.log)
    at, end = min(log[0].at, START) - 4 * every, max(log[-1].at, START + timedelta(minutes=1.5))
    at, place = at.replace(microsecond=0), 0
    while at <= end + every:  # the last request is in what is scraped after it
        while place < len(log) and log[place].at < at:
            counted[log[place].version, str(log[place].status)] += 1
            place += 1
        if at >= START - timedelta(minutes=2):
            for (version, code), many in counted.items():
                samples.add("http_requests_total", {"version": version, "code": code}, at, float(many))
        at += every
    return samples


def _health(world: World) -> web.Response:
    """Answers as the instance did that answered last."""
    last = _last(world, world.now)
    return web.Response(status=last.status, text="Healthy", headers={"X-Release": last.version})


def _last(world: World, now: datetime) -> Happened:
    return max((each for each in world.log if each.at < now), default=Happened(START, "v0", 200, 0.1))
