"""Where a story on AWS takes place: one simulated AWS and the real daemon, made of its configuration, in virtual time.

The daemon's loops, its target, its source and its providers are those of the app; only AWS, the room in which people are
told, and time are the story's. Visitors come to the load balancer, and meet the tasks that run.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from structlog.testing import capture_logs

from deploy.tags import Ledger
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.scenarios.stage import CHANNEL, EPOCH, Life, Room
from watcher.api.asked import OneService, OneServiceOrAll
from watcher.api.auth import LOCAL
from watcher.api.bodies import NewRollout, ToService
from watcher.api.handlers import orders, rollouts
from watcher.api.route import Call
from watcher.api.told import Ordered, RolloutTold
from watcher.app.made import Made
from watcher.app.opening import feeds_of, fleet_of, open_http, open_providers, sources_of
from watcher.app.ports import Ports
from watcher.config import Configuration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference
from watcher.core.watch import Notice, Watch
from watcher.runtime.bells import Bells
from watcher.runtime.crew import Pace
from watcher.runtime.fleet import Current
from watcher.runtime.inquiry import Inquiry
from watcher.signals.provider import Opening as ProviderOpening
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening, Store
from watcher.telemetry.metrics import Metrics

ACCOUNT = "123456789012"
READ, ACT = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("rb-read", "rb-act"))
QUEUE = "deploys"
BALANCER = {"LoadBalancer": "app/shop/0123456789abcdef", "TargetGroup": "targetgroup/web/0123456789abcdef"}
MONTH_AGO = EPOCH - timedelta(days=30)
PACE = Pace(listener=5, lookout=5, patrol=2, performer=2, courier=10, janitor=60, onlooker=600)
# For stories of an hour in which a quarter of a minute matters to nobody.
UNHURRIED = Pace(listener=15, lookout=15, patrol=10, performer=5, courier=30, janitor=300, onlooker=600)

CONFIGURATION = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts:
  shop: {{region: eu-central-1, read: "{READ}", act: "{ACT}"}}
connections:
  room: {{webhook: {{url: "https://room.example/hook", secret: {{env: ROOM_SECRET}}}}}}
teams:
  shop: {{tell: [room]}}
sources:
  queue: {{sqs: {{account: shop, url: "https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/{QUEUE}"}}}}
defaults:
  team: shop
  account: shop
  bake: {{at_least: 15m, at_most: 2h}}
services:
  web:
    production:
      mode: auto
      runs_on: [{{ecs: {{cluster: prod, service: web}}}}]
      rules: [{{file: web.yaml}}]
"""


def one_service(name: str, runs_on: str) -> str:
    """A configuration with a service that is moved by itself, and has the pack of its stack."""
    head = CONFIGURATION[: CONFIGURATION.index("services:")]
    return f"{head}services:\n  {name}:\n    production:\n      mode: auto\n      runs_on: [{runs_on}]\n"


RULES = f"""\
version: 1
indicators:
  errors:
    ratio:
      cloudwatch:
        namespace: AWS/ApplicationELB
        dimensions: {{LoadBalancer: "{BALANCER["LoadBalancer"]}", TargetGroup: "{BALANCER["TargetGroup"]}"}}
        bad: {{sum: [HTTPCode_Target_5XX_Count]}}
        total: {{sum: [RequestCount]}}
rules:
  - {{name: the objective holds, indicator: errors, judge: {{slo: {{objective: 99.9%, burn_rate: 10}}}}, on_breach: rollback}}
"""


class Crowd(Protocol):
    """Who comes to what is deployed."""

    def come(self, start: datetime, seconds: float) -> None:
        """Those of the span that begins at *start*."""


