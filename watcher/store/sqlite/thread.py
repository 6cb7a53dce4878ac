"""Where jobs that block are done, one after the other. Never asyncio's default executor: others would wait behind it.

A job is done whole or not at all. Cancelling who waits changes nothing: the job is done, and nobody hears of it. Running
out of time takes back a job that has not begun, and says which of the two it was.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from typing import Protocol, TypeVar

from watcher.errors import StoreUnavailable

T = TypeVar("T")
AT_MOST = 1000  # jobs that wait; more means that the disk stands still, and whoever asks had better say so to its sender
STOPS_WITHIN = timedelta(seconds=5)


class Hand(Protocol):
    """Does jobs one after the other."""

    async def do(self, job: Callable[[], T], within: timedelta) -> T:
        """The job's answer.

        Raises:
            StoreUnavailable: None came in time, too many are waiting, or it has ended.
        """

    async def stop(self, last: Callable[[], None]) -> None:
        """Do what is waiting, then *last*, and end. Twice is harmless."""


class Here:
    """Does jobs at once, in the event loop: for what never waits for a disk, and for tests in virtual time."""

    def __init__(self) -> None:
        self._stopped = False

    async def do(self, job: Callable[[], T], within: timedelta) -> T:
        """The job's answer. Others have their turn afterwards, as if a thread had done it; *within* cannot be kept."""
        del within
        if self._stopped:
            raise _closed()
        answer = job()
        await asyncio.sleep(0)
        return answer

    async def stop(self, last: Callable[[], None]) -> None:
        """See `Hand`."""
        if not self._stopped:
            self._stopped = True
            last()


class Thread:
    """Does jobs in one thread, which does not keep the process from ending."""

    def __init__(self, name: str, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._stopped = False
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def do(self, job: Callable[[], T], within: timedelta) -> T:
        """See `Hand`."""
        if self._stopped:
            raise _closed()
        if self._jobs.qsize() >= self._at_most:
            raise StoreUnavailable(
                f"{self._at_most} operations wait for the store already",
                remedy="look at the disk that the store is on: it is too slow, or stands still",
            )
        promised: Future[T] = Future()
        self._jobs.put(lambda: _do(job, promised))
        answer = asyncio.wrap_future(promised)
        answer.add_done_callback(_heard)
        done, _ = await asyncio.wait([answer], timeout=within.total_seconds())
        if not done:
            raise _too_late(within, begun=not promised.cancel())
        return answer.result()

    async def stop(self, last: Callable[[], None]) -> None:
        """See `Hand`; waits a few seconds at most, for a disk may stand still for ever."""
        if self._stopped:
            return
        self._stopped = True
        promised: Future[None] = Future()
        self._jobs.put(lambda: _do(last, promised))
        self._jobs.put(None)
        ended = asyncio.wrap_future(promised)
        ended.add_done_callback(_heard)
        await asyncio.wait([ended], timeout=STOPS_WITHIN.total_seconds())

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _do(job: Callable[[], T], promised: "Future[T]") -> None:
    if not promised.set_running_or_notify_cancel():
        return
    try:
        answer = job()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to whoever asked
        promised.set_exception(error)
    else:
        promised.set_result(answer)


def _heard(answer: "asyncio.Future[T]") -> None:
    """Look at a failure that nobody waits for any more, so that asyncio does not complain of it."""
    if not answer.cancelled():
        answer.exception()


def _closed() -> StoreUnavailable:
    return StoreUnavailable("the store is closed", remedy="start rollbackd again; this one is ending")


def _too_late(within: timedelta, *, begun: bool) -> StoreUnavailable:
    happened = "it may still happen" if begun else "it did not happen"
    return StoreUnavailable(
        f"the store did not answer within {within.total_seconds():g} s; {happened}",
        remedy="look at the disk that the store is on; the operation can be tried again",
    )
