"""Actions: queued with a step, claimed under a fence, begun before the call is made, closed with the step that they cause."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from deploy.model import Answer, Shift, percent
from watcher.core.watch import OPEN_ACTIONS, Action, ActionResult, ActionState, Step, Watch
from watcher.store.documents import ACTION
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, from_another, seconds
from watcher.store.store import Claimed

# One action more. Its id names the revision that queued it, so it is there once.
QUEUE = """
INSERT INTO actions (
    id, watch, service, environment, kind, state, valid_in, ordered_by, queued_at, updated_at, not_before, document
) VALUES (
    :id, :watch, :service, :environment, :kind, 'planned', :valid_in, :ordered_by, :queued_at, :now, :now, :document
)
"""

# What came of an action that was open.
CLOSE = """
UPDATE actions SET state = :state, words = :words, updated_at = :now, owner = NULL, lease_until = 0
WHERE id = :id AND watch = :watch AND state IN ('planned', 'begun', 'unknown') RETURNING id
"""

# Actions that may not be run any more: their watch has left the state that they are valid in.
SWEEP = """
UPDATE actions SET state = 'refused', words = :words, updated_at = :now, owner = NULL, lease_until = 0
WHERE watch = :watch AND valid_in <> :state AND state IN ('planned', 'begun', 'unknown') RETURNING id
"""

# Open actions that are due, that nobody holds and that are valid, under a higher fence; *before* as in ``watches.CLAIM``.
CLAIM = """
WITH free AS MATERIALIZED (
    SELECT a.seq FROM actions a JOIN watches w ON w.id = a.watch
    WHERE a.state IN ('planned', 'begun', 'unknown') AND a.not_before <= :now AND a.lease_until <= :clock
        AND w.state = a.valid_in
    ORDER BY a.not_before, a.seq LIMIT :limit /* postgresql: FOR UPDATE OF a SKIP LOCKED */
)
UPDATE actions SET owner = :owner, fence = fence + 1, lease_until = :clock + :lease
WHERE seq IN (SELECT seq FROM free)
RETURNING seq, state, fence, attempts, moves_sent, words, (SELECT b.owner FROM actions b WHERE b.seq = actions.seq) AS before, document
"""

# Leases that still run, prolonged.
RENEW = """
UPDATE actions SET lease_until = :clock + :lease FROM json_each(:held) AS held
WHERE actions.id = held.key AND actions.fence = CAST(held.value AS INTEGER)
    AND actions.owner = :owner AND actions.lease_until > :clock RETURNING actions.id
"""

# The last word before the call: the lease runs, the fence is the newest, the watch is where it was.
BEGIN = """
UPDATE actions SET state = 'begun', attempts = attempts + 1, updated_at = :now
WHERE id = :id AND fence = :fence AND lease_until > :clock AND state IN ('planned', 'begun', 'unknown')
    AND EXISTS (SELECT 1 FROM watches w WHERE w.id = actions.watch AND w.state = actions.valid_in)
RETURNING watch, attempts
"""

# How far it is; free for whoever comes after *not_before*. What was sent stays sent: the number only grows.
RECORD = """
UPDATE actions SET
    state = :state, words = :words, not_before = :not_before, updated_at = :now, owner = NULL, lease_until = 0,
    moves_sent = CASE WHEN :moves_sent > moves_sent THEN :moves_sent ELSE moves_sent END
