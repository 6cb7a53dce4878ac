"""How PostgreSQL plays migrations. Several replicas may start at once: who upgrades has an advisory lock of its transaction.

Who starts has the same lock, shared, while it looks; by then its connections are there to be seen. So an upgrade either
sees a replica that starts, or is seen by it.
"""

from watcher.store.postgresql.dialect import table
from watcher.store.schema import Migration
from watcher.store.sql.migrations import Dialect

LOCK = 7304962561134861  # the number means nothing, and is ours


def name_of(given: str, knows: int) -> str:
    """How a replica is called in ``pg_stat_activity``: whoever upgrades sees there up to which version each *knows*."""
    return f"{given[:40]} (schema {knows})"


def _said(migration: Migration) -> tuple[str, ...]:
    return (*(table(each) for each in migration.statements), *migration.postgresql)


POSTGRESQL = Dialect(
    said=_said,
    there="SELECT to_regclass('migrations') IS NOT NULL AS there, TRUE AS summed",
    table="""
CREATE TABLE IF NOT EXISTS migrations (
    version BIGINT PRIMARY KEY, what TEXT NOT NULL, sha256 TEXT NOT NULL, needs BIGINT NOT NULL, played_at DOUBLE PRECISION NOT NULL
)
""",
    looking=f"SELECT pg_advisory_xact_lock_shared({LOCK})",
    alone=f"SELECT pg_advisory_xact_lock({LOCK})",
    living=r"""
SELECT substring(application_name FROM '\(schema (\d+)\)$')::bigint AS knows FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ ' \(schema \d+\)$'
""",
)
