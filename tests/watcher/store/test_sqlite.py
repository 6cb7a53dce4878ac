"""The store in a file: what survives, what is refused, what recovers."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.contract.store.build import (
    LEASE,
    NOON,
    Clock,
    a_watch,
    an_announcement,
    appended,
    audited,
    errors_of,
    minutes,
    opened,
    rolling_back,
    saved,
    shown,
    step_of,
)
from tests.watcher.store.disk import accept, fill
from watcher.core.watch import State
from watcher.errors import StoreTooNew, StoreUnavailable
from watcher.store.registry import LATER, STORES
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening, Store


@asynccontextmanager
async def a_store(folder: Path, **options: Any) -> AsyncIterator[Store]:
    async with open_sqlite(SqliteSettings(path=folder / "state.db"), Opening(Clock()), **options) as store:
        yield store


def in_the_file(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """What another program sees of the file."""
    connection = sqlite3.connect(folder / "state.db", isolation_level=None)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def test_everything_is_there_after_a_restart(tmp_path):
    async with a_store(tmp_path) as store:
        watch = await rolling_back(store)
        watch = await saved(
            store, step_of(watch, causes={"messages": (shown("w_1.3.1"), appended("w_1.3.2"))})
        )
        await store.save(step_of(watch), NOON, [errors_of((1, 9))])

    async with a_store(tmp_path) as store:
        assert await store.get("w_1") == step_of(watch).watch
        assert [each.action.id for each in await store.actions("w_1")] == ["w_1.2.1"]
        assert await store.buckets("w_1") == [errors_of((1, 9))]
        assert (await store.counts(NOON))["messages"] == {"slack:C1": 2}


async def test_what_a_killed_process_held_is_free_at_once_under_a_higher_fence(tmp_path):
    async with a_store(tmp_path) as store:
        await rolling_back(store)
        await store.claim_due(NOON, 10, "a", LEASE)
        await store.claim_actions(NOON, 10, "a", LEASE)

    async with a_store(tmp_path) as store:
        (watch,) = await store.claim_due(NOON, 10, "b", LEASE)
        (action,) = await store.claim_actions(NOON, 10, "b", LEASE)

    assert (watch.fence, action.fence) == (2, 2)


async def test_an_announcement_that_a_killed_process_was_resolving_is_due_at_once(tmp_path):
    async with a_store(tmp_path) as store:
        await store.accept("a_1", an_announcement(), b"{}", "ci", NOON, ("http", "1"))
        await store.take_inbox(10, NOON)

    async with a_store(tmp_path) as store:
        (item,) = await store.take_inbox(10, NOON)

    assert (item.id, item.attempts) == ("a_1", 2)


ACCEPT = """
import asyncio, sys
from pathlib import Path
from tests.contract.store.build import NOON, Clock, an_announcement
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening

async def main():
    async with open_sqlite(SqliteSettings(path=Path(sys.argv[1])), Opening(Clock())) as store:
        async def client(name):
            for number in range(int(sys.argv[2])):
                key = f"{name}-{number}"
                await store.accept(f"a_{key}", an_announcement(key), b"{}", "p", NOON, ("queue", key))
                print(key, flush=True)
        await asyncio.gather(*(client(name) for name in "abcdefgh"))
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("each", "killed_after"),
    [(10**6, 1), (10**6, 50), (10**6, 400), (1, 8), (5, 40)],
    ids=["at the first", "early", "in full flight", "when all is quiet", "when all is quiet, later"],
)
async def test_everything_that_was_acknowledged_is_there_after_a_kill(tmp_path, each, killed_after):
    acknowledged = acknowledged_before_a_kill(tmp_path, each, killed_after)

    async with a_store(tmp_path) as store:
        items = [await store.announcement(f"a_{key}") for key in acknowledged]

    assert len(items) >= killed_after
    assert [item and item.announcement for item in items] == [an_announcement(key) for key in acknowledged]


