"""A service of several instances, each with a sidecar beside it, and the central daemon that they tell.

Real daemons over real HTTP, in one world whose time goes on when the test says so.
"""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from rules.sample import Bucket, Counts, Reading
from tests.fakes.exposition import answer, page
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import SECOND, START, Clock, Happened, World
from tests.replicas.link import Link, a_link
from tests.watcher.app.house import PROGRAMS
from watcher.app import Ports, Running, build, load
from watcher.app.relaying import METADATA
from watcher.runtime.crew import Leaving
from watcher.runtime.relay import Relay, Relaying
from watcher.runtime.rounds import Loop
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.relay.provider import SETTLE, open_relay
from watcher.telemetry.metrics import Metrics

BEAT = timedelta(seconds=10)
KEY = ("checkout", "production")
SECRET = "rbd_sidecar-" + "s" * 30
LEFT = "rbd_cart-" + "s" * 30  # a token of another service
PIPELINE = "rbd_pipeline-" + "s" * 30
TURNS = ("listener", "lookout", "patrol", "performer")  # the loops of the central daemon that matter here
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      relay:
        scrape: {url: "PAGE", counter: http_requests_total, bad: {code: "5.."}}
        where: {version: "${arm.version}"}
  slow:
    latency:
      relay:
        over: [300ms, 1s]
        scrape: {url: "PAGE", histogram: http_request_duration_seconds}
  traffic:
    requests:
      relay:
        scrape: {url: "PAGE", counter: http_requests_total}
        where: {version: "${arm.version}"}
rules:
  - {name: no more errors, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: no slower, indicator: slow, judge: {slo: {objective: 90%}}, must_have_seen: 75%, on_breach: tell}
"""
CENTRAL = """\
version: 1
daemon:
  store: {sqlite: {path: ROOT/state.db}}
  http: {listen: "127.0.0.1:0"}
  reach: [127.0.0.0/8]
  tokens:
    - {name: sidecars, sha256: "SIDECARS", may: [relay], services: [checkout]}
    - {name: others, sha256: "OTHERS", may: [relay], services: [cart]}
    - {name: pipeline, sha256: "PIPELINE", may: [announce, read]}
services:
  checkout:
    production:
      mode: auto
      countdown: 0s
      runs_on:
        - command:
            live: [PROGRAMS/live, "ROOT/checkout"]
            move: [PROGRAMS/move, "ROOT/checkout", "${tag}", "${expect}", "${key}"]
      rules: [{file: rules.yaml}]
  cart:
    production:
      runs_on: [{command: {live: [ROOT/live], move: [ROOT/live]}}]
      rules: [{file: rules.yaml}]
"""
SIDECAR = """\
version: 1
daemon:
  store: {memory: {}}
  http: {listen: "127.0.0.1:0"}
  reach: [127.0.0.0/8]
  relay: {to: "CENTRAL", token: {file: ROOT/token}, ecs: {container: app}}
services:
  checkout:
    production: {rules: [{file: rules.yaml}]}
"""


def sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass
class Skewed:
    """The clock of a machine that is *by* ahead of the world."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        return self.clock.now() + self.by

    async def until(self, at: datetime) -> None:
        await self.clock.until(at - self.by)


@dataclass
class Sidecar:
    """One of them, and the way from it to the central daemon."""

    instance: int
    link: Link
    running: Running
    metrics: Metrics
    closing: AsyncExitStack
    alive: bool = True

    @property
    def relay(self) -> Relay:
        return next(loop.relay for loop in self.running.daemon.loops if isinstance(loop, Relaying))

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"rollbackd_{name}", labels) or 0.0


