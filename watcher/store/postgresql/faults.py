"""What an operator can act on, of all that PostgreSQL and the way to it say.

Source:
    https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import psycopg

from watcher.errors import StoreUnavailable

# By SQLSTATE, or its class.
_FAULTS = {
    "25006": (
        "it may not be written: it is read-only, or a standby",
        "point the dsn at the primary (libpq: target_session_attrs=read-write); rollbackd goes on by itself",
    ),
    "53100": ("its disk is full", "make the disk of the database larger; rollbackd goes on by itself"),
    "53300": ("it has no connection left", "raise max_connections, or set a smaller `pool`"),
    "55P03": ("a lock was not free in time", "look in pg_stat_activity who holds it; it is tried again"),
    "57014": ("it answered too late", "look in pg_stat_activity what it is busy with; it is tried again"),
    "28": ("it does not let us in", "check the user and the password in the dsn, and pg_hba.conf"),
    "3D": ("there is no such database", "create it, or correct its name in the dsn"),
    "42501": (
        "the role lacks a right",
        "give it SELECT, INSERT, UPDATE and DELETE on all tables of the schema, and CREATE for an upgrade",
    ),
    "57P": ("it is stopping or starting", "nothing: rollbackd goes on by itself when the database is back"),
}
# Before there is a session libpq tells no SQLSTATE, only the server's words; in English, unless its `lc_messages` is another.
_BEFORE = {
    "authentication failed": "28",
    "no pg_hba.conf entry": "28",
    "does not exist": "3D",
    "too many clients": "53300",
    "is starting up": "57P",
    "is shutting down": "57P",
}
_AWAY = ("it cannot be reached", "look whether it runs, and whether the network lets us through")

# Harmless to play whole again: the database took everything back by itself.
ANEW = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation)


def translated(error: psycopg.Error, happened: str = "") -> Exception:
    """What an operator can act on as our error; what is our own mistake as it is.

    Args:
        error: What psycopg raised.
        happened: What became of the operation, where that has to be said.
    """
    state = error.sqlstate or next((code for said, code in _BEFORE.items() if said in str(error)), "")
    for code, (words, remedy) in _FAULTS.items():
        if state.startswith(code):
            return _unavailable(words, str(error), happened, remedy)
    if isinstance(error, psycopg.OperationalError):
        return _unavailable(_AWAY[0], str(error), happened, _AWAY[1])
    return error


def _unavailable(words: str, said: str, happened: str, remedy: str) -> StoreUnavailable:
    first = said.strip().partition("\n")[0]
    tail = f"; {happened}" if happened else ""
    return StoreUnavailable(f"the store cannot be used: {words} ({first}){tail}", remedy=remedy)
