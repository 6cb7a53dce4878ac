"""How a watch is written: one step, with all that it causes, in one transaction, or nothing of it.

The order matters: first who may write (the revision), then what the step closes (results of its actions, actions that its
new state makes invalid), then the guards, which see that; then what it causes.
"""

from collections.abc import Sequence
from datetime import datetime

from rules.sample import Series
from watcher.core.watch import Step, Watch
from watcher.store.documents import WATCH, encode_buckets
from watcher.store.sql import actions, guards, inbox, ledger, messages, people
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, TakenBack, seconds
from watcher.store.store import Answered, Saved, Saving, Stale

# A new watch, unless its service has one that lives.
OPEN = """
INSERT INTO watches (id, service, environment, state, final, revision, opened_at, ended_at, due_at, document)
VALUES (:id, :service, :environment, :state, :final, :revision, :opened_at, :ended_at, :due_at, :document)
ON CONFLICT DO NOTHING RETURNING id
"""

# The state that a step starts from, if its revision is still the newest.
BEFORE = "SELECT state FROM watches WHERE id = :id AND revision = :before /* postgresql: FOR UPDATE */"

# The watch after the step, if nobody wrote first. Its lease is not touched: who may write and who works are two things.
SAVE = """
UPDATE watches SET
    state = :state, final = :final, revision = :revision, ended_at = :ended_at, due_at = :due_at, document = :document
WHERE id = :id AND revision = :before RETURNING id
"""

# How a watch ended, for each part: what the grades of releases are computed from.
ENDED = """
INSERT INTO endings (watch, service, environment, part, fingerprint, at, state, breached, by_person)
VALUES (:watch, :service, :environment, :part, :fingerprint, :at, :state, :breached, :by_person)
ON CONFLICT (watch, part) DO UPDATE SET at = :at, state = :state, breached = :breached, by_person = :by_person
"""

# The settled buckets of one series.
BUCKETS = """
INSERT INTO buckets (watch, revision, indicator, bound, cumulative, document)
VALUES (:watch, :revision, :indicator, :bound, :cumulative, :document)
"""

MACHINE = "rollbackd"  # `Step.by`, where no person is behind it


def open_watch(
    step: Step, now: datetime, supersedes: Step | None, answered: Answered | None
) -> Operation[Saving]:
    """Open a watch, and end the one that it supersedes."""
    yield from _pass_gate(step)
    if supersedes is not None:
        yield from save_step(supersedes, now, (), None)
    _check_revision(step)
    rows = yield OPEN, _columns(step.watch)
    if not rows:
        raise TakenBack(Stale())
    for change in step.watch.deployment.parts:
        for release in (change.before, change.after):
            if release is not None:
                yield from ledger.seen(*step.watch.key, change.part, release, now)
    yield _audit_step(step, "watch.opened", now)
    yield from _cause(step, now, (), answered)
    return Saved(step.watch)


def save_step(
    step: Step, now: datetime, buckets: Sequence[Series], answered: Answered | None
) -> Operation[Saving]:
    """Save one step."""
    yield from _pass_gate(step)
    _check_revision(step)
    before = yield BEFORE, {"id": step.watch.id, "before": step.before}
    if not before:
        raise TakenBack(Stale())
    if not (yield SAVE, _columns(step.watch) | {"before": step.before}):
        raise TakenBack(Stale())
    moved = before[0]["state"] != step.watch.state.value
    if moved or step.by != MACHINE:
        yield _audit_step(step, f"watch.{step.watch.state.value}" if moved else "watch.ordered", now)
    yield from _cause(step, now, buckets, answered)
    return Saved(step.watch)


def _cause(
    step: Step, now: datetime, buckets: Sequence[Series], answered: Answered | None
) -> Operation[None]:
    watch = step.watch
    yield from actions.close(watch, step.results, now)
    refused = yield from guards.failed(step.requires, now)
    if refused is not None:
        raise TakenBack(refused)
    for action in step.actions:
        yield from actions.queue(action, step, now)
    for message in step.messages:
        yield from messages.queue(watch.id, message, now)
    yield from _write_ledger(step, now)
    for closing in step.closes:
        yield from inbox.close(closing, now)
    for series in buckets:
        if series.buckets:
            yield BUCKETS, _series(watch, series)
    if answered is not None:
        yield from people.answered(answered, now)


def _pass_gate(step: Step) -> Operation[None]:
    """Before any row is locked: whoever has the gate waits for nobody that waits for it."""
    if step.requires or step.actions or step.quarantines:
        yield from guards.gate()


def _write_ledger(step: Step, now: datetime) -> Operation[None]:
    service, environment = step.watch.key
    for serves in step.serves:
        yield from ledger.serves(service, environment, serves, step.by, now)
    for quarantine in step.quarantines:
        yield from ledger.quarantine(service, environment, quarantine, step.by, now)
    if step.watch.state.is_final:
        for change in step.watch.deployment.parts:
            yield ENDED, _ending(step.watch, change.part, change.after.fingerprint, now)


def _check_revision(step: Step) -> None:
    if step.watch.revision != step.before + 1:
        raise ValueError(f"{step.watch.id}: a step from revision {step.before} makes {step.watch.revision}")


def _audit_step(step: Step, what: str, now: datetime) -> tuple[str, dict[str, object]]:
    watch = step.watch
    facts = {
        "service": watch.service,
        "environment": watch.environment,
        "state": watch.state.value,
        "revision": watch.revision,
        "tags": [change.after.tag for change in watch.deployment.parts],
    }
    why = step.why or (watch.ending.words if watch.ending else "")
    statement, parameters = audited(now, step.by, what, watch.id, why, **facts)
    return statement, dict(parameters)


def _columns(watch: Watch) -> dict[str, object]:
    return {
        "id": watch.id,
        "service": watch.service,
        "environment": watch.environment,
        "state": watch.state.value,
        "final": int(watch.state.is_final),
        "revision": watch.revision,
        "opened_at": seconds(watch.opened_at),
        "ended_at": seconds(watch.ended_at),
        "due_at": seconds(watch.due_at),
        "document": WATCH.encode(watch),
    }


def _ending(watch: Watch, part: str, fingerprint: str, now: datetime) -> dict[str, object]:
    return {
        "watch": watch.id,
        "service": watch.service,
        "environment": watch.environment,
        "part": part,
        "fingerprint": fingerprint,
        "at": seconds(watch.ended_at or now),
        "state": watch.state.value,
        "breached": int(watch.breach is not None or watch.would_have is not None),
        "by_person": int(watch.ending is not None and watch.ending.by is not None),
    }


def _series(watch: Watch, series: Series) -> dict[str, object]:
    return {
        "watch": watch.id,
        "revision": watch.revision,
        "indicator": series.indicator,
        "bound": series.bound,
        "cumulative": int(series.cumulative),
        "document": encode_buckets(series.buckets),
    }