@dataclass
class Town:
    """All of it."""

    root: Path
    world: World
    clock: Clock
    pages: str
    stack: AsyncExitStack
    port: int = 0
    central: Running | None = None
    closing: AsyncExitStack = field(default_factory=AsyncExitStack)
    metrics: Metrics = field(default_factory=Metrics)
    sidecars: list[Sidecar] = field(default_factory=list)
    provider: Provider | None = None

    # -- the daemons

    async def begin(self) -> None:
        """Start the central daemon, on the store that is there."""
        text = CENTRAL.replace("SIDECARS", sha256(SECRET)).replace("OTHERS", sha256(LEFT))
        text = text.replace("PIPELINE", sha256(PIPELINE)).replace("PROGRAMS", str(PROGRAMS))
        text = text.replace("ROOT", str(self.root)).replace("127.0.0.1:0", f"127.0.0.1:{self.port}")
        self.root.joinpath("central.yaml").write_text(text)
        self.closing, self.metrics = AsyncExitStack(), Metrics()
        ports = Ports(now=self.clock.now, monotonic=self.clock.monotonic, until=self.clock.until)
        configuration = load(self.root / "central.yaml")
        self.central = await self.closing.enter_async_context(build(configuration, ports, self.metrics))
        self.port = self.central.address[1]
        http = await self.closing.enter_async_context(http_to_loopback(self.clock.now))
        opening = Opening(http, self.clock.now, self.clock.monotonic, relayed=self.central.store.relayed)
        self.provider = await self.closing.enter_async_context(open_relay(None, opening))

    async def end(self) -> None:
        """As a deployment of the central daemon ends it."""
        await self.closing.aclose()

    async def join(self, instance: int, *, by: timedelta = timedelta(0), bad: str = "5..") -> Sidecar:
        """One more sidecar, whose machine's clock is *by* ahead; it counts the codes *bad* as bad."""
        closing = AsyncExitStack()
        link = await closing.enter_async_context(a_link(self.port, f"sidecar {instance}"))
        folder = self.root / f"sidecar-{len(self.sidecars)}"
        folder.mkdir()
        (folder / "token").write_text(SECRET)
        rules = RULES.replace("PAGE", f"{self.pages}/{instance}/metrics").replace("5..", bad)
        (folder / "rules.yaml").write_text(rules)
        text = SIDECAR.replace("ROOT", str(folder)).replace("CENTRAL", f"http://127.0.0.1:{link.port}")
        (folder / "rollbackd.yaml").write_text(text)
        clock = Skewed(self.clock, by)
        ports = Ports(
            now=clock.now,
            monotonic=self.clock.monotonic,
            until=clock.until,
            environ={METADATA: f"{self.pages}/{instance}/v4"},
        )
        metrics = Metrics()
        running = await closing.enter_async_context(build(load(folder / "rollbackd.yaml"), ports, metrics))
        sidecar = Sidecar(instance, link, running, metrics, closing)
        self.sidecars.append(sidecar)
        return sidecar

    async def kill(self, sidecar: Sidecar) -> None:
        """As SIGKILL does: it says nothing more."""
        sidecar.alive = False
        await sidecar.closing.aclose()

    async def close(self) -> None:
        for sidecar in self.sidecars:
            if sidecar.alive:
                await sidecar.closing.aclose()
        await self.closing.aclose()

    # -- time

    async def go_on(self, until: float) -> None:
        """Let the world go on to *until* seconds after the start; every sidecar goes round every five of them."""
        while self.world.now < START + SECOND * until:
            await self.clock.advance(min(self.world.now + SECOND * 5, START + SECOND * until))
            await asyncio.gather(*(each.relay.go_round() for each in self.sidecars if each.alive))

    async def live(self, until: float) -> None:
        """Let the world go on, with the central daemon at work."""
        while self.world.now < START + SECOND * until:
            await self.go_on(min((self.world.now - START).total_seconds() + 5, until))
            await self.take_turns()

    async def take_turns(self) -> None:
        """Let each loop of the central daemon go round, one after the other."""
        assert self.central is not None
        loops = {
            loop.name: loop.loop if isinstance(loop, Leaving) else loop for loop in self.central.daemon.loops
        }
        for name in TURNS:
            loop = loops[name]
            assert isinstance(loop, Loop)
            while await loop.go_round():
                pass

    async def deploy(self, tag: str) -> None:
        """Put *tag* there, and tell of it."""
        self.put(tag)
        status, told = await post(
            self, PIPELINE, {"service": KEY[0], "environment": KEY[1], "tag": tag}, "/v1/deployments"
        )
        assert status == 202, told

    def put(self, tag: str) -> None:
        folder = self.root / "checkout"
        (folder / "releases" / tag).mkdir(parents=True, exist_ok=True)
        (folder / "new").symlink_to(f"releases/{tag}")
        (folder / "new").replace(folder / "current")

    @property
    def serves(self) -> str:
        return (self.root / "checkout" / "current").readlink().name

    # -- what is read

    def counted(self, name: str, **labels: str) -> float:
        """What the central daemon counted."""
        return self.metrics.registry.get_sample_value(f"rollbackd_{name}", labels) or 0.0

    async def read(
        self, indicator: str = "errors", *, canary: str = "v2", baseline: str | None = "v1"
    ) -> Reading:
        """What a watch of *canary* reads of all its time."""
        assert self.central is not None
        assert self.provider is not None
        rules = self.central.in_force.configuration.services[KEY].policy.rules
        beside = None if baseline is None else {"version": baseline}
        question = Question("q", rules.indicator(indicator), {"version": canary}, beside, None, KEY)
        end = START + (self.world.now - SETTLE - START) // BEAT * BEAT
        window = Window(START, end, self.world.now + SECOND * 5)
        return (await self.provider.read([question], window))["q"]

    async def buckets(self, indicator: str = "errors", **how: Any) -> tuple[Bucket, ...]:
        reading = await self.read(indicator, **how)
        assert isinstance(reading, tuple), reading
        return reading[0].buckets

    def truth(self, bucket: Bucket, version: str, *instances: int) -> Counts:
        """What the instances answered in *bucket*."""
        log = [
            each
            for each in self.world.between(bucket.start, bucket.end, version=version)
            if each.instance in instances
        ]
        return Counts(float(sum(each.status >= 500 for each in log)), float(len(log)))


