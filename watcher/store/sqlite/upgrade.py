"""Before the store is used: the file is whole, its tables are those that this version knows, its watches can be read."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from watcher.errors import StoreUnavailable
from watcher.store.schema import MIGRATIONS, Migration
from watcher.store.sql.migrations import Dialect, missing, upgrade
from watcher.store.sql.watches import all_living
from watcher.store.sqlite.connection import Connection
from watcher.store.sqlite.copying import copy


def _said(migration: Migration) -> tuple[str, ...]:
    return (*migration.statements, *migration.sqlite)


_PLAIN = Dialect(
    said=_said,
    there="SELECT COUNT(*) AS there, COALESCE(MAX(sql LIKE '%sha256%'), 1) AS summed FROM sqlite_schema WHERE name = 'migrations'",
    table="""
CREATE TABLE IF NOT EXISTS migrations (
    version INTEGER PRIMARY KEY, what TEXT NOT NULL, sha256 TEXT NOT NULL, needs INTEGER NOT NULL, played_at REAL NOT NULL
)
""",
)
# A file from before there were checksums has the first migration alone, in the words of today.
SQLITE = Dialect(
    _said,
    _PLAIN.there,
    _PLAIN.table,
    sums=(
        f"ALTER TABLE migrations ADD COLUMN sha256 TEXT NOT NULL DEFAULT '{_PLAIN.checksum(MIGRATIONS[0])}'",
        "ALTER TABLE migrations ADD COLUMN needs INTEGER NOT NULL DEFAULT 1",
    ),
)


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


def upgraded(
    writer: Connection, path: Path | None, migrations: Sequence[Migration], now: datetime
) -> Sequence[Migration]:
    """Look through the file, play what is missing, read all watches that live; what was played.

    Where tables are about to be changed, a copy of the file at *path* is put beside it first: ``state.db.version-1``.

    Raises:
        StoreTooNew: A newer version has upgraded the tables so that this one cannot work on them, or wrote a watch.
        StoreUnavailable: The file is damaged, its tables are not what they should be, or a watch cannot be read.
    """
    writer.look(check_whole)
    lacking = writer.play(missing(SQLITE, migrations))
    before = len(migrations) - len(lacking)
    if lacking and before and path is not None:
        beside = path.with_name(f"{path.name}.version-{before}")
        writer.look(lambda connection: copy(connection, beside))
    if lacking:
        writer.play(upgrade(SQLITE, migrations, now))
    writer.play(all_living())
    return lacking
