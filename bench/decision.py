"""How long it takes from the bucket that decides to the call that moves the target, with a real daemon.

Twenty services, one after the other, get a release of which one request in five fails. Their pages are scraped every
second, nothing is counted down; the program that moves says when it was called. When the daemon has ended, its store
says which bucket was the last that was judged, and when it was decided.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from bench import world
from bench.figure import Figure
from bench.process import free_port, running
from watcher.clock import monotonic, now
from watcher.core.watch import Watch
from watcher.signals.scrape import KIND
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening

SERVICES = [f"service-{number}" for number in range(20)]
APART = 1.5  # seconds between two deployments
PATIENCE = 60.0  # seconds for the last of them to be moved back
A_SECOND = 100.0  # requests of a service
FAILING = {world.GOOD: 0.001, world.BAD: 0.2}


@dataclass
class Page:
    """The metrics of one service. While the new release runs, the old one serves half of the requests beside it."""

    folder: Path
    counted_at: float
    counts: dict[tuple[str, str], float] = field(default_factory=dict)

    def text(self) -> str:
        """The page as it is now."""
        self._count(monotonic())
        lines = [
            f'http_requests_total{{version="{version}",code="{code}"}} {int(number)}'
            for (version, code), number in sorted(self.counts.items())
        ]
        return "\n".join(["# TYPE http_requests_total counter", *lines, ""])

    def _count(self, at: float) -> None:
        requests, self.counted_at = (at - self.counted_at) * A_SECOND, at
        serve = {world.GOOD, (self.folder / "current").read_text(encoding="ascii").strip()}
        for version in serve & FAILING.keys():
            bad = FAILING[version]
            for code, share in (("200", 1 - bad), ("500", bad)):
                key = (version, code)
                self.counts[key] = self.counts.get(key, 0.0) + requests / len(serve) * share


def figures() -> list[Figure]:
    """Deploy, wait until all are moved back, and read the store."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        asyncio.run(_play(folder))
        return asyncio.run(_measured(folder))


async def _play(folder: Path) -> None:
    async with _serving(folder) as pages:
        port = free_port()
        world.build(
            folder,
            port,
            {service: {"page": f"{pages}/{service}"} for service in SERVICES},
            world.both_versions(),
            {"ceilings": {"service_per_day": 100, "fleet_per_hour": 1000}},
            mode="auto",
            countdown="0s",
            bake={"at_least": "1m", "at_most": "10m"},
        )
        with running(folder, port) as daemon:
            await _until(lambda: daemon.events("release.adopted") == len(SERVICES))
            async with aiohttp.ClientSession(daemon.url) as http:
                for service in SERVICES:
                    await _deploy(http, folder, service)
                    await asyncio.sleep(APART)
            await _until(lambda: all((folder / service / "moved_at").exists() for service in SERVICES))
            await asyncio.sleep(1)  # so that what came of the last move is written


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[str]:
    """The pages of all services, at this address."""
    pages = {service: Page(folder / service, monotonic()) for service in SERVICES}

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=pages[request.match_info["service"]].text())

    app = web.Application()
    app.router.add_get("/{service}", page)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _deploy(http: aiohttp.ClientSession, folder: Path, service: str) -> None:
    (folder / service / "current").write_text(f"{world.BAD}\n", encoding="ascii")
    body = {"service": service, "environment": "production", "tag": world.BAD}
    async with http.post("/v1/deployments", json=body, raise_for_status=True):
        pass


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - it looks at files that another process writes
            await asyncio.sleep(0.05)


async def _measured(folder: Path) -> list[Figure]:
    """What the store and the moves say together."""
    async with open_sqlite(SqliteSettings(path=folder / "state.db"), Opening(now)) as store:
        watches = await store.list(limit=len(SERVICES))
    runs = [_run(watch, folder / watch.service) for watch in watches]
    if len(runs) < len(SERVICES):
        raise RuntimeError(f"{len(runs)} watches were opened for {len(SERVICES)} deployments")
    settle = KIND.settle.total_seconds()
    return [
        Figure("end of the deciding bucket → call", "s", [run.called - run.ended for run in runs]),
        Figure(
            f"the bucket is final (its end + {settle:g} s) → call",
            "s",
            [run.called - run.ended - settle for run in runs],
            aim=1,
        ),
        Figure("of that: final → decided", "s", [run.decided - run.ended - settle for run in runs]),
        Figure("of that: decided → call", "s", [run.called - run.decided for run in runs]),
    ]


@dataclass(frozen=True, slots=True)
class Run:
    """When the bucket that decided ended, when it was decided, when the target was called; seconds since 1970."""

    ended: float
    decided: float
    called: float


def _run(watch: Watch, folder: Path) -> Run:
    if watch.breach is None or watch.decided_at is None:
        raise RuntimeError(f"{watch.service} is {watch.state.words}, and was not found to be bad")
    last = max(verdict.seen.until or watch.opened_at for verdict in watch.breach.judgement.verdicts)
    called = float((folder / "moved_at").read_text(encoding="ascii").split()[0])
    return Run(last.timestamp(), watch.decided_at.timestamp(), called)
