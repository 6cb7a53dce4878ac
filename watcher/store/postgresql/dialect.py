"""How PostgreSQL says what ``watcher.store.sql`` and ``watcher.store.schema`` say in SQLite's words."""

import re
from collections.abc import Mapping
from functools import cache

# Never now(), which is when the transaction began: who waited for a lock would see leases that ran out as running.
CLOCK = "extract(epoch FROM clock_timestamp())::float8"

_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_OBJECT = re.compile(r"\bjson_each\((:[a-z_]+)\)")
_LISTED = re.compile(r"\bgroup_concat\(([a-z_.]+)\)")
_ONLY_HERE = re.compile(r"/\* postgresql: (.*?) \*/")

# Texts sort by their bytes, as in SQLite, whatever the database was made with.
_TYPES = (
    ("INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    ("INTEGER", "BIGINT"),
    ("REAL", "DOUBLE PRECISION"),
    ("BLOB", "BYTEA"),
    ("TEXT", 'TEXT COLLATE "C"'),
)


@cache
def translated(statement: str, *, own_clock: bool = True) -> str:
    """A statement for psycopg. *own_clock*: ``:clock`` is the database's; otherwise a parameter, for tests that move it."""
    spoken = _ONLY_HERE.sub(r"\1", statement).replace("%", "%%")
    spoken = _LISTED.sub(r"string_agg(CAST(\1 AS text), ',')", spoken)
    spoken = _OBJECT.sub(r"jsonb_each_text(CAST(\1 AS jsonb))", spoken)
    return _PARAMETER.sub(lambda found: _parameter(found[1], own_clock=own_clock), spoken)


def _parameter(name: str, *, own_clock: bool) -> str:
    return f"({CLOCK})" if name == "clock" and own_clock else f"%({name})s"


def table(statement: str) -> str:
    """A statement of a migration."""
    for theirs, ours in _TYPES:
        statement = re.sub(rf"\b{theirs}\b", ours, statement)
    return statement


def bound(parameters: Mapping[str, object]) -> dict[str, object]:
    """Parameters as PostgreSQL can keep them: its texts have no place for the character NUL."""
    return {
        name: value.replace("\x00", "\ufffd") if isinstance(value, str) else value
        for name, value in parameters.items()
    }
