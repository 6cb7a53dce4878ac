"""What AWS is asked in one tick, and what it answers: the real providers over the simulated AWS of the tests, in virtual time.

The bytes are those of bodies, as botocore writes them in the protocol in which boto3 speaks to the service, and as the service
answers in it. Logs Insights is with those whose plans are compiled (`bench.tick`).
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from botocore.serialize import create_serializer

from bench.figure import Figure
from bench.said import Tick, told
from deploy.ports import AwsAccount
from rules.model import Indicator, Kind
from tests.fakes.aws import AwsWorld, Direct
from tests.fakes.aws.models import operation, operation_of
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from watcher.http import Guard, Http
from watcher.signals.application_signals.reports import MOST as MOST_SLOS
from watcher.signals.cloudwatch.plan import MOST_QUERIES
from watcher.signals.provider import Opening, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

MINUTE = timedelta(minutes=1)
NOW = START + 30 * MINUTE
DEADLINE = timedelta(seconds=6)
SIZES = (10, 100, 1_000)
METRICS = 4  # of a ratio: bad and total, of both releases
TASKS, PAGE = 2, 100  # of a service; and of tasks that AWS lists in one answer
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
    for size in (*SIZES, 10_000):
        least = ceil(METRICS * size / MOST_QUERIES)
        found += told(
            "cloudwatch", "a tick", f"{size:,} ratios", least, in_virtual_time(_of_cloudwatch(size))
        )
    for size in SIZES:
        least = ceil(size / MOST_SLOS)
        tick = in_virtual_time(_of_application_signals(size))
        found += told("application_signals", "a tick", f"{size:,} SLOs", least, tick)
    for size in SIZES:
        least = 2 * ceil(
            TASKS * size / PAGE
        )  # were all of a cluster listed, those that run and those that stopped
        tick = in_virtual_time(_of_tasks(size))
        found += told("ecs_tasks", "a tick", f"{size:,} services at rest", least, tick)
    return found


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


async def _of_application_signals(size: int) -> Tick:
    world = AwsWorld(lambda: NOW)
    questions = []
    for number in range(size):
        name = f"shop-{number}-availability"
        world.slos.follow(name, 0.999, [(START - MINUTE, False)] * 10)
        asked = _indicator("application_signals", {"slo": name}, number, Kind.STATE)
        questions.append(Question(f"w/{number}", asked, {}, None))
    window = Window(START, START + MINUTE, NOW + DEADLINE)
    return await _asked("application_signals", world, [questions], window)


async def _of_tasks(size: int) -> Tick:
    """All of one cluster, which have been read before."""
    now = START
    world = AwsWorld(lambda: now)
    questions = []
    world.ecs.register("web", "shop:1", START - 60 * MINUTE)
    for number in range(size):
        world.ecs.create_service(f"shop-{number}", "web:1", START - 50 * MINUTE, desired=TASKS)
        query = {"cluster": "prod", "service": f"shop-{number}", "task_definition": "${arm.task_definition}"}
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


async def _asked(
    kind: str,
    world: AwsWorld,
    rounds: Sequence[Sequence[Question]],
    window: Window,
    again: timedelta = timedelta(0),
) -> Tick:
    """What the last of these *rounds* of questions says, each *again* so much later than the one before."""
    aws, metrics, passed = Metered(world), Metrics(), timedelta(0)

    def now() -> datetime:
        return world.now() + passed

    def monotonic() -> float:
        return passed.total_seconds()

    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(Http.open(Guard(()), metrics, world.now, "bench"))
        opening = Opening(http, now, monotonic, metrics, aws, AwsAccount("shop", world.region))
        provider = await stack.enter_async_context(PROVIDERS[kind].open(None, opening))
        for questions in rounds:
            aws.asked.clear()
            aws.answered.clear()
            moved = Window(window.start + passed, window.end + passed, window.deadline + passed)
            readings = await provider.read(questions, moved)
            silent = [reading for reading in readings.values() if not isinstance(reading, tuple)]
            if silent:
                raise AssertionError(f"{len(silent)} of {kind} were not answered: {silent[0]}")
            passed += again
    return Tick(aws.asked, aws.answered)
