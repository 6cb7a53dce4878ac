"""A database looked at by people, beside daemons; and its backup by the command that we print, put back."""

import re
import shlex
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from deploy.model import Level
from tests.contract.store.build import LEASE, NOON, Clock, a_watch, opened
from tests.watcher.store.growing import BROKEN, NEWER, NEXT
from tests.watcher.store.postgresql.server import PASSWORD, Server, a_server
from tests.watcher.store.postgresql.test_contract import a_copy, settings_of
from watcher.clock import now
from watcher.errors import StoreUnavailable
from watcher.store.care import ByHand
from watcher.store.postgresql.care import PostgresqlCare
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.store import Opening


def a_care(
    server: Server, name: str, migrations: tuple[Migration, ...] = MIGRATIONS, user: str = "postgres"
) -> PostgresqlCare:
    dsn = SecretStr(server.dsn(name, user, PASSWORD))
    return PostgresqlCare(PostgresqlSettings(dsn=dsn), now, migrations)


async def found(care: PostgresqlCare) -> dict[str, tuple[Level, str]]:
    """What was found, by what it is about."""
    return {each.what: (each.finding.level, each.finding.words) for each in await care.look(NOON)}


async def test_a_database_is_looked_at_while_replicas_work_on_it(server_18):
    name = await a_copy(server_18)
    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        await opened(store)
        await store.claim_due(NOON, 1, "a", LEASE)

        looked = await found(a_care(server_18, name))

    assert looked.pop("durability") == (
        Level.FAIL,
        "fsync is off",
    )  # the tests' servers do not wait for the disk
    assert {level for level, _ in looked.values()} == {Level.OK}
    assert looked["server"][1] == "PostgreSQL 18, as postgres"
    assert looked["tables"][1] == f"version {NEXT - 1}, nothing is missing"
    assert looked["isolation"][1].startswith("read committed")
    assert looked["leases"][1] == "a (1)"
    assert "the oldest is w_1" in looked["watches"][1]


async def test_a_database_of_nothing_is_looked_at_and_stays_so(server_18):
    name = server_18.database()

    looked = await found(a_care(server_18, name))

    assert looked["tables"] == (Level.WARN, "there are none yet")
    assert await a_care(server_18, name).missing() == MIGRATIONS
    assert server_18.say("SELECT to_regclass('migrations')", name) == [(None,)]


@pytest.mark.parametrize(
    ("done", "what", "level", "words"),
    [
        ("ALTER DATABASE {name} SET default_transaction_read_only = on", "writing", Level.FAIL, "read_only is on"),
        ("ALTER DATABASE {name} SET synchronous_commit = off", "durability", Level.FAIL, "off"),
        ("CREATE SCHEMA old; CREATE TABLE old.migrations (); CREATE TABLE old.watches (); CREATE TABLE old.inbox ()",
         "schema", Level.WARN, "old, too"),
        ("UPDATE migrations SET sha256 = 'x'", "tables", Level.FAIL, "in other words"),
    ],
)  # fmt: skip
async def test_what_is_not_as_it_should_be_is_found(server_18, done, what, level, words):
    name = await a_copy(server_18)
    server_18.say(done.format(name=name), name)

    looked = await found(a_care(server_18, name))

    assert looked[what][0] is level
    assert words in looked[what][1]


async def test_acknowledging_before_the_disk_has_it_is_found_where_the_server_waits_for_it():
    with a_server(18, safe=True) as server:
        name = server.database()
        assert (await found(a_care(server, name)))["durability"][0] is Level.OK

        server.say(f"ALTER DATABASE {name} SET synchronous_commit = off")

        assert (await found(a_care(server, name)))["durability"] == (Level.FAIL, "synchronous_commit is off")


async def test_rights_that_are_lacking_are_named(server_18):
    name = await a_copy(server_18)
    server_18.say("DROP ROLE IF EXISTS watcher_of_a_test")
    server_18.say(f"CREATE ROLE watcher_of_a_test LOGIN PASSWORD '{PASSWORD}'")
    for statement in (
        "GRANT USAGE ON SCHEMA public TO watcher_of_a_test",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO watcher_of_a_test",
    ):
        server_18.say(statement, name)
    care = a_care(server_18, name, user="watcher_of_a_test")

    assert (await found(care))["rights"][0] is Level.WARN

    server_18.say("REVOKE UPDATE ON watches FROM watcher_of_a_test", name)
    level, words = (await found(care))["rights"]
    assert level is Level.FAIL
    assert words == "watcher_of_a_test may not read and write watches"

    server_18.say("REVOKE SELECT ON migrations FROM watcher_of_a_test", name)
    level, words = (await found(care))["tables"]
    assert level is Level.FAIL
    assert "the role lacks a right" in words


