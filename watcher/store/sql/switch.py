"""The switch: who disarmed what, why, and until when. The guard `Armed` reads the same rows in the transaction of a step."""

from collections.abc import Sequence
from datetime import datetime

from watcher.core.watch import Message
from watcher.store.sql import guards, messages
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, moment, seconds
from watcher.store.store import Disarmed

# Off, from now on; a newer word replaces an older one.
DISARM = """
INSERT INTO switches (service, environment, actor, reason, since, until)
VALUES (:service, :environment, :by, :reason, :since, :until)
ON CONFLICT (service, environment) DO UPDATE SET actor = :by, reason = :reason, since = :since, until = :until
"""

# On again, and whether it was off.
ARM = """
DELETE FROM switches WHERE service = :service AND environment = :environment RETURNING until
"""

# Those that are off.
IN_FORCE = """
SELECT service, environment, actor, reason, since, until FROM switches
WHERE until > :now ORDER BY since, service, environment
"""


def disarm(disarmed: Disarmed, now: datetime, announced: Sequence[Message]) -> Operation[None]:
    """Turn the switch off, and queue its announcement."""
    yield from guards.gate()
    yield (
        DISARM,
        {
            "service": disarmed.service,
            "environment": disarmed.environment,
            "by": disarmed.by,
            "reason": disarmed.reason,
            "since": seconds(disarmed.since),
            "until": seconds(disarmed.until),
        },
    )
    subject = f"{disarmed.service}/{disarmed.environment}"
    until = disarmed.until.isoformat()
    yield audited(now, disarmed.by, "service.disarmed", subject, disarmed.reason, until=until)
    for message in announced:
        yield from messages.queue(None, message, now)


def arm(
    service: str, environment: str, by: str, why: str, now: datetime, announced: Sequence[Message]
) -> Operation[bool]:
    """Turn it on, and queue the announcement if it was off; whether it was."""
    yield from guards.gate()
    rows = yield ARM, {"service": service, "environment": environment}
    was_off = any(moment(row["until"]) > now for row in rows)
    if was_off:
        yield audited(now, by, "service.armed", f"{service}/{environment}", why)
        for message in announced:
            yield from messages.queue(None, message, now)
    return was_off


def in_force(now: datetime) -> Operation[Sequence[Disarmed]]:
    """The switches that are off."""
    rows = yield IN_FORCE, {"now": seconds(now)}
    return [_disarmed(row) for row in rows]


def _disarmed(row: Row) -> Disarmed:
    return Disarmed(
        service=row["service"],
        environment=row["environment"],
        by=row["actor"],
        reason=row["reason"],
        since=moment(row["since"]),
        until=moment(row["until"]),
    )
