"""The stores that there are keep the contract."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.contract.store.build import Clock
from tests.contract.store_contract import StoreContract
from watcher.store.sqlite.opening import MemorySettings, SqliteSettings, open_memory, open_sqlite
from watcher.store.store import Opening, Store


class TestSqlite(StoreContract):
    def opened(self, folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return open_sqlite(SqliteSettings(path=folder / "state.db"), Opening(clock))


class TestSqliteWithoutThreads(StoreContract):
    def opened(self, folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return open_sqlite(SqliteSettings(path=folder / "state.db"), Opening(clock, threads=False))


class TestMemory(StoreContract):
    def opened(self, folder: Path, clock: Clock) -> AbstractAsyncContextManager[Store]:
        return open_memory(MemorySettings(), Opening(clock))