WHERE id = :id AND fence = :fence AND owner IS NOT NULL AND state IN ('planned', 'begun', 'unknown') RETURNING watch
"""

# All actions of a watch, oldest first.
OF_WATCH = "SELECT seq, state, fence, attempts, moves_sent, words, document FROM actions WHERE watch = :watch ORDER BY seq"


def queue(action: Action, step: Step, now: datetime) -> Operation[None]:
    """Queue an action of *step*."""
    yield (
        QUEUE,
        {
            "id": action.id,
            "watch": step.watch.id,
            "service": action.service,
            "environment": action.environment,
            "kind": action.kind.value,
            "valid_in": action.valid_in.value,
            "ordered_by": action.ordered_by,
            "queued_at": seconds(action.queued_at),
            "now": seconds(now),
            "document": ACTION.encode(action),
        },
    )
    moves = [f"{move.part}: {move.expect.tag} → {move.to.tag}" for move in action.plan.moves]
    moves += [_forward(action.forward)] if action.forward else []
    yield audited(
        now,
        step.by,
        "action.queued",
        step.watch.id,
        step.why,
        action=action.id,
        kind=action.kind.value,
        moves=moves,
        ordered_by=action.ordered_by,
    )


def _forward(step: Shift | Answer) -> str:
    if isinstance(step, Shift):
        return f"{step.part}: {step.after.tag} from {percent(step.expect)} to {percent(step.share)} of the traffic"
    return f"{step.part}: {step.after.tag} at {step.pause.stage or step.pause.hook}: {step.word.value}"


def close(watch: Watch, results: Sequence[ActionResult], now: datetime) -> Operation[None]:
    """Write what came of actions, and refuse those that are open still and no longer valid."""
    for result in results:
        parameters = {
            "id": result.action,
            "watch": watch.id,
            "state": result.state.value,
            "words": result.words,
            "now": seconds(now),
        }
        if (yield CLOSE, parameters):
            facts = {"action": result.action, "third_tag": result.third_tag, "by_hand": result.by_hand}
            yield audited(now, "rollbackd", f"action.{result.state.value}", watch.id, result.words, **facts)
    words = f"the watch is {watch.state.words} now"
    swept = yield SWEEP, {"watch": watch.id, "state": watch.state.value, "words": words, "now": seconds(now)}
    for row in swept:
        yield audited(now, "rollbackd", "action.refused", watch.id, words, action=row["id"])


def claim(now: datetime, limit: int, owner: str, lease: timedelta) -> Operation[Sequence[Claimed]]:
    """Take open, valid actions that are due."""
    parameters = {"now": seconds(now), "limit": limit, "owner": owner, "lease": lease.total_seconds()}
    rows = yield CLAIM, parameters
    return [
        replace(_claimed(row), taken_from=from_another(row["before"], owner))
        for row in sorted(rows, key=lambda row: int(row["seq"]))
    ]


def renew(held: Mapping[str, int], owner: str, lease: timedelta) -> Operation[frozenset[str]]:
    """Prolong leases; those that still ran."""
    rows = yield RENEW, {"held": json.dumps(held), "owner": owner, "lease": lease.total_seconds()}
    return frozenset(row["id"] for row in rows)


def begin(action: str, fence: int, now: datetime) -> Operation[bool]:
    """Write down that the call is about to be made."""
    rows = yield BEGIN, {"id": action, "fence": fence, "now": seconds(now)}
    for row in rows:
        facts = {"action": action, "attempt": row["attempts"], "fence": fence}
        yield audited(now, "rollbackd", "action.begun", row["watch"], **facts)
    return bool(rows)


def record(
    action: str,
    fence: int,
    state: ActionState,
    words: str,
    not_before: datetime,
    now: datetime,
    moves_sent: int,
) -> Operation[bool]:
    """Write down how far an open action is, and let it go.

    Raises:
        ValueError: The state is not an open one: how an action ends is written with the step that it causes.
    """
    if state not in OPEN_ACTIONS:
        raise ValueError(f"{action}: {state} is written with the step that it causes (Step.results)")
    rows = yield (
        RECORD,
        {
            "id": action,
            "fence": fence,
            "state": state.value,
            "words": words,
            "not_before": seconds(not_before),
            "moves_sent": moves_sent,
            "now": seconds(now),
        },
    )
    if rows and state is ActionState.UNKNOWN:
        yield audited(now, "rollbackd", "action.unknown", rows[0]["watch"], words, action=action)
    return bool(rows)


def of_watch(watch: str) -> Operation[Sequence[Claimed]]:
    """All actions of a watch, oldest first."""
    rows = yield OF_WATCH, {"watch": watch}
    return [_claimed(row) for row in rows]


def _claimed(row: Row) -> Claimed:
    return Claimed(
        action=ACTION.decode(row["document"]),
        state=ActionState(row["state"]),
        fence=row["fence"],
        attempts=row["attempts"],
        moves_sent=row["moves_sent"],
        words=row["words"],
    )
