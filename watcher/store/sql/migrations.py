"""Migrations, as every database plays them: numbered, each with its checksum, all that are missing at once or none.

A program works on tables that are newer than it knows as long as no migration there *needs* more than it knows; on tables
that are older it plays what is missing, unless somebody is at work who could not go on then.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from watcher.errors import StoreMisplaced, StoreTooNew, StoreUnavailable
from watcher.store.schema import Migration
from watcher.store.sql.operation import Operation, Rows, seconds

# Those that were played.
ALL = "SELECT version, sha256, needs FROM migrations ORDER BY version"

# The same, in a table from before there were checksums.
ALL_UNSUMMED = "SELECT version, '' AS sha256, version AS needs FROM migrations ORDER BY version"

# One more.
PLAYED = """
INSERT INTO migrations (version, what, sha256, needs, played_at) VALUES (:version, :what, :sha256, :needs, :now)
"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a database says in its own way.

    Attributes:
        said: The statements of a migration.
        there: Asks whether there are tables of ours (``there``), and whether their migrations have checksums (``summed``).
        table: Makes the table of migrations, where it is missing.
        sums: Give checksums to a table that has none.
        looking: What is said before looking, so that nobody upgrades meanwhile; empty where one process has the store.
        alone: What is said before upgrading, so that nobody else looks or upgrades.
        living: Asks who else is at work, and up to which version each ``knows``.
    """

    said: Callable[[Migration], tuple[str, ...]]
    there: str
    table: str
    sums: tuple[str, ...] = ()
    looking: str = ""
    alone: str = ""
    living: str = ""

    def checksum(self, migration: Migration) -> str:
        """SHA-256 of what *migration* says to this database."""
        return hashlib.sha256("\0".join(self.said(migration)).encode()).hexdigest()


def newest(migrations: Sequence[Migration]) -> int:
    """The version of the tables after all *migrations*."""
    return max((migration.version for migration in migrations), default=0)


def missing(dialect: Dialect, migrations: Sequence[Migration]) -> Operation[Sequence[Migration]]:
    """The migrations that were not played yet. Needs no right but to read.

    Raises:
        StoreTooNew: A newer version has upgraded the tables so that this one cannot work on them.
        StoreUnavailable: The tables are not those that this version's migrations make.
    """
    if dialect.looking:
        yield dialect.looking, {}
    (found,) = yield dialect.there, {}
    if not found["there"]:
        return migrations
    played = yield (ALL if found["summed"] else ALL_UNSUMMED), {}
    _check(played, {migration.version: dialect.checksum(migration) for migration in migrations})
    versions = {row["version"] for row in played}
    return [migration for migration in migrations if migration.version not in versions]


def upgrade(
    dialect: Dialect, migrations: Sequence[Migration], now: datetime
) -> Operation[Sequence[Migration]]:
    """Play what is missing, alone, in one transaction; what was played.

    Raises:
        StoreTooNew, StoreUnavailable: As `missing`.
        StoreMisplaced: Somebody is at work who could not go on afterwards.
    """
    if dialect.alone:
        yield dialect.alone, {}
    lacking = yield from missing(dialect, migrations)
    if not lacking:
        return lacking
    yield from _nobody_is_left_behind(dialect, lacking)
    yield dialect.table, {}
    (found,) = yield dialect.there, {}
    if not found["summed"]:
        for statement in dialect.sums:
            yield statement, {}
    for migration in lacking:
        yield from _play(dialect, migration, now)
    return lacking


def _play(dialect: Dialect, migration: Migration, now: datetime) -> Operation[None]:
    for statement in dialect.said(migration):
        yield statement, {}
    yield (
        PLAYED,
        {
            "version": migration.version,
            "what": migration.what,
            "sha256": dialect.checksum(migration),
            "needs": migration.needs or migration.version,
            "now": seconds(now),
        },
    )


def _nobody_is_left_behind(dialect: Dialect, lacking: Sequence[Migration]) -> Operation[None]:
    needs = max(migration.needs or migration.version for migration in lacking)
    rows = (yield dialect.living, {}) if dialect.living else ()
    behind = [row["knows"] for row in rows if row["knows"] < needs]
    if behind:
        raise StoreMisplaced(
            f"the tables cannot be upgraded while an older rollbackd works on them: it knows version {min(behind)},"
            f" and has to know version {needs} afterwards",
            remedy="stop the older ones (all replicas), then upgrade; what is under way is taken up by the new ones",
        )


def _check(played: Rows, ours: dict[int, str]) -> None:
    newest = max(ours, default=0)
    needs = max((row["needs"] for row in played), default=0)
    if needs > newest:
        raise StoreTooNew(
            f"the store has tables of version {played[-1]['version']}; to work on them a program must know version {needs},"
            f" and this one knows up to {newest}",
            remedy="run the version of rollbackd that upgraded it, or a newer one, or put back the backup from before",
        )
    for row in played:
        if row["sha256"] and row["sha256"] != ours.get(row["version"], row["sha256"]):
            raise _changed(f"migration {row['version']} was played in other words than this program's")
    versions = [row["version"] for row in played]
    if versions != list(range(1, len(versions) + 1)):
        raise _changed(f"of its migrations {versions} some are missing in between")


def _changed(words: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the store's tables are not what they should be: {words}",
        remedy="run a released version of rollbackd; where the table `migrations` was edited by hand, put back a backup",
    )
