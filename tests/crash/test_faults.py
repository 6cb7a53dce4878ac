"""What is not a kill: a log that nobody reads, a disk that takes nothing more, a second daemon, a person in the last moment."""

import asyncio
import contextlib
import os
import random
import resource
import shutil
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.crash.drive import Story, announced, at_rest, heard, looked, was_ended
from tests.crash.hurried import Hurried
from tests.crash.outside import Outside, a_world
from tests.crash.patience import LOOKS, PATIENCE, until
from tests.crash.promises import broken
from tests.crash.seams import Death
from tests.crash.ward import Life, Ward

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Person:
    """Somebody who talks to the daemon."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, path: str) -> Any:
        async with self._session.get(self._url + path) as answer:
            return await answer.json()

    async def status_of(self, path: str) -> int:
        async with self._session.get(self._url + path) as answer:
            return answer.status

    async def watches(self) -> dict[str, str]:
        """The state of each, by its tag."""
        found = (await self.get("/v1/watches?service=web"))["watches"]
        return {watch["to"]: watch["state"] for watch in found}

    async def is_heard(self) -> bool:
        try:
            return await self.status_of("/livez") == 200
        except aiohttp.ClientConnectionError:
            return False

    async def sees_it_unready(self) -> bool:
        return await self.status_of("/readyz") == 503

    async def order(self, path: str, **what: str) -> int:
        """The status of the answer; an order that was carried out may be refused when it is said again."""
        headers = {"Idempotency-Key": "said-once"}
        async with self._session.post(f"{self._url}{path}/orders", json=what, headers=headers) as answer:
            assert answer.status in {202, 409}, await answer.text()
            return answer.status

    async def announce(self) -> str:
        return await announced(self._session, self._url)

    async def sees(self, *states: str) -> str:
        """The state of the watch of v2, once it is one of these."""
        while True:
            state = (await self.watches()).get("v2", "")
            if state in states:
                return state
            await asyncio.sleep(LOOKS / 3)


@asynccontextmanager
async def a_person(url: str | None) -> AsyncIterator[Person]:
    """Who waits for an answer for a minute, and not longer."""
    assert url is not None
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(60)) as session:
        yield Person(session, url)


@asynccontextmanager
async def a_life(
    ward: Ward, outside: Outside, number: int = 0, log: Path | None = None
) -> AsyncIterator[Life]:
    """The daemon in this world; told to end afterwards."""
    life = await ward.bear(outside.configuration, number, log=log)
    try:
        yield life
        await ward.signal(life, signal.SIGTERM)
        async with asyncio.timeout(60):
            assert await life.ended == 0
    finally:
        await ward.signal(life, signal.SIGKILL)


@asynccontextmanager
async def a_stage(time: Hurried, tmp_path: Path, before: Path, **settings: str) -> AsyncIterator[Outside]:
    """A world in which v1 is known."""
    async with asyncio.timeout(PATIENCE), a_world(tmp_path / "world", time, **settings) as outside:
        shutil.copyfile(before, outside.database)
        yield outside


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


FILLING = b"~" * 4096


@contextlib.contextmanager
def a_reader_that_stalls(path: Path):
    """A pipe at *path* that is full already; yields what tells afterwards what else is in it."""
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    try:
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(pipe, FILLING)
        yield lambda: os.read(pipe, 1 << 20).replace(b"~", b"")
    finally:
        os.close(pipe)


# ------------------------------------------------------------------------------------------------------------- the log


async def test_a_log_reader_that_stalls_delays_nothing(ward, time, before, tmp_path):
    """A loop that waited for its log would wait for ever, as nobody reads it: the person would lose patience."""
    port = a_free_port()
    async with a_stage(time, tmp_path, before, listen=str(port)) as outside:
        with a_reader_that_stalls(outside.root / "stalled") as written:
            async with (
                a_life(ward, outside, log=outside.root / "stalled") as life,
                a_person(f"http://127.0.0.1:{port}") as person,
            ):
                await until(person.is_heard)
                await until(lambda: "live #1" in life.seams)
                outside.deploy("v2")
                await person.announce()

                while not at_rest(outside.database):
                    assert await person.status_of("/livez") == 200
                    await asyncio.sleep(LOOKS)

            assert written() == b""
        assert [call.tag for call in outside.calls("effective")] == ["v1"]


# ------------------------------------------------------------------------------------------------------------ the disk


@contextlib.contextmanager
def a_disk_that_is_full(life: Life, outside: Outside):
    """No file of the daemon may grow beyond what its log of the store has now: the kernel refuses (EFBIG)."""
    usual = resource.prlimit(life.pid, resource.RLIMIT_FSIZE)
    size = Path(f"{outside.database}-wal").stat().st_size
    resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(life.pid, resource.RLIMIT_FSIZE, usual)


async def test_a_disk_that_takes_nothing_more_acknowledges_nothing_and_goes_on_by_itself(
    ward, time, before, tmp_path
):
    async with a_stage(time, tmp_path, before) as outside:
        story = Story(outside, ())
        async with a_life(ward, outside) as life, a_person(await heard(life)) as person:
            story.lives.append(life)
            await looked(life)
            outside.deploy("v2")

            with a_disk_that_is_full(life, outside):
                await until(person.sees_it_unready)
                assert not await person.announce()
                assert await person.status_of("/livez") == 200

            while not story.told_id:
                story.told_id = await person.announce()
            await until(lambda: at_rest(outside.database))
        assert "\n".join(await broken(story)) == ""


async def test_a_rollback_whose_intent_cannot_be_written_is_not_made_until_it_can(
    ward, time, before, tmp_path
):
    async with a_stage(time, tmp_path, before, countdown="10s") as outside:
        story = Story(outside, ())
        async with a_life(ward, outside) as life, a_person(await heard(life)) as person:
            story.lives.append(life)
            await looked(life)
            outside.deploy("v2")
            story.told_id = await person.announce()
            await person.sees("counting_down")

            with a_disk_that_is_full(life, outside):
                await until(person.sees_it_unready)
                assert await person.sees("counting_down")
                assert outside.calls("attempted") == []

            await until(lambda: at_rest(outside.database))
        assert "\n".join(await broken(story)) == ""


# ---------------------------------------------------------------------------------------------------------- the others


async def test_a_second_daemon_on_one_store_is_turned_away_and_the_first_goes_on(
    ward, time, before, tmp_path
):
    async with (
        a_stage(time, tmp_path, before) as outside,
        a_life(ward, outside) as first,
        a_person(await heard(first)) as person,
    ):
        second = await ward.bear(outside.configuration, 1)
        await until(lambda: second.ended.done() or second.address is not None)

        assert second.ended.done()
        assert second.ended.result() == 75
        said = second.log.read_text()
        assert f"another rollbackd (process {first.pid}) has {outside.database}" in said
        assert "try: stop it first" in said
        assert await person.status_of("/livez") == 200
        assert not was_ended(first)


async def test_disarmed_while_it_counts_down_it_asks_and_does_not_start(ward, time, before, tmp_path):
    async with a_stage(time, tmp_path, before, countdown="20s") as outside, a_life(ward, outside) as life:
        await looked(life)
        async with a_person(await heard(life)) as person:
            outside.deploy("v2")
            await person.announce()
            await person.sees("counting_down")

            await person.order("/v1/services/web/production", order="disarm", reason="we know of it")

            assert await person.sees("asking", "rolling_back", "recovering") == "asking"
            assert outside.calls("attempted") == []
            assert "action.queued" not in [row["what"] for row in (await person.get("/v1/audit"))["rows"]]


@pytest.mark.parametrize("seed", range(6))
async def test_nothing_starts_by_itself_after_the_switch_is_off(ward, time, before, tmp_path, seed):
    """Whoever turns it off in the very moment in which the rollback starts is in time, or is not; never both."""
    async with a_stage(time, tmp_path, before, countdown="1s") as outside, a_life(ward, outside) as life:
        await looked(life)
        async with a_person(await heard(life)) as person:
            outside.deploy("v2")
            await person.announce()
            await person.sees("counting_down")
            await asyncio.sleep(random.Random(seed).uniform(0.0, 0.15))

            await person.order("/v1/services/web/production", order="disarm", reason="we know of it")

            end = await person.sees("asking", "rolled_back")
            happened = [row["what"] for row in (await person.get("/v1/audit?limit=500"))["rows"]]
            started = "action.queued" in happened
            assert started == (end == "rolled_back") == bool(outside.calls("attempted"))
            assert not started or happened.index("action.queued") < happened.index("service.disarmed")


@pytest.mark.parametrize(
    ("seam", "moves"),
    [
        ("save counting_down #1", 0),
        ("save rolling_back #1", 0),
        ("claim_actions #1", 0),
        ("begin #1", 0),
        ("before move #1", 0),
        ("move #1", 1),
        ("record #1", 1),
    ],
)
async def test_what_is_deployed_while_it_is_dead_is_not_undone(ward, time, before, tmp_path, seam, moves):
    async with a_stage(time, tmp_path, before) as outside:
        first = await ward.bear(outside.configuration, 0, Death(seam))
        await looked(first)
        async with a_person(await heard(first)) as person:
            outside.deploy("v2")
            await person.announce()
            assert await first.ended == -signal.SIGKILL
        await until(lambda: not outside.moves)
        outside.deploy("v3")

        async with a_life(ward, outside, number=1) as second, a_person(await heard(second)) as person:
            assert await person.sees("superseded") == "superseded"
            assert (await person.watches())["v3"] == "watching"
        assert outside.serves == "v3"
        assert len(outside.calls("attempted")) == moves


@pytest.mark.parametrize("seam", ["save rolling_back #1", "answered #1", "move #1"])
async def test_an_order_whose_answer_was_lost_is_said_again_and_obeyed_once(
    ward, time, before, tmp_path, seam
):
    async with a_stage(time, tmp_path, before, mode="ask") as outside:
        first = await ward.bear(outside.configuration, 0, Death(seam))
        await looked(first)
        async with a_person(await heard(first)) as person:
            outside.deploy("v2")
            await person.announce()
            await person.sees("asking")
            with contextlib.suppress(aiohttp.ClientError):
                await person.order("/v1/services/web/production", order="roll_back")
            assert await first.ended == -signal.SIGKILL

        async with a_life(ward, outside, number=1) as second, a_person(await heard(second)) as person:
            await person.order("/v1/services/web/production", order="roll_back")
            await until(lambda: at_rest(outside.database))
            assert await person.watches() == {"v2": "rolled_back"}
        assert len(outside.calls("attempted")) == 1
