"""A file of SQLite that is older or newer than the program: upgraded whole or not at all, and worked on where that is safe."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.contract.store.build import Clock, a_watch, opened
from tests.contract.store_contract import StoreContract
from tests.watcher.store.growing import BREAKING, BROKEN, HARMLESS, NEWER, NEXT
from watcher.clock import monotonic
from watcher.errors import StoreTooNew, StoreUnavailable
from watcher.store.schema import MIGRATIONS
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening, Store


@asynccontextmanager
async def a_store(folder: Path, clock: Clock | None = None, **options: Any) -> AsyncIterator[Store]:
    settings = SqliteSettings(path=folder / "state.db")
    async with open_sqlite(settings, Opening(clock or Clock()), **options) as store:
        yield store


def in_the_file(file: Path, statement: str) -> list[tuple[Any, ...]]:
    """What another program sees of the file, and does to it."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


class TestTheReleaseBeforeOnTablesOfTheNext(StoreContract):
    """The whole contract of the store, kept by a program that knows nothing of what was added."""

    def opened(self, folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return self._grown(folder, clock)

    @asynccontextmanager
    async def _grown(self, folder: Path, clock: Clock) -> AsyncIterator[Store]:
        async with a_store(folder, clock, migrations=NEWER):
            pass
        async with a_store(folder, clock) as store:
            yield store


async def test_what_an_older_program_wrote_on_newer_tables_the_newer_one_reads(tmp_path):
    async with a_store(tmp_path, migrations=NEWER):
        pass
    async with a_store(tmp_path) as store:
        watch = await opened(store)

    async with a_store(tmp_path, migrations=NEWER) as store:
        assert await store.get("w_1") == watch


async def test_tables_of_an_older_version_are_upgraded_and_keep_what_they_hold(tmp_path):
    async with a_store(tmp_path) as store:
        watch = await opened(store)

    async with a_store(tmp_path, migrations=NEWER) as store:
        assert await store.get("w_1") == watch

    assert in_the_file(tmp_path / "state.db", "SELECT extra FROM watches") == [("none",)]
    assert in_the_file(tmp_path / "state.db", "SELECT version, what, needs FROM migrations")[-1] == (
        NEXT,
        "a column",
        1,
    )


async def test_tables_that_a_program_cannot_work_on_are_refused_with_a_remedy(tmp_path):
    async with a_store(tmp_path, migrations=BROKEN):
        pass

    with pytest.raises(
        StoreTooNew, match=rf"tables of version {NEXT}; .* must know version {NEXT}"
    ) as caught:
        async with a_store(tmp_path):
            pass

    assert "backup" in caught.value.remedy


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("UPDATE migrations SET sha256 = 'other'", "migration 1 was played in other words"),
        ("UPDATE migrations SET version = version + 100, needs = 1", "some are missing in between"),
    ],
)
async def test_tables_that_are_not_what_they_should_be_are_refused(tmp_path, edit, words):
    async with a_store(tmp_path):
        pass
    in_the_file(tmp_path / "state.db", edit)

    with pytest.raises(StoreUnavailable, match=words):
        async with a_store(tmp_path):
            pass


async def test_a_step_that_was_changed_after_it_was_played_is_refused(tmp_path):
    async with a_store(tmp_path):
        pass
    changed = replace(MIGRATIONS[0], sqlite=(*MIGRATIONS[0].sqlite, "SELECT 1"))

    with pytest.raises(StoreUnavailable, match="migration 1 was played in other words"):
        async with a_store(tmp_path, migrations=(changed,)):
            pass


async def test_a_file_from_before_there_were_checksums_gets_them_with_its_next_upgrade(tmp_path):
    async with a_store(tmp_path, migrations=MIGRATIONS[:1]) as store:
        watch = await opened(store)
    file = tmp_path / "state.db"
    sums = in_the_file(file, "SELECT sha256 FROM migrations")
    in_the_file(file, "ALTER TABLE migrations DROP COLUMN sha256")
    in_the_file(file, "ALTER TABLE migrations DROP COLUMN needs")

    async with a_store(tmp_path) as store:
        assert await store.get("w_1") == watch
    async with a_store(tmp_path, migrations=NEWER) as store:
        assert await store.get("w_1") == watch

    assert in_the_file(file, "SELECT version, needs FROM migrations") == [
        (version, 1) for version in range(1, NEXT + 1)
    ]
    assert in_the_file(file, "SELECT sha256 FROM migrations WHERE version = 1") == sums


async def test_before_an_upgrade_a_copy_is_put_beside_the_file(tmp_path):
    async with a_store(tmp_path) as store:
        watch = await opened(store)
    async with a_store(tmp_path, migrations=BROKEN):
        pass

    copy = tmp_path / f"state.db.version-{NEXT - 1}"
    assert copy.stat().st_mode & 0o777 == 0o600
    copy.rename(tmp_path / "state.db")

    async with a_store(tmp_path) as store:
        assert await store.get("w_1") == watch


async def test_a_file_that_needs_no_upgrade_is_not_copied(tmp_path):
    for _ in range(2):
        async with a_store(tmp_path):
            pass

    assert not list(tmp_path.glob("*version*"))


async def test_an_upgrade_that_fails_changes_nothing(tmp_path):
    async with a_store(tmp_path):
        pass
    half = replace(BREAKING, statements=(*BREAKING.statements, "ALTER TABLE nowhere ADD COLUMN extra TEXT"))

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        async with a_store(tmp_path, migrations=(*MIGRATIONS, half)):
            pass

    async with a_store(tmp_path) as store:
        await opened(store)


# Its second statement takes for ever; the first says that it has begun.
UPGRADE = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from tests.contract.store.build import Clock
from tests.watcher.store.growing import BREAKING
from watcher.store.schema import MIGRATIONS
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT MAX(i) FROM n"

async def main():
    endless = replace(BREAKING, statements=(*BREAKING.statements, ENDLESS))
    async with open_sqlite(SqliteSettings(path=Path(sys.argv[1])), Opening(Clock()), migrations=(*MIGRATIONS, endless)):
        pass

asyncio.run(main())
"""


async def test_a_process_that_is_killed_in_the_middle_of_an_upgrade_leaves_the_older_tables_whole(tmp_path):
    async with a_store(tmp_path) as store:
        watch = await opened(store)

    _upgrade_and_be_killed(tmp_path / "state.db")

    async with a_store(tmp_path) as store:
        assert await store.get("w_1") == watch
        await opened(store, a_watch("w_2", "search"))
    async with a_store(tmp_path, migrations=(*MIGRATIONS, HARMLESS)) as store:
        assert await store.get("w_1") == watch


def _upgrade_and_be_killed(file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", UPGRADE, str(file)]) as child:
        until = monotonic() + 30
        while not _is_being_written(file):
            assert monotonic() < until
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def _is_being_written(file: Path) -> bool:
    """The copy is made, and somebody has begun to write."""
    if not file.with_name(f"state.db.version-{NEXT - 1}").exists():
        return False
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return "locked" in str(error)
        return False


def test_versions_are_numbered_from_one_on():
    assert [migration.version for migration in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
