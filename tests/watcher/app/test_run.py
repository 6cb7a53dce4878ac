"""``rollbackd run``: a process of its own, how it starts, how it refuses to, and how it ends."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.serve import serving_app
from tests.watcher.app.house import GOSSIP, TOLD, Caller, House, a_house, events_in, soon
from tests.watcher.commands.speaking import PASSED_ON, ROLLBACKD
from watcher.app import run
from watcher.app.run import _end_anyway
from watcher.store.sqlite.place import held

ROOT = Path(__file__).parents[3]
PROMISED = 10.0  # seconds from SIGTERM to the end


@dataclass
class Process:
    """The daemon, as a process; what it logs stands in *log*, what it complains of in *complaints*."""

    process: asyncio.subprocess.Process
    log: Path
    complaints: Path

    @property
    def err(self) -> str:
        return self.complaints.read_text()

    async def called(self, event: str, many: int = 1) -> list[dict[str, Any]]:
        """The events called *event*, once there are so *many*."""
        await soon(lambda: self.process.returncode is not None or len(self._called(event)) >= many)
        assert self.process.returncode is None, self.err
        return self._called(event)

    def _called(self, event: str) -> list[dict[str, Any]]:
        return [each for each in events_in(self.log) if each["event"] == event]

    async def url(self) -> str:
        [started] = await self.called("daemon.started")
        return f"http://{started['address']}"

    async def ended(self, within: float = 60.0) -> int:
        async with asyncio.timeout(within):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def started(house: House, *words: object, **environment: str) -> AsyncIterator[Process]:
    """``rollbackd run``, or *words*, on the configuration of *house*."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    log, complaints = house.root / "out", house.root / "err"
    with log.open("wb") as out, complaints.open("wb") as err:
        process = await asyncio.create_subprocess_exec(
            *map(str, words or (ROLLBACKD, "run", "--config", house.file)),
            cwd=ROOT,
            env=kept | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    try:
        yield Process(process, log, complaints)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def refused(house: House, **environment: str) -> tuple[int, str]:
    """The exit status of ``rollbackd run``, and what it said on stderr."""
    async with started(house, **environment) as process:
        return await process.ended(), process.err


def traces(house: House) -> list[str]:
    """What a daemon that starts leaves in the folder."""
    return sorted(path.name for path in house.root.glob("state.db*"))


@pytest.fixture(autouse=True)
def _signals_are_pytests_again() -> Iterator[None]:
    """`run` keeps them until its process is gone, which here is that of the tests."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# ----------------------------------------------------------------------------------------------------------- it does not start


async def test_every_mistake_is_told_and_nothing_is_started(tmp_path):
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{file: ROOT/word}"))
    house.change("mode: shadow", "mode: shadwo")
    house.change("127.0.0.0/8", "127.0.0.0/99")
    house.change("team: shop", "team: shpo")

    status, said = await refused(house)

    assert status == 2
    for mistake in (
        f"{house.file}:5:11: daemon.reach[0]: not a network",
        "shadwo",
        "shpo",
        "; nothing was started\n",
    ):
        assert mistake in said
    assert "Traceback" not in said
    assert traces(house) == []


def test_secrets_that_cannot_be_had_are_mistakes_and_nothing_is_started(tmp_path, capfd):
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{env: NOBODY_SET_THIS}"))
    (tmp_path / "ops.secret").unlink()

    status, said = run(house.file), capfd.readouterr().err

    assert status == 2
    assert "the variable NOBODY_SET_THIS is not set" in said
    assert f"the file {tmp_path}/ops.secret cannot be read" in said
    assert said.endswith("2 mistakes; nothing was started\n")
    assert traces(house) == []


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]", "192.0.2.1"])
def test_it_does_not_listen_beyond_this_machine_where_no_token_says_who_may_call(tmp_path, capfd, address):
    house = a_house(tmp_path)
    house.change("127.0.0.1:0", f"{address}:0")

    status, said = run(house.file), capfd.readouterr().err

    assert status == 2
    assert f"listens on {address.strip('[]')}, beyond this machine, and no token says who may call" in said
    assert "try: add `tokens:`" in said
    assert traces(house) == []


@pytest.mark.parametrize("dsn", ["ftp://key@sentry.example/1", "https://sentry.example/1", "a-secret-word"])
async def test_an_address_for_bugs_that_is_none_is_told_without_its_words(tmp_path, dsn):
    house = a_house(tmp_path)

    status, said = await refused(house, SENTRY_DSN=dsn)

    assert status == 2
    assert "SENTRY_DSN is not the address of a project in Sentry" in said
    assert "try: copy the DSN" in said
    assert dsn not in said
    assert "Traceback" not in said
    assert traces(house) == []


@contextlib.contextmanager
def another_process_has_the_store(house: House) -> Iterator[None]:
    with held(house.store):
        yield


@contextlib.contextmanager
def the_address_is_anothers(house: House) -> Iterator[None]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        house.change("127.0.0.1:0", f"127.0.0.1:{other.getsockname()[1]}")
        yield


@contextlib.contextmanager
def the_store_is_damaged(house: House) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(house.store)) as connection:
        connection.execute("CREATE TABLE many (words TEXT)")
        connection.execute("INSERT INTO many VALUES (zeroblob(100000))")
        connection.commit()
    with house.store.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    yield


@contextlib.contextmanager
def the_store_is_no_store(house: House) -> Iterator[None]:
    house.store.write_text("a shopping list " * 1000)
    yield


@contextlib.contextmanager
def the_store_is_too_new(house: House) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(house.store)) as connection:
        connection.execute("CREATE TABLE migrations (version INTEGER PRIMARY KEY, what TEXT, played_at REAL)")
        connection.execute("INSERT INTO migrations VALUES (1000, 'of a time to come', 0)")
        connection.commit()
    yield


@contextlib.contextmanager
def the_store_is_a_folder(house: House) -> Iterator[None]:
    house.store.mkdir()
    yield


@contextlib.contextmanager
def the_certificate_is_missing(house: House) -> Iterator[None]:
    house.change('"127.0.0.1:0"', '"127.0.0.1:0", tls: {certificate: /none.pem, key: /none.key}')
    yield


TROUBLES = [
    (another_process_has_the_store, 75, "another rollbackd (process ", "stop it first"),
    (the_address_is_anothers, 4, "address already in use", "choose another `daemon.http.listen`"),
    (the_store_is_damaged, 4, "the store is damaged", "put back a backup"),
    (the_store_is_no_store, 4, "is not a database of rollbackd", "check `store:`"),
    (the_store_is_too_new, 4, "tables of version 1000", "run the version of rollbackd that upgraded it"),
    (the_store_is_a_folder, 4, "state.db", "read and write what is named above"),
    (the_certificate_is_missing, 4, "/none.pem and the key /none.key cannot be used", "put files in PEM"),
]


@pytest.mark.parametrize(("trouble", "status", "words", "remedy"), TROUBLES)
def test_what_stands_in_the_way_is_told_with_a_remedy(tmp_path, capfd, trouble, status, words, remedy):
    house = a_house(tmp_path)

    with trouble(house):
        ended, said = run(house.file), capfd.readouterr().err

    assert_refused((ended, said), status, words, remedy)


@pytest.mark.parametrize(("trouble", "status", "words", "remedy"), TROUBLES[:2])
async def test_the_command_ends_with_the_status_that_says_what_stands_in_the_way(
    tmp_path, trouble, status, words, remedy
):
    house = a_house(tmp_path)

    with trouble(house):
        said = await refused(house)

    assert_refused(said, status, words, remedy)


def assert_refused(said: tuple[int, str], status: int, words: str, remedy: str) -> None:
    refusal, _, rest = said[1].partition("\n    try: ")
    assert said[0] == status, said
    assert refusal.startswith("rollbackd cannot start: ")
    assert words in refusal
    assert remedy in rest
    assert rest.count("\n") == 1, "and nothing else is on stderr"


# ------------------------------------------------------------------------------------------------------------------- it runs


async def test_sigterm_ends_it_in_time_and_all_is_well(tmp_path):
    house = a_house(tmp_path)
    async with started(house) as daemon, aiohttp.ClientSession() as session:
        await Caller(session, await daemon.url()).answers("/readyz")

        daemon.process.send_signal(signal.SIGTERM)
        status = await daemon.ended(within=PROMISED)

    [ended] = [event for event in events_in(daemon.log) if event["event"] == "daemon.ended"]
    assert status == 0
    assert ended["drained"] is True
    assert daemon.err == ""
    with held(house.store):  # it let go of the store
        pass


async def test_sigterm_is_obeyed_before_anything_is_built(tmp_path):
    house = a_house(tmp_path)
    house.file.unlink()
    written: list[int] = []
    os.mkfifo(house.file)  # the configuration is being read, for as long as nobody writes it

    async with started(house) as daemon:
        await soon(lambda: is_being_read(house.file, written))
        daemon.process.send_signal(signal.SIGTERM)
        os.close(written.pop())

        assert await daemon.ended(within=PROMISED) == 0
    assert daemon.err == ""


def is_being_read(fifo: Path, written: list[int]) -> bool:
    """Whether somebody waits for what will be written into *fifo*: until then nobody can open it so (ENXIO)."""
    with contextlib.suppress(OSError):
        written.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    return bool(written)


LINGERS = """
import sys, time
from pathlib import Path
from watcher.app import run

status = run(Path(sys.argv[1]))
print("run is over", file=sys.stderr, flush=True)
time.sleep(60)
sys.exit(status)
"""


async def test_a_second_sigterm_when_all_is_over_is_obeyed_too(tmp_path):
    house = a_house(tmp_path)
    async with started(house, sys.executable, "-c", LINGERS, house.file) as daemon:
        await daemon.called("daemon.started")
        daemon.process.send_signal(signal.SIGTERM)
        await soon(lambda: "run is over" in daemon.err)
        daemon.process.send_signal(signal.SIGTERM)

        assert await daemon.ended(within=5.0) == 0


async def test_sighup_reads_the_configuration_again_and_no_secret_is_ever_said(tmp_path):
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{env: WORD}"))
    async with started(house, WORD="rosebud-1941") as daemon, aiohttp.ClientSession() as session:
        [first] = await daemon.called("target.unreadable")
        (tmp_path / "word").write_text("xanadu-1816")
        house.add(GOSSIP.replace("gossip", "rumour").replace("WHERE", "{file: ROOT/word}"))
        daemon.process.send_signal(signal.SIGHUP)
        [reloaded] = await daemon.called("configuration.reloaded")
        [_, second] = await daemon.called("target.unreadable", 2)

        samples = (await Caller(session, await daemon.url()).get("/metrics")).samples

        daemon.process.send_signal(signal.SIGINT)
        assert await daemon.ended(within=PROMISED) == 0
    assert samples[f'rollbackd_config_info{{hash="{reloaded["digest"]}"}}'] == 1
    assert [first["words"][-17:], second["words"][-17:]] == [f"{TOLD}***"] * 2
    assert second["service"] == "rumour"
    assert "rosebud" not in daemon.log.read_text() + daemon.err
    assert "xanadu" not in daemon.log.read_text() + daemon.err


async def test_a_bug_is_reported_to_sentry_without_the_secret_that_it_knew(tmp_path):
    received: list[str] = []

    async def envelope(request: web.Request) -> web.Response:
        received.append((await request.read()).decode())
        return web.json_response({"id": "1"})

    app = web.Application(client_max_size=10**8)
    app.router.add_post("/api/1/envelope/", envelope)
    house = a_house(tmp_path, GOSSIP.replace("WHERE", "{env: WORD}"))
    buggy = (sys.executable, "-m", "tests.watcher.app.buggy", house.file)
    key = "k" * 32
    async with serving_app(app) as port:
        dsn = f"http://{key}@127.0.0.1:{port}/1"
        async with started(house, *buggy, SENTRY_DSN=dsn, WORD="rosebud-1941") as daemon:
            await soon(lambda: any("nothing to be done with ***" in each for each in received))
            daemon.process.send_signal(signal.SIGTERM)
            assert await daemon.ended(within=PROMISED) == 0

    event = _event(received)
    assert event["exception"]["values"][-1]["type"] == "LookupError"
    assert "rosebud" not in "".join(received) + daemon.log.read_text()
    assert key not in json.dumps(event) + daemon.log.read_text()
    assert "loop.failed" in {each["event"] for each in events_in(daemon.log)}


def _event(received: list[str]) -> dict[str, Any]:
    """The first event in what Sentry was sent: lines of JSON, a heading before each."""
    lines = [line for each in received for line in each.splitlines() if '"exception"' in line]
    event: dict[str, Any] = json.loads(lines[0])
    return event


def test_a_process_that_hangs_at_its_end_is_ended_anyway():
    ended = threading.Event()

    _end_anyway(0.01, ended.set)

    assert ended.wait(60)
