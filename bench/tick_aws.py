"""What AWS is asked in one tick, and what it answers: the real providers over the simulated AWS of the tests, in virtual time.

The bytes are those of bodies, as botocore writes them in the protocol in which boto3 speaks to the service, and as the service
answers in it. Logs Insights is with those whose plans are compiled (`bench.tick`).
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from botocore.serialize import create_serializer

from bench.figure import Figure
from bench.said import Tick, told
from deploy.ports import AwsAccount
from rules.model import Indicator, Kind
from rules.sample import Reading
from tests.fakes.aws import AwsWorld, Direct
from tests.fakes.aws.models import operation, operation_of
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from watcher.http import Guard, Http
from watcher.signals.application_signals.reports import MOST as MOST_SLOS
from watcher.signals.cloudwatch.plan import MOST_QUERIES
from watcher.signals.ecs_tasks.plan import PAGE
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

MINUTE = timedelta(minutes=1)
NOW = START + 30 * MINUTE
DEADLINE = timedelta(seconds=6)
SIZES = (10, 100, 1_000, 10_000)
METRICS = 4  # of a ratio: bad and total, of both releases
TASKS = 2  # of a service
MOST_SERVICES = 5_000  # of a cluster: the quota of AWS
ELB = "AWS/ApplicationELB"
CLOUDWATCH = {
    "namespace": ELB,
    "dimensions": {"TargetGroup": "${arm.target_group}"},
    "bad": {"sum": ["HTTPCode_Target_5XX_Count"]},
    "total": {"sum": ["RequestCount"]},
}


class Metered:
    """AWS, and how many bytes each question to it has, and each answer."""

    def __init__(self, world: AwsWorld) -> None:
        self._aws = Direct(world)
        self.asked: list[int] = []
        self.answered: list[int] = []

    async def read(self, scope: str, service: str, method: str, /, **parameters: Any) -> Mapping[str, Any]:
        """Asks, and counts."""
        answer = await self._aws.read(scope, service, method, **parameters)
        model = operation(service, operation_of(service, method))
        protocol = model.service_model.resolved_protocol
        if protocol not in {"json", "rest-json"}:
            raise ValueError(f"boto3 speaks {protocol} to {service} now: count the bytes of that")
        written = create_serializer(protocol, include_validation=False).serialize_to_request(
            parameters, model
        )
        self.asked.append(len(written["body"]))
        self.answered.append(len(json.dumps(answer, default=datetime.timestamp)))
        return answer

    async def act(self, *_: str, **__: Any) -> Mapping[str, Any]:
        """Nothing is changed here."""
        raise NotImplementedError

    async def poll(self, *_: str, **__: Any) -> Mapping[str, Any]:
        """And nothing waited for."""
        raise NotImplementedError


def figures() -> list[Figure]:
    """CloudWatch, Application Signals and tasks."""
    found = []
    for size in SIZES:
        least = ceil(METRICS * size / MOST_QUERIES)
        found += told(
            "cloudwatch", "a tick", f"{size:,} ratios", least, in_virtual_time(_of_cloudwatch(size))
        )
    for size in SIZES:
        ticks = in_virtual_time(_of_application_signals(size))
        found += _in_turns(f"{size:,} SLOs", ceil(size / MOST_SLOS), ticks)
    for size in SIZES:
        clusters = [len(each) for each in _clusters(size)]
        least = sum(
            ceil(TASKS * each / PAGE) + 1 for each in clusters
        )  # of what runs; and that nothing stopped
        tick = in_virtual_time(_of_tasks(size))
        found += told("ecs_tasks", "a tick", f"{size:,} services at rest", least, tick)
    return found


def _clusters(size: int) -> list[range]:
    """The numbers of *size* services, by their clusters."""
    return [range(first, min(first + MOST_SERVICES, size)) for first in range(0, size, MOST_SERVICES)]


async def _of_cloudwatch(size: int) -> Tick:
    """Each a balancer's target group for either release."""
    world = AwsWorld(lambda: NOW)
    questions = []
    for number in range(size):
        for colour in ("blue", "green"):
            of = {"TargetGroup": _group(number, colour)}
            for metric, count in (("RequestCount", 300.0), ("HTTPCode_Target_5XX_Count", 1.0)):
                world.cloudwatch.put(ELB, metric, of, START + MINUTE / 2, [1.0], counts=[count])
        arms = [{"target_group": _group(number, colour)} for colour in ("green", "blue")]
        questions.append(
            Question(f"w/{number}", _indicator("cloudwatch", CLOUDWATCH, number), arms[0], arms[1])
        )
    return await _asked("cloudwatch", world, [questions], Window(START, START + MINUTE, NOW + DEADLINE))


def _group(number: int, colour: str) -> str:
    return f"targetgroup/shop-{number}-{colour}/0123456789abcdef"


