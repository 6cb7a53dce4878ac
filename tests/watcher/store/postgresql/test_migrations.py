"""Tables of PostgreSQL that are older or newer than a program, while replicas of several versions live."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import psycopg
import pytest

from tests.contract.store.build import NOON, Clock, a_watch, opened, step_of
from tests.watcher.store.growing import BREAKING, BROKEN, NEWER, NEXT
from tests.watcher.store.postgresql.server import Server
from tests.watcher.store.postgresql.test_contract import a_copy, settings_of
from watcher.errors import StoreMisplaced, StoreTooNew, StoreUnavailable
from watcher.store.postgresql.care import PostgresqlCare
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.upgrade import name_of
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.store import Opening, Saved, Store


@asynccontextmanager
async def a_replica(server: Server, name: str, *migrations: Migration) -> AsyncIterator[Store]:
    known = migrations or MIGRATIONS
    async with connected(settings_of(server, name), Opening(Clock()), migrations=known) as store:
        yield store


async def test_an_older_replica_goes_on_while_a_newer_one_upgrades_beside_it(server_18):
    name = await a_copy(server_18)
    async with a_replica(server_18, name) as older:
        watch = await opened(older)
        async with a_replica(server_18, name, *NEWER) as newer:
            step = step_of(watch)
            assert isinstance(await older.save(step, NOON), Saved)
            assert await newer.get("w_1") == step.watch
            await opened(newer, a_watch("w_2", "search"))
        await older.check()


async def test_no_upgrade_is_played_that_a_living_replica_could_not_work_on(server_18):
    name = await a_copy(server_18)
    async with a_replica(server_18, name) as older:
        with pytest.raises(
            StoreMisplaced, match=f"knows version {NEXT - 1}, and has to know version {NEXT}"
        ) as caught:
            async with a_replica(server_18, name, *BROKEN):
                pass
        await opened(older)

    assert "stop the older ones" in caught.value.remedy
    async with a_replica(server_18, name, *BROKEN):
        pass


async def test_who_starts_during_an_upgrade_waits_and_is_told_that_it_is_too_old(server_18):
    name = await a_copy(server_18)
    slow = replace(BREAKING, postgresql=("SELECT pg_advisory_xact_lock(7)",))
    upgrader = PostgresqlCare(settings_of(server_18, name), Clock(), (*MIGRATIONS, slow))
    async with await psycopg.AsyncConnection.connect(server_18.dsn(name)) as holding_it_up:
        await holding_it_up.execute("SELECT pg_advisory_xact_lock(7)")
        upgrading = asyncio.create_task(upgrader.migrate(NOON))
        await _until_so_many_wait(server_18, name, 1)
        starting = asyncio.create_task(_start(server_18, name))
        await _until_so_many_wait(server_18, name, 2)

    assert len(await upgrading) == 1
    with pytest.raises(StoreTooNew):
        await starting


async def _start(server: Server, name: str) -> None:
    async with a_replica(server, name):
        pass


async def _until_so_many_wait(server: Server, name: str, many: int) -> None:
    waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with asyncio.timeout(60):
        while len(server.say(waiting, name)) < many:  # noqa: ASYNC110 - no event tells what another process waits for
            await asyncio.sleep(0.02)


async def test_two_that_migrate_at_once_play_each_migration_once(server_18):
    settings = settings_of(server_18, server_18.database())
    cares = [PostgresqlCare(settings, Clock(), NEWER) for _ in range(2)]

    played = await asyncio.gather(*(care.migrate(NOON) for care in cares))

    assert sorted(len(each) for each in played) == [0, NEXT]


async def test_a_migration_that_fails_in_the_middle_leaves_the_older_tables_whole(server_18):
    name = await a_copy(server_18)
    half = replace(BREAKING, postgresql=("SELECT 1/0",))

    with pytest.raises(psycopg.errors.DivisionByZero):
        async with a_replica(server_18, name, *MIGRATIONS, half):
            pass

    async with a_replica(server_18, name) as store:
        await opened(store)


async def test_an_upgrade_whose_process_dies_in_the_middle_leaves_the_older_tables_whole(server_18):
    name = await a_copy(server_18)
    endless = replace(BREAKING, postgresql=("SELECT pg_sleep(60)",))
    upgrading = asyncio.create_task(
        PostgresqlCare(settings_of(server_18, name), Clock(), (*MIGRATIONS, endless)).migrate(NOON)
    )
    sleeping = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'PgSleep'"  # noqa: S608
    async with asyncio.timeout(60):
        while not server_18.say(sleeping):  # noqa: ASYNC110 - no event tells what the server does
            await asyncio.sleep(0.02)

    server_18.say(sleeping.replace("pid", "pg_terminate_backend(pid)", 1))
    with pytest.raises(StoreUnavailable):
        await upgrading

    async with a_replica(server_18, name) as store:
        await opened(store)


async def test_a_migration_that_was_played_in_other_words_is_refused(server_18):
    name = await a_copy(server_18)
    other = replace(MIGRATIONS[0], statements=(*MIGRATIONS[0].statements, "SELECT 1"))

    with pytest.raises(StoreUnavailable, match="in other words"):
        async with a_replica(server_18, name, other):
            pass


async def test_an_older_program_refuses_tables_that_it_cannot_work_on(server_18):
    name = await a_copy(server_18)
    async with a_replica(server_18, name, *BROKEN):
        pass

    with pytest.raises(StoreTooNew, match=f"must know version {NEXT}"):
        async with a_replica(server_18, name):
            pass


def test_what_replicas_are_called_fits_into_the_name_that_the_server_keeps():
    assert len(name_of("x" * 100, 10_000)) < 63
