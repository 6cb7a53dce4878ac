"""One instance of the small service: a web server that runs one release, and counts what it answers for Prometheus."""

import asyncio
import random

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from watcher.clock import monotonic, now
from watcher.demo.world.behaviour import Behaviour, draw
from watcher.demo.world.files import Weather

BOUNDS = (0.025, 0.05, 0.1, 0.3, 1.0)  # seconds; 300 ms is what the demo's rule looks at
HOST = "127.0.0.1"
OK = 200

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no annotation here


class Instance:
    """One process of the service, on one port. What it runs is fixed; a new release is a new instance."""

    def __init__(self, tag: str, behaviour: Behaviour, chance: random.Random) -> None:
        self.tag = tag
        self.weather = Weather()
        self.behaviour = behaviour
        self._chance = chance
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests", "Requests answered.", ("version", "code"), registry=self._registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "How long it took to answer.",
            ("version",),
            registry=self._registry,
            buckets=BOUNDS,
        )
        started = Gauge("process_start_time_seconds", "When it began.", registry=self._registry)
        started.set(now().timestamp())
        # All exist from the start: a counter that is born with its first failure hides that failure from whoever scrapes.
        for code in ("200", "500", "503"):
            self._requests.labels(tag, code)
        self._seconds.labels(tag)
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0) -> int:
        """Listen; the port that it got."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Finish what is being answered, and stop."""
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def _now(self) -> Behaviour:
        return self.weather.over(self.tag, self.behaviour)

    async def _page(self, _request: web.Request) -> web.Response:
        status, seconds = draw(self._now, self._chance)
        began = monotonic()
        await asyncio.sleep(seconds)
        self._requests.labels(self.tag, str(status)).inc()
        self._seconds.labels(self.tag).observe(monotonic() - began)
        return web.Response(
            status=status, text="hello\n" if status == OK else "sorry\n", headers=self._headers()
        )

    async def _ready(self, _request: web.Request) -> web.Response:
        dead = self._now.dead
        return web.Response(
            status=503 if dead else 200, text="Unhealthy\n" if dead else "Healthy\n", headers=self._headers()
        )

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"content-type": "text/plain; version=0.0.4"}
        )

    def _headers(self) -> dict[str, str]:
        return {"x-release": self.tag}