def _in_turns(size: str, least: int, ticks: Sequence[Tick]) -> list[Figure]:
    """Of those whose calls AWS counts by the second: one tick where it is enough; else all until each was answered, and how many."""
    if len(ticks) == 1:
        return told("application_signals", "a tick", size, least, ticks[0])
    asked = [each for tick in ticks for each in tick.asked]
    answered = [each for tick in ticks for each in tick.answered]
    return [
        *told("application_signals", "until each is answered", size, least, Tick(asked, answered)),
        Figure(f"what these take, {size}", "ticks", [len(ticks)]),
    ]


async def _of_application_signals(size: int) -> list[Tick]:
    """Ticks a minute apart, until each was answered."""
    world = AwsWorld(lambda: NOW)
    questions = []
    for number in range(size):
        name = f"shop-{number}-availability"
        world.slos.follow(name, 0.999, [(START - MINUTE, False)] * 10)
        asked = _indicator("application_signals", {"slo": name}, number, Kind.STATE)
        questions.append(Question(f"w/{number}", asked, {}, None))
    window = Window(START, START + MINUTE, NOW + DEADLINE)
    left, ticks = {question.id for question in questions}, list[Tick]()
    async with _opened("application_signals", world) as opened:
        while left:
            tick, readings = await opened.ask(questions, window, len(ticks) * MINUTE)
            ticks.append(tick)
            if not (answered := left & {name for name, each in readings.items() if isinstance(each, tuple)}):
                raise AssertionError(f"{len(left)} of application_signals were not answered")
            left -= answered
    return ticks


async def _of_tasks(size: int) -> Tick:
    """All of their clusters, which have been read before."""
    now = START
    world = AwsWorld(lambda: now)
    questions = []
    world.ecs.register("web", "shop:1", START - 60 * MINUTE)
    for nth, numbers in enumerate(_clusters(size)):
        for number in numbers:
            name, cluster = f"shop-{number}", f"prod-{nth}"
            world.ecs.create_service(name, "web:1", START - 50 * MINUTE, cluster=cluster, desired=TASKS)
            query = {"cluster": cluster, "service": name, "task_definition": "${arm.task_definition}"}
            asked = _indicator("ecs_tasks", query, number)
            questions.append(Question(f"w/{number}", asked, {"task_definition": "web:1"}, None))
    now = NOW
    world.advance()
    window = Window(NOW - 2 * MINUTE, NOW - MINUTE, NOW + DEADLINE)
    return await _asked("ecs_tasks", world, [questions, questions], window, again=MINUTE)


def _indicator(kind: str, query: Mapping[str, Any], number: int, of: Kind = Kind.RATIO) -> Indicator:
    text = json.dumps(query, sort_keys=True)
    return Indicator(
        f"errors-{number}", of, kind, text, compares_arms="${arm." in text and kind == "cloudwatch"
    )


@dataclass
class _Opened:
    """A provider, and AWS as it asks it; *passed* since the beginning."""

    aws: Metered
    passed: timedelta = timedelta(0)
    provider: Provider | None = None

    async def ask(
        self, questions: Sequence[Question], window: Window, passed: timedelta
    ) -> tuple[Tick, Mapping[str, Reading]]:
        """What these *questions* say after so long, with the window moved as far; and how they are answered."""
        if self.provider is None:
            raise ValueError("nothing is open")
        self.passed = passed
        self.aws.asked.clear()
        self.aws.answered.clear()
        moved = Window(window.start + passed, window.end + passed, window.deadline + passed)
        readings = await self.provider.read(questions, moved)
        return Tick(tuple(self.aws.asked), tuple(self.aws.answered)), readings


@asynccontextmanager
async def _opened(kind: str, world: AwsWorld) -> AsyncIterator[_Opened]:
    metrics, opened = Metrics(), _Opened(Metered(world))

    def now() -> datetime:
        return world.now() + opened.passed

    def monotonic() -> float:
        return opened.passed.total_seconds()

    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(Http.open(Guard(()), metrics, world.now, "bench"))
        opening = Opening(http, now, monotonic, metrics, opened.aws, AwsAccount("shop", world.region))
        opened.provider = await stack.enter_async_context(PROVIDERS[kind].open(None, opening))
        yield opened


async def _asked(
    kind: str,
    world: AwsWorld,
    rounds: Sequence[Sequence[Question]],
    window: Window,
    again: timedelta = timedelta(0),
) -> Tick:
    """What the last of these *rounds* of questions says, each *again* so much later than the one before."""
    tick = Tick((), ())
    async with _opened(kind, world) as opened:
        for nth, questions in enumerate(rounds):
            tick, readings = await opened.ask(questions, window, nth * again)
            silent = [reading for reading in readings.values() if not isinstance(reading, tuple)]
            if silent:
                raise AssertionError(f"{len(silent)} of {kind} were not answered: {silent[0]}")
    return tick
