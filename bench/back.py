"""How long the way back takes at each target: from the decision until users are served by the known-good release.

In virtual time over the simulated AWS of the tests, and the small GitHub, LaunchDarkly and Unleash: the real loops, targets and sources. Each target's usual deployment of a bad
release is judged by its stack's signals and undone. Beside it stands the platform's own minimum there: at the same moment of the same
deployment, with no daemon, another hand puts the old release back by the one call that moves, again each second while it is refused.

How long a platform takes is the simulation's, by its documentation; what is compared is what the daemon adds to it.
"""

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.figure import Figure
from tests.builders import seconds
from tests.fakes.aws import AwsError
from tests.scenarios.aws.cases import BESIDES, CASES, Case
from tests.scenarios.aws.other_cases import OTHERS, WAYS
from tests.scenarios.aws.stage import AwsStage
from tests.scenarios.stage import EPOCH

LONGEST = timedelta(minutes=60)
A_LOOK = 1.0  # seconds: as exactly as users are asked what they meet


@dataclass
class _Way:
    """How it went.

    Attributes:
        decided: Seconds from the deployment to the decision.
        back: Seconds from the decision until users are served by the known-good release.
        moves: Calls that move. The others of the role to act leave traces and marks.
        calls: All that AWS was asked meanwhile, polls of the queue apart; and the system of the target, where that is another.
    """

    decided: float = 0.0
    back: float = 0.0
    moves: int = 0
    calls: int = 0


def figures() -> list[Figure]:
    """Of all targets."""
    found: list[Figure] = []
    for name, case in (*CASES.items(), *OTHERS.items(), *BESIDES.items(), *WAYS.items()):
        ours = _told(case, _ours)
        least = _told(case, partial(_by_hand, decided=ours.decided))
        found += [
            Figure(f"{name}: decision → served, by the daemon", "s", [ours.back]),
            Figure(f"{name}: the platform's own minimum", "s", [least.back]),
            Figure(f"{name}: calls that move", "", [float(ours.moves)]),
            Figure(f"{name}: calls in all, from the decision until served", "", [float(ours.calls)]),
        ]
    return found


Goes = Callable[[Case, AwsStage, _Way], Awaitable[None]]


def _told(case: Case, goes: Goes) -> _Way:
    way = _Way()

    async def story(stage: AwsStage) -> None:
        case.deploys(stage, 2, 0.2)
        await goes(case, stage, way)

    with tempfile.TemporaryDirectory() as folder:
        case.told(Path(folder), story)
    return way


async def _ours(case: Case, stage: AwsStage, way: _Way) -> None:
    began, had = stage.time(), case.asked(stage)
    while not (watches := await stage.watches()) or watches[0].decided_at is None:
        had = case.asked(stage)
        await _looks(stage, began)
    since = (watches[0].decided_at - EPOCH).total_seconds()
    way.decided = since - began
    await _served(case, stage, way, since)
    asked = [call for call in stage.world.calls if call.at >= watches[0].decided_at and call.service != "sqs"]
    way.calls, way.moves = len(asked) + case.asked(stage) - had, len(case.moves(stage))


async def _by_hand(case: Case, stage: AwsStage, way: _Way, decided: float) -> None:
    await stage.lives[-1].die()
    began = stage.time()
    await stage.goes_on(seconds(began + decided), step=A_LOOK)
    since = stage.time()
    while not _is_taken(case, stage):
        await _looks(stage, since)
    await _served(case, stage, way, since)


def _is_taken(case: Case, stage: AwsStage) -> bool:
    """The platform takes the call; not while something is under way there: people wait for that as well."""
    try:
        case.by_hand(stage)
    except AwsError:
        return False
    return True


async def _served(case: Case, stage: AwsStage, way: _Way, since: float) -> None:
    """Until what people meet is the first release alone."""
    while case.runs(stage) != case.before:
        await _looks(stage, since)
    way.back = stage.time() - since


async def _looks(stage: AwsStage, since: float) -> None:
    if stage.time() - since >= LONGEST.total_seconds():
        raise RuntimeError("it never came: the story and the simulation do not fit")
    await stage.goes_on(seconds(stage.time() + A_LOOK), step=A_LOOK)
