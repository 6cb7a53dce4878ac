"""PostgreSQL keeps the contract of stores, in its oldest version that is cared for and in its newest."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.contract.store.build import Clock
from tests.contract.store_contract import StoreContract
from tests.watcher.store.postgresql.server import Server
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.store import Opening, Store

LIKE: dict[int, str] = {}  # by the server's port: a database whose tables are made, to be copied
USED: dict[int, str] = {}  # by the server's port: the one that the tests of the contract use in turn

# To make a database and to drop it again takes longer than most of these tests do. TRUNCATE, and not DELETE: after it the
# planner knows as little of a table as of a new one. The audit lets nobody empty it, so its trigger is put to sleep.
EMPTIED = """
DO $$
DECLARE
    used text;
BEGIN
    SET LOCAL session_replication_role = replica;
    SELECT string_agg(relname, ', ') FROM pg_class INTO used WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT IN ('migrations', 'gate') AND pg_relation_size(oid) > 0;
    IF used IS NOT NULL THEN
        EXECUTE format('TRUNCATE %s RESTART IDENTITY CASCADE', used);
    END IF;
END
$$
"""


async def a_copy(server: Server) -> str:
    """A database of our tables, all empty."""
    if server.port not in LIKE:
        name = server.database()
        async with connected(settings_of(server, name), Opening(Clock())):
            pass
        LIKE[server.port] = name
    return server.database(LIKE[server.port])


async def a_database_in_turn(server: Server) -> str:
    """A database of our tables, all empty: the same as the one before."""
    if name := USED.get(server.port):
        server.say(EMPTIED, name)
    else:
        name = USED[server.port] = await a_copy(server)
    return name


def settings_of(server: Server, database: str) -> PostgresqlSettings:
    return PostgresqlSettings(dsn=SecretStr(server.dsn(database)))


class _Contract(StoreContract):
    server: Server

    def opened(self, folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
        database = folder.joinpath("database").read_text()
        return connected(settings_of(self.server, database), Opening(clock), leases_by=clock)

    @pytest.fixture
    async def store(self, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
        name = await a_database_in_turn(self.server)
        tmp_path.joinpath("database").write_text(name)
        async with self.opened(tmp_path, clock) as store:
            yield store


@pytest.mark.long  # the newer one keeps the same contract in each run
class TestPostgresql16(_Contract):
    @pytest.fixture(autouse=True)
    def _server(self, server_16: Server) -> None:
        self.server = server_16


class TestPostgresql18(_Contract):
    @pytest.fixture(autouse=True)
    def _server(self, server_18: Server) -> None:
        self.server = server_18
