"""Migrations of a release to come."""

from watcher.store.schema import MIGRATIONS, Migration

NEXT = len(MIGRATIONS) + 1

# One that the release before can live with: a column that may be empty, a table, an index.
HARMLESS = Migration(
    NEXT,
    "a column",
    (
        "ALTER TABLE watches ADD COLUMN extra TEXT NOT NULL DEFAULT 'none'",
        "CREATE TABLE extras (id TEXT PRIMARY KEY, at REAL NOT NULL)",
        "CREATE INDEX watches_extra ON watches (extra)",
    ),
    needs=1,
)
# One that it cannot live with.
BREAKING = Migration(NEXT, "another name", ("ALTER TABLE watches RENAME COLUMN hurried_at TO wanted_at",))

NEWER = (*MIGRATIONS, HARMLESS)
BROKEN = (*MIGRATIONS, BREAKING)