@dataclass
class Visitors:
    """Who comes to the load balancer: requests meet the tasks that run, each the same number, or as the traffic is shifted.

    Attributes:
        rate: Requests a second.
        fails: By task definition (``web:2``): the share that fails; the others a thousandth less than nothing: 0.1 %.
        paused: Nobody comes.
    """

    world: AwsWorld
    rate: float = 50.0
    fails: dict[str, float] = field(default_factory=dict)
    paused: bool = False
    served: dict[str, float] = field(default_factory=dict)
    failed: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        """Those of the span that begins at *start*."""
        if self.paused:
            return
        total = bad = 0.0
        for tag, share in self.world.ecs.find("web").traffic.items():
            served = self.rate * seconds * share
            wrong = served * self.fails.get(tag, 0.001)
            self.served[tag] = self.served.get(tag, 0.0) + served
            self.failed[tag] = self.failed.get(tag, 0.0) + wrong
            total, bad = total + served, bad + wrong
        self._measured("RequestCount", start, total)
        self._measured("HTTPCode_Target_5XX_Count", start, bad)

    def _measured(self, metric: str, at: datetime, count: float) -> None:
        """A load balancer reports only what is more than nothing."""
        if count > 0:
            self.world.cloudwatch.put("AWS/ApplicationELB", metric, BALANCER, at, [1.0], counts=[count])


@dataclass
class AwsStage:
    """The world while the story goes on."""

    world: AwsWorld
    configuration: Configuration
    store: Store
    time: Callable[[], float]
    crowd: Crowd
    log: list[Any]
    stack: AsyncExitStack
    pace: Pace = PACE
    room: Room = field(init=False)
    metrics: Metrics = field(default_factory=Metrics)
    bugs: list[BaseException] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    scopes: Mapping[str, Scope] = field(default_factory=lambda: {"shop": Scope("eu-central-1", READ, ACT)})
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.room = Room(self.time)

    @property
    def visitors(self) -> Visitors:
        """Who comes to the load balancer, where the story is on ECS."""
        assert isinstance(self.crowd, Visitors)
        return self.crowd

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.time())

    # ------------------------------------------------------------------------------------------------------ the daemon

    async def bear(self, store: Store | None = None) -> Life:
        """Another life of the daemon. With another *store*, nothing is known but what AWS remembers."""
        self.store = store or self.store
        ports = Ports(
            now=self.now,
            monotonic=self.time,
            new_id=lambda prefix, _at: f"{prefix}_{next(self._ids):032x}",
            aws=Direct(self.world, self.scopes),
            page=getattr(
                self.crowd, "page", None
            ),  # where the crowd comes to a site, the daemon asks it as they do
            send=getattr(self.crowd, "send", None),
        )
        # Where the crowd is seen by a system beside AWS, that is asked without a socket.
        signals = getattr(self.crowd, "signals", None)
        http = signals or await open_http(self.configuration, ports, self.metrics, self.stack)
        opening = ProviderOpening(http, self.now, self.time, self.metrics, ports.aws)
        inquiry = Inquiry(await open_providers(self.configuration, opening, self.stack), self.metrics)
        # Where the crowd comes to what GitHub deploys, the daemon speaks with that GitHub.
        current = Current(
            fleet_of(self.configuration, ports, ports.aws, http=getattr(self.crowd, "http", None))
        )
        sources = sources_of(self.configuration)
        feeds = {
            name: (sources[name], feed)
            for name, feed in feeds_of(self.configuration, ports, ports.aws).items()
        }
        notifiers = {CHANNEL: self.room}
        made = Made(self.store, current, inquiry, notifiers, Bells(), self.metrics, ports, self.bugs.append)
        life = Life(made)
        life.begin(self.pace, lambda: feeds)
        self.lives.append(life)
        return life

    async def order(self, service: str, **said: Any) -> Ordered:
        """A person orders something of *service*: ``POST /v1/services/S/production/orders``."""
        asked = OneServiceOrAll(service=service, environment="production")
        body = ToService.model_validate_json(json.dumps(said))
        return await orders.to_service(Call(self.lives[-1].deps, LOCAL, asked, body, b"", {}, lambda: False))

    async def starts(self, service: str, tag: str) -> RolloutTold:
        """A pipeline orders that the rollout of *tag* begins: ``POST /v1/services/S/production/rollout``."""
        asked = OneService(service=service, environment="production")
        return await rollouts.start(
            Call(self.lives[-1].deps, LOCAL, asked, NewRollout(tag=tag), b"", {}, lambda: False)
        )

    async def loses_its_store(self) -> None:
        """``kill -9``, the disk is gone, and the daemon is started again."""
        await self.lives[-1].die()
        await self.bear(await self.stack.enter_async_context(a_store(self.now)))

    # --------------------------------------------------------------------------------------------------------- the world

    async def goes_on(self, until: timedelta, step: float = 5.0) -> None:
        """Until *until*: visitors come, and what was to happen in AWS happens."""
        while self.time() < until.total_seconds():
            start = self.now()
            await asyncio.sleep(min(step, until.total_seconds() - self.time()))
            self.crowd.come(start, (self.now() - start).total_seconds())
            self.world.advance()

    def deploys(self, task_definition: str, fails: float = 0.001) -> None:
        """Another hand deploys *task_definition*."""
        self.visitors.fails[task_definition] = fails
        self.world.ecs.deploy("web", task_definition, self.now())

    def by_hand(self, operation: str, **parameters: Any) -> None:
        """A person calls ECS, with rights of their own."""
        asked = {"cluster": "prod", "service": "web", **parameters}
        answer = self.world.ask("ecs", operation, asked, self.world.identities.own, "eu-central-1")
        assert answer.error is None, answer.error

    # ------------------------------------------------------------------------------------------------ what became of it

    @property
    def runs(self) -> set[str]:
        """The task definitions of the tasks that run."""
        tasks = self.world.ecs.find("web").tasks
        return {each.task_definition.rpartition("/")[2] for each in tasks if each.status == "RUNNING"}

    async def watches(self) -> Sequence[Watch]:
        """Oldest first."""
        return sorted(await self.store.list(limit=50), key=lambda watch: watch.opened_at)

    async def ledger(self) -> Ledger:
        return await self.store.ledger(*next(iter(self.configuration.services)), "service")

    @property
    def told(self) -> list[tuple[timedelta, Notice]]:
        """What people were told one by one."""
        return [
            (timedelta(seconds=at), message.notice)
            for at, message in self.room.told
            if message.kind == "append"
        ]

    def calls(self, *operations: str) -> list[Any]:
        """The calls of these operations."""
        return [call for call in self.world.calls if call.operation in operations]


