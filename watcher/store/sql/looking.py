"""What of a store people want to know: how many watches live, which is the oldest, who works on them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watcher.errors import StoreTooNew, StoreUnavailable
from watcher.store.care import Looked, fail, ok, warn
from watcher.store.schema import Migration
from watcher.store.sql.migrations import Dialect, missing
from watcher.store.sql.operation import Operation, Row, moment

# Those that live, and the oldest of them.
LIVING = "SELECT COUNT(*) AS many FROM watches WHERE final = 0"
OLDEST = """
SELECT id, service, environment, state, opened_at FROM watches WHERE final = 0 ORDER BY opened_at, id LIMIT 1
"""

# Who holds how many leases that still run.
LEASES = """
SELECT owner, COUNT(*) AS many FROM watches WHERE final = 0 AND lease_until > :clock GROUP BY owner ORDER BY owner
"""

STALE = timedelta(
    days=7
)  # no watch lives so long by itself: its longest bake, its question and its hold are over


def looked(dialect: Dialect, migrations: Sequence[Migration], now: datetime) -> Operation[Sequence[Looked]]:
    """Whether the tables are those that this version knows; if so, which watches live, and who works on them."""
    try:
        lacking = yield from missing(dialect, migrations)
    except (StoreTooNew, StoreUnavailable) as error:
        return [fail("tables", str(error), error.remedy)]
    version = len(migrations) - len(lacking)
    if not version:
        remedy = "nothing: `rollbackd run` or `rollbackd db migrate` makes them"
        return [warn("tables", "there are none yet", remedy)]
    return [_tables(version, lacking), *(yield from _work(now))]


def _tables(version: int, lacking: Sequence[Migration]) -> Looked:
    if not lacking:
        return ok("tables", f"version {version}, nothing is missing")
    words = (
        f"version {version}; to be played: {', '.join(f'{each.version} ({each.what})' for each in lacking)}"
    )
    return warn("tables", words, "`rollbackd db migrate` now, or the next start of `rollbackd run`")


def _work(now: datetime) -> Operation[Sequence[Looked]]:
    many = (yield LIVING, {})[0]["many"]
    oldest = yield OLDEST, {}
    leases = yield LEASES, {}
    held = ", ".join(f"{row['owner']} ({row['many']})" for row in leases)
    return (
        _watches(many, oldest[0], now) if oldest else ok("watches", "none lives"),
        ok("leases", held or "none runs in this moment"),
    )


def _watches(many: int, oldest: Row, now: datetime) -> Looked:
    since = moment(oldest["opened_at"])
    words = (
        f"{many} live; the oldest is {oldest['id']} ({oldest['service']}/{oldest['environment']},"
        f" {oldest['state'].replace('_', ' ')}), since {since:%Y-%m-%d %H:%M:%S} UTC"
    )
    if now - since < STALE:
        return ok("watches", words)
    return warn("watches", words, f"`rollbackd show {oldest['id']}`: see what it waits for")
