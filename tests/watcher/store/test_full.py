"""A file of SQLite on a disk that is full: said with a remedy, nothing lost, and work goes on by itself once there is room."""

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest

from tests.contract.store.build import LEASE, NOON, Clock, opened, rolling_back, step_of
from tests.watcher.store.disk import Disk, a_disk, accept, fill, needs_root
from tests.watcher.store.growing import HARMLESS
from watcher.core.watch import State
from watcher.errors import StoreUnavailable
from watcher.store.schema import MIGRATIONS
from watcher.store.sqlite.care import SqliteCare
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening, Store

pytestmark = needs_root


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with a_disk(tmp_path / "disk", mib=4) as disk:
        yield disk


@asynccontextmanager
async def a_store(disk: Disk, **options: Any) -> AsyncIterator[Store]:
    settings = SqliteSettings(path=disk.path / "state.db")
    async with open_sqlite(settings, Opening(Clock()), **options) as store:
        yield store


async def test_nothing_that_was_acknowledged_is_lost_and_it_goes_on_by_itself(disk):
    async with a_store(disk) as store:
        watch = await rolling_back(store)
        many = await fill(store)
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await store.check()  # so the readiness is false
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await store.save(step_of(watch, State.STUCK), NOON)

        assert await store.get("w_1") == watch
        assert await store.announcement(f"a_{many}") is None

        disk.becomes(8)
        await store.check()
        await accept(store, many)
        assert [await store.announcement(f"a_{number}") is not None for number in range(many + 1)] == [
            True
        ] * (many + 1)

    with closing(sqlite3.connect(disk.path / "state.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


async def test_a_disk_that_is_all_but_full_is_not_ready_although_a_small_step_still_finds_room(disk):
    async with a_store(disk) as store:
        meal = disk.path / "logs-of-somebody"
        meal.write_bytes(b"x" * (shutil.disk_usage(disk.path).free - 500 * 1024))
        await accept(store, 0, size=1000)

        with pytest.raises(StoreUnavailable, match=r"the disk is full \(\d+ KiB are left\)"):
            await store.check()

        meal.unlink()
        await store.check()


async def test_no_call_is_begun_whose_beginning_cannot_be_written_down(disk):
    async with a_store(disk) as store:
        await rolling_back(store)
        (claimed,) = await store.claim_actions(NOON, 1, "a", LEASE)
        await fill(store)

        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await store.begin(claimed.action.id, claimed.fence, NOON)

        (found,) = await store.actions("w_1")
        assert found.attempts == 0


async def test_a_daemon_that_starts_on_a_full_disk_says_so_and_starts_when_there_is_room(disk):
    async with a_store(disk) as store:
        watch = await opened(store)
    _eat(disk.path)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        async with a_store(disk):
            pass

    disk.becomes(8)
    async with a_store(disk) as store:
        assert await store.get("w_1") == watch


async def test_an_upgrade_for_which_there_is_no_room_leaves_the_older_tables_whole(disk):
    async with a_store(disk) as store:
        watch = await opened(store)
    eaten = _eat(disk.path)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        async with a_store(disk, migrations=(*MIGRATIONS, HARMLESS)):
            pass

    eaten.unlink()
    assert {path.name for path in disk.path.iterdir()} <= {
        "state.db",
        "state.db-wal",
        "state.db-shm",
        "state.db.lock",
    }
    async with a_store(disk) as store:
        assert await store.get("w_1") == watch


async def test_a_backup_for_which_there_is_no_room_leaves_the_older_one_whole(disk, tmp_path):
    settings = SqliteSettings(path=tmp_path / "state.db")
    care = SqliteCare(settings, Clock())
    async with open_sqlite(settings, Opening(Clock())) as store:
        await care.back_up(disk.path / "copy")
        before = disk.path.joinpath("copy").read_bytes()
        for number in range(120):
            await accept(store, number, 40_000)

        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await care.back_up(disk.path / "copy")

    assert disk.path.joinpath("copy").read_bytes() == before
    assert [path.name for path in disk.path.iterdir()] == ["copy"]


def _eat(folder: Path) -> Path:
    """Somebody else fills the disk to the last byte."""
    meal = folder / "logs-of-somebody"
    with meal.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                os.fsync(file.fileno())
    return meal
