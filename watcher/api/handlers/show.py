"""Our own values as an answer shows them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from deploy.model import Move, Release, Shift
from deploy.tags import Entry, Grade, Mark
from rules.verdict import Outcome
from watcher.api.told import (
    ActionTold,
    AnnouncementTold,
    AuditTold,
    ChangeTold,
    FiresTold,
    MarkTold,
    NoteTold,
    PartMoved,
    ReleaseTold,
    Sees,
    StageTold,
    Summary,
    Switch,
    Times,
    VerdictTold,
    WatchTold,
)
from watcher.core.alerts import Fires
from watcher.core.change import Beside, Change, nearest
from watcher.core.lifecycle import orders_allowed
from watcher.core.service import Rollout, Stage
from watcher.core.watch import Action, State, Watch
from watcher.core.wording import foreseen, headline, in_words, story
from watcher.store.store import AuditRow, Claimed, Disarmed, InboxItem, Note

BREACHED = frozenset(
    {State.COUNTING_DOWN, State.ROLLING_BACK, State.STUCK, State.RECOVERING, State.ROLLED_BACK}
)
MOST_CHANGES = 100  # beside one watch: more than anybody reads there; `GET /v1/changes` has all
MOST_FIRING = 100  # alerts beside one watch, the same
_BESIDE = {"self": "", "verdict": "/verdict", "orders": "/orders", "notes": "/notes"}


def summary(watch: Watch) -> Summary:
    """On one line."""
    return Summary(**_summary(watch))


def watch_told(
    watch: Watch, actions: Sequence[Claimed], notes: Sequence[Note], beside: Beside, now: datetime
) -> WatchTold:
    """Whole."""
    when = watch.breach.at if watch.breach else watch.switched_at
    return WatchTold(
        **_summary(watch),
        story=story(watch, now, beside),
        parts=[
            PartMoved(part=each.part, from_=each.before, to=each.after) for each in watch.deployment.parts
        ],
        author=watch.deployment.author,
        judgement=watch.judgement,
        can_see=can_see(watch, now),
        breached_at=watch.breach.at if watch.breach else None,
        way_back=watch.way_back,
        would_have=watch.would_have,
        obstacles=watch.obstacles,
        pauses=watch.pauses,
        stages=stages_told(watch.stages, watch.policy.rollout),
        stage=watch.stage,
        share=watch.at.share if watch.at else None,
        question=watch.question,
        hold=watch.hold,
        ending=watch.ending,
        stuck_words=watch.stuck_words,
        superseded_by=watch.superseded_by,
        changes=[change_told(each) for each in nearest(beside.changes, when, MOST_CHANGES)],
        fires=[fires_told(each) for each in beside.fires[:MOST_FIRING]],
        orders_allowed=[kind.value for kind in orders_allowed(watch)],
        actions=[action_told(each) for each in actions],
        notes=[note_told(each) for each in notes],
    )


def verdict_told(watch: Watch, now: datetime) -> VerdictTold:
    """For pipelines."""
    return VerdictTold(
        watch=watch.id,
        revision=watch.revision,
        service=watch.service,
        environment=watch.environment,
        state=watch.state,
        decided=watch.state.is_final,
        breached=_is_breached(watch),
        outcome=watch.judgement.outcome if watch.judgement else None,
        words=headline(watch),
        can_see=can_see(watch, now),
        links=links_of(watch.id),
    )


def stages_told(stages: Sequence[Stage], rollout: Rollout) -> list[StageTold]:
    """The stages of a rollout, with what each says or leaves to all of them."""
    return [
        StageTold(
            share=each.share,
            gate=each.gate,
            bake=rollout.at_least if each.bake is None else each.bake,
            at_most=rollout.at_most if each.at_most is None else each.at_most,
        )
        for each in stages
    ]


def can_see(watch: Watch, now: datetime) -> list[Sees]:
    """What it can still see, rule by rule."""
    return [
        Sees(
            rule=each.rule,
            bound=each.bound,
            smallest=each.most,
            within=each.rest,
            useful=each.useful,
            words=" ".join(in_words([each])),
        )
        for each in foreseen(watch, now)
    ]


def _is_breached(watch: Watch) -> bool:
    """It breached, now or ever, or it went back by a person's word."""
    now = watch.judgement is not None and watch.judgement.outcome is Outcome.BREACHED
    return now or watch.breach is not None or watch.would_have is not None or watch.state in BREACHED


