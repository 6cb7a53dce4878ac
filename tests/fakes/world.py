"""A world of requests: one log of what happened, and a clock. Every fake tells the same log, each in its own words."""

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, order=True)
class Happened:
    """One request that was answered."""

    at: datetime
    version: str
    status: int
    seconds: float
    instance: int = 0
    session: str = ""  # of a user, whose requests share it; empty: the request is one for itself


@dataclass
class World:
    """What happened, and when it is. Times of the log lie before and after *now*: a fake tells only what is past."""

    log: list[Happened] = field(default_factory=list)
    births: dict[int, list[datetime]] = field(default_factory=dict)  # of the instances' processes
    now: datetime = START

    def between(self, start: datetime, end: datetime, **wanted: object) -> list[Happened]:
        """The requests in ``[start, end)`` that have these fields."""
        return [
            each
            for each in self.log
            if start <= each.at < end and all(getattr(each, name) == value for name, value in wanted.items())
        ]

    def since_birth(self, instance: int) -> list[Happened]:
        """What the process of *instance* that runs now has answered."""
        return self.between(self.born(instance), self.now, instance=instance)

    def born(self, instance: int) -> datetime:
        """When it began."""
        return max(
            birth for birth in self.births.get(instance, [START - timedelta(days=1)]) if birth <= self.now
        )


def traffic(
    seed: int,
    minutes: float,
    *,
    versions: Iterable[tuple[str, float, float]],
    every: timedelta = SECOND / 10,
    instances: int = 1,
) -> list[Happened]:
    """Requests from `START` on; *versions* are (name, share of the requests, share of them that fails)."""
    chance = random.Random(seed)
    names = list(versions)
    log = []
    for step in range(int(minutes * 60 / every.total_seconds())):
        name, _, fails = chance.choices(names, [share for _, share, _ in names])[0]
        status = 500 if chance.random() < fails else 200
        at = START + step * every + every * chance.random() * 0.9
        log.append(
            Happened(at, name, status, chance.choice((0.05, 0.2, 0.4, 2.0)), chance.randrange(instances))
        )
    return log


def last(world: World, now: datetime) -> Happened:
    """The request that was answered last before *now*: how things stand."""
    return max((each for each in world.log if each.at < now), default=Happened(START, "v0", 200, 0.1))


class Clock:
    """Time that goes on when the test says so; who waits is woken in order, and given the (real) time to finish."""

    def __init__(self, world: World, ahead: timedelta = timedelta(0)) -> None:
        self._world = world
        self.ahead = ahead  # of the world's: ours is wrong by so much
        self._waiting: dict[asyncio.Task[object], tuple[datetime, asyncio.Future[None]]] = {}
        self._known: set[asyncio.Task[object]] = set()
        self.jumped = timedelta(0)  # what somebody set the clock by, which no time passed in

    def now(self) -> datetime:
        return self._world.now + self.ahead

    def monotonic(self) -> float:
        return (self._world.now - self.jumped - START).total_seconds()

    async def until(self, at: datetime) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._known.add(task)
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[task] = (at - self.ahead, woken)
        try:
            await woken
        finally:
            self._waiting.pop(task, None)

    async def advance(self, to: datetime) -> None:
        """Go on to *to*, past everything that waits for a moment before it."""
        await self._quiet()
        while due := self._due(to):
            at, woken = due
            self._world.now = max(self._world.now, at)
            woken.set_result(None)
            await self._quiet()
        self._world.now = max(self._world.now, to)

    def _due(self, to: datetime) -> tuple[datetime, "asyncio.Future[None]"] | None:
        waits = [wait for wait in self._waiting.values() if wait[0] <= to and not wait[1].done()]
        return min(waits, key=lambda wait: wait[0], default=None)

    async def _quiet(self) -> None:
        """Until everybody who ever waited waits again, or has ended."""
        async with asyncio.timeout(60):
            for _ in range(5):
                await asyncio.sleep(0)
            while any(not task.done() and task not in self._still() for task in self._known):  # noqa: ASYNC110 - nobody says when a task has ended
                await asyncio.sleep(0.001)

    def _still(self) -> set["asyncio.Task[object]"]:
        return {task for task, (_, woken) in self._waiting.items() if not woken.done()}
