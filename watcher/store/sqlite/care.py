"""A store in a file, as people look at it, upgrade it and copy it."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from watcher.errors import StoreMisplaced, StoreUnavailable
from watcher.store.care import ByHand, Copied, Looked, fail, ok, warn
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.sql.looking import looked
from watcher.store.sql.migrations import missing
from watcher.store.sqlite.connection import Connection
from watcher.store.sqlite.copying import copy
from watcher.store.sqlite.opening import SqliteSettings, reader_of, writer_of
from watcher.store.sqlite.place import PASSING, FileSystem, check_place, file_system_of, held
from watcher.store.sqlite.upgrade import SQLITE, upgraded

T = TypeVar("T")
ROOM = 2.0  # times the size of the file: a copy is made beside it before an upgrade, and the log grows
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SqliteCare:
    """See `Care`. Reading takes no lock that a daemon would see; a migration needs the file for itself."""

    settings: SqliteSettings
    now: Callable[[], datetime]
    file_system: FileSystem = file_system_of
    migrations: Sequence[Migration] = MIGRATIONS

    @property
    def path(self) -> Path:
        """The file."""
        return self.settings.path.absolute()

    async def look(self, now: datetime) -> Sequence[Looked]:
        """See `Care`."""
        return await asyncio.to_thread(self._look, now)

    async def missing(self) -> Sequence[Migration]:
        """See `Care`."""
        return await asyncio.to_thread(self._missing)

    async def migrate(self, now: datetime) -> Sequence[Migration]:
        """See `Care`. Only while no daemon has the file."""
        return await asyncio.to_thread(self._migrate, now)

    async def back_up(self, to: Path) -> Copied | ByHand:
        """See `Care`."""
        return await asyncio.to_thread(self._back_up, to)

    def _look(self, now: datetime) -> Sequence[Looked]:
        try:
            check_place(self.path, self.file_system)
        except StoreMisplaced as error:
            return [fail("place", str(error), error.remedy)]
        place = _place(self.file_system(self.path.parent))
        if not self.path.exists():
            remedy = "nothing: the first `rollbackd run` makes it"
            return [place, warn("file", f"{self.path} is not there yet", remedy)]
        return [place, _mode(self.path), _room(self.path), *self._inside(now)]

    def _inside(self, now: datetime) -> Iterator[Looked]:
        with self._reading() as reader:
            try:
                yield from reader.look(_integrity)
                yield from reader.play(looked(SQLITE, self.migrations, now))
            except StoreUnavailable as error:
                yield fail("file", str(error), error.remedy)

    def _missing(self) -> Sequence[Migration]:
        check_place(self.path, self.file_system)
        if not self.path.exists():
            return self.migrations
        with self._reading() as reader:
            return reader.play(missing(SQLITE, self.migrations))

    def _migrate(self, now: datetime) -> Sequence[Migration]:
        check_place(self.path, self.file_system)
        with held(self.path):
            writer = writer_of(self.path, self.now)
            try:
                return upgraded(writer, self.path, self.migrations, now)
            finally:
                writer.close()

    def _back_up(self, to: Path) -> Copied:
        if to.exists() and self.path.exists() and to.samefile(self.path):
            raise StoreMisplaced(f"{to} is the store itself", remedy="name another file")
        with self._reading() as reader:
            return Copied(reader.look(lambda connection: copy(connection, to)))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        reader = reader_of(self.path, self.now)
        try:
            yield reader
        finally:
            reader.close()


def _place(kind: str) -> Looked:
    if kind in PASSING:
        words = f"{kind}: what is remembered goes with the container or the machine"
        return warn("place", words, "put the file on a volume that stays (EBS, a local disk)")
    return ok("place", kind or "a disk whose kind cannot be told here")


def _mode(path: Path) -> Looked:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        return warn("file", f"{path} may be read by others (mode {mode:04o})", f"chmod 600 {path}")
    return ok("file", f"{path}, for its owner alone")


def _room(path: Path) -> Looked:
    log = path.with_name(f"{path.name}-wal")
    size = path.stat().st_size + (log.stat().st_size if log.exists() else 0)
    free = shutil.disk_usage(path).free
    words = f"{size / MIB:.1f} MiB with its log, {free / MIB:,.0f} MiB are free on its disk"
    if free < ROOM * size:
        return warn("size", words, "make the disk larger: an upgrade puts a copy beside the file first")
    return ok("size", words)


def _integrity(connection: sqlite3.Connection) -> Sequence[Looked]:
    damage = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    strays = connection.execute("PRAGMA foreign_key_check").fetchall()
    if damage != ["ok"]:
        remedy = "stop rollbackd, keep the file, and put back a backup"
        return [fail("integrity", f"the file is damaged: {'; '.join(damage)}", remedy)]
    if strays:
        words = f"{len(strays)} rows belong to rows that are not there, the first in {strays[0][0]}"
        return [fail("integrity", words, "somebody has written into the file: put back a backup")]
    return [ok("integrity", f"every page was looked through (SQLite {sqlite3.sqlite_version})")]
