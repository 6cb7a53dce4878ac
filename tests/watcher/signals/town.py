"""Tasks of ECS that answer HTTP, each at an address of its own on this machine; and providers that find them.

The fake's address 10.x.y.z is 127.1.y.z here: all of 127/8 is this machine, and one server answers at all of it.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from rules.model import Indicator, Kind
from rules.sample import Bucket, Reading
from tests.fakes.aws import AwsWorld, Behaviour, Direct
from tests.fakes.aws.ecs.state import Task
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START, Clock, World
from watcher.http import Guard, Http
from watcher.signals.discovery import placed
from watcher.signals.provider import Kind as ProviderKind
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.sampling import Pace
from watcher.telemetry.metrics import Metrics

OLD, NEW = "web:1", "web:2"
BEAT = timedelta(seconds=10)
STARTS = timedelta(seconds=5)
CANARY, BASELINE = {"task_definition": NEW, "version": "v2"}, {"task_definition": OLD, "version": "v1"}
Open = Callable[..., contextlib.AbstractAsyncContextManager[Provider]]


class Here(Direct):
    """AWS, whose tasks live on this machine."""

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        answer = await super().read(scope, service, operation, **parameters)
        return json.loads(json.dumps(answer, default=_spelt), object_hook=_here)  # type: ignore[no-any-return]


def _spelt(value: Any) -> Any:
    return value.isoformat()


def _here(told: dict[str, Any]) -> dict[str, Any]:
    for name in ("value", "privateIpv4Address"):
        if str(told.get(name, "")).startswith("10."):
            told[name] = _home(told[name])
    return told


def _home(address: str) -> str:
    return "127.1." + address.split(".", 2)[2]


@dataclass
class Town:
    """``web`` has run ``web:1`` for a day, with two tasks."""

    desired: int = 2
    most: int = 200  # per cent of the desired tasks that run while it deploys
    world: World = field(default_factory=World)
    aws: AwsWorld = field(init=False)
    port: int = 0
    answers: Callable[[Task], web.Response] = lambda _task: web.Response(status=404)
    asked: list[tuple[datetime, str]] = field(default_factory=list)  # when, and which task definition
    nobody: int = 0  # requests to an address where no task runs

    def __post_init__(self) -> None:
        self.clock = Clock(self.world)
        self.aws = AwsWorld(self.clock.now)
        for number in (1, 2):
            self.aws.ecs.register("web", f"shop:{number}", START - timedelta(days=1))
        self.aws.ecs.create_service(
            "web",
            OLD,
            START - timedelta(days=1),
            desired=self.desired,
            configuration={"maximumPercent": self.most},
        )
        self.aws.advance()

    def tasks(self, definition: str = "", status: str = "RUNNING") -> list[Task]:
        return [
            task
            for task in self.aws.ecs.find("web").tasks
            if task.status == status and task.task_definition.endswith(definition)
        ]

    def deploy(self, behaviour: Behaviour | None = None) -> None:
        """``web:2``, now."""
        self.aws.ecs.behave(NEW, behaviour or Behaviour(starts_in=STARTS))
        self.aws.ecs.deploy("web", NEW, self.world.now)

    def age(self, task: Task) -> float:
        """Seconds since it was created."""
        return (self.world.now - task.created_at).total_seconds()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.aws.advance()
        here = [task for task in self.tasks() if _home(task.address) == request.host.partition(":")[0]]
        if not here:  # as a connection that is refused
            self.nobody += 1
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        self.asked.append((self.world.now, here[0].task_definition.rpartition("/")[2]))
        return self.answers(here[0])


@dataclass
class Found:
    """A provider that finds tasks in a town."""

    town: Town
    provider: Provider
    kind: ProviderKind
    settle: timedelta

    async def watch(self, indicator: Indicator, until: float, *, step: float = 1.0, **how: Any) -> Reading:
        """Ask at each step until *until* seconds after the start; the last answer."""
        while True:
            reading = await self.ask(indicator, **how)
            if self.town.world.now >= START + timedelta(seconds=until):
                return reading
            await self.town.clock.advance(self.town.world.now + timedelta(seconds=step))
            self.town.aws.advance()

    async def ask(
        self, indicator: Indicator, *, compares: bool = True, names: Mapping[str, str] = CANARY
    ) -> Reading:
        end = START + (self.town.world.now - self.kind.settle_of(indicator) - START) // BEAT * BEAT
        question = Question("q", indicator, names, BASELINE if compares else None, None)
        window = Window(START - timedelta(hours=1), end, self.town.world.now)
        return (await self.provider.read([question], window))["q"]


def where(**changes: Any) -> dict[str, Any]:
    """How tasks are found."""
    told = {
        "cluster": "prod",
        "service": "web",
        "port": 0,
        "path": "/metrics",
        "task_definition": "${arm.task_definition}",
        **changes,
    }
    return {"ecs_tasks": {key: value for key, value in told.items() if value is not None}}


def an_indicator(kind: Kind, provider: str, town: Town, discover: dict[str, Any], **query: Any) -> Indicator:
    discover["ecs_tasks"]["port"] = town.port
    text = json.dumps({"discover": discover, "every": "10s", **query})
    return placed(Indicator("i", kind, provider, text, compares_arms="${arm." in text), "shop")


def second(at: datetime) -> int:
    return round((at - START).total_seconds())


def buckets_of(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


@contextlib.asynccontextmanager
async def living(
    kind: ProviderKind, open: Open, town: Town, guard: Guard | None = None
) -> AsyncIterator[Found]:
    """The provider, in a town that answers."""
    app = web.Application()
    app.router.add_get("/{path:.*}", town.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", 0).start()
    town.port = runner.addresses[0][1]
    try:
        async with _http(town, guard) as http:
            opening = Opening(http, town.clock.now, town.clock.monotonic, Metrics(), Here(town.aws))
            pace = Pace(town.clock.now, town.clock.monotonic, town.clock.until)
            async with open(None, opening, pace) as provider:
                yield Found(town, provider, kind, timedelta(0))
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _http(town: Town, guard: Guard | None) -> AsyncIterator[Http]:
    if guard is None:
        async with http_to_loopback(town.clock.now) as http:
            yield http
    else:
        async with Http.open(guard, Metrics(), town.clock.now) as http:
            yield http