@asynccontextmanager
async def a_store(now: Callable[[], datetime]) -> AsyncIterator[Store]:
    """An empty one."""
    async with open_memory(MemorySettings(), Opening(now, threads=False)) as store:
        yield store


def a_shop_on_ecs(world: AwsWorld) -> Visitors:
    """``web:1`` serves, four tasks; ``web:2`` to ``web:5`` are registered, each with an image of its own."""
    for number in range(1, 6):
        world.ecr.push("shop", f"1.{number}", at=MONTH_AGO)
        world.ecs.register("web", world.ecr.image("shop", f"1.{number}"), MONTH_AGO)
    world.ecs.create_service("web", "web:1", MONTH_AGO, desired=4)
    world.carry(QUEUE)
    return Visitors(world)


def _secret(secret: str | Mapping[str, str], asked: Reference) -> str:
    return secret if isinstance(secret, str) else secret[asked.name]


@asynccontextmanager
async def on_aws(
    folder: Path,
    configuration: str = CONFIGURATION,
    rules: str = RULES,
    make: Callable[[AwsWorld], Crowd] = a_shop_on_ecs,
    secret: str | Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[AwsStage]:
    """What *make* makes has served for a month, and a daemon at work has just arrived. Each of its secrets is *secret*, or the one of its name there."""
    (folder / "rollbackd.yaml").write_text(configuration, encoding="utf-8")
    (folder / "web.yaml").write_text(rules, encoding="utf-8")
    time = asyncio.get_running_loop().time

    def now() -> datetime:
        return EPOCH + timedelta(seconds=time())

    world = AwsWorld(now, ACCOUNT, "eu-central-1")
    for role in (READ, ACT):
        world.identities.role(role)
    world.sqs.create_queue(QUEUE)
    visitors = make(world)
    for minute in range(24 * 60):  # a day of history, by which the judges know what is usual
        visitors.come(EPOCH - timedelta(minutes=24 * 60 - minute), 60)

    configured = read_configuration(folder / "rollbackd.yaml", all_kinds())
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(a_store(now))
        with capture_logs() as log:
            stage = AwsStage(
                world,
                configured if secret is None else with_secrets(configured, partial(_secret, secret)),
                store,
                time,
                visitors,
                log,
                stack,
                **settings,
            )
            await stage.bear()
            try:
                yield stage
            finally:
                for life in stage.lives:
                    await life.end()
        assert stage.bugs == []
        assert world.bugs == []
