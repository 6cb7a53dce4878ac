"""The tables, as a list of migrations. Each is played once, in order, in one transaction, and never changed afterwards.

Times are seconds since 1970 (UTC); documents are JSON with a version of their own (see ``documents``) and stand last in
their row, so that the columns before them are read without them.
"""

from dataclasses import dataclass

from watcher.store import tables


@dataclass(frozen=True, slots=True)
class Migration:
    """From the version before to *version*.

    Attributes:
        version: That the tables have afterwards.
        what: In words.
        statements: For every database, in SQLite's words: see ``postgresql.dialect`` for how they are said there.
        sqlite: What is said in its own way there, played afterwards.
        postgresql: The same.
        needs: The version that a program must know to work on these tables; a program that knows less refuses. 0: *version*
            itself. A column that may be empty asks for less, so that the release before goes on while this one is rolled out.
    """

    version: int
    what: str
    statements: tuple[str, ...]
    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()
    needs: int = 0


_INBOX = """
CREATE TABLE inbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    principal TEXT NOT NULL,
    received_at REAL NOT NULL,
    due_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    state TEXT,
    why TEXT NOT NULL DEFAULT '',
    watch TEXT,
    closed_at REAL,
    digest BLOB NOT NULL,
    announcement TEXT,
    body BLOB NOT NULL,
    UNIQUE (source, dedup_key)
)
"""
_WATCHES = """
CREATE TABLE watches (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    state TEXT NOT NULL,
    final INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    opened_at REAL NOT NULL,
    ended_at REAL,
    due_at REAL,
    hurried_at REAL,
    owner TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until REAL NOT NULL DEFAULT 0,
    document TEXT NOT NULL
)
"""
_ACTIONS = """
CREATE TABLE actions (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    watch TEXT NOT NULL REFERENCES watches (id),
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    valid_in TEXT NOT NULL,
    ordered_by TEXT,
    queued_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    not_before REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    moves_sent INTEGER NOT NULL DEFAULT 0,
    words TEXT NOT NULL DEFAULT '',
    owner TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until REAL NOT NULL DEFAULT 0,
    document TEXT NOT NULL
)
"""
_MESSAGES = """
CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    watch TEXT REFERENCES watches (id),
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    queued_at REAL NOT NULL,
    due_at REAL,
    done_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    words TEXT NOT NULL DEFAULT '',
    ref TEXT,
    telling TEXT,
    owner TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until REAL NOT NULL DEFAULT 0,
    document TEXT NOT NULL
)
"""
_RELEASES = """
CREATE TABLE releases (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    part TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    tag TEXT NOT NULL,
    reversible INTEGER NOT NULL,
    first_seen REAL NOT NULL,
    last_seen REAL NOT NULL,
    UNIQUE (service, environment, part, fingerprint)
)
"""
_NAMES = """
CREATE TABLE names (
    release INTEGER NOT NULL REFERENCES releases (seq),
    system TEXT NOT NULL,
    name TEXT NOT NULL,
    seen_at REAL NOT NULL,
    PRIMARY KEY (release, system, name)
)
"""
_MARKS = """
CREATE TABLE marks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    part TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    mark TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    why TEXT NOT NULL,
    lifted_at REAL
)
"""
_SPANS = """
CREATE TABLE spans (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    part TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    start_at REAL NOT NULL,
    end_at REAL,
    adopted INTEGER NOT NULL
)
"""
_ENDINGS = """
CREATE TABLE endings (
    watch TEXT NOT NULL REFERENCES watches (id),
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    part TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    at REAL NOT NULL,
    state TEXT NOT NULL,
    breached INTEGER NOT NULL,
    by_person INTEGER NOT NULL,
    PRIMARY KEY (watch, part)
)
"""
_BUCKETS = """
CREATE TABLE buckets (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    watch TEXT NOT NULL REFERENCES watches (id),
    revision INTEGER NOT NULL,
    indicator TEXT NOT NULL,
    bound REAL,
    cumulative INTEGER NOT NULL,
    document TEXT NOT NULL
)
"""
_SWITCHES = """
CREATE TABLE switches (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (service, environment)
)
"""
_NOTES = """
CREATE TABLE notes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    watch TEXT NOT NULL REFERENCES watches (id),
    actor TEXT NOT NULL,
    at REAL NOT NULL,
    call TEXT NOT NULL,
    words TEXT NOT NULL
)
"""
_CHANGES = """
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    what TEXT NOT NULL,
    service TEXT,
    environment TEXT
)
"""
_ANSWERS = """
CREATE TABLE answers (
    principal TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    digest BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (principal, idempotency_key)
)
"""
_AUDIT = """
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    why TEXT NOT NULL,
    facts TEXT NOT NULL
)
"""
_PULSE = "CREATE TABLE pulse (one INTEGER PRIMARY KEY CHECK (one = 1), at REAL NOT NULL)"

