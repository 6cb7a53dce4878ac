"""What AWS is asked, and how long it takes there: all of it counted and in virtual time, so it is the same on every machine.

The real provider, target, source and loops over the simulated AWS of the tests (`tests.fakes.aws`), which is validated by
botocore's models. *Calls of a tick*: N indicators of the kind `ratio`, each of a target group of its own, all due at once.
*The way back*: ``web`` runs four tasks, 50 requests a second; of ``web:2`` a fifth fails.
"""

import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bench.figure import Figure
from deploy.ports import AwsAccount
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from tests.fakes.aws import AwsWorld, Direct
from tests.scenarios.aws.stage import ACT, AwsStage, on_aws
from tests.scenarios.stage import EPOCH
from tests.scenarios.virtual import in_virtual_time
from watcher.app import Ports
from watcher.http import Guard, Http
from watcher.signals.provider import Opening, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

SIZES = (10, 100, 1_000, 10_000)
MINUTE = timedelta(minutes=1)
SETTLED = EPOCH + timedelta(minutes=30)
DEADLINE = timedelta(seconds=6)
T = TypeVar("T")


def figures() -> list[Figure]:
    """All of them."""
    calls = [
        Figure(f"calls of CloudWatch a tick, {size:,} ratios", "calls", [in_virtual_time(_calls(size))])
        for size in SIZES
    ]
    way = _on_the_stage(_way_back)
    return [
        *calls,
        Figure(
            "from the first request to a bad release until it is decided (CloudWatch, 1 min)",
            "s",
            [way.decided],
        ),
        Figure("from the decision until no task of the bad release serves", "s", [way.served]),
        Figure("calls that move or mark, from the decision until it is verified", "calls", [way.acted]),
        Figure("calls that read ECS, from the decision until it is verified", "calls", [way.read]),
    ]


# ---------------------------------------------------------------------------------------------------------------- a tick


async def _calls(size: int) -> float:
    """How often GetMetricData is called for *size* indicators that are due together."""
    world = AwsWorld(lambda: SETTLED)
    for number in range(size):
        for metric, count in (("RequestCount", 300.0), ("HTTPCode_Target_5XX_Count", 1.0)):
            at = EPOCH + timedelta(seconds=30)
            world.cloudwatch.put(
                "AWS/ApplicationELB", metric, {"TargetGroup": f"tg/{number}"}, at, [1.0], counts=[count]
            )
    questions = [Question(f"w/{number}", _indicator(number), {}, None) for number in range(size)]
    kind, ports = PROVIDERS["cloudwatch"], Ports()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(Http.open(Guard(()), Metrics(), ports.now, "bench"))
        opening = Opening(
            http, lambda: SETTLED, ports.monotonic, Metrics(), Direct(world), AwsAccount("shop", world.region)
        )
        provider = await stack.enter_async_context(kind.open(None, opening))
        readings = await provider.read(questions, Window(EPOCH, EPOCH + MINUTE, SETTLED + DEADLINE))
    if not all(isinstance(reading, tuple) for reading in readings.values()):
        raise AssertionError("an indicator was not answered")
    return float(world.count("cloudwatch", "GetMetricData"))


def _indicator(number: int) -> Indicator:
    dimensions = f'{{"TargetGroup":"tg/{number}"}}'
    query = (
        f'{{"bad":{{"sum":["HTTPCode_Target_5XX_Count"]}},"dimensions":{dimensions},'
        '"namespace":"AWS/ApplicationELB","total":{"sum":["RequestCount"]}}'
    )
    return Indicator(f"errors-{number}", IndicatorKind.RATIO, "cloudwatch", query)


# ---------------------------------------------------------------------------------------------------------- the way back


@dataclass(frozen=True, slots=True)
class Way:
    """How a bad release went back: seconds, and numbers of calls."""

    decided: float
    served: float
    acted: float
    read: float


async def _way_back(stage: AwsStage) -> Way:
    await stage.goes_on(3 * MINUTE)
    stage.deploys("web:2", fails=0.2)
    first = await _when(stage, lambda: "web:2" in stage.runs)
    served = await _when(stage, lambda: stage.runs == {"web:1"})
    await stage.goes_on(timedelta(seconds=stage.time()) + 2 * MINUTE, step=1)
    (watch,) = await stage.watches()
    if watch.decided_at is None or watch.back_at is None:
        raise AssertionError("it did not go back")
    decided, until = watch.decided_at, watch.back_at
    calls = [call for call in stage.world.calls if decided <= call.at <= until and call.service == "ecs"]
    return Way(
        (decided - first).total_seconds(),
        (served - decided).total_seconds(),
        float(sum(call.by == ACT for call in calls)),
        float(sum(call.by != ACT for call in calls)),
    )


async def _when(stage: AwsStage, seen: Callable[[], bool]) -> datetime:
    while not seen():
        await stage.goes_on(timedelta(seconds=stage.time() + 1), step=1)
    return stage.now()


def _on_the_stage(story: Callable[[AwsStage], Awaitable[T]]) -> T:
    async def staged() -> T:
        with tempfile.TemporaryDirectory() as folder:
            async with on_aws(Path(folder)) as stage:
                return await story(stage)

    return in_virtual_time(staged())
