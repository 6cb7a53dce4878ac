"""A house for a daemon: real files in a folder, a service whose releases are directories, and somebody who calls."""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.crash.patience import until
from watcher import clock
from watcher.app import Ports, Running, build, load
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

PROGRAMS = Path(__file__).parents[3] / "examples" / "targets" / "releases"
PATIENCE = 60.0  # seconds for what takes a tenth of one on a machine that has nothing else to do

MAIN = """\
version: 1
daemon:
  store: {sqlite: {path: ROOT/state.db}}
  http: {listen: "127.0.0.1:0"}
  reach: [127.0.0.0/8]
connections:
  ops: {webhook: {url: "http://127.0.0.1:9/ops", secret: {file: ROOT/ops.secret}}}
teams:
  shop: {may_order: [local]}
defaults:
  team: shop
  mode: shadow
services:
  web:
    production:
      runs_on:
        - command:
            live: [PROGRAMS/live, "ROOT/${service}"]
            move: [PROGRAMS/move, "ROOT/${service}", "${tag}", "${expect}", "${key}"]
      rules: [{file: web.yaml}]
"""

# A second service; its platform tells everybody the word that it was given.
GOSSIP = """\
  gossip:
    production:
      runs_on:
        - command:
            live: [ROOT/tattle]
            move: [ROOT/tattle, "${tag}"]
            environment: {WORD: WHERE}
      rules: [{file: web.yaml}]
"""
TATTLE = """#!/bin/sh
echo "no entry with $WORD" >&2
exit 1
"""
TOLD = "no entry with "

RULES = """\
version: 1
indicators:
  errors:
    ratio:
      scrape:
        url: "http://127.0.0.1:9/metrics"
        counter: http_requests_total
        where: {version: "${arm.version}"}
        bad: {code: "5.."}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


@dataclass
class House:
    """The folder. *text* is what stands in its `rollbackd.yaml`."""

    root: Path
    text: str = ""

    @property
    def file(self) -> Path:
        return self.root / "rollbackd.yaml"

    @property
    def store(self) -> Path:
        return self.root / "state.db"

    @property
    def serves(self) -> str:
        return (self.root / "web" / "current").readlink().name

    def write(self, text: str) -> None:
        self.text = text.replace("ROOT", str(self.root)).replace("PROGRAMS", str(PROGRAMS))
        self.file.write_text(self.text)

    def change(self, old: str, new: str) -> None:
        """Put *new* where the configuration has its one *old*."""
        old = old.replace("ROOT", str(self.root))
        assert self.text.count(old) == 1, old
        self.write(self.text.replace(old, new))

    def add(self, service: str) -> None:
        """One more service, written at the end."""
        self.write(self.text + service)

    def deploy(self, tag: str) -> None:
        """Somebody moves the service, past the daemon."""
        (self.root / "web" / "new").symlink_to(f"releases/{tag}")
        (self.root / "web" / "new").replace(self.root / "web" / "current")


def a_house(root: Path, *more: str) -> House:
    """A service that v1 serves, and *more* of them."""
    house = House(root)
    for tag in ("v1", "v2"):
        (root / "web" / "releases" / tag).mkdir(parents=True)
    house.deploy("v1")
    (root / "web.yaml").write_text(RULES)
    (root / "ops.secret").write_text("a secret that is long enough\n")
    (root / "tattle").write_text(TATTLE)
    (root / "tattle").chmod(0o755)
    house.write(MAIN + "".join(more))
    return house


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def samples(self) -> dict[str, float]:
        """A page of metrics, by name and labels as they stand there."""
        lines = [line for line in self.body.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@dataclass
class Caller:
    """Somebody who calls the daemon at *url*."""

    session: aiohttp.ClientSession
    url: str
    token: str | None = None
    tls: ssl.SSLContext | bool = True

    async def get(self, path: str) -> Answer:
        return await self._ask("GET", path)

    async def post(self, path: str, **body: object) -> Answer:
        return await self._ask("POST", path, json=body)

    async def _ask(self, method: str, path: str, **how: Any) -> Answer:
        told = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(
            method, self.url + path, headers=told, ssl=self.tls, **how
        ) as response:
            return Answer(response.status, await response.read())

    async def answers(self, path: str, status: int = 200) -> None:
        """Wait until *path* answers with *status*."""
        await soon(lambda: self._answers(path, status))

    async def _answers(self, path: str, status: int) -> bool:
        return (await self.get(path)).status == status


async def soon(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until it *holds*."""
    async with asyncio.timeout(PATIENCE):
        await until(holds)


@dataclass
class AtWork(Caller):
    """A daemon in this process, built by the app. *drained*: how its loops ended."""

    running: Running = field(kw_only=True)
    log: Path = field(kw_only=True)
    drained: bool | None = None

    @property
    def events(self) -> list[dict[str, Any]]:
        return events_in(self.log)

    async def logs(self, event: str, many: int = 1) -> list[dict[str, Any]]:
        """The events called *event*, once there are so *many*."""
        await soon(lambda: len(self._called(event)) >= many)
        return self._called(event)

    def _called(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]


def events_in(log: Path) -> list[dict[str, Any]]:
    """What was logged; a last line that is not whole yet is left out."""
    whole = log.read_text().rpartition("\n")[0]
    return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]


@contextlib.contextmanager
def logged(log: Path, redactor: Redactor, metrics: Metrics) -> Iterator[None]:
    """What is logged goes to the file *log*."""
    with log.open("ab") as file, logging_to(Logging(fd=file.fileno()), redactor, metrics, clock.monotonic):
        yield


@contextlib.asynccontextmanager
async def built(house: House, ports: Ports | None = None, **how: Any) -> AsyncIterator[AtWork]:
    """The daemon, built; its loops do not go."""
    redactor, metrics, log = Redactor(), Metrics("1.2.3"), house.root / "log"
    with logged(log, redactor, metrics):
        configuration = load(house.file, redactor.learn)
        async with (
            build(configuration, ports or Ports(), metrics, **how) as running,
            aiohttp.ClientSession() as session,
        ):
            running.in_force.learn = redactor.learn
            host, port = running.address
            scheme = "http" if configuration.daemon.tls is None else "https"
            async with beaten(running):
                yield AtWork(session, f"{scheme}://{host}:{port}", running=running, log=log)


@contextlib.asynccontextmanager
async def beaten(running: Running) -> AsyncIterator[None]:
    """Beat its watchdog as its loops would, lest it ends a test that waits for long, and all others with it."""
    beating = asyncio.ensure_future(running.daemon.watchdog.beat(asyncio.Event()))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])


@contextlib.asynccontextmanager
async def at_work(house: House, ports: Ports | None = None, **how: Any) -> AsyncIterator[AtWork]:
    """The daemon, built, and its loops go."""
    async with built(house, ports, **how) as daemon:
        loops = asyncio.ensure_future(daemon.running.daemon.run())
        try:
            yield daemon
        finally:
            daemon.running.daemon.stop.set()
            daemon.drained = await loops


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}
