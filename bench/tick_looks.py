"""What those are asked in one beat who cannot be asked together: each instance tells of itself alone.

N instances, each of a service of its own, all looked at in one beat, over HTTP on loopback; then N indicators of one instance, which
share its page. Bytes of a question are those of its path and its body. A page of metrics and a health check are one request, a page of a site one for each of its files and one for
itself, a suite one for each of its steps. Of a sidecar: what it tells the daemon in one beat, of N indicators of its own task.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from bench.figure import Figure
from bench.said import Tick, told
from rules.model import Indicator, Kind
from tests.fakes.exposition import answer, page
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.site import files, site_in
from tests.fakes.till import Till, suite
from tests.fakes.world import START, Happened, World
from watcher.core.relayed import MOST_SAMPLES, Counted, Sample
from watcher.runtime.central import Central, Identity
from watcher.runtime.untold import Marked
from watcher.signals.page.provider import open_page
from watcher.signals.probe.provider import open_probe
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.sampling import Pace
from watcher.signals.scrape.provider import open_scrape
from watcher.signals.steps.provider import open_steps

NOW = START + timedelta(minutes=1)
RELEASE = {"version": "v2"}
SIZES = (10, 100, 1_000)
SHARED = (*SIZES, 10_000)  # of those that are told together
AT_ONCE = 20
FEWER = (10, 100)  # of those that make several requests a look
Query = Callable[[str, int], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Looks:
    """How one kind looks.

    Attributes:
        query: What is asked of the instance of a number, at an address.
        requests: The least of one look.
        sizes: So many instances.
    """

    kind: str
    of: Kind
    open: Callable[[None, Opening, Pace], AbstractAsyncContextManager[Provider]]
    query: Query
    requests: int
    sizes: Sequence[int]


@dataclass
class OneBeat:
    """A clock on which there is one beat: all look, so many at once that none has to wait long, and then wait for ever."""

    now: datetime = NOW
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _waited: set[asyncio.Task[Any] | None] = field(default_factory=set)
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _looked: int = 0
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    def monotonic(self) -> float:
        """Seconds since the start."""
        return (self.now - NOW).total_seconds()

    async def until(self, _at: datetime) -> None:
        """The beat. Whoever waits for another has looked, and waits in vain."""
        task = asyncio.current_task()
        if task in self._waited:
            self._room.release()
            async with self._more:
                self._looked += 1
                self._more.notify_all()
            await asyncio.Event().wait()
        self._waited.add(task)
        await self.came.wait()
        await self._room.acquire()

    async def beat(self, looks: int) -> None:
        """Until so many have looked."""
        self.now += timedelta(minutes=1)
        self.came.set()
        async with asyncio.timeout(60), self._more:
            await self._more.wait_for(lambda: self._looked >= looks)


def figures() -> list[Figure]:
    """All who look, and what a sidecar tells."""
    found = []
    for looks in LOOKS:
        for size in looks.sizes:
            tick = asyncio.run(_looked(looks, [looks.query] * size))
            found += told(looks.kind, "a beat", f"{size:,} instances", looks.requests * size, tick)
    for size in SHARED:
        tick = asyncio.run(_looked(LOOKS[0], [_counter] * size, instances=1))
        found += told("scrape", "a beat", f"{size:,} ratios of one instance", 1, tick)
    for size in SHARED:
        least = ceil(size / MOST_SAMPLES)
        found += told(
            "relay", "a beat", f"{size:,} ratios of one sidecar", least, asyncio.run(_relayed(size))
        )
    return found


async def _looked(looks: Looks, queries: Sequence[Query], instances: int | None = None) -> Tick:
    clock, asked, answered = OneBeat(), list[int](), list[int]()

    @web.middleware
    async def counted(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        asked.append(len(request.path_qs) + len(await request.read()))
        response = await handler(request)
        answered.append(
            len(response.body)
            if isinstance(response, web.Response) and isinstance(response.body, bytes)
            else 0
        )
        return response

    app = _service()
    app.middlewares.append(counted)
    async with serving_app(app) as port, http_to_loopback(lambda: clock.now) as http:
        opening = Opening(http, lambda: clock.now, clock.monotonic)
        pace = Pace(lambda: clock.now, clock.monotonic, clock.until)
        async with looks.open(None, opening, pace) as provider:
            questions = [
                Question(
                    f"w/{number}", _indicator(looks, query(f"http://127.0.0.1:{port}", number)), RELEASE, None
                )
                for number, query in enumerate(queries)
            ]
            await provider.read(questions, Window(START, NOW, NOW))
            await clock.beat(instances or len(queries))
    return Tick(asked, answered)


def _service() -> web.Application:
    """An instance, which is well and answers in all ways: its page of metrics, its health, a shop, a site."""
    versions = ("v1", "v2")
    log = [Happened(START + timedelta(seconds=at), each, 200, 0.1) for at in range(30) for each in versions]
    world = World(log, now=NOW)
    site = site_in(world)

    async def metrics(_request: web.Request) -> web.Response:
        return answer(world, page(world))

    async def health(_request: web.Request) -> web.Response:
        return web.Response(text="Healthy")

    async def file(request: web.Request) -> web.Response:
        return site(request)

    app = Till(world).app()
    app.router.add_get("/{number}/metrics", metrics)
    app.router.add_get("/{number}/health", health)
    app.router.add_get("/{number}/site", file)
    app.router.add_get("/app/{file}", file)
    return app


def _indicator(looks: Looks, query: Mapping[str, Any]) -> Indicator:
    return Indicator("errors", looks.of, looks.kind, json.dumps(query, sort_keys=True))


def _page(base: str, number: int) -> Mapping[str, Any]:
    return {"url": f"{base}/{number}/metrics", "counter": "http_requests_total", "bad": {"code": "5.."}}


def _counter(base: str, number: int) -> Mapping[str, Any]:
    """One of many on the same page."""
    return {**_page(base, 0), "where": {"path": f"/{number}"}}


def _health(base: str, number: int) -> Mapping[str, Any]:
    return {"url": f"{base}/{number}/health"}


def _steps(base: str, number: int) -> Mapping[str, Any]:
    """Another suite for each, which all go to the one shop."""
    told = suite(f"{base}/")
    return {
        **told,
        "steps": [
            {**each, "headers": {"X-Suite": str(number), **each.get("headers", {})}}
            for each in _steps_of(told)
        ],
    }


def _steps_of(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    steps: Sequence[Mapping[str, Any]] = told["steps"]
    return steps


def _site(base: str, number: int) -> Mapping[str, Any]:
    return {"url": f"{base}/{number}/site", "expect": {"assets": "all"}}


LOOKS = (
    Looks("scrape", Kind.RATIO, open_scrape, _page, 1, SIZES),
    Looks("http", Kind.PROBE, open_probe, _health, 1, SIZES),
    Looks("steps", Kind.PROBE, open_steps, _steps, len(_steps_of(suite("http://127.0.0.1/"))), FEWER),
    Looks("page", Kind.PROBE, open_page, _site, 1 + len(files("v2")), FEWER),
)


# ------------------------------------------------------------------------------------------------------------ a sidecar


async def _relayed(size: int) -> Tick:
    """A bucket of each of *size* indicators, told by one sidecar as it tells them: so many in one telling."""
    asked, answered = list[int](), list[int]()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        asked.append(len(body))
        taken = web.json_response({"new": len(json.loads(body)["samples"]), "known": 0})
        answered.append(len(taken.body) if isinstance(taken.body, bytes) else 0)
        return taken

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    who = Identity("0f2b1c3d4e5f60718293a4b5c6d7e8f9", "r_1", {"version": "v2", "task_definition": "web:2"})
    samples = [
        Marked(Sample(f"errors-{nth}", START, START + timedelta(seconds=10), (Counted(1, 300),)), "0" * 16)
        for nth in range(size)
    ]
    async with serving_app(app) as port, http_to_loopback(lambda: NOW) as http:
        central = Central(f"http://127.0.0.1:{port}", SecretStr("x" * 43), http)
        for first in range(0, size, MOST_SAMPLES):
            some = samples[first : first + MOST_SAMPLES]
            await central.tell(("checkout", "production"), who, some, {}, NOW)
    return Tick(asked, answered)
