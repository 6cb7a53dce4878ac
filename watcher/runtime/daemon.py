"""Runs the loops side by side until it is told to stop, and then lets each finish the round that it is in."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from watcher.runtime.rounds import Runs
from watcher.telemetry.watchdog import Watchdog

DRAIN = timedelta(
    seconds=8
)  # SIGTERM ends within 10 s; orchestrators wait 30 s, and a rollback is taken up again anyway
log = structlog.stdlib.get_logger("rollbackd.daemon")


@dataclass
class Daemon:
    """The loops of one process. The watchdog is beaten as long as the event loop turns."""

    loops: Sequence[Runs]
    watchdog: Watchdog
    monotonic: Callable[[], float]
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> bool:
        """Run until `stop`; ``True`` if every loop ended by itself within `DRAIN`.

        A loop that ends otherwise ends them all: better no daemon, which is noticed, than one that does half of its work.
        """
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(self.watchdog.beat(asyncio.Event()))
            running = [tasks.create_task(loop.run(self.stop), name=loop.name) for loop in self.loops]
            await self.stop.wait()
            log.info("daemon.draining")
            _, late = await asyncio.wait(running, timeout=DRAIN.total_seconds())
            for task in (beating, *late):
                task.cancel()
        if late:
            log.warning("daemon.undrained", loops=sorted(task.get_name() for task in late))
        return not late

    @property
    def beat_age(self) -> timedelta:
        """How long ago the event loop was seen to turn."""
        return timedelta(seconds=max(0.0, self.monotonic() - self.watchdog.beaten_at))
