"""All loops side by side, from the start to the end."""

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.watcher.runtime.at_work import virtual
from watcher.runtime.daemon import Daemon
from watcher.runtime.rounds import Loop
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.watchdog import Watchdog


def a_daemon(*loops):
    monotonic = asyncio.get_running_loop().time
    return Daemon(loops, Watchdog(timedelta(seconds=12), monotonic, Metrics()), monotonic)


def a_loop(name, seconds=0.0):
    async def go():
        await asyncio.sleep(seconds)
        return False

    return Loop(name, go, 1.0)


async def stopped_after(daemon, seconds):
    asyncio.get_running_loop().call_later(seconds, daemon.stop.set)
    return await daemon.run()


@virtual
async def test_it_ends_when_every_loop_has_finished_its_round():
    daemon = a_daemon(a_loop("patrol"), a_loop("performer", 5))

    assert await stopped_after(daemon, 3) is True
    assert asyncio.get_running_loop().time() == 5


@virtual
async def test_a_loop_that_does_not_finish_is_left_and_named():
    daemon = a_daemon(a_loop("patrol"), a_loop("courier", 600))

    with capture_logs() as log:
        assert await stopped_after(daemon, 3) is False

    assert (log[-1]["event"], log[-1]["loops"]) == ("daemon.undrained", ["courier"])
    assert asyncio.get_running_loop().time() == 11


@virtual
async def test_the_event_loop_is_seen_to_turn():
    daemon = a_daemon(a_loop("patrol"))
    running = asyncio.ensure_future(stopped_after(daemon, 60))
    await asyncio.sleep(30)

    assert daemon.beat_age <= timedelta(seconds=0.25)
    await running


@virtual
async def test_a_loop_that_dies_ends_them_all():
    class Dies(BaseException):
        pass

    async def dies():
        raise Dies

    with pytest.raises(BaseExceptionGroup) as raised:
        await stopped_after(a_daemon(a_loop("patrol"), Loop("performer", dies, 1.0)), 60)

    assert raised.group_contains(Dies)
