"""``rollbackd db``: what is printed, and how it ends; what it finds and does is tested in tests/watcher/store."""

import asyncio
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.contract.store.build import Clock, opened
from tests.watcher.store.postgresql.server import PASSWORD, Server, a_server
from watcher.commands import db
from watcher.store.schema import MIGRATIONS
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.sqlite.place import held
from watcher.store.store import Opening

NEWEST = MIGRATIONS[-1].version
FOR_SQLITE = "version: 1\ndaemon: {{store: {{sqlite: {{path: {folder}/state.db}}}}}}\n"
FOR_POSTGRESQL = "version: 1\ndaemon: {store: {postgresql: {dsn: {env: DATABASE_URL}}}}\n"


def run(folder: Path, *words: str, text: str = FOR_SQLITE, dsn: str = "") -> Result:
    """`rollbackd db` with a configuration in *folder*."""
    config = folder / "rollbackd.yaml"
    config.write_text(text.format(folder=folder) if text is FOR_SQLITE else text)
    words = (words[0], "--config", str(config), *words[1:])
    return CliRunner().invoke(db.command, words, env={"DATABASE_URL": dsn})


@pytest.fixture
def made(tmp_path):
    """A folder with a store in which a watch lives."""

    async def make():
        settings = SqliteSettings(path=tmp_path / "state.db")
        async with open_sqlite(settings, Opening(Clock())) as store:
            await opened(store)

    asyncio.run(make())
    return tmp_path


def all_of(done: str) -> str:
    """A line for each migration that there is."""
    return "".join(f"{done}: {each.version} ({each.what})\n" for each in MIGRATIONS)


def test_check_prints_a_table_and_says_what_to_do_about_what_is_not_well(made):
    made.joinpath("state.db").chmod(0o644)

    result = run(made, "check")

    assert result.exit_code == 0  # a warning is no failure
    assert f"ok     tables     version {NEWEST}, nothing is missing\n" in result.stdout
    assert f"    try: chmod 600 {made}/state.db\n" in result.stderr


def test_check_as_json(made):
    found = json.loads(run(made, "check", "--json").stdout)

    assert found["ok"] is True
    assert {"what": "integrity", "level": "ok"}.items() <= next(
        each for each in found["findings"] if each["what"] == "integrity"
    ).items()


def test_what_is_wrong_ends_with_1(made):
    with closing(sqlite3.connect(made / "state.db", isolation_level=None)) as connection:
        connection.execute("UPDATE migrations SET sha256 = 'other'")

    result = run(made, "check")

    assert result.exit_code == 1
    assert "try: run a released version of rollbackd" in result.stderr


def test_migrate_says_what_it_would_do_and_does_it_once(tmp_path):
    assert run(tmp_path, "migrate", "--dry-run").stdout == all_of("to be played")
    assert not tmp_path.joinpath("state.db").exists()
    assert run(tmp_path, "migrate").stdout == all_of("played")
    assert run(tmp_path, "migrate").stdout == "nothing is missing\n"
    assert run(tmp_path, "migrate", "--dry-run").stdout == "nothing is missing\n"


def test_migrate_is_refused_while_a_daemon_has_the_file(made):
    with held(made / "state.db"):
        result = run(made, "migrate")

    assert result.exit_code == 3
    assert "another rollbackd (process" in result.stderr
    assert "try: stop it first" in result.stderr


def test_tables_that_are_too_new_are_refused(made):
    with closing(sqlite3.connect(made / "state.db", isolation_level=None)) as connection:
        connection.execute(
            "INSERT INTO migrations VALUES (?, 'of a time to come', 'x', ?, 0)", (NEWEST + 1,) * 2
        )

    result = run(made, "migrate", "--dry-run")

    assert result.exit_code == 3
    assert f"must know version {NEWEST + 1}" in result.stderr


def test_backup_writes_a_copy_while_a_daemon_has_the_file(made):
    with held(made / "state.db"):
        result = run(made, "backup", str(made / "copy"))

    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(rf"{made}/copy: 0\.\d MiB, looked through\n", result.stdout)
    assert made.joinpath("copy").stat().st_mode & 0o777 == 0o600


def test_a_place_that_is_none_is_refused(made):
    result = run(made, "backup", str(made / "rollbackd.yaml"))

    assert result.exit_code == 3
    assert "is no database, so it is not replaced" in result.stderr


def test_a_store_that_is_not_there_cannot_be_copied(tmp_path):
    result = run(tmp_path, "backup", str(tmp_path / "copy"))

    assert result.exit_code == 4
    assert "the file cannot be opened" in result.stderr


@pytest.mark.parametrize("words", [("check",), ("migrate",), ("backup", "copy")])
def test_a_mistake_in_the_configuration_ends_with_2(tmp_path, words):
    result = run(tmp_path, *words, text="version: 1\ndeamon: {}\n")

    assert result.exit_code == 2
    assert 'did you mean "daemon"?' in result.stderr


def test_of_a_store_in_memory_there_is_nothing_to_care_for(tmp_path):
    result = run(tmp_path, "check", text="version: 1\ndaemon: {store: {memory: {}}}\n")

    assert result.exit_code == 2
    assert "ends with its process" in result.stderr


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with a_server(18) as server:
        yield server


def test_a_database_is_upgraded_looked_at_and_its_backup_told_without_a_secret(tmp_path, server):
    dsn = server.dsn(server.database())

    assert run(tmp_path, "migrate", text=FOR_POSTGRESQL, dsn=dsn).stdout == all_of("played")
    looked = run(tmp_path, "check", text=FOR_POSTGRESQL, dsn=dsn)
    told = run(tmp_path, "backup", "a.dump", text=FOR_POSTGRESQL, dsn=dsn)

    assert looked.exit_code == 1  # the tests' servers do not wait for the disk
    assert "fail   durability   fsync is off\n" in looked.stdout
    assert told.exit_code == 0
    assert told.stdout.startswith("pg_dump --format=custom")
    assert "PGPASSWORD" in told.stderr
    assert PASSWORD not in f"{looked.output}{told.output}"


def test_a_database_that_is_away_ends_with_4_and_shows_no_secret(tmp_path):
    result = run(tmp_path, "check", text=FOR_POSTGRESQL, dsn="postgresql://u:secret-1@127.0.0.1:1/x")

    assert result.exit_code == 4
    assert "cannot be reached" in result.stderr
    assert "secret-1" not in result.output
