"""A file of SQLite, looked at by people: beside a daemon, changing nothing."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from deploy.model import Level
from tests.contract.store.build import LEASE, NOON, Clock, minutes, opened
from tests.watcher.store.growing import BROKEN, NEWER, NEXT
from watcher.errors import StoreMisplaced
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.sqlite.care import SqliteCare
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.sqlite.place import held
from watcher.store.store import Opening


def a_care(folder: Path, migrations: tuple[Migration, ...] = MIGRATIONS, disk: str = "ext4") -> SqliteCare:
    return SqliteCare(SqliteSettings(path=folder / "state.db"), Clock(), lambda _: disk, migrations)


async def found(care: SqliteCare, days: float = 0) -> dict[str, tuple[Level, str]]:
    """What was found, by what it is about."""
    looked = await care.look(NOON + minutes(days * 24 * 60))
    return {each.what: (each.finding.level, each.finding.words) for each in looked}


@pytest.fixture
async def made(tmp_path):
    """A folder with a file whose daemon has ended."""
    async with open_sqlite(SqliteSettings(path=tmp_path / "state.db"), Opening(Clock())):
        pass
    return tmp_path


async def test_a_file_is_looked_at_while_the_daemon_works_on_it(tmp_path):
    async with open_sqlite(SqliteSettings(path=tmp_path / "state.db"), Opening(Clock())) as store:
        await opened(store)
        await store.claim_due(NOON, 1, "a", LEASE)

        looked = await found(a_care(tmp_path))

        assert {level for level, _ in looked.values()} == {Level.OK}
        assert looked["tables"][1] == f"version {NEXT - 1}, nothing is missing"
        assert looked["leases"][1] == "a (1)"
        assert looked["watches"][1] == (
            "1 live; the oldest is w_1 (checkout/production, watching), since 2026-11-24 12:00:00 UTC"
        )
        await store.check()


async def test_a_watch_that_lives_for_weeks_is_warned_of(tmp_path):
    async with open_sqlite(SqliteSettings(path=tmp_path / "state.db"), Opening(Clock())) as store:
        await opened(store)

        assert (await found(a_care(tmp_path), days=8))["watches"][0] is Level.WARN


async def test_looking_changes_nothing(made):
    before = made.joinpath("state.db").read_bytes()

    await found(a_care(made, NEWER))
    await a_care(made, NEWER).missing()

    assert made.joinpath("state.db").read_bytes() == before


async def test_a_file_that_is_not_there_is_not_made(tmp_path):
    looked = await found(a_care(tmp_path))

    assert looked["file"][0] is Level.WARN
    assert await a_care(tmp_path).missing() == MIGRATIONS
    assert list(tmp_path.iterdir()) == []


async def test_migrations_that_are_to_be_played_are_named(made):
    assert (await found(a_care(made, NEWER)))["tables"] == (
        Level.WARN,
        f"version {NEXT - 1}; to be played: {NEXT} (a column)",
    )
    assert [each.version for each in await a_care(made, NEWER).missing()] == [NEXT]


async def test_tables_that_are_too_new_are_a_finding(made):
    await a_care(made, BROKEN).migrate(NOON)

    level, words = (await found(a_care(made)))["tables"]

    assert level is Level.FAIL
    assert f"must know version {NEXT}" in words


async def test_a_damaged_file_is_a_finding(made):
    whole = made.joinpath("state.db").read_bytes()
    made.joinpath("state.db").write_bytes(whole[: 4096 * 20] + b"\xff" * 4096 * 20 + whole[4096 * 40 :])

    assert Level.FAIL in {level for level, _ in (await found(a_care(made))).values()}


async def test_a_file_that_is_no_database_is_a_finding(tmp_path):
    tmp_path.joinpath("state.db").write_text("a diary" * 1000)

    level, words = (await found(a_care(tmp_path)))["file"]

    assert level is Level.FAIL
    assert "not a database" in words


async def test_rows_that_belong_to_nothing_are_a_finding(made):
    with closing(sqlite3.connect(made / "state.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE parents (id TEXT PRIMARY KEY)")
        connection.execute("CREATE TABLE children (parent TEXT REFERENCES parents (id))")
        connection.execute("INSERT INTO children VALUES ('nobody')")

    level, words = (await found(a_care(made)))["integrity"]

    assert level is Level.FAIL
    assert "children" in words


async def test_a_file_that_others_may_read_is_warned_of(made):
    os.chmod(made / "state.db", 0o644)  # noqa: PTH101 - as an operator would

    assert (await found(a_care(made)))["file"][0] is Level.WARN


@pytest.mark.parametrize(
    ("disk", "level"), [("overlay", Level.WARN), ("nfs4", Level.FAIL), ("xfs", Level.OK)]
)
async def test_a_place_is_looked_at_too(made, disk, level):
    assert (await found(a_care(made, disk=disk)))["place"][0] is level


async def test_a_migration_needs_the_file_for_itself(made):
    with held(made / "state.db"), pytest.raises(StoreMisplaced, match="another rollbackd"):
        await a_care(made, NEWER).migrate(NOON)

    assert [each.version for each in await a_care(made, NEWER).migrate(NOON)] == [NEXT]
    assert await a_care(made, NEWER).migrate(NOON) == []
