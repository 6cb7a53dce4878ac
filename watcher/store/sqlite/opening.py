"""The store kinds ``sqlite`` and ``memory``: how they are opened and closed."""

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from watcher.store.played import Make, Played
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.sql.operation import Operation
from watcher.store.sql.watches import free_leases
from watcher.store.sqlite.connection import Connection, full
from watcher.store.sqlite.place import FileSystem, check_place, file_system_of, held
from watcher.store.sqlite.thread import Hand, Here, Thread
from watcher.store.sqlite.upgrade import upgraded
from watcher.store.store import Opening, Store

T = TypeVar("T")
ANSWERS_WITHIN = timedelta(
    seconds=4
)  # with a lease of 14 s it leaves room for two tries and a call (operations.md, 2.7)
LEAST = (
    1024 * 1024
)  # bytes that a disk must have left: a step of many rules is some 100 KB, in the log and in the file
STARTS_WITHIN = timedelta(minutes=2)  # reading through a file of some GB

# https://www.sqlite.org/pragma.html. FULL: what was acknowledged is there after the power was lost. Only one connection
# writes, so busy_timeout is for backups from outside alone, and stays below ANSWERS_WITHIN.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 3000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8000",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA trusted_schema = OFF",
)
_READER_PRAGMAS = ("PRAGMA query_only = ON", "PRAGMA busy_timeout = 3000", "PRAGMA cache_size = -8000")


class SqliteSettings(BaseModel):
    """``store: {sqlite: {path: ...}}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path


class MemorySettings(BaseModel):
    """``store: {memory: {}}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class Engine:
    """Plays operations: those that write on one connection, those that read on another."""

    writer: Connection
    reader: Connection
    writing: Hand
    reading: Hand
    within: timedelta = ANSWERS_WITHIN

    async def write(self, operation: Make[T]) -> T:
        """Play *operation* alone, durable when it returns."""
        return await self.writing.do(lambda: self.writer.play(operation()), self.within)

    async def hold(self, operation: Make[T]) -> T:
        """As `write`: one writer has the file."""
        return await self.write(operation)

    async def read(self, operation: Make[T]) -> T:
        """Play *operation* on one state of the store, without waiting for who writes."""
        return await self.reading.do(lambda: self.reader.play(operation()), self.within)

    async def close(self) -> None:
        """Finish what waits, and close both connections, each where it was used. Twice is harmless."""
        await self.reading.stop(self.reader.close)
        await self.writing.stop(self.writer.close)


class OnDisk(Played):
    """The store in a file. It is not ready where the next step may find no room, although a small one still does."""

    def __init__(self, engine: Engine, failed: Callable[[str], None], path: Path) -> None:
        super().__init__(engine, failed)
        self._path = path

    async def check(self) -> None:
        """See `Store`. Raises StoreUnavailable on a disk that is all but full, too."""
        await super().check()
        await self._write(self._room)

    def _room(self) -> Operation[None]:
        free = shutil.disk_usage(self._path.parent).free
        if free < LEAST:
            raise full(f"{free / 1024:.0f} KiB are left")
        yield from ()


@asynccontextmanager
async def open_sqlite(
    settings: SqliteSettings,
    opening: Opening,
    *,
    file_system: FileSystem = file_system_of,
    migrations: Sequence[Migration] = MIGRATIONS,
    at_most_pages: int = 0,
) -> AsyncIterator[Store]:
    """The store in a file, for this process alone.

    Args:
        settings: Where the file is.
        opening: The clock; and whether threads may be used (not in virtual time).
        file_system: Tells the kind of file system of a directory.
        migrations: All that are known.
        at_most_pages: How large the file may grow, in pages of 4 KiB; 0: as large as the disk lets it.

    Raises:
        StoreMisplaced: Another process has it, or it lies where it must not.
        StoreTooNew: A newer version wrote it.
        StoreUnavailable: It is damaged, or cannot be opened.
    """
    path = settings.path.absolute()
    check_place(path, file_system)
    with held(path):
        engine = Engine(
            writer=writer_of(path, opening.now, at_most_pages),
            reader=reader_of(path, opening.now),
            writing=Thread("store-writer") if opening.threads else Here(),
            reading=Thread("store-reader") if opening.threads else Here(),
        )
        async with _ready(engine, opening, migrations, path) as store:
            yield store


def writer_of(path: Path, now: Callable[[], datetime], at_most_pages: int = 0) -> Connection:
    """Who writes the file at *path*, and makes it where it is not there. *at_most_pages*: see `open_sqlite`."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    pragmas = (*_PRAGMAS, *([f"PRAGMA max_page_count = {at_most_pages}"] if at_most_pages else []))
    return Connection(lambda: _connect(path, "rw", pragmas), now, "BEGIN IMMEDIATE")


def reader_of(path: Path, now: Callable[[], datetime]) -> Connection:
    """Who reads the file at *path*, beside the one who writes."""
    return Connection(lambda: _connect(path, "ro", _READER_PRAGMAS), now, "BEGIN")


@asynccontextmanager
async def open_memory(settings: MemorySettings, opening: Opening) -> AsyncIterator[Store]:
    """The store that forgets when the process ends: for a sidecar, the demo and tests. It never waits, so it has no thread."""
    del settings
    connection = Connection(_connect_memory, opening.now, "BEGIN IMMEDIATE")
    here = Here()
    async with _ready(Engine(connection, connection, here, here), opening, MIGRATIONS, None) as store:
        yield store


@asynccontextmanager
async def _ready(
    engine: Engine, opening: Opening, migrations: Sequence[Migration], path: Path | None
) -> AsyncIterator[Store]:
    store = Played(engine, opening.failed) if path is None else OnDisk(engine, opening.failed, path)
    try:
        await engine.writing.do(lambda: _prepare(engine.writer, opening, migrations, path), STARTS_WITHIN)
        yield store
    finally:
        await store.close()


def _prepare(
    writer: Connection, opening: Opening, migrations: Sequence[Migration], path: Path | None
) -> None:
    upgraded(writer, path, migrations, opening.now())
    writer.play(free_leases())  # the lock says that nobody else lives


def _connect(path: Path, mode: str, pragmas: Sequence[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,  # transactions are begun and ended by `Connection`
        check_same_thread=False,  # opened and used in its own thread; closed there too, unless that thread hangs
        cached_statements=256,
    )
    return _set_up(connection, pragmas)


def _connect_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    return _set_up(connection, ("PRAGMA foreign_keys = ON", "PRAGMA temp_store = MEMORY"))


def _set_up(connection: sqlite3.Connection, pragmas: Sequence[str]) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    try:
        for pragma in pragmas:
            connection.execute(pragma).fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
