"""The tables that came after the first ones, by what they are of. Their migrations stand in ``schema``."""

# What alerts were told to be, one row each; and who told them. The row of a sender is locked first by whoever writes: so replicas
# that hear of one alert at once do so one after the other.
ALERTS = (
    """
CREATE TABLE alert_senders (
    sender TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    heard_at REAL NOT NULL,
    lacking_at REAL
)
""",
    """
CREATE TABLE alert_moods (
    sender TEXT NOT NULL REFERENCES alert_senders (sender),
    alert TEXT NOT NULL,
    mood TEXT NOT NULL,
    heard_at REAL NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (sender, alert)
)
""",
    "CREATE INDEX alert_moods_in_time ON alert_moods (heard_at)",
)

# What moves besides: which sort of thing, what it is called, where; who told it, and by what it is known when it is told again.
CHANGES = (
    "ALTER TABLE changes ADD COLUMN kind TEXT NOT NULL DEFAULT 'other'",
    "ALTER TABLE changes ADD COLUMN name TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE changes ADD COLUMN account TEXT",
    "ALTER TABLE changes ADD COLUMN region TEXT",
    "ALTER TABLE changes ADD COLUMN known_by TEXT",
    "ALTER TABLE changes ADD COLUMN told_by TEXT",
    "CREATE UNIQUE INDEX changes_once ON changes (known_by)",
    "CREATE INDEX watches_in_time ON watches (opened_at)",
    "CREATE INDEX actions_in_time ON actions (queued_at)",
)

# What sidecars tell: which of their processes were heard, and each sample once for its instance; without a bound it stands at 0.
_INSTANCES = """
CREATE TABLE instances (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    instance TEXT NOT NULL,
    run TEXT NOT NULL,
    principal TEXT NOT NULL,
    first_at REAL NOT NULL,
    heard_at REAL NOT NULL,
    left_at REAL,
    names TEXT NOT NULL,
    troubles TEXT NOT NULL,
    UNIQUE (service, environment, instance, run)
)
"""
_SAMPLES = """
CREATE TABLE samples (
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    instance TEXT NOT NULL,
    indicator TEXT NOT NULL,
    bound REAL NOT NULL,
    end_at REAL NOT NULL,
    start_at REAL NOT NULL,
    bad REAL NOT NULL,
    total REAL NOT NULL,
    teller INTEGER NOT NULL,
    PRIMARY KEY (service, environment, instance, indicator, bound, end_at)
)
"""
SAMPLES = (
    _INSTANCES,
    _SAMPLES,
    "CREATE INDEX samples_of_indicator ON samples (service, environment, indicator, end_at)",
    "CREATE INDEX samples_in_time ON samples (end_at)",
    "CREATE INDEX instances_in_time ON instances (heard_at)",
)

# What keeps deployments out, and what asked to pass the gate: one row each. What asks with the same names at once is one.
_FREEZES = """
CREATE TABLE freezes (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    start_at REAL NOT NULL,
    end_at REAL NOT NULL,
    lifted_at REAL
)
"""
_PASSAGES = """
CREATE TABLE passages (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    environment TEXT NOT NULL,
    candidate TEXT NOT NULL,
    state TEXT NOT NULL,
    revision INTEGER NOT NULL,
    asked_at REAL NOT NULL,
    answered INTEGER NOT NULL,
    document TEXT NOT NULL
)
"""
# What is told once, whoever of the replicas gets to it first.
_TIDINGS = "CREATE TABLE tidings (what TEXT PRIMARY KEY, at REAL NOT NULL)"
GATES = (
    _FREEZES,
    _PASSAGES,
    _TIDINGS,
    "CREATE INDEX freezes_in_time ON freezes (end_at)",
    "CREATE UNIQUE INDEX passages_one_open ON passages (service, environment, candidate) WHERE state = 'open'",
    "CREATE INDEX passages_of_service ON passages (service, environment, id)",
    "CREATE INDEX passages_in_time ON passages (asked_at)",
    "CREATE INDEX tidings_in_time ON tidings (at)",
)
