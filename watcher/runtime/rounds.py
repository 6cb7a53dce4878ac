"""How every loop goes: round after round until it is stopped, finishing the round that is under way.

A bug is caught in one place, `Boundary`: around one unit of work (a watch, an action, a message), so that it spoils no
other, and around whatever else a round does. It is logged, counted and reported; what was to be done is tried again.

The store being unavailable is no bug. It ends the round, and is said once, and then when it is over.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import structlog

from watcher.errors import StoreUnavailable

T = TypeVar("T")
LONGEST_PAUSE = (
    30.0  # seconds after repeated failures; a guess: long enough to be quiet, short enough to be back soon
)
# Seconds, while the store cannot be used: a try costs little and ends by itself, and what waits for the store must not be late
# once it is back. Other replicas take over what this one held after 14 s.
LONGEST_WITHOUT_STORE = 2.0
Failed = Callable[[str, Exception], None]
log = structlog.stdlib.get_logger("rollbackd.runtime")


async def in_slices(work: Generator[None, None, T]) -> T:
    """What *work* comes to. After each of its slices whatever else is ready has its turn: renewals, requests, other watches."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            found: T = done.value
            return found
        await asyncio.sleep(0)


def _unreported(_loop: str, _error: Exception) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class Bug:
    """A unit of work ended in an error that nobody foresaw."""

    error: Exception


@dataclass(frozen=True, slots=True)
class _Unavailable:
    error: StoreUnavailable


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where the bugs of one loop are caught. *failed* hears of each: the loop's name, and the error."""

    loop: str
    failed: Failed = _unreported

    async def around(self, work: Awaitable[T], **subject: str) -> T | Bug:
        """The answer of *work*, which is about *subject*; or that it ended in a bug.

        Raises:
            StoreUnavailable: It passes.
        """
        try:
            return await work
        except StoreUnavailable:
            raise
        except Exception as error:
            log.exception("loop.failed", loop=self.loop, **subject)
            self.failed(self.loop, error)
            return Bug(error)

    async def each(self, works: Mapping[str, Coroutine[Any, Any, object]]) -> frozenset[str]:
        """Do *works* side by side, each whatever becomes of the others; what those were about that ended in a bug.

        Raises:
            StoreUnavailable: As one of them said, once all of them have ended.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                running = {
                    subject: tasks.create_task(self._one(work, subject)) for subject, work in works.items()
                }
        finally:
            for work in works.values():
                work.close()  # one that was cancelled before it began would be complained of
        ended = {subject: task.result() for subject, task in running.items()}
        for outcome in ended.values():
            if isinstance(outcome, _Unavailable):
                raise outcome.error
        return frozenset(subject for subject, outcome in ended.items() if isinstance(outcome, Bug))

    async def _one(self, work: Awaitable[object], subject: str) -> Bug | _Unavailable | None:
        try:
            outcome = await self.around(work, subject=subject)
        except StoreUnavailable as error:
            return _Unavailable(error)
        return outcome if isinstance(outcome, Bug) else None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """How many rounds in a row failed; and whether the last of them did for want of the store."""

    rounds: int = 0
    unavailable: bool = False


_NONE = _Trouble()


class Runs(Protocol):
    """What the daemon runs until it is to stop."""

    @property
    def name(self) -> str:
        """For the log."""

    async def run(self, stop: asyncio.Event) -> None:
        """Go on until *stop*, and end in good order soon after."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop: *go_round* says whether it found work; if not, it pauses *idle* seconds or until *bell* rings."""

    name: str
    go_round: Callable[[], Awaitable[bool]]
    idle: float
    bell: asyncio.Event | None = None
    failed: Failed = _unreported

    async def run(self, stop: asyncio.Event) -> None:
        """Go round until *stop*, finishing the round that is under way."""
        bell, trouble = self.bell or asyncio.Event(), _NONE
        async with asyncio.TaskGroup() as tasks:
            ringing = tasks.create_task(_ring(bell, stop))
            while not stop.is_set():
                bell.clear()
                found, trouble = await self._try(trouble)
                if not found:
                    await pause(bell, self._how_long(trouble))
            ringing.cancel()

    async def _try(self, before: _Trouble) -> tuple[bool, _Trouble]:
        try:
            found = await Boundary(self.name, self.failed).around(self.go_round())
        except StoreUnavailable as error:
            if not before.unavailable:
                log.warning("store.unavailable", loop=self.name, words=str(error), remedy=error.remedy)
            return False, _Trouble(before.rounds + 1, unavailable=True)
        if isinstance(found, Bug):
            return False, _Trouble(before.rounds + 1)
        if before.rounds:
            log.info("loop.recovered", loop=self.name, failures=before.rounds)
        return found, _NONE

    def _how_long(self, trouble: _Trouble) -> float:
        longest = LONGEST_WITHOUT_STORE if trouble.unavailable else LONGEST_PAUSE
        return min(self.idle * 2.0 ** min(trouble.rounds, 10), max(longest, self.idle))


async def _ring(bell: asyncio.Event, stop: asyncio.Event) -> None:
    """Let *stop* end the pause."""
    await stop.wait()
    bell.set()


async def pause(bell: asyncio.Event, seconds: float) -> None:
    """Wait for *seconds*, or until *bell* rings."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