_INDEXES = (
    "CREATE INDEX inbox_waiting ON inbox (due_at) WHERE closed_at IS NULL",
    "CREATE INDEX inbox_closed ON inbox (closed_at) WHERE closed_at IS NOT NULL",
    # What makes it true that a service has one live watch, whoever opens it.
    "CREATE UNIQUE INDEX watches_one_live ON watches (service, environment) WHERE final = 0",
    "CREATE INDEX watches_of_service ON watches (service, environment, id)",
    "CREATE INDEX watches_due ON watches (due_at) WHERE final = 0",
    "CREATE INDEX watches_ended ON watches (ended_at) WHERE final = 1",
    "CREATE INDEX actions_of_watch ON actions (watch)",
    "CREATE INDEX actions_open ON actions (not_before) WHERE state IN ('planned', 'begun', 'unknown')",
    "CREATE INDEX actions_automatic ON actions (queued_at) WHERE kind = 'roll_back' AND ordered_by IS NULL",
    # What makes it true that a message that is shown has one row.
    "CREATE UNIQUE INDEX messages_one_shown ON messages (watch, channel) WHERE kind = 'show'",
    "CREATE INDEX messages_of_watch ON messages (watch, channel, seq)",
    "CREATE INDEX messages_due ON messages (due_at) WHERE due_at IS NOT NULL",
    "CREATE UNIQUE INDEX marks_one_each ON marks (service, environment, part, fingerprint, mark) WHERE lifted_at IS NULL",
    "CREATE UNIQUE INDEX spans_one_open ON spans (service, environment, part) WHERE end_at IS NULL",
    "CREATE INDEX spans_of_part ON spans (service, environment, part, seq)",
    "CREATE INDEX releases_of_part ON releases (service, environment, part, last_seen)",
    "CREATE INDEX endings_of_part ON endings (service, environment, part, at)",
    "CREATE INDEX buckets_of_watch ON buckets (watch, seq)",
    "CREATE INDEX notes_of_watch ON notes (watch)",
    "CREATE INDEX changes_in_time ON changes (at)",
    "CREATE INDEX answers_in_time ON answers (at)",
    "CREATE INDEX audit_of_subject ON audit (subject, seq)",
)
# The audit is append-only whoever writes: a mistake of ours included.
_AUDIT_STAYS_SQLITE = tuple(
    f"CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
    for verb in ("update", "delete")
)
_AUDIT_STAYS_POSTGRESQL = (
    "CREATE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$",
    "CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()",
)
_GATE = ("CREATE TABLE gate (one INTEGER PRIMARY KEY CHECK (one = 1))", "INSERT INTO gate (one) VALUES (1)")

MIGRATIONS = (
    Migration(
        1,
        "the first tables",
        (
            *(_INBOX, _WATCHES, _ACTIONS, _MESSAGES, _RELEASES, _NAMES, _MARKS, _SPANS, _ENDINGS, _BUCKETS),
            *(_SWITCHES, _NOTES, _CHANGES, _ANSWERS, _AUDIT, _PULSE, *_INDEXES),
        ),
        sqlite=_AUDIT_STAYS_SQLITE,
        postgresql=(*_AUDIT_STAYS_POSTGRESQL, *_GATE),
    ),
    # Tables of their own: the release before works on as it did.
    Migration(2, "what sidecars tell", tables.SAMPLES, needs=1),
    Migration(3, "alerts that are pushed", tables.ALERTS, needs=1),
    Migration(4, "what moves besides", tables.CHANGES, needs=1),
    Migration(5, "freezes, and what asks to pass the gate", tables.GATES, needs=1),
)
