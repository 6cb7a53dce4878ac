"""The gate: what keeps deployments out, what asked to pass, and what persons said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watcher.core.freeze import Freeze
from watcher.core.gate import Passage, PassageStep, Passing
from watcher.core.watch import Message
from watcher.store.documents import PASSAGE
from watcher.store.sql import messages, people
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, TakenBack, moment, seconds
from watcher.store.store import Answered

# From then to then; ordered once.
FREEZE = """
INSERT INTO freezes (id, service, environment, actor, reason, start_at, end_at)
VALUES (:id, :service, :environment, :by, :reason, :start, :end) ON CONFLICT DO NOTHING RETURNING id
"""

# It is over before its time.
THAW = """
UPDATE freezes SET lifted_at = :now WHERE id = :id AND lifted_at IS NULL AND end_at > :now
RETURNING service, environment
"""

# Those that are in force, or to come.
FREEZES = """
SELECT id, service, environment, actor, reason, start_at, end_at FROM freezes
WHERE end_at > :now AND lifted_at IS NULL ORDER BY start_at, id
"""

# What begins to ask, unless the same does already.
ASK = """
INSERT INTO passages (id, service, environment, candidate, state, revision, asked_at, answered, document)
VALUES (:id, :service, :environment, :candidate, :state, :revision, :asked_at, :answered, :document)
ON CONFLICT DO NOTHING RETURNING id
"""

# One change, if nobody wrote first. By which names it asked stays.
SAVE = """
UPDATE passages SET state = :state, revision = :revision, answered = :answered, document = :document
WHERE id = :id AND revision = :before RETURNING id
"""

ONE = "SELECT document FROM passages WHERE id = :id"

# Newest first; of a page, what comes after one that is known.
PAGE = """
SELECT document FROM passages
WHERE (CAST(:service AS TEXT) IS NULL OR service = :service)
    AND (CAST(:environment AS TEXT) IS NULL OR environment = :environment)
    AND (CAST(:state AS TEXT) IS NULL OR state = :state)
    AND (CAST(:candidate AS TEXT) IS NULL OR candidate = :candidate)
    AND (CAST(:after AS TEXT) IS NULL OR id < :after)
    AND answered >= :answered
ORDER BY id DESC LIMIT :limit
"""

# All that asks now, the newest first, by the index of those.
OPEN = """
SELECT document FROM passages WHERE state = 'open' AND (CAST(:after AS TEXT) IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit
"""

# Told, unless it was.
TELL = "INSERT INTO tidings (what, at) VALUES (:what, :now) ON CONFLICT DO NOTHING RETURNING what"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which passages. See `Store.passages`."""

    service: str | None
    environment: str | None
    state: Passing | None
    candidate: str | None
    answered: bool
    after: str | None
    limit: int


def freeze(ordered: Freeze, now: datetime, announced: Sequence[Message]) -> Operation[None]:
    """Keep a freeze, and queue its announcement."""
    rows = yield (
        FREEZE,
        {
            "id": ordered.id,
            "service": ordered.service,
            "environment": ordered.environment,
            "by": ordered.by,
            "reason": ordered.reason,
            "start": seconds(ordered.start),
            "end": seconds(ordered.end),
        },
    )
    if rows:
        subject = f"{ordered.service}/{ordered.environment}"
        span = {"freeze": ordered.id, "from": ordered.start.isoformat(), "until": ordered.end.isoformat()}
        yield audited(now, ordered.by, "service.frozen", subject, ordered.reason, **span)
        yield from _tell(announced, now)


def thaw(freeze: str, by: str, why: str, now: datetime, announced: Sequence[Message]) -> Operation[bool]:
    """End one; whether it was to go on."""
    rows = yield THAW, {"id": freeze, "now": seconds(now)}
    for row in rows:
        subject = f"{row['service']}/{row['environment']}"
        yield audited(now, by, "service.thawed", subject, why, freeze=freeze)
        yield from _tell(announced, now)
    return bool(rows)


def freezes(now: datetime) -> Operation[Sequence[Freeze]]:
    """Those that are not over."""
    rows = yield FREEZES, {"now": seconds(now)}
    return [_freeze(row) for row in rows]


def save(step: PassageStep, now: datetime, answered: Answered | None) -> Operation[bool]:
    """Save one change; whether nobody was first."""
    passage = step.passage
    columns: dict[str, object] = {
        "id": passage.id,
        "state": passage.state.value,
        "revision": passage.revision,
        "answered": int(passage.decision is not None),
        "document": PASSAGE.encode(passage),
    }
    asks = {
        "service": passage.service,
        "environment": passage.environment,
        "candidate": passage.named.key,
        "asked_at": seconds(passage.asked_at),
    }
    rows = yield (ASK, columns | asks) if not step.before else (SAVE, columns | {"before": step.before})
    if not rows:
        raise TakenBack(False)
    yield audited(
        now,
        step.by,
        step.what,
        f"{passage.service}/{passage.environment}",
        step.why,
        gate=passage.id,
        tag=passage.candidate.words,
        answer=passage.answer.value,
        because=passage.because.value,
        words=passage.words,
    )
    yield from _tell(step.messages, now)
    if answered is not None:
        yield from people.answered(answered, now)
    return True


def one(id: str) -> Operation[Passage | None]:
    """One passage."""
    rows = yield ONE, {"id": id}
    return PASSAGE.decode(rows[0]["document"]) if rows else None


def page(wanted: Wanted) -> Operation[Sequence[Passage]]:
    """Passages, newest first."""
    everywhere = wanted.service is None and wanted.environment is None and not wanted.answered
    rows = yield (
        OPEN if wanted.state is Passing.OPEN and everywhere and wanted.candidate is None else PAGE,
        {
            "service": wanted.service,
            "environment": wanted.environment,
            "state": wanted.state.value if wanted.state else None,
            "candidate": wanted.candidate,
            "answered": int(wanted.answered),
            "after": wanted.after,
            "limit": wanted.limit,
        },
    )
    return [PASSAGE.decode(row["document"]) for row in rows]


def tell_once(what: str, announced: Sequence[Message], now: datetime) -> Operation[bool]:
    """Queue what is announced, if nobody has; whether nobody had."""
    rows = yield TELL, {"what": what, "now": seconds(now)}
    if rows:
        yield from _tell(announced, now)
    return bool(rows)


def _tell(announced: Sequence[Message], now: datetime) -> Operation[None]:
    for message in announced:
        yield from messages.queue(None, message, now)


def _freeze(row: Row) -> Freeze:
    return Freeze(
        id=row["id"],
        service=row["service"],
        environment=row["environment"],
        by=row["actor"],
        reason=row["reason"],
        start=moment(row["start_at"]),
        end=moment(row["end_at"]),
    )
