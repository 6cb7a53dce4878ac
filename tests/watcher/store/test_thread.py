"""The thread in which the store works: jobs are done whole, whatever becomes of who waits for them."""

import asyncio
import threading
from datetime import timedelta

import pytest

from watcher.errors import StoreUnavailable
from watcher.store.sqlite.thread import Here, Thread

SOON = timedelta(milliseconds=50)
LONG = timedelta(seconds=30)


@pytest.fixture
async def thread():
    thread = Thread("test", at_most=3)
    yield thread
    await thread.stop(lambda: None)


class Slow:
    """A job that lasts until it is let go."""

    def __init__(self) -> None:
        self.begun, self.gate, self.done = threading.Event(), threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        self.gate.wait(30)
        self.done.set()
        return "done"

    async def is_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 5)

    async def is_done(self) -> None:
        assert await asyncio.to_thread(self.done.wait, 5)


async def test_a_job_is_done_in_another_thread_and_answers(thread):
    assert await thread.do(threading.current_thread, LONG) is not threading.current_thread()


async def test_jobs_are_done_one_after_the_other_in_their_order(thread):
    order: list[int] = []

    await asyncio.gather(
        *(thread.do(lambda number=number: order.append(number), LONG) for number in range(3))
    )

    assert order == [0, 1, 2]


async def test_what_a_job_raises_is_raised_where_it_was_asked_for(thread):
    with pytest.raises(ZeroDivisionError):
        await thread.do(lambda: 1 // 0, LONG)

    assert await thread.do(lambda: "well", LONG) == "well"


async def test_a_job_that_began_is_finished_though_nobody_waits_any_more(thread):
    slow = Slow()
    asking = asyncio.ensure_future(thread.do(slow, LONG))
    await slow.is_begun()

    asking.cancel()
    slow.gate.set()

    with pytest.raises(asyncio.CancelledError):
        await asking
    await slow.is_done()


async def test_a_job_that_waits_is_done_though_nobody_waits_for_it_any_more(thread):
    slow, later = Slow(), Slow()
    later.gate.set()
    first = asyncio.ensure_future(thread.do(slow, LONG))
    second = asyncio.ensure_future(thread.do(later, LONG))
    await slow.is_begun()

    second.cancel()
    slow.gate.set()

    assert await first == "done"
    await later.is_done()


async def test_a_failure_that_nobody_waits_for_is_no_noise(thread, caplog):
    slow = Slow()
    failing = asyncio.ensure_future(thread.do(lambda: (slow(), 1 // 0), LONG))
    await slow.is_begun()
    failing.cancel()
    slow.gate.set()
    await thread.do(lambda: None, LONG)
    del failing

    await asyncio.sleep(0)

    assert caplog.records == []


async def test_a_job_that_began_may_still_happen_when_its_time_is_over(thread):
    slow = Slow()

    with pytest.raises(StoreUnavailable, match="it may still happen"):
        await thread.do(slow, SOON)

    slow.gate.set()
    await slow.is_done()


async def test_a_job_that_has_not_begun_when_its_time_is_over_never_happens(thread):
    slow, late = Slow(), Slow()
    first = asyncio.ensure_future(thread.do(slow, LONG))
    await slow.is_begun()

    with pytest.raises(StoreUnavailable, match="it did not happen"):
        await thread.do(late, SOON)

    slow.gate.set()
    await first
    await thread.do(lambda: None, LONG)
    assert not late.begun.is_set()


async def test_no_more_jobs_wait_than_may(thread):
    slow = Slow()
    asking = [asyncio.ensure_future(thread.do(slow, LONG))]
    await slow.is_begun()
    asking += [asyncio.ensure_future(thread.do(slow, LONG)) for _ in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(StoreUnavailable, match="3 operations wait"):
        await thread.do(slow, LONG)

    slow.gate.set()
    assert await asyncio.gather(*asking) == ["done"] * 4


async def test_what_waits_is_done_before_it_ends():
    thread, slow, order = Thread("test"), Slow(), list[str]()
    asking = asyncio.ensure_future(thread.do(slow, LONG))
    then = asyncio.ensure_future(thread.do(lambda: order.append("waiting"), LONG))
    await slow.is_begun()

    stopping = asyncio.ensure_future(thread.stop(lambda: order.append("last")))
    await asyncio.sleep(0)
    slow.gate.set()

    await stopping
    await asyncio.gather(asking, then)
    assert order == ["waiting", "last"]


@pytest.mark.parametrize("hand", [Thread, lambda _: Here()])
async def test_after_the_end_nothing_is_done_and_ending_again_is_harmless(hand):
    order: list[str] = []
    stopped = hand("test")
    for _ in range(2):
        await stopped.stop(lambda: order.append("last"))

    with pytest.raises(StoreUnavailable, match="the store is closed"):
        await stopped.do(lambda: order.append("late"), LONG)

    assert order == ["last"]


async def test_without_a_thread_a_job_is_done_at_once_and_others_have_their_turn():
    heard: list[str] = []
    asyncio.get_running_loop().call_soon(heard.append, "another's turn")

    assert await Here().do(threading.current_thread, SOON) is threading.current_thread()

    assert heard == ["another's turn"]
