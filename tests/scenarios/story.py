"""What became of a world: its daemon is let loose on it in virtual time, and afterwards the store is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from structlog.testing import capture_logs

from deploy.tags import Ledger
from tests.scenarios.signals import Signals
from tests.scenarios.stage import EPOCH, Stage, place
from tests.scenarios.traffic import Traffic
from tests.scenarios.world import USUAL, World, a_release
from watcher.core.watch import Notice, Watch
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import AuditRow, Claimed, Opening, Store

T = TypeVar("T")
FIRST = "v1"


@dataclass(frozen=True)
class Story:
    """What came of it. Times are counted from the beginning.

    Attributes:
        watches: All of them, oldest first.
        actions: Of all watches.
        calls_that_change: What was sent to platforms.
        told: What people were told, and when.
        log: The daemon's own.
        answers: What people were answered, in the order in which they spoke.
    """

    watches: Sequence[Watch]
    actions: Sequence[Claimed]
    audit: Sequence[AuditRow]
    ledgers: Mapping[tuple[str, str], Ledger]
    calls_that_change: Sequence[str]
    told: Sequence[tuple[timedelta, Notice]]
    log: Sequence[Mapping[str, Any]]
    answers: Sequence[Any]
    bugs: Sequence[Exception]
    stage: Stage = field(repr=False)

    @property
    def watch(self) -> Watch:
        """The only one."""
        (watch,) = self.watches
        return watch

    def watch_of(self, tag: str, service: str = "checkout") -> Watch:
        """The first of a release."""
        return next(each for each in self.watches if each.tag == tag and each.service == service)

    @property
    def rolled_back_at(self) -> timedelta:
        """When the first release was back that had to go back; it is a failure if none was."""
        return next(each.back_at for each in self.watches if each.back_at) - EPOCH

    def states(self, watch: Watch | None = None) -> list[str]:
        """Those that a watch went through, in order."""
        subject = (watch or self.watches[0]).id
        rows = [row for row in self.audit if row.subject == subject and "state" in row.facts]
        told = [row.facts["state"] for row in rows]
        return [state for number, state in enumerate(told) if number == 0 or told[number - 1] != state]

    @property
    def events(self) -> list[str]:
        """What people were told of, in order."""
        return [notice.event for _, notice in self.told]

    @property
    def headlines(self) -> list[str]:
        """What people read first."""
        return [notice.headline for _, notice in self.told]

    def entered(self, state: str, watch: Watch | None = None) -> timedelta:
        """When a watch first came into a state."""
        subject = (watch or self.watches[0]).id
        rows = (row for row in self.audit if row.subject == subject and row.facts.get("state") == state)
        return next(row.at for row in rows) - EPOCH

    def logged(self, event: str) -> list[Mapping[str, Any]]:
        """The lines of the log with this event."""
        return [line for line in self.log if line["event"] == event]


async def watched(world: World, minutes: float) -> Story:
    """Let the daemon loose on *world* for some *minutes*."""
    async with staged(world) as (stage, log):
        for act in sorted(world.acts, key=lambda act: act.at):
            await _until(act.at)
            await act.do(stage)
        await _until(timedelta(minutes=minutes))
        return await _told(stage, log)


async def _until(at: timedelta) -> None:
    await asyncio.sleep(max(0.0, at.total_seconds() - asyncio.get_running_loop().time()))


@asynccontextmanager
async def staged(world: World) -> AsyncIterator[tuple[Stage, list[Any]]]:
    """The stage, with a daemon at work on it that has known v1 of each service for a month."""
    time = asyncio.get_running_loop().time

    def now() -> datetime:
        return EPOCH + timedelta(seconds=time())

    async with AsyncExitStack() as stores:

        async def new_store() -> Store:
            opening = open_memory(MemorySettings(), Opening(now, threads=False))
            return await stores.enter_async_context(opening)

        with capture_logs() as log:
            stage = _stage(world, await new_store(), new_store)
            await _before(stage)
            for _ in range(world.replicas):
                stage.bear()
            try:
                yield stage, log
            finally:
                for life in stage.lives:
                    await life.end()


def _stage(world: World, store: Store, new_store: Callable[[], Awaitable[Store]]) -> Stage:
    time = asyncio.get_running_loop().time
    traffic = {place(service): Traffic(world.rate, {FIRST: USUAL}) for service in world.services}
    traffic[place(world.services[0])].faults.extend(world.faults)
    signals = {
        "counts": Signals(traffic, time, EPOCH, world.dark),
        "others": Signals(traffic, time, EPOCH, world.dark_others),
    }
    stage = Stage(store, time, list(world.services), signals, traffic, new_store=new_store, **world.settings)
    for platform in stage.platforms.values():
        platform.takes = world.takes
    first = world.services[0]
    stage.platforms[place(first), first.parts[0]].moods.extend(world.moods)
    return stage


async def _before(stage: Stage) -> None:
    """v1 served for a month: long enough to be known as good."""
    for service in stage.services:
        for part in service.parts:
            release = a_release(FIRST, of=place(service), part=part)
            stage.platforms[place(service), part].has_always_served(release)
            since = EPOCH - timedelta(days=30)
            await stage.store.adopt(*service.key, part, release, since, adopted=True)


async def _told(stage: Stage, log: list[Any]) -> Story:
    store, services = stage.store, stage.services
    watches = sorted(await store.list(limit=200), key=lambda watch: watch.id)
    return Story(
        watches=watches,
        actions=[action for watch in watches for action in await store.actions(watch.id)],
        audit=await _all_rows(store),
        ledgers={
            (each.name, part): await store.ledger(*each.key, part) for each in services for part in each.parts
        },
        calls_that_change=stage.calls,
        told=[
            (timedelta(seconds=at), message.notice)
            for at, message in stage.room.told
            if message.kind == "append"
        ],
        log=log,
        answers=stage.answers,
        bugs=stage.bugs,
        stage=stage,
    )


async def _all_rows(store: Store) -> list[AuditRow]:
    rows: list[AuditRow] = []
    while more := await store.audit(after=rows[-1].seq if rows else 0, limit=500):
        rows += more
    return rows


def known(value: T | None) -> T:
    """*value*, which is there."""
    assert value is not None
    return value
