"""Guards: what must hold, in the transaction, for a step to be saved. Each answers the words of why it does not, or None."""

from collections.abc import Iterable
from datetime import datetime

from watcher.core.watch import Armed, Below, Guard, NoOpenAction, NotQuarantined
from watcher.errors import StoreUnavailable
from watcher.store.sql.operation import Operation, moment, seconds
from watcher.store.store import GuardFailed

# What whoever checks a guard takes first, and whoever changes what guards look at: the switch, marks, actions. Two replicas
# pass it one after the other, and see what the one before has done. SQLite has one writer at a time, and needs no gate.
GATE = "SELECT 1 AS one /* postgresql: FROM gate FOR UPDATE */"

# The switch that is off for a service, or for all; its own first.
DISARMED = """
SELECT service, actor, reason, until FROM switches
WHERE until > :now AND (
    (service = :service AND environment = :environment) OR (service = '*' AND environment = '*')
) ORDER BY CASE WHEN service = '*' THEN 1 ELSE 0 END LIMIT 1
"""

# Rollbacks that the machine started by itself; what was refused in the end counts too, which errs to the side of asking.
AUTOMATIC = """
SELECT COUNT(*) AS many FROM actions
WHERE kind = 'roll_back' AND ordered_by IS NULL AND queued_at >= :since
    AND (CAST(:service AS TEXT) IS NULL OR service = :service)
    AND (CAST(:environment AS TEXT) IS NULL OR environment = :environment)
    AND (CAST(:watch AS TEXT) IS NULL OR watch = :watch)
"""

# What keeps a release from being gone back to.
MARKED = """
SELECT mark, actor, why FROM marks
WHERE service = :service AND environment = :environment AND part = :part AND fingerprint = :fingerprint
    AND lifted_at IS NULL AND mark IN ('quarantined', 'distrusted') ORDER BY seq LIMIT 1
"""

# An action that is open on a service.
OPEN_ACTION = """
SELECT id, watch, state FROM actions
WHERE service = :service AND environment = :environment AND state IN ('planned', 'begun', 'unknown') LIMIT 1
"""


def gate() -> Operation[None]:
    """Be alone among those that check guards, and those that change what guards look at, until the end of the transaction.

    Raises:
        StoreUnavailable: The row that is locked is not there: without it nobody would be kept out.
    """
    if not (yield GATE, {}):
        raise StoreUnavailable(
            "the row of the table `gate` is missing, so that two replicas could act at once; nothing was done",
            remedy="a backup was put back in part: put it back whole, or INSERT INTO gate VALUES (1)",
        )


def failed(requires: Iterable[Guard], now: datetime) -> Operation[GuardFailed | None]:
    """The first guard that does not hold. The order is fixed: the switch, the release, the target, ceilings from small to large."""
    for guard in sorted(requires, key=lambda guard: (_rank(guard), repr(guard))):
        words = yield from _words(guard, now)
        if words:
            return GuardFailed(guard, words)
    return None


def _rank(guard: Guard) -> int:
    match guard:
        case Armed():
            return 0
        case NotQuarantined():
            return 1
        case NoOpenAction():
            return 2
        case Below():
            return 3 if guard.watch else 4 if guard.service else 5


def _words(guard: Guard, now: datetime) -> Operation[str]:
    match guard:
        case Armed():
            return (yield from _disarmed(guard, now))
        case NotQuarantined():
            return (yield from _marked(guard))
        case NoOpenAction():
            return (yield from _busy(guard))
        case Below():
            return (yield from _at_ceiling(guard))


def _disarmed(guard: Armed, now: datetime) -> Operation[str]:
    rows = yield (
        DISARMED,
        {
            "service": guard.service,
            "environment": guard.environment,
            "now": seconds(now),
        },
    )
    for row in rows:
        scope = "everything is" if row["service"] == "*" else f"{guard.service}/{guard.environment} is"
        until = moment(row["until"]).strftime("%Y-%m-%d %H:%M UTC")
        return f"{scope} disarmed by {row['actor']} until {until}: {row['reason']}"
    return ""


def _marked(guard: NotQuarantined) -> Operation[str]:
    rows = yield (
        MARKED,
        {
            "service": guard.service,
            "environment": guard.environment,
            "part": guard.part,
            "fingerprint": guard.fingerprint,
        },
    )
    for row in rows:
        return f"{guard.fingerprint} is {row['mark']} by {row['actor']}: {row['why']}"
    return ""


def _busy(guard: NoOpenAction) -> Operation[str]:
    rows = yield OPEN_ACTION, {"service": guard.service, "environment": guard.environment}
    for row in rows:
        return f"action {row['id']} of watch {row['watch']} is {row['state']}"
    return ""


def _at_ceiling(guard: Below) -> Operation[str]:
    rows = yield (
        AUTOMATIC,
        {
            "since": seconds(guard.since),
            "service": guard.service,
            "environment": guard.environment,
            "watch": guard.watch,
        },
    )
    many = rows[0]["many"]
    if many < guard.most:
        return ""
    whose = "this deployment" if guard.watch else f"{guard.service}" if guard.service else "the fleet"
    since = guard.since.strftime("%Y-%m-%d %H:%M UTC")
    return f"{many} automatic rollbacks of {whose} since {since}, and at most {guard.most} may be"
