"""All kinds of stores: a reader sees them on one screen. A new one runs the one contract suite (tests/contract)."""

from collections.abc import Mapping

from watcher.store.postgresql.kind import POSTGRESQL
from watcher.store.sqlite.kind import MEMORY, SQLITE
from watcher.store.store import Kind

STORES: Mapping[str, Kind] = {
    "sqlite": SQLITE,
    "memory": MEMORY,
    "postgresql": POSTGRESQL,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {}
