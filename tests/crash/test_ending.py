"""SIGTERM: the daemon as it is installed, in real time, ends within ten seconds whatever hangs."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.crash.drive import announced, heard
from tests.crash.hurried import Hurried
from tests.crash.outside import Outside, a_world
from tests.crash.patience import PATIENCE, until
from tests.crash.ward import ROOT, Life
from watcher import clock

pytestmark = pytest.mark.asyncio(loop_scope="session")

PROMISED = 10.0  # seconds
MARGIN = 8.0  # for a machine that has other things to do; who waits for all that hangs takes 19 and more


@asynccontextmanager
async def rollbackd(outside: Outside) -> AsyncIterator[Life]:
    """``rollbackd run``, in a process of its own."""
    log = outside.root / "log"
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from watcher.cli import main; main()"),
            *("run", "--config", str(outside.configuration)),
            cwd=outside.root,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    life = Life(process.pid, log, outside.root / "trace", asyncio.ensure_future(process.wait()))
    try:
        yield life
    finally:
        if process.returncode is None:
            process.kill()
        await life.ended


def is_gone(pid: int | None) -> bool:
    return not Path(f"/proc/{pid}").exists()


@pytest.mark.lasts(12)
async def test_sigterm_ends_it_within_ten_seconds_with_a_long_poll_open_and_calls_that_hang(tmp_path):
    time = Hurried(1.0, clock.monotonic())
    async with (
        asyncio.timeout(PATIENCE),
        a_world(tmp_path / "world", time, reads_live="1s", bucket="1s") as outside,
        rollbackd(outside) as life,
        aiohttp.ClientSession() as session,
    ):
        url = await heard(life)
        await until(lambda: "release.adopted" in {event["event"] for event in life.events})
        outside.answers.clear()  # the page of metrics, and the webhook that is told of the deployment
        outside.deploy("v2")
        told = await announced(session, url)
        async with session.get(f"{url}/v1/announcements/{told}?wait=30s") as answer:
            watch = (await answer.json())["watch"]
        poll = asyncio.ensure_future(session.get(f"{url}/v1/watches/{watch}/verdict?wait=60s"))
        outside.hang()
        assert await announced(
            session, url, run="run-4712"
        )  # to be resolved by two calls, one after the other
        await until(lambda: outside.who_hangs is not None)

        os.kill(life.pid, signal.SIGTERM)
        began = clock.monotonic()
        status = await life.ended
        took = clock.monotonic() - began

        assert status == 0
        assert took < PROMISED + MARGIN, took
        async with await poll as answer:
            assert (await answer.json())["decided"] is False
        await until(lambda: is_gone(outside.who_hangs))