async def test_connections_of_other_roles_are_counted_too(server_18):
    """To an ordinary role ``pg_stat_activity`` says nothing of them but that they are there."""
    name = await a_copy(server_18)
    server_18.say("DROP ROLE IF EXISTS counter_of_a_test")
    server_18.say(f"CREATE ROLE counter_of_a_test LOGIN PASSWORD '{PASSWORD}'")

    with ExitStack() as others:
        for _ in range(20):
            others.enter_context(psycopg.connect(server_18.dsn()))
        _, words = (await found(a_care(server_18, name, user="counter_of_a_test")))["connections"]

    assert int(words.partition(" of 60 ")[0]) > 20


async def test_a_clock_that_is_wrong_is_found(server_18):
    care = PostgresqlCare(
        settings_of(server_18, await a_copy(server_18)), Clock(now() - timedelta(seconds=90))
    )

    level, words = (await found(care))["clock"]

    assert level is Level.WARN
    assert re.fullmatch(r"ours is 9\d\.\d s behind the database's", words)


async def test_tables_of_another_version_are_found(server_18):
    older = await a_copy(server_18)
    assert (await found(a_care(server_18, older, NEWER)))["tables"][
        1
    ] == f"version {NEXT - 1}; to be played: {NEXT} (a column)"

    await a_care(server_18, older, BROKEN).migrate(NOON)

    assert f"must know version {NEXT}" in (await found(a_care(server_18, older)))["tables"][1]


async def test_a_database_that_is_away_is_no_finding_but_nobody_to_ask():
    settings = PostgresqlSettings(dsn=SecretStr("postgresql://u:secret-1@127.0.0.1:1/x"))

    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await PostgresqlCare(settings, Clock()).look(NOON)


async def test_the_command_for_a_backup_makes_one_that_can_be_put_back(server_18):
    name = await a_copy(server_18)
    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        await opened(store)
        backup = await _backed_up(server_18, name)
        await opened(store, a_watch("w_2", "search"))

    other = server_18.database()
    _put_back(server_18, backup, other)

    async with connected(settings_of(server_18, other), Opening(Clock())) as store:
        assert await store.get("w_1") == a_watch()
        assert await store.get("w_2") is None
        await opened(store, a_watch("w_3", "search"))


async def _backed_up(server: Server, name: str) -> Path:
    """By the command that is printed, which has no secret in it."""
    backup = server.folder / f"{name}.dump"
    made = await a_care(server, name).back_up(backup)
    assert isinstance(made, ByHand)
    assert PASSWORD not in f"{made.command}{made.words}"
    server.shell(made.command)
    return backup


def _put_back(server: Server, backup: Path, name: str) -> None:
    """As docs/running.md says."""
    words = ["pg_restore", "--no-owner", "--clean", "--if-exists", "--single-transaction"]
    dsn = f"host=127.0.0.1 port={server.port} user=postgres dbname={name}"
    server.shell(shlex.join([*words, f"--dbname={dsn}", str(backup)]))


async def test_a_backup_that_is_put_back_under_a_living_replica_stops_it(server_18):
    """Its fences begin again at those of the backup: what was given out since could be given out twice."""
    name = await a_copy(server_18)
    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        await opened(store)
        backup = await _backed_up(server_18, name)
        (held,) = await store.claim_due(NOON, 1, "a", LEASE)
        assert held.fence == 1

        _put_back(server_18, backup, name)

        with pytest.raises(StoreUnavailable, match="lost what it acknowledged"):
            await store.claim_due(NOON, 1, "a", timedelta(0))
        with pytest.raises(StoreUnavailable):
            await store.check()

    async with connected(settings_of(server_18, name), Opening(Clock())) as store:
        (again,) = await store.claim_due(NOON, 1, "a", LEASE)
        assert again.fence == 2
