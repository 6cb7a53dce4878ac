"""What AWS is asked, and how long it takes there: all of it counted and in virtual time, so it is the same on every machine.

The real provider, target, source and loops over the simulated AWS of the tests (`tests.fakes.aws`), which is validated by
botocore's models. *The way back*: ``web`` runs four tasks, 50 requests a second; of ``web:2`` a fifth fails. What AWS is asked
in a tick is with what others are (`tick`).
"""

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from bench.figure import Figure
from tests.scenarios.aws.stage import ACT, AwsStage, on_aws
from tests.scenarios.virtual import in_virtual_time

MINUTE = timedelta(minutes=1)
T = TypeVar("T")


def figures() -> list[Figure]:
    """All of them."""
    way = _on_the_stage(_way_back)
    return [
        Figure(
            "from the first request to a bad release until it is decided (CloudWatch, 1 min)",
            "s",
            [way.decided],
        ),
        Figure("from the decision until no task of the bad release serves", "s", [way.served]),
        Figure("calls that move or mark, from the decision until it is verified", "calls", [way.acted]),
        Figure("calls that read ECS, from the decision until it is verified", "calls", [way.read]),
    ]


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
