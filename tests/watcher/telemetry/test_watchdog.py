"""A loop that hangs ends the process; one that was only stopped does not."""

import asyncio
import os
import re
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from typing import Any

import pytest

from watcher import clock
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.watchdog import BEAT, STATUS, Watchdog

LIMIT = timedelta(seconds=0.8)
HANGS = """
    import asyncio, sys, time
    from datetime import timedelta
    from watcher import clock
    from watcher.telemetry.metrics import Metrics
    from watcher.telemetry.watchdog import Watchdog

    def the_place_where_it_hangs():
        time.sleep(300)

    async def main():
        watchdog = Watchdog(timedelta(seconds=1), clock.monotonic, Metrics())
        stop = asyncio.Event()
        with watchdog.watching():
            beating = asyncio.ensure_future(watchdog.beat(stop))
            await asyncio.sleep(0.5)
            the_place_where_it_hangs()

    asyncio.run(main())
"""


def a_watchdog(ended: list[int], **changes: Any) -> Watchdog:
    usual = {"monotonic": clock.monotonic, "last_words": lambda _: None, "end": ended.append}
    return Watchdog(LIMIT, metrics=Metrics(), **{**usual, **changes})


def test_a_loop_that_hangs_ends_the_process_with_its_stacks_on_stderr():
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HANGS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert ran.returncode == STATUS
    assert re.search(r"the event loop has been hanging for \d+\.\d s", ran.stderr)
    assert "the_place_where_it_hangs" in ran.stderr


def test_a_reader_of_stderr_that_hangs_too_does_not_keep_the_process():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 65536)  # until the pipe is full
    except BlockingIOError:
        os.set_blocking(writing, True)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(HANGS)], stderr=writing, check=False, timeout=120
        )
    finally:
        os.close(reading)
        os.close(writing)

    assert ran.returncode == STATUS


async def test_a_loop_that_beats_is_left_alone():
    """By the loop's time: on a machine that is slow, neither beats nor looks come in time."""
    ended: list[int] = []
    watchdog, stop = a_watchdog(ended, monotonic=asyncio.get_running_loop().time), asyncio.Event()
    with watchdog.watching():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watchdog.beat(stop))
            await asyncio.sleep(1.5)
            assert watchdog.is_alive()
            stop.set()

    assert ended == []
    assert "rollbackd_event_loop_lag_seconds_count" in watchdog.metrics.render().decode()


async def test_a_loop_that_does_not_beat_is_not_alive():
    ended: list[int] = []
    silences: list[float] = []
    over = threading.Event()

    def end(status: int) -> None:
        ended.append(status)
        over.set()

    watchdog = a_watchdog(ended, last_words=silences.append, end=end)
    with watchdog.watching():
        over.wait(30)  # this is the fault: meanwhile the loop does nothing

    assert not watchdog.is_alive()
    assert ended == [STATUS]
    assert silences[0] > LIMIT.total_seconds()


def test_a_process_that_was_stopped_and_goes_on_is_left_alone():
    ended: list[int] = []
    time, looks = [0.0], threading.Semaphore(0)

    def monotonic() -> float:
        looks.release()
        return time[0]

    with a_watchdog(ended, monotonic=monotonic).watching():
        for at in (0.0, 60.0):  # between the two neither of them did anything
            time[0] = at
            for _ in range(3):
                assert looks.acquire(timeout=30)

    assert ended == []


def test_at_the_end_no_thread_is_left():
    with a_watchdog([]).watching():
        assert "watchdog" in {thread.name for thread in threading.enumerate()}

    assert "watchdog" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("seconds", [0.1, 0.5])
async def test_how_late_a_beat_comes_is_measured(seconds):
    time = [0.0]
    watchdog, stop = a_watchdog([], monotonic=lambda: time[0]), asyncio.Event()
    task = asyncio.create_task(watchdog.beat(stop))
    await asyncio.sleep(0)
    time[0] += BEAT + seconds
    stop.set()
    await task

    assert watchdog.metrics.loop_lag._sum.get() == pytest.approx(seconds)
