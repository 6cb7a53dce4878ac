"""Databases that are not as they should be: words and a remedy, nothing lost, and work goes on by itself."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from tests.contract.store.build import NOON, Clock, a_watch, opened, step_of
from tests.watcher.store.postgresql.server import PASSWORD, Server, a_server
from tests.watcher.store.postgresql.test_contract import a_copy, settings_of
from watcher.errors import StoreUnavailable
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.store import Opening, Saved, Store


@asynccontextmanager
async def a_store(dsn: str, **options: object) -> AsyncIterator[Store]:
    settings = PostgresqlSettings(dsn=SecretStr(dsn))
    async with connected(settings, Opening(Clock()), **options) as store:  # type: ignore[arg-type]
        yield store


async def refused(dsn: str, **options: object) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as caught:
        async with a_store(dsn, **options):
            pass
    assert caught.value.remedy
    return caught.value


async def until_it_works(store: Store) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await store.check()
            except StoreUnavailable:
                await asyncio.sleep(0.1)
            else:
                return


async def test_a_database_that_is_not_there_is_told(server_18):
    assert "cannot be reached" in str(await refused("postgresql://u:secret-1@127.0.0.1:1/x"))


async def test_a_wrong_password_is_told_and_not_shown(server_18):
    error = await refused(server_18.dsn(password="secret-1"))

    assert "does not let us in" in str(error)
    assert "secret-1" not in f"{error}{error.remedy}{error.__cause__}"


async def test_a_dsn_that_cannot_be_read_is_not_shown():
    assert "secret-1" not in str(await refused("nonsense secret-1"))


async def test_a_database_that_is_read_only_is_told_and_works_again_by_itself(server_18):
    name = await a_copy(server_18)
    server_18.say(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with a_store(server_18.dsn(name)) as store:
        with pytest.raises(StoreUnavailable, match="may not be written"):
            await store.check()

        server_18.say(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        server_18.say(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
        await until_it_works(store)


async def test_a_role_that_may_make_no_tables_is_told_what_it_lacks(server_18):
    name = server_18.database()
    server_18.say("DROP ROLE IF EXISTS reader")
    server_18.say("CREATE ROLE reader LOGIN PASSWORD 'r'")

    assert "lacks a right" in str(await refused(server_18.dsn(name, "reader", "r")))


async def test_a_table_that_is_locked_answers_late_and_nothing_happened(server_18):
    name = await a_copy(server_18)
    async with a_store(server_18.dsn(name)) as store:
        watch = await opened(store)
        with psycopg.connect(server_18.dsn(name)) as other:
            other.execute("LOCK TABLE watches IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match="a lock was not free in time"):
                await store.save(step_of(watch), NOON)

        assert await store.get("w_1") == watch


@pytest.mark.parametrize("how", ["restart", "kill"])
async def test_what_was_acknowledged_outlives_a_crash_of_the_server(how):
    with a_server(18, safe=True) as server:
        async with a_store(server.dsn(server.database())) as store:
            watch = await opened(store)
            step = step_of(watch)
            assert isinstance(await store.save(step, NOON), Saved)

            await asyncio.to_thread(crash, server, how)
            await until_it_works(store)

            assert await store.get("w_1") == step.watch


def crash(server: Server, how: str) -> None:
    if how == "kill":
        server.kill()
        _wait_for_its_children(server)
        # A process 1 that reaps nobody leaves the killed one visible, and a new one would think that it runs.
        (server.folder / "data" / "postmaster.pid").unlink()
    else:
        server.ctl("-m", "immediate", "stop")
    server.start()


def _wait_for_its_children(server: Server) -> None:
    """They see that the postmaster is gone, and end; a new one does not start as long as one has the shared memory."""
    folder = str(server.folder / "data").encode()
    for _ in range(100):
        if not any(
            folder in _arguments(each) or _works_in(each, server) for each in Path("/proc").glob("[0-9]*")
        ):
            return
        time.sleep(0.1)


def _arguments(process: Path) -> bytes:
    try:
        return process.joinpath("cmdline").read_bytes()
    except OSError:
        return b""


def _works_in(process: Path, server: Server) -> bool:
    try:
        return process.joinpath("cwd").readlink() == server.folder / "data"
    except OSError:
        return False


async def test_a_server_that_stands_still_is_told_within_the_limit_and_works_again():
    with a_server(18) as server:
        async with a_store(server.dsn(server.database())) as store:
            await opened(store, a_watch())
            backends = [
                pid
                for (pid,) in server.say(
                    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'rollbackd%'"
                )
            ]
            _signal(backends, signal.SIGSTOP)
            try:
                async with asyncio.timeout(60):
                    with pytest.raises(StoreUnavailable, match=r"did not answer|could be had"):
                        await store.check()
            finally:
                _signal(backends, signal.SIGCONT)

            await until_it_works(store)


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        os.kill(pid, number)


def test_settings_name_the_dsn_as_a_secret(server_18):
    assert PASSWORD not in repr(settings_of(server_18, "x"))
