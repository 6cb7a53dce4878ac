"""``kill -9`` at any moment of a rollback."""

import asyncio

from tests.builders import seconds
from tests.scenarios.aws.stage import AwsStage
from watcher.core.watch import State

_MOMENT, _SOON = 0.001, 0.2  # seconds; the second is shorter than a look of the performer


async def is_killed(stage: AwsStage, after: int) -> None:
    """The daemon, *after* so many calls of AWS since it decided to go back; and it is started again with what it had stored."""
    watch, *_ = await stage.watches()
    assert watch.state is State.WATCHING
    while (await stage.watches())[0].state is State.WATCHING:
        await stage.goes_on(seconds(stage.time() + _SOON), step=_SOON)
    before = len(stage.world.calls)
    while len(stage.world.calls) < before + after:  # noqa: ASYNC110 - virtual time: a moment is what is waited for
        await asyncio.sleep(_MOMENT)
    await stage.lives[-1].die()
    await stage.bear()
