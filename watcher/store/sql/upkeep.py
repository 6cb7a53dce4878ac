"""What is counted, what is forgotten, and how one sees that the store works."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from watcher.core.relayed import KEPT
from watcher.store.sql.operation import Operation, seconds
from watcher.store.sql.people import KEYS_LAST

# Live watches by state.
LIVE = "SELECT state, COUNT(*) AS many FROM watches WHERE final = 0 GROUP BY state"

# Live watches that were to be judged before a moment.
LATE = "SELECT COUNT(*) AS many FROM watches WHERE final = 0 AND due_at < :since"

# Announcements that nobody has closed.
PENDING = "SELECT COUNT(*) AS many, MIN(received_at) AS oldest FROM inbox WHERE closed_at IS NULL"

# Messages that are to be told, by channel.
UNTOLD = """
SELECT channel, COUNT(*) AS many, MIN(queued_at) AS oldest FROM messages WHERE due_at IS NOT NULL GROUP BY channel
"""

# Actions that are not closed.
OPEN_ACTIONS = """
SELECT COUNT(*) AS many, MIN(queued_at) AS oldest FROM actions WHERE state IN ('planned', 'begun', 'unknown')
"""

# Each forgets at most a batch, so that no one waits for long behind it.
OLD_BUCKETS = """
DELETE FROM buckets WHERE seq IN (
    SELECT b.seq FROM watches w JOIN buckets b ON b.watch = w.id
    WHERE w.final = 1 AND w.ended_at < :since LIMIT :batch
) RETURNING seq
"""
OLD_ANSWERS = """
DELETE FROM answers WHERE (principal, idempotency_key) IN (
    SELECT principal, idempotency_key FROM answers WHERE at <= :since LIMIT :batch
) RETURNING at
"""
OLD_ANNOUNCEMENTS = """
DELETE FROM inbox WHERE seq IN (SELECT seq FROM inbox WHERE closed_at < :since LIMIT :batch) RETURNING seq
"""
OLD_MESSAGES = """
DELETE FROM messages WHERE seq IN (
    SELECT m.seq FROM watches w JOIN messages m ON m.watch = w.id
    WHERE w.final = 1 AND w.ended_at < :since AND m.due_at IS NULL LIMIT :batch
) RETURNING seq
"""
OLD_CHANGES = """
DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE at < :since LIMIT :batch) RETURNING seq
"""
OLD_SAMPLES = """
DELETE FROM samples WHERE (service, environment, instance, indicator, bound, end_at) IN (
    SELECT service, environment, instance, indicator, bound, end_at FROM samples WHERE end_at < :since LIMIT :batch
) RETURNING end_at
"""
OLD_INSTANCES = """
DELETE FROM instances WHERE seq IN (
    SELECT seq FROM instances WHERE heard_at < :since LIMIT :batch
) RETURNING heard_at
"""
OLD_ALERTS = """
DELETE FROM alert_moods WHERE (sender, alert) IN (
    SELECT sender, alert FROM alert_moods WHERE heard_at < :since LIMIT :batch
) RETURNING alert
"""
OPEN_PASSAGES = "SELECT COUNT(*) AS many, MIN(asked_at) AS oldest FROM passages WHERE state = 'open'"
OLD_FREEZES = """
DELETE FROM freezes WHERE id IN (SELECT id FROM freezes WHERE end_at < :since LIMIT :batch) RETURNING id
"""
OLD_PASSAGES = """
DELETE FROM passages WHERE id IN (
    SELECT id FROM passages WHERE asked_at < :since AND state <> 'open' LIMIT :batch
) RETURNING id
"""
OLD_TIDINGS = """
DELETE FROM tidings WHERE what IN (SELECT what FROM tidings WHERE at < :since LIMIT :batch) RETURNING what
"""
OLD_SWITCHES = "DELETE FROM switches WHERE until < :since RETURNING until"

# The pulse: something is written, and read.
BEAT = (
    "INSERT INTO pulse (one, at) VALUES (1, :clock) ON CONFLICT (one) DO UPDATE SET at = :clock RETURNING at"
)

# Beyond this a watch that is due is overdue: four times what a lease lasts, after which another takes what one has dropped.
OVERDUE = timedelta(minutes=1)
BUCKETS_LAST = timedelta(days=7)  # after the end of their watch
REST_LASTS = timedelta(
    days=30
)  # announcements and messages; the sources that repeat longest do so for 14 days (SQS)
SAMPLES_LAST = 2 * KEPT  # twice as long as they are taken, so that one that was forgotten is not taken again
ALERTS_LAST = timedelta(
    days=365
)  # an alarm that is well for a year, and tells of changes alone, says nothing in it
GATES_LAST = timedelta(days=90)  # a person's word of a release holds for longer than a release is deployed
BATCH = 2000  # rows; some 10 ms on a disk of this century


def counts(now: datetime) -> Operation[Mapping[str, Mapping[str, float]]]:
    """How much lives, waits and is open, and since when (seconds)."""
    live = yield LIVE, {}
    late = (yield LATE, {"since": seconds(now - OVERDUE)})[0]
    pending = (yield PENDING, {})[0]
    untold = yield UNTOLD, {}
    actions = (yield OPEN_ACTIONS, {})[0]
    gates = (yield OPEN_PASSAGES, {})[0]
    age = _Age(now)
    return {
        "watches": {row["state"]: row["many"] for row in live},
        "overdue": {"watches": late["many"]},
        "inbox": {"pending": pending["many"], "oldest_seconds": age.of(pending["oldest"])},
        "messages": {row["channel"]: row["many"] for row in untold},
        "messages_oldest_seconds": {row["channel"]: age.of(row["oldest"]) for row in untold},
        "actions": {"open": actions["many"], "oldest_seconds": age.of(actions["oldest"])},
        "gates": {"open": gates["many"], "oldest_seconds": age.of(gates["oldest"])},
    }


class _Age:
    """How old something is that was written down."""

    def __init__(self, now: datetime) -> None:
        self._now = now.timestamp()

    def of(self, kept: float | None) -> float:
        return 0.0 if kept is None else max(0.0, self._now - kept)


def prune(now: datetime) -> Operation[int]:
    """Forget at most a batch of each kind; how many rows. Watches, actions, the ledger and the audit stay."""
    many = 0
    for statement, lasts in (
        (OLD_BUCKETS, BUCKETS_LAST),
        (OLD_ANSWERS, KEYS_LAST),
        (OLD_ANNOUNCEMENTS, REST_LASTS),
        (OLD_MESSAGES, REST_LASTS),
        (OLD_CHANGES, REST_LASTS),
        (OLD_ALERTS, ALERTS_LAST),
        (OLD_SAMPLES, SAMPLES_LAST),
        (OLD_INSTANCES, SAMPLES_LAST),
        (OLD_FREEZES, GATES_LAST),
        (OLD_PASSAGES, GATES_LAST),
        (OLD_TIDINGS, GATES_LAST),
    ):
        rows = yield statement, {"since": seconds(now - lasts), "batch": BATCH}
        many += len(rows)
    switches = yield OLD_SWITCHES, {"since": seconds(now)}
    return many + len(switches)


def beat() -> Operation[None]:
    """Write and read."""
    yield BEAT, {}