def acknowledged_before_a_kill(folder: Path, each: int, many: int) -> list[str]:
    """The keys that a process with eight clients acknowledged, which was killed after *many*. Each sends so many and is silent."""
    command = [sys.executable, "-c", ACCEPT, str(folder / "state.db"), str(each)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        keys = [child.stdout.readline().strip() for _ in range(many)]
        child.send_signal(signal.SIGKILL)
        keys += [line.strip() for line in child.stdout]
    assert child.returncode == -signal.SIGKILL
    return keys


async def test_who_reads_does_not_wait_for_who_writes(tmp_path):
    async with a_store(tmp_path) as store:
        watch = await opened(store)
        writer = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
        writer.execute("BEGIN IMMEDIATE")
        try:
            async with asyncio.timeout(30):
                assert await store.get("w_1") == watch
        finally:
            writer.close()


async def test_a_stranger_who_writes_for_too_long_is_named(tmp_path):
    async with a_store(tmp_path) as store:
        stranger = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(StoreUnavailable, match="another process writes into it"):
                await store.check()
        finally:
            stranger.close()

        await store.check()


async def test_an_operation_that_is_cancelled_is_done_whole(tmp_path):
    async with a_store(tmp_path) as store:
        watch = await opened(store)
        step = step_of(watch, State.HELD, {"messages": (appended("w_1.2.1"),)})
        saving = asyncio.ensure_future(store.save(step, NOON))
        await asyncio.sleep(0)

        saving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await saving
        await store.check()  # whatever was asked before is done now

        assert await store.get("w_1") == step.watch
        assert (await store.counts(NOON))["messages"] == {"slack:C1": 1}


async def test_an_operation_that_fails_is_counted_by_its_name(tmp_path):
    failed: list[str] = []
    settings = SqliteSettings(path=tmp_path / "state.db")
    async with open_sqlite(settings, Opening(Clock(), failed=failed.append), at_most_pages=120) as store:
        await fill(store)

    assert failed == ["inbox.accept"]


async def test_a_store_that_is_closed_says_so(tmp_path):
    async with a_store(tmp_path) as store:
        await store.close()

        with pytest.raises(StoreUnavailable, match="the store is closed"):
            await store.get("w_1")


async def test_a_full_disk_is_said_and_what_is_there_can_be_read(tmp_path):
    async with a_store(tmp_path, at_most_pages=120) as store:
        many = await fill(store)

        with pytest.raises(StoreUnavailable, match="the disk is full") as caught:
            await accept(store, many)

        assert "free space" in caught.value.remedy
        assert [await store.announcement(f"a_{number}") is not None for number in range(many + 1)] == [
            True
        ] * many + [False]


async def test_when_there_is_room_again_it_goes_on_by_itself(tmp_path):
    async with a_store(tmp_path, at_most_pages=120) as store:
        many = await fill(store)
        assert await store.prune(NOON + minutes(60 * 24 * 31)) > 0

        await accept(store, many)

        assert await store.announcement(f"a_{many}") is not None
    assert in_the_file(tmp_path, "PRAGMA integrity_check") == [("ok",)]


async def test_a_file_that_vanished_is_said_and_found_when_it_is_back(tmp_path):
    async with a_store(tmp_path) as store:
        await opened(store)
        (tmp_path / "state.db").rename(tmp_path / "elsewhere")
        engine = store._engine  # type: ignore[attr-defined] # only a connection that is opened anew looks for the file
        await engine.reading.do(engine.reader.close, LEASE)

        with pytest.raises(StoreUnavailable, match="cannot be opened"):
            await store.get("w_1")

        (tmp_path / "elsewhere").rename(tmp_path / "state.db")
        assert await store.get("w_1") == a_watch()


async def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "state.db").write_text("a diary" * 1000)

    with pytest.raises(StoreUnavailable, match="not a database"):
        async with a_store(tmp_path):
            pass


async def test_a_damaged_file_is_refused(tmp_path):
    async with a_store(tmp_path) as store:
        for number in range(50):
            await accept(store, number)
    file = tmp_path / "state.db"
    whole = file.read_bytes()
    file.write_bytes(whole[: 4096 * 8] + b"\xff" * 4096 * 20 + whole[4096 * 28 :])

    with pytest.raises(StoreUnavailable, match="damaged") as caught:
        async with a_store(tmp_path):
            pass

    assert "backup" in caught.value.remedy


async def test_a_watch_that_cannot_be_read_is_found_at_the_start(tmp_path):
    async with a_store(tmp_path) as store:
        await opened(store)
    in_the_file(tmp_path, """UPDATE watches SET document = '{"v":2}'""")

    with pytest.raises(StoreTooNew, match="a watch was written as version 2"):
        async with a_store(tmp_path):
            pass


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'nobody'", "DELETE FROM audit"])
async def test_the_audit_is_append_only_whoever_writes(tmp_path, statement):
    async with a_store(tmp_path) as store:
        await opened(store)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            in_the_file(tmp_path, statement)

        assert await audited(store) == ["watch.opened"]


async def test_what_was_acknowledged_is_on_the_disk_and_not_only_in_a_cache(tmp_path):
    async with a_store(tmp_path) as store:
        engine = store._engine  # type: ignore[attr-defined]
        connection = engine.writer.look(lambda connection: connection)

        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_kinds_that_are_not_there_yet_are_named():
    assert set(STORES) == {"sqlite", "memory", "postgresql"}
    assert set(LATER) == set()
