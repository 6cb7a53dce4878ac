"""A loop that hangs ends the process; one that was only stopped does not."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from watcher import clock
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.watchdog import STATUS, Watchdog

LIMIT = timedelta(seconds=0.8)
HANGS = """
    import asyncio, sys, time
    from datetime import timedelta
    from watcher import clock
    from watcher.telemetry.metrics import Metrics
    from watcher.telemetry.watchdog import Watchdog

    def the_place_where_it_hangs():
        time.sleep(30)

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
    began = time.perf_counter()  # noqa: TID251 - it measures time
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(HANGS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )

    assert ran.returncode == STATUS
    assert "the event loop has been hanging for 1." in ran.stderr
    assert "the_place_where_it_hangs" in ran.stderr
    assert time.perf_counter() - began < 8  # noqa: TID251 - it measures time


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
            [sys.executable, "-c", textwrap.dedent(HANGS)], stderr=writing, check=False, timeout=20
        )
    finally:
        os.close(reading)
        os.close(writing)

    assert ran.returncode == STATUS


async def test_a_loop_that_beats_is_left_alone():
    ended: list[int] = []
    watchdog, stop = a_watchdog(ended), asyncio.Event()
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
    watchdog = a_watchdog(ended, last_words=silences.append)
    with watchdog.watching():
        time.sleep(1.5)  # noqa: ASYNC251 - this is the fault

    assert not watchdog.is_alive()
    assert ended == [STATUS]
    assert silences[0] > LIMIT.total_seconds()


def test_a_process_that_was_stopped_and_goes_on_is_left_alone():
    ended: list[int] = []
    jump = [0.0]
    watchdog = a_watchdog(ended, monotonic=lambda: clock.monotonic() + jump[0])
    with watchdog.watching():
        time.sleep(0.4)
        jump[0] = 60.0  # for both of them no time passed
        time.sleep(0.6)

    assert ended == []


def test_at_the_end_no_thread_is_left():
    with a_watchdog([]).watching():
        assert "watchdog" in {thread.name for thread in threading.enumerate()}

    assert "watchdog" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("seconds", [0.1, 0.5])
async def test_how_late_a_beat_comes_is_measured(seconds):
    watchdog, stop = a_watchdog([]), asyncio.Event()
    task = asyncio.create_task(watchdog.beat(stop))
    await asyncio.sleep(0.01)
    time.sleep(0.25 + seconds)  # noqa: ASYNC251 - this is the fault
    await asyncio.sleep(0.01)
    stop.set()
    await task

    assert watchdog.metrics.loop_lag._sum.get() >= seconds * 0.9