def _summary(watch: Watch) -> dict[str, Any]:
    parts = watch.deployment.parts
    return {
        "id": watch.id,
        "revision": watch.revision,
        "service": watch.service,
        "environment": watch.environment,
        "state": watch.state,
        "mode": watch.mode,
        "from_": tags_of(part.before for part in parts),
        "to": tags_of(part.after for part in parts) or "",
        "headline": headline(watch),
        "times": times_of(watch),
        "links": links_of(watch.id),
    }


def links_of(watch: str) -> Mapping[str, str]:
    """Where to go from a watch."""
    here = f"/v1/watches/{watch}"
    return {name: f"{here}{path}" for name, path in _BESIDE.items()}


def tags_of(releases: Iterable[Release | None]) -> str | None:
    """Their tags, joined; ``None`` if one of them is not known."""
    tags = [release and release.tag for release in releases]
    return "+".join(tag for tag in tags if tag) if all(tags) else None


def moved(moves: Iterable[Move]) -> Sequence[PartMoved]:
    """The moves of a plan."""
    return [PartMoved(part=move.part, from_=move.expect, to=move.to) for move in moves]


def times_of(watch: Watch) -> Times:
    """When what happened."""
    return Times(**{name: getattr(watch, name) for name in Times.model_fields})


def action_told(claimed: Claimed) -> ActionTold:
    """One action."""
    action: Action = claimed.action
    return ActionTold(
        id=action.id,
        kind=action.kind,
        state=claimed.state,
        words=claimed.words,
        attempts=claimed.attempts,
        ordered_by=action.ordered_by,
        queued_at=action.queued_at,
        moves=[*moved(action.plan.moves), *_forward(action)],
    )


def _forward(action: Action) -> list[PartMoved]:
    """What is moved on; at a hook nobody says what serves beside it."""
    step = action.forward
    if step is None:
        return []
    before = step.before if isinstance(step, Shift) else None
    return [PartMoved(part=step.part, from_=before, to=step.after)]


def change_told(change: Change) -> ChangeTold:
    """One change."""
    return ChangeTold(**{name: getattr(change, name) for name in ChangeTold.model_fields})


def fires_told(fires: Fires) -> FiresTold:
    """One alert that fires."""
    return FiresTold(**{name: getattr(fires, name) for name in FiresTold.model_fields})


def note_told(note: Note) -> NoteTold:
    """One note."""
    return NoteTold(by=note.by, at=note.at, call=note.call, words=note.words)


def announcement_told(item: InboxItem) -> AnnouncementTold:
    """One announcement."""
    closing = item.closing
    watch = closing.watch if closing else None
    return AnnouncementTold(
        id=item.id,
        state=closing.state if closing else "pending",
        watch=watch,
        why=closing.why if closing else "it is being looked up on the platform",
        received_at=item.received_at,
        links={"self": f"/v1/announcements/{item.id}"} | ({"watch": f"/v1/watches/{watch}"} if watch else {}),
    )


def audit_told(row: AuditRow) -> AuditTold:
    """One line of the audit."""
    return AuditTold(
        seq=row.seq, at=row.at, by=row.by, what=row.what, subject=row.subject, why=row.why, facts=row.facts
    )


def switch_told(disarmed: Disarmed) -> Switch:
    """One switch."""
    return Switch(**{name: getattr(disarmed, name) for name in Switch.model_fields})


def release_told(entry: Entry, grade: Grade, *, live: bool) -> ReleaseTold:
    """One release of the ledger."""
    release = entry.release
    return ReleaseTold(
        tag=release.tag,
        fingerprint=release.fingerprint,
        names=release.names,
        reversible=release.reversible,
        grade=grade,
        live=live,
        first_seen=entry.first_seen,
        quarantined=_mark_told(entry.quarantined),
        distrusted=_mark_told(entry.distrusted),
    )


def _mark_told(mark: Mark | None) -> MarkTold | None:
    return MarkTold(at=mark.at, by=mark.by, why=mark.why) if mark else None
