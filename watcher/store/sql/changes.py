"""What else moved: what was told, once for each key; and what the store knows anyway, which is written down nowhere twice."""

from collections.abc import Sequence
from datetime import datetime

from watcher.core.change import Change, ChangeKind
from watcher.core.watch import Watch
from watcher.errors import StoreTooNew, StoreUnavailable
from watcher.store.documents import WATCH
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, moment, seconds

# Something else that moved, unless it is known.
ADD = """
INSERT INTO changes (at, what, service, environment, kind, name, account, region, known_by, told_by)
VALUES (:at, :what, :service, :environment, :kind, :name, :account, :region, :key, :told_by)
ON CONFLICT (known_by) DO NOTHING RETURNING seq
"""

# What moved in a span of time; of much, what is nearest to a moment.
MOVED = """
SELECT at, what, service, environment, kind, name, account, region, known_by, told_by FROM changes
WHERE at >= :since AND at < :until ORDER BY ABS(at - :near), seq LIMIT :most
"""

# What was deployed meanwhile, and is watched.
DEPLOYED = """
SELECT opened_at AS at, id, service, environment, document FROM watches
WHERE opened_at >= :since AND opened_at < :until ORDER BY ABS(opened_at - :near), id LIMIT :most
"""

# What began to go back meanwhile; what was given up before anything was moved did not.
WENT_BACK = """
SELECT a.queued_at AS at, w.id AS id, w.service AS service, w.environment AS environment, w.document AS document FROM actions a JOIN watches w ON w.id = a.watch
WHERE a.kind = 'roll_back' AND a.queued_at >= :since AND a.queued_at < :until
    AND (a.moves_sent > 0 OR a.state NOT IN ('refused', 'failed'))
ORDER BY ABS(a.queued_at - :near), a.seq LIMIT :most
"""

MOST = 1000  # of what was told: more than anybody reads, and enough for an hour of a busy account
MOST_DEPLOYED = 50  # whole documents: more than are deployed in an hour
KINDS = frozenset(kind.value for kind in ChangeKind)
ORDERED = "order"  # the source of a watch that a person's order opened: nothing was deployed


def add(change: Change, now: datetime) -> Operation[bool]:
    """Keep a change, once for its key; whether it is new. What people say is in the audit; a platform moves all day long."""
    rows = yield (
        ADD,
        {
            "at": seconds(change.at),
            "what": change.what,
            "service": change.service,
            "environment": change.environment,
            "kind": change.kind.value,
            "name": change.name,
            "account": change.account,
            "region": change.region,
            "key": change.key,
            "told_by": change.told_by,
        },
    )
    if rows and change.told_by is not None:
        subject = f"{change.service or '*'}/{change.environment or '*'}"
        moved_at = change.at.isoformat()
        yield audited(now, change.told_by, "change.recorded", subject, change.what, moved_at=moved_at)
    return bool(rows)


def read(since: datetime, until: datetime, near: datetime) -> Operation[Sequence[Change]]:
    """Changes in ``[since, until)``, oldest first; where there are too many, those that are nearest to *near*."""
    span = {"since": seconds(since), "until": seconds(until), "near": seconds(near)}
    told = yield MOVED, {**span, "most": MOST}
    deployed = yield DEPLOYED, {**span, "most": MOST_DEPLOYED}
    went_back = yield WENT_BACK, {**span, "most": MOST_DEPLOYED}
    found = [
        *(_change(row) for row in told),
        *(change for row in deployed if (change := _deployed(row)) is not None),
        *(_went_back(row) for row in went_back),
    ]
    return sorted(found, key=lambda change: change.at)


def _change(row: Row) -> Change:
    return Change(
        at=moment(row["at"]),
        what=row["what"],
        service=row["service"],
        environment=row["environment"],
        kind=_kind(row["kind"]),
        name=row["name"],
        account=row["account"],
        region=row["region"],
        key=row["known_by"],
        told_by=row["told_by"],
    )


def _kind(kept: str) -> ChangeKind:
    """One that a newer version knows is another to this one, which may work beside it."""
    return ChangeKind(kept) if kept in KINDS else ChangeKind.OTHER


def _deployed(row: Row) -> Change | None:
    watch = _watch(row)
    if watch is not None and watch.deployment.source == ORDERED:
        return None
    return _of(row, f"{row['service']} {watch.tag} deployed" if watch else f"{row['service']} deployed")


def _went_back(row: Row) -> Change:
    watch = _watch(row)
    to = f" to {watch.goes_to}" if watch else ""
    return _of(row, f"{row['service']} went back{to}")


def _watch(row: Row) -> Watch | None:
    """``None``: it is damaged, or a newer version's. It is another service's, mostly: nobody waits for it to be mended."""
    try:
        return WATCH.decode(row["document"])
    except (StoreTooNew, StoreUnavailable):
        return None


def _of(row: Row, what: str) -> Change:
    return Change(
        moment(row["at"]), what, row["service"], row["environment"], ChangeKind.DEPLOYMENT, name=row["id"]
    )
