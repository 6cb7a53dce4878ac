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


async def a_copy(server: Server) -> str:
    """A database of our tables, all empty."""
    if server.port not in LIKE:
        name = server.database()
        async with connected(settings_of(server, name), Opening(Clock())):
            pass
        LIKE[server.port] = name
    return server.database(LIKE[server.port])


def settings_of(server: Server, database: str) -> PostgresqlSettings:
    return PostgresqlSettings(dsn=SecretStr(server.dsn(database)))


class _Contract(StoreContract):
    server: Server

    def opened(self, folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
        database = folder.joinpath("database").read_text()
        return connected(settings_of(self.server, database), Opening(clock), leases_by=clock)

    @pytest.fixture
    async def store(self, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
        name = await a_copy(self.server)
        tmp_path.joinpath("database").write_text(name)
        async with self.opened(tmp_path, clock) as store:
            yield store
        self.server.say(f"DROP DATABASE {name} WITH (FORCE)")


class TestPostgresql16(_Contract):
    @pytest.fixture(autouse=True)
    def _server(self, server_16: Server) -> None:
        self.server = server_16


class TestPostgresql18(_Contract):
    @pytest.fixture(autouse=True)
    def _server(self, server_18: Server) -> None:
        self.server = server_18
