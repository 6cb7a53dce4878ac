"""Before the store is used: the file is whole, its tables are those that this version knows, its watches can be read."""

import os
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from watcher.errors import StoreTooNew, StoreUnavailable
from watcher.store.schema import Migration
from watcher.store.sql.operation import Operation, seconds
from watcher.store.sql.watches import all_living

# Which migrations were played.
TABLE = "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, what TEXT NOT NULL, played_at REAL NOT NULL)"

# The newest of them.
NEWEST = "SELECT COALESCE(MAX(version), 0) AS version FROM migrations"

# One more.
PLAYED = "INSERT INTO migrations (version, what, played_at) VALUES (:version, :what, :now)"


def check_whole(connection: sqlite3.Connection) -> None:
    """Let SQLite look through the file.

    Raises:
        StoreUnavailable: It is damaged.
    """
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StoreUnavailable(
            f"the store is damaged: {answer}", remedy="stop rollbackd, keep the file, and put back a backup"
        )


def back_up(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Where the tables are about to be changed, put a copy of the file at *path* beside it: ``state.db.version-1``."""
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchall():
        return
    version: int = connection.execute(NEWEST).fetchone()["version"]
    if version < newest_of(migrations):
        beside = path.with_name(f"{path.name}.version-{version}")
        # SQLite wants a file that is empty; one that is left over is of an upgrade that failed.
        os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        connection.execute("VACUUM INTO ?", [str(beside)])


def newest_of(migrations: Sequence[Migration]) -> int:
    """The version that the tables have after all *migrations*."""
    return max((migration.version for migration in migrations), default=0)


def upgrade(migrations: Sequence[Migration], now: datetime) -> Operation[int]:
    """Play the migrations that are missing, all in one transaction; the version that the tables have then.

    Raises:
        StoreTooNew: A newer version of rollbackd has upgraded the tables.
    """
    yield TABLE, {}
    version: int = (yield NEWEST, {})[0]["version"]
    newest = newest_of(migrations)
    if version > newest:
        raise StoreTooNew(
            f"the store has tables of version {version}, and this program knows up to {newest}",
            remedy="run the version of rollbackd that upgraded it, or a newer one, or put back the backup from before",
        )
    for migration in migrations:
        if migration.version > version:
            yield from _play(migration, now)
    return newest


def _play(migration: Migration, now: datetime) -> Operation[None]:
    for statement in (*migration.statements, *migration.sqlite):
        yield statement, {}
    yield PLAYED, {"version": migration.version, "what": migration.what, "now": seconds(now)}


def read_living() -> Operation[int]:
    """Read all watches that live, so that one which cannot be read is found now and not in the middle of a round; how many.

    Raises:
        StoreTooNew: A newer version of rollbackd wrote one.
        StoreUnavailable: One is damaged.
    """
    watches = yield from all_living()
    return len(watches)
