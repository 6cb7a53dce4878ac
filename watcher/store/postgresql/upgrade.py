"""Before the store is used: its tables are those that this version knows, or can work on; missing migrations are played once.

Several replicas may start at once: who upgrades has an advisory lock of its transaction, and looks again once it has it.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from watcher.errors import StoreTooNew, StoreUnavailable
from watcher.store.postgresql.dialect import table
from watcher.store.schema import Migration
from watcher.store.sql.operation import Operation, Rows, seconds

# Whether there are tables of ours.
ANY = "SELECT to_regclass('migrations') IS NOT NULL AS there"

TABLE = """
CREATE TABLE IF NOT EXISTS migrations (
    version BIGINT PRIMARY KEY, what TEXT NOT NULL, sha256 TEXT NOT NULL, needs BIGINT NOT NULL, played_at DOUBLE PRECISION NOT NULL
)
"""

# Those that were played.
ALL = "SELECT version, sha256, needs FROM migrations ORDER BY version"

# One upgrade at a time in a database; the number means nothing, and is ours.
ALONE = "SELECT pg_advisory_xact_lock(7304962561134861)"

# One more.
PLAYED = """
INSERT INTO migrations (version, what, sha256, needs, played_at) VALUES (:version, :what, :sha256, :needs, :now)
"""


def checksum(migration: Migration) -> str:
    """SHA-256 of what *migration* says to PostgreSQL."""
    return hashlib.sha256("\0".join(_statements(migration)).encode()).hexdigest()


def missing(migrations: Sequence[Migration]) -> Operation[Sequence[Migration]]:
    """The migrations that were not played yet. Needs no right but to read.

    Raises:
        StoreTooNew: A newer version has upgraded the tables so that this one cannot work on them.
        StoreUnavailable: The tables are not those that this version's migrations make.
    """
    there = yield ANY, {}
    played = (yield ALL, {}) if there[0]["there"] else []
    _check(played, migrations)
    versions = {row["version"] for row in played}
    return [migration for migration in migrations if migration.version not in versions]


def upgrade(migrations: Sequence[Migration], now: datetime) -> Operation[None]:
    """Play what is missing, alone, in one transaction. Raises what `missing` does."""
    yield ALONE, {}
    lacking = yield from missing(migrations)
    if lacking:
        yield TABLE, {}
    for migration in lacking:
        for statement in _statements(migration):
            yield statement, {}
        yield (
            PLAYED,
            {
                "version": migration.version,
                "what": migration.what,
                "sha256": checksum(migration),
                "needs": migration.needs or migration.version,
                "now": seconds(now),
            },
        )


def _statements(migration: Migration) -> tuple[str, ...]:
    return (*(table(each) for each in migration.statements), *migration.postgresql)


def _check(played: Rows, migrations: Sequence[Migration]) -> None:
    ours = {migration.version: checksum(migration) for migration in migrations}
    newest = max(ours, default=0)
    needs = max((row["needs"] for row in played), default=0)
    if needs > newest:
        raise StoreTooNew(
            f"the store has tables that a program must know version {needs} of, and this one knows up to {newest}",
            remedy="run the version of rollbackd that upgraded it, or a newer one, or put back the backup from before",
        )
    for row in played:
        if row["version"] in ours and row["sha256"] != ours[row["version"]]:
            raise _changed(f"migration {row['version']} was played in other words than this program's")
    versions = [row["version"] for row in played]
    if versions != list(range(1, len(versions) + 1)):
        raise _changed(f"of its migrations {versions} some are missing in between")


def _changed(words: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"the store's tables are not what they should be: {words}",
        remedy="run a released version of rollbackd; where the table `migrations` was edited by hand, put back a backup",
    )
