"""How old a request is when it is used: from its moment in the log until the watch's evidence has it, by the real patrol, in virtual time.

Of each provider that counts or looks, with its default bucket and settle, and data as late as its vendor says (tests/contract/as_usual.py).
Twenty requests fail, each at a random moment of a bucket of its own; the patrol looks up to a quarter of a second after a watch is due,
as the daemon's loop does. Those who look for themselves see no request, but that the release fails: from a random moment on, for two
looks; and so do those that say how something stands, which turns then: a budget at once, a monitor at the next of its own looks, which
are ten seconds apart; of an alarm it is the moment at which CloudWatch has turned it. A task dies, at a random moment.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aiohttp import web

from bench.figure import Figure
from bench.standing import STAND
from rules.model import Consequence, Kind, Rule, RuleSet, Threshold
from rules.sample import Counts, State
from tests.builders import a_policy, a_service
from tests.contract.as_usual import BASELINE, CANARY, HERE, USUAL, Opened, Usual, opened
from tests.contract.test_relay import a_chain
from tests.fakes.aws import AwsWorld
from tests.fakes.exposition import answer, page
from tests.fakes.site import site_in
from tests.fakes.till import Till, suite
from tests.fakes.world import SECOND, START, Happened, World
from tests.watcher.runtime.at_work import a_new_watch
from watcher.core.service import Bake
from watcher.core.watch import Arms, Step
from watcher.runtime.bells import Bells
from watcher.runtime.patrol import Patrol
from watcher.runtime.rounds import Boundary
from watcher.signals.registry import PROVIDERS
from watcher.store.facts import Lookup
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening, Saved, Store
from watcher.telemetry.metrics import Metrics

PHASES = 20
EACH = timedelta(seconds=0.25)  # how often the patrol looks
LONGEST = timedelta(minutes=30)  # after the last: nobody is that late
WATCH = "w_1"
# Nothing is decided of it: what is measured is when it is known.
TOLD = Rule("errors", "errors", Consequence.TELL, "errors", Threshold(above=0.99, bad=10, of=10))


def figures() -> list[Figure]:
    """A row for each of them, and for those whose age is what their settings say."""
    return [asyncio.run(_age(name, usual)) for name, usual in {**USUAL, **LOOK, **DIE, **STAND}.items()]


async def _age(name: str, usual: Usual) -> Figure:
    chance = random.Random(name)
    moments, log = _happens(usual, chance)
    async with opened(usual, World(log)) as there, AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_memory(MemorySettings(), Opening(there.clock.now, threads=False))
        )
        ages = await _Watched(there, store, chance, name in DIE).used(moments)
    return Figure(f"a request is used after: {name}", "s", [age.total_seconds() for age in ages])


def _happens(usual: Usual, chance: random.Random) -> tuple[Sequence[datetime], list[Happened]]:
    """When something fails; and the log with it, in which both releases answer a request every second."""
    every = PROVIDERS[usual.kind].bucket(usual.indicator(HERE))
    apart = 1 if usual.of is Kind.RATIO else 5  # fails for two looks, and is well for three
    moments = [START + (2 + apart * nth + chance.random()) * every for nth in range(PHASES)]
    seconds = int((moments[-1] - START + 2 * apart * every).total_seconds())
    well = [
        Happened(START + (second + part) * SECOND, version, 200, 0.1)
        for second in range(seconds)
        for version, part in (("v1", 0.2), ("v2", 0.6))
        if usual.of is Kind.RATIO or version == "v2"
    ]
    bad = [Happened(moment, "v2", 500, 0.1) for moment in moments]
    if usual.of is not Kind.RATIO:
        spells = [(moment, moment + 2 * every) for moment in moments]
        well = [
            replace(each, status=500) if any(start <= each.at < end for start, end in spells) else each
            for each in well
        ]
    return moments, sorted(well + bad)


@dataclass
class _Watched:
    """A watch of a provider, and the patrol that goes its rounds."""

    there: Opened
    store: Store
    chance: random.Random
    dies: bool

    async def used(self, moments: Sequence[datetime]) -> list[timedelta]:
        """How long after each of *moments* the watch knows of it."""
        await self._opens()
        patrol, known, left = self._patrol(), dict[datetime, datetime](), list(moments)
        clock = self.there.clock
        while len(known) < len(moments):
            watch = await self.store.get(WATCH)
            due = watch.due_at if watch and watch.due_at else clock.now()
            await self._on(max(due, clock.now()) + self.chance.random() * EACH, left)
            await patrol.go_round()
            for moment in await self._seen(moments):
                known.setdefault(moment, clock.now())
            if clock.now() > moments[-1] + LONGEST:
                raise AssertionError(f"{len(moments) - len(known)} of {self.there.indicator} were never used")
        return [known[moment] - moment for moment in moments]

    async def _on(self, to: datetime, left: list[datetime]) -> None:
        """Go on; and whose task dies meanwhile, dies."""
        while left and left[0] <= to:
            moment = left.pop(0)
            if self.dies and self.there.aws is not None:
                await self.there.on((moment - START).total_seconds())
                ecs = self.there.aws.ecs
                running = next(task for task in ecs.find("web").tasks if task.status == "RUNNING")
                words = ("Essential container in task exited", "EssentialContainerExited")
                ecs.kill(running.id, moment, *words, exit_code=1)
        await self.there.on((to - START).total_seconds())

    async def _seen(self, moments: Sequence[datetime]) -> Sequence[datetime]:
        """Those of which the evidence tells: as many as it counts, or those before the end of a look that found it bad."""
        bad = [
            (bucket, float(bucket.canary.bad))
            for series in await self.store.buckets(WATCH)
            for bucket in series.buckets
            if isinstance(bucket.canary, Counts | State) and bucket.canary.bad
        ]
        if self.there.indicator.kind is Kind.RATIO:
            return moments[: round(sum(many for _, many in bad))]
        last = max((bucket.end for bucket, _ in bad), default=START)
        return [moment for moment in moments if moment < last]

    async def _opens(self) -> None:
        """At `START`, which is the noon of the builders."""
        policy = a_policy(
            rules=RuleSet((self.there.indicator,), (TOLD,)),
            bake=Bake(timedelta(hours=6), timedelta(hours=12)),
        )
        arms = Arms(CANARY, BASELINE)
        watch = a_new_watch(id=WATCH, policy=policy, arms=arms, revision=1)
        saved = await self.store.open(Step(watch, before=0), START)
        if not isinstance(saved, Saved):
            raise TypeError(f"the watch was not opened: {saved}")

    def _patrol(self) -> Patrol:
        inquiry, services = self.there.inquiry, {a_service().key: a_service()}
        beat = inquiry.beat(self.there.indicator)
        return Patrol(
            store=self.store,
            lookup=Lookup(self.store, lambda: services, lambda _rules: (beat,)),
            inquiry=inquiry,
            bells=Bells(),
            metrics=Metrics(),
            boundary=Boundary("patrol", _fails),
            owner="bench",
            now=self.there.clock.now,
        )


def _fails(_loop: str, bug: Exception) -> None:
    raise bug


# ------------------------------------------------------------------------------------------------------------ who looks


def _page_of_metrics(world: World) -> web.Application:
    async def tell(_request: web.Request) -> web.Response:
        return answer(world, page(world))

    app = web.Application()
    app.router.add_get("/metrics", tell)
    return app


def _page_of_a_task(world: World) -> web.Application:
    """Of one that runs the new release."""
    own = [each for each in world.log if each.version == "v2"]

    async def tell(_request: web.Request) -> web.Response:
        return answer(world, page(replace(world, log=own)))

    app = web.Application()
    app.router.add_get("/metrics", tell)
    return app


def _health(world: World) -> web.Application:
    async def tell(_request: web.Request) -> web.Response:
        now = max(each for each in world.log if each.at < world.now)
        return web.Response(status=now.status, text="Healthy")

    app = web.Application()
    app.router.add_get("/health", tell)
    return app


def _site(world: World) -> web.Application:
    told = site_in(world)

    async def tell(request: web.Request) -> web.Response:
        return told(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", tell)
    return app


def _cluster(world: World) -> AwsWorld:
    """A service of four tasks, as the new release."""
    aws = AwsWorld(lambda: world.now)
    long_ago = START - timedelta(days=1)
    for number in (1, 2):
        aws.ecs.register("web", f"shop:{number}", long_ago)
    aws.ecs.create_service("web", "web:2", long_ago, desired=4)
    aws.advance()
    return aws


LOOK: Mapping[str, Usual] = {
    "scrape": Usual(
        "scrape",
        {
            "url": f"{HERE}/metrics",
            "counter": "http_requests_total",
            "where": {"version": "${arm.version}"},
            "bad": {"code": "5.."},
        },
        timedelta(0),
        _page_of_metrics,
    ),
    "relay": Usual(
        "relay",
        {
            "where": {"version": "${arm.version}"},
            "scrape": {"url": f"{HERE}/metrics", "counter": "http_requests_total", "bad": {"code": "5.."}},
        },
        timedelta(0),
        _page_of_a_task,
        opens=a_chain,
    ),
    "http": Usual("http", {"url": f"{HERE}/health"}, timedelta(0), _health, of=Kind.PROBE),
    "steps": Usual("steps", suite(f"{HERE}/"), timedelta(0), lambda world: Till(world).app(), of=Kind.PROBE),
    "page": Usual(
        "page", {"url": f"{HERE}/", "expect": {"assets": "all"}}, timedelta(0), _site, of=Kind.PROBE
    ),
}
DIE: Mapping[str, Usual] = {
    "ecs_tasks": Usual(
        "ecs_tasks",
        {"cluster": "prod", "service": "web", "task_definition": "${arm.task_definition}"},
        timedelta(0),
        on_aws=_cluster,
    ),
}