async def post(
    town: Town, token: str, body: Mapping[str, Any], path: str = "/v1/samples", port: int = 0
) -> tuple[int, Any]:
    """What somebody who has *token* is answered."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{port or town.port}{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        ) as response,
    ):
        return response.status, json.loads(await response.read())


def a_log(minutes: float, versions: Mapping[int, str], fails: Mapping[str, float]) -> list[Happened]:
    """Each instance answers twice a second, well or badly by turns; never while pages are read, in the first half of a second."""
    log = []
    for instance, version in versions.items():
        for nth in range(int(minutes * 120)):
            at = START + SECOND * (nth // 2 + 0.5 + 0.4 * (nth % 2) + instance / 100)
            bad = (nth * 7919 + instance * 104729) % 1000 < fails[version] * 1000
            log.append(Happened(at, version, 500 if bad else 200, 0.2 if nth % 3 else 2.0, instance))
    return sorted(log)


@contextlib.asynccontextmanager
async def a_town(
    root: Path, versions: Mapping[int, str], minutes: float, *, sidecars: bool = True
) -> AsyncIterator[Town]:
    """A central daemon, and a sidecar beside each instance of *versions*."""
    world = World(a_log(minutes, versions, {"v1": 0.02, "v2": 0.3}))
    app = web.Application()

    async def metrics(request: web.Request) -> web.Response:
        return answer(world, page(world, int(request.match_info["instance"])))

    async def task(request: web.Request) -> web.Response:
        instance = int(request.match_info["instance"])
        return web.json_response(a_task(instance, versions.get(instance, "v1")))

    app.router.add_get("/{instance}/metrics", metrics)
    app.router.add_get("/{instance}/v4/task", task)
    root.joinpath("rules.yaml").write_text(RULES.replace("PAGE", "http://127.0.0.1:9102/metrics"))
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(serving_app(app))
        town = Town(root, world, Clock(world), f"http://127.0.0.1:{port}", stack)
        stack.push_async_callback(town.close)
        await town.begin()
        if sidecars:
            for instance in versions:
                await town.join(instance)
        yield town


def a_task(instance: int, version: str) -> Mapping[str, Any]:
    """What ECS says of a task, to a container in it."""
    return {
        "Cluster": "main",
        "TaskARN": f"arn:aws:ecs:eu-central-1:123456789012:task/main/{instance:032x}",
        "Family": "checkout",
        "Revision": version.removeprefix("v"),
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Containers": [
            {"DockerId": "1", "Name": "~internal~ecs~pause", "Image": "amazon/amazon-ecs-pause:0.1.0"},
            {
                "DockerId": "2",
                "Name": "app",
                "Image": f"123.dkr.ecr.eu-central-1.amazonaws.com/checkout:{version}",
            },
            {"DockerId": "3", "Name": "rollbackd", "Image": "rollbackd:1.2.3"},
        ],
    }
