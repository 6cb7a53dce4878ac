"""A copy of a file of SQLite: whole, at once, for its owner alone, while others write; and it starts."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.contract.store.build import (
    LEASE,
    NOON,
    Clock,
    a_watch,
    an_announcement,
    claimed_action,
    opened,
    rolling_back,
)
from watcher.core.watch import ActionState
from watcher.errors import StoreMisplaced, StoreUnavailable
from watcher.store.care import Copied
from watcher.store.sqlite.care import SqliteCare
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening, Store


@asynccontextmanager
async def a_store(file: Path) -> AsyncIterator[Store]:
    async with open_sqlite(SqliteSettings(path=file), Opening(Clock())) as store:
        yield store


async def backed_up(file: Path, to: Path) -> Copied:
    made = await SqliteCare(SqliteSettings(path=file), Clock()).back_up(to)
    assert isinstance(made, Copied)
    return made


async def test_a_copy_that_is_made_while_the_daemon_writes_is_one_moment_of_it(tmp_path):
    async with a_store(tmp_path / "state.db") as store:
        watch = await opened(store)
        stop = asyncio.Event()

        async def write(name: str) -> int:
            number = 0
            while not stop.is_set():
                key = f"{name}{number}"
                await store.accept(f"a_{key}", an_announcement(key), b"x" * 5000, "p", NOON, ("queue", key))
                number += 1
            return number

        writers = [asyncio.create_task(write(name)) for name in "ab"]
        copies = [tmp_path / f"copy-{number}" for number in range(5)]
        for copy in copies:
            await backed_up(tmp_path / "state.db", copy)
        stop.set()
        written = sum([await writer for writer in writers])

    counted = [await _what_is_in(copy) for copy in copies]
    assert counted == sorted(counted)
    assert 0 < counted[-1] <= written
    async with a_store(copies[-1]) as store:
        assert await store.get("w_1") == watch


async def _what_is_in(copy: Path) -> int:
    with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        many: int = connection.execute("SELECT COUNT(*) FROM inbox").fetchone()[0]
        return many


async def test_a_copy_is_one_file_for_its_owner_alone_and_nothing_is_left_beside_it(tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    async with a_store(tmp_path / "state.db"):
        made = await backed_up(tmp_path / "state.db", folder / "copy")

    assert [path.name for path in folder.iterdir()] == ["copy"]
    assert folder.joinpath("copy").stat().st_mode & 0o777 == 0o600
    assert folder.joinpath("copy").stat().st_size == made.size
    # https://www.sqlite.org/fileformat.html: 1 is a file without a log, which can be read from where nothing may be written.
    assert folder.joinpath("copy").read_bytes()[18:20] == b"\x01\x01"


async def test_an_older_copy_is_replaced_and_a_file_that_is_none_is_not(tmp_path):
    async with a_store(tmp_path / "state.db") as store:
        await backed_up(tmp_path / "state.db", tmp_path / "copy")
        await opened(store)
        await backed_up(tmp_path / "state.db", tmp_path / "copy")
        tmp_path.joinpath("diary").write_text("dear diary")
        for place in ("diary", ".", "nowhere/copy", "state.db"):
            with pytest.raises(StoreMisplaced):
                await backed_up(tmp_path / "state.db", tmp_path / place)

    assert tmp_path.joinpath("diary").read_text() == "dear diary"
    async with a_store(tmp_path / "copy") as store:
        assert await store.get("w_1") == a_watch()


async def test_a_store_that_is_not_there_is_not_made_by_copying_it(tmp_path):
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        await backed_up(tmp_path / "state.db", tmp_path / "copy")

    assert list(tmp_path.iterdir()) == []


async def test_a_store_with_damage_that_only_looking_through_it_finds_gives_no_copy(tmp_path):
    async with a_store(tmp_path / "state.db"):
        pass
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE things (a, b)")
        connection.execute("INSERT INTO things VALUES (1, 2)")
        connection.execute("CREATE INDEX by_a ON things (a)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_a ON things (b)' WHERE name = 'by_a'"
        )

    with pytest.raises(StoreUnavailable, match="the copy is not whole: row 1 missing from index by_a"):
        await backed_up(tmp_path / "state.db", tmp_path / "copy")

    assert not tmp_path.joinpath("copy").exists()


async def test_a_newer_copy_takes_the_place_of_the_older_one_and_is_not_written_over_it(tmp_path):
    """Whoever has the older one open, or is carrying it away, has it whole."""
    async with a_store(tmp_path / "state.db") as store:
        await backed_up(tmp_path / "state.db", tmp_path / "copy")
        with tmp_path.joinpath("copy").open("rb") as older:
            before = tmp_path.joinpath("copy").read_bytes()
            await opened(store)
            await backed_up(tmp_path / "state.db", tmp_path / "copy")

            assert older.read() == before

    assert tmp_path.joinpath("copy").read_bytes() != before


async def test_a_copy_that_is_put_back_starts_and_goes_on_under_higher_fences(tmp_path):
    """What was begun when the copy was made is still begun: whoever takes it up looks what runs before acting."""
    async with a_store(tmp_path / "state.db") as store:
        await rolling_back(store)
        claimed = await claimed_action(store)
        assert claimed is not None
        assert await store.begin(claimed.action.id, claimed.fence, NOON)
        await backed_up(tmp_path / "state.db", tmp_path / "copy")

    tmp_path.joinpath("copy").replace(tmp_path / "state.db")
    async with a_store(tmp_path / "state.db") as store:
        again = await claimed_action(store, owner="b")
        (watch,) = await store.claim_due(NOON, 10, "b", LEASE)

    assert again is not None
    assert (again.state, again.fence, again.attempts) == (ActionState.BEGUN, claimed.fence + 1, 1)
    assert watch.fence == 1
