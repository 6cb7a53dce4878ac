"""What of a database people want to know before it is needed: whether it keeps what it acknowledges, and lets us write."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from watcher.store.care import Looked, fail, ok, warn
from watcher.store.schema import Migration
from watcher.store.sql.operation import Operation, Row

# https://www.postgresql.org/docs/current/functions-info.html. Connections of other roles are counted in pg_stat_database:
# pg_stat_activity does not say to an ordinary role what they are.
SERVER = """
SELECT current_setting('server_version_num')::bigint / 10000 AS version, pg_is_in_recovery() AS standby,
    current_setting('default_transaction_read_only') = 'on' AS read_only,
    current_setting('transaction_isolation') AS isolation, current_setting('synchronous_commit') AS acknowledges,
    current_setting('fsync') = 'off' AS careless, current_setting('server_encoding') AS encoding,
    current_setting('max_connections')::bigint AS connections, pg_database_size(current_database()) AS size,
    (SELECT SUM(numbackends) FROM pg_stat_database) AS used,
    (SELECT COUNT(*) FROM pg_stat_replication) AS standbys,
    current_setting('synchronous_standby_names') <> ''
        AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS synchronous,
    current_user AS role, to_regnamespace(:schema) IS NOT NULL AS there,
    COALESCE(has_schema_privilege(to_regnamespace(:schema), 'CREATE'), FALSE) AS creates
"""

# Our tables that the role may not read and write.
FORBIDDEN = """
SELECT c.relname AS name FROM pg_class c
WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'r' AND c.relname = ANY (string_to_array(:names, ' '))
    AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
        AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
ORDER BY c.relname
"""

# Other schemas with tables like ours.
ELSEWHERE = """
SELECT n.nspname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname IN ('migrations', 'watches', 'inbox') AND c.relkind = 'r' AND n.nspname <> :schema
GROUP BY n.nspname HAVING COUNT(*) = 3 ORDER BY n.nspname
"""

# What time it is there.
TIME = "SELECT :clock AS at"

TRIED = range(16, 19)  # the tests run 16 and 18, and what holds on both holds in between
APART = timedelta(
    seconds=5
)  # of the clocks: more is seen in "due" and "since"; leases go by the database's alone
MIB = 1024 * 1024


def server(
    schema: str, migrations: Sequence[Migration], now: Callable[[], datetime]
) -> Operation[Sequence[Looked]]:
    """The server, and what it lets us do."""
    (row,) = yield SERVER, {"schema": schema}
    names = " ".join(_tables_in(migrations))
    forbidden = yield FORBIDDEN, {"schema": schema, "names": names}
    elsewhere = yield ELSEWHERE, {"schema": schema}
    before = now()
    (theirs,) = yield TIME, {}
    ours = before + (now() - before) / 2
    return [
        _version(row),
        _writes(row),
        _keeps(row),
        _fails_over(row),
        _schema(schema, row, [each["name"] for each in elsewhere]),
        _rights(schema, row, [each["name"] for each in forbidden]),
        _clock(ours.timestamp() - theirs["at"]),
        ok("isolation", f"{row['isolation']}, in every transaction of ours"),
        _connections(row),
        ok("size", f"{row['size'] / MIB:.1f} MiB, the whole database"),
    ]


def _tables_in(migrations: Sequence[Migration]) -> list[str]:
    said = [words for each in migrations for words in (*each.statements, *each.postgresql)]
    return ["migrations", *(name for words in said for name in re.findall(r"CREATE TABLE (\w+)", words))]


def _version(row: Row) -> Looked:
    words = f"PostgreSQL {row['version']}, as {row['role']}"
    if row["encoding"] != "UTF8":
        remedy = "make a database with ENCODING 'UTF8'"
        return fail("server", f"{words}; the database keeps texts as {row['encoding']}", remedy)
    if row["version"] not in TRIED:
        return warn("server", f"{words}; not tried with this version of rollbackd", "use one of 16 to 18")
    return ok("server", words)


def _writes(row: Row) -> Looked:
    if row["standby"]:
        remedy = "point the dsn at the primary (libpq: target_session_attrs=read-write)"
        return fail("writing", "it is a standby, and takes no writes", remedy)
    if row["read_only"]:
        remedy = "find who set it: ALTER ROLE, ALTER DATABASE or ALTER SYSTEM"
        return fail("writing", "default_transaction_read_only is on", remedy)
    return ok("writing", "it is a primary, and takes writes")


def _keeps(row: Row) -> Looked:
    remedy = (
        "set it to on: what was acknowledged is lost with the server otherwise, and work is given out twice"
    )
    if row["careless"]:
        return fail("durability", "fsync is off", remedy)
    if row["acknowledges"] == "off":
        return fail("durability", "synchronous_commit is off", remedy)
    return ok("durability", f"it acknowledges what is on its disk (synchronous_commit {row['acknowledges']})")


def _fails_over(row: Row) -> Looked:
    if not row["standbys"]:
        return ok("standbys", "none that this server knows of")
    if row["synchronous"]:
        return ok("standbys", f"{row['standbys']}, and it waits for them")
    return warn(
        "standbys",
        f"{row['standbys']}, and it does not wait for them: a fail-over may lose the last commits",
        "set synchronous_standby_names, and synchronous_commit to on; without it replicas notice the loss, stop, and have to be started again",
    )


def _schema(schema: str, row: Row, elsewhere: Sequence[str]) -> Looked:
    if not row["there"]:
        return fail(
            "schema", f"there is no schema {schema}", f"CREATE SCHEMA {schema}, or correct `search_path`"
        )
    if elsewhere:
        words = f"{schema}; tables like ours are in {', '.join(elsewhere)}, too"
        return warn("schema", words, "look whether `search_path` names the right one")
    return ok("schema", schema)


def _rights(schema: str, row: Row, forbidden: Sequence[str]) -> Looked:
    role = row["role"]
    if forbidden:
        words = f"{role} may not read and write {', '.join(forbidden)}"
        remedy = f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}"
        return fail("rights", words, remedy)
    if not row["creates"]:
        words = f"{role} may read and write, and make no tables: it cannot upgrade"
        return warn("rights", words, f"for an upgrade: GRANT CREATE ON SCHEMA {schema} TO {role}")
    return ok("rights", f"{role} may read, write and upgrade")


def _clock(apart: float) -> Looked:
    words = f"ours is {abs(apart):.1f} s {'ahead of' if apart > 0 else 'behind'} the database's"
    if abs(apart) < APART.total_seconds():
        return ok("clock", words)
    return warn("clock", words, "switch on time synchronisation on both (chrony, systemd-timesyncd)")


def _connections(row: Row) -> Looked:
    words = f"{row['used']} of {row['connections']} are in use"
    if row["used"] * 10 < row["connections"] * 9:
        return ok("connections", words)
    return warn("connections", words, "raise max_connections, or set a smaller `pool`")
