"""Breached: is the rollback started, counted down to, or is a person asked? The one place where an action is made."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from deploy.model import Move, RollbackPlan
from deploy.tags import Back
from rules.evaluate import Came, came, came_of
from rules.verdict import Judgement
from watcher.core.facts import Facts, furthest
from watcher.core.lifecycle.making import moved, renewed, stepped
from watcher.core.lifecycle.table import Trigger
from watcher.core.service import Mode
from watcher.core.watch import (
    Action,
    ActionKind,
    Armed,
    Below,
    Doubtful,
    Guard,
    NoOpenAction,
    NotQuarantined,
    Quarantine,
    Question,
    State,
    Step,
    Watch,
)
from watcher.core.wording import Event, question_words, why_quarantined


def decided(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    """What a breach leads to, decided afresh.

    Args:
        watch: Watching, or counting down, or asking what the blind ask.
        base: The same with what is new: judgement, evidence, breach.
        now: The time.
        facts: With the way back as it is now.
    """
    because = doubts(base, facts)
    if because:
        return asking(watch, base, Trigger.DOUBTED, because, now, facts)
    if watch.state is State.COUNTING_DOWN:
        return _counted(watch, base, now, facts)
    if watch.policy.countdown > timedelta(0):
        until = now + watch.policy.countdown
        after = moved(base, Trigger.BREACHED, now, countdown_until=until)
        return stepped(watch, after, now, facts, Event.BREACHED, why="breached")
    return started(watch, base, Trigger.BREACHED_AT_ONCE, now, facts)


def _counted(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    if watch.countdown_until is None or watch.countdown_until <= now:
        return started(watch, base, Trigger.COUNTED_DOWN, now, facts)
    return stepped(watch, renewed(base), now, facts)


# -------------------------------------------------------------------------------------------------------------- doubts


def doubts(watch: Watch, facts: Facts) -> tuple[Doubtful, ...]:
    """Why a person must order the rollback; empty: nothing stands against it but the guards."""
    judgement = watch.breaching
    began = _came(watch, judgement) if judgement else Came.AT_ONCE
    return tuple(
        doubtful
        for doubtful, holds in (
            *_of_the_way(watch, facts),
            (Doubtful.CONTROL, bool(watch.judgement and watch.judgement.doubts)),
            (Doubtful.ALIKE, judgement is not None and judgement.alike),
            (Doubtful.LATE_ONSET, began is Came.LATE),
            (Doubtful.SOON_ONSET, began is Came.SOON and not _is_controlled(watch)),
            (Doubtful.RULE, judgement is not None and judgement.asks),
            (Doubtful.OBSTACLE, bool(watch.obstacles)),
            (Doubtful.MODE, watch.policy.mode is not Mode.AUTO),
            (Doubtful.DISARMED, not facts.armed),
        )
        if holds
    )


def _came(watch: Watch, judgement: Judgement) -> Came:
    """How it began beside the switch; or beside the last share that it was given: what breaks under more traffic breaks then."""
    began = [came(judgement, watch.switched_at)]
    if watch.staged_at is not None:
        onsets = [verdict.onset for verdict in judgement.resting_on if verdict.onset is not None]
        began += [
            came_of(each, watch.staged_at) for each in onsets if each.at >= watch.staged_at - each.grain
        ]
    return min(began, key=list(Came).index)


def _of_the_way(watch: Watch, facts: Facts) -> Iterator[tuple[Doubtful, bool]]:
    backs = facts.backs(watch.deployment)
    ways = backs.values() if backs else ()
    yield Doubtful.NO_WAY_BACK, backs is None
    yield Doubtful.FLOOR, any(back.floor for back in ways)
    yield Doubtful.TOO_FAR, any(back.crosses > watch.policy.known_good.may_cross for back in ways)


def _is_controlled(watch: Watch) -> bool:
    """A control is looked at and is well: it is not everything that is worse."""
    return bool(watch.judgement and watch.judgement.controls)


def seen_back(watch: Watch, facts: Facts) -> Back | None:
    """The way back as people are shown it."""
    if not facts.looked_back:
        return watch.way_back
    backs = facts.backs(watch.deployment)
    return furthest(tuple(backs.values())) if backs else None


# -------------------------------------------------------------------------------------------------------------- asking


def asking(
    watch: Watch,
    base: Watch,
    trigger: Trigger,
    because: tuple[Doubtful, ...],
    now: datetime,
    facts: Facts,
    words: str = "",
) -> Step:
    """A person is asked. *words*: what a guard said."""
    seen = replace(base, way_back=seen_back(base, facts))
    question = Question(
        because=because,
        words=question_words(seen, because, words or facts.disarmed),
        asked_at=now,
        expires_at=now + watch.policy.asking.lasting,
    )
    after = moved(seen, trigger, now, question=question)
    return stepped(watch, after, now, facts, Event.ASKED, why=question.words)


# ------------------------------------------------------------------------------------------------------------ starting


def started(
    watch: Watch,
    base: Watch,
    trigger: Trigger,
    now: datetime,
    facts: Facts,
    *,
    by: str | None = None,
    why: str = "breached",
) -> Step:
    """The rollback is started, by the machine or *by* a person: the action, its guards, and the quarantine, in one step.

    The caller has made sure that there is a way back.
    """
    backs = facts.backs(watch.deployment) or {}
    plan = plan_of(watch, backs)
    action = f"{watch.id}.{watch.revision + 1}.0"
    after = moved(
        base,
        trigger,
        now,
        way_back=furthest(tuple(backs.values())),
        action=action,
        plan=plan,
        unfinished=watch.left_under_way,
        ordered_by=by,
        decided_at=now,
        back_at=None,
        stuck_words="",
        level=None,
        at=None,
    )
    causes: dict[str, Any] = {
        "actions": (_action(after, action, plan, now),),
        "requires": guards(after, plan, now, by),
        "quarantines": quarantines(after),
        "by": by or "rollbackd",
        "why": why,
    }
    return stepped(watch, after, now, facts, Event.ROLLING_BACK, **causes)


def plan_of(watch: Watch, backs: Mapping[str, Back]) -> RollbackPlan:
    """The moves that undo the deployment, part by part."""
    moves = tuple(
        Move(change.part, expect=change.after, to=backs[change.part].release)
        for change in watch.deployment.parts
    )
    return RollbackPlan(watch.service, watch.environment, moves)


def _action(watch: Watch, id: str, plan: RollbackPlan, now: datetime) -> Action:
    return Action(
        id=id,
        watch=watch.id,
        service=watch.service,
        environment=watch.environment,
        kind=ActionKind.ROLL_BACK,
        plan=plan,
        queued_at=now,
        deadline=now + watch.policy.move_timeout,
        ordered_by=watch.ordered_by,
    )


def guards(watch: Watch, plan: RollbackPlan, now: datetime, by: str | None) -> frozenset[Guard]:
    """What must hold when the rollback is written down. A person is bound by less: neither by the switch nor by ceilings."""
    always: set[Guard] = {NoOpenAction(watch.service, watch.environment)}
    always |= {
        NotQuarantined(watch.service, watch.environment, move.part, move.to.fingerprint)
        for move in plan.moves
    }
    return frozenset(
        always if by else always | {Armed(watch.service, watch.environment), *_ceilings(watch, now)}
    )


def _ceilings(watch: Watch, now: datetime) -> tuple[Below, Below, Below]:
    ceilings, where = watch.policy.ceilings, watch.key
    return (
        Below(1, watch.opened_at, *where, watch=watch.id),
        Below(ceilings.service_per_day, now - timedelta(days=1), *where),
        Below(ceilings.fleet_per_hour, now - timedelta(hours=1)),
    )


def quarantines(watch: Watch, *, lift: bool = False) -> tuple[Quarantine, ...]:
    """A quarantine on (or off) every release that was deployed."""
    why = why_quarantined(watch)
    return tuple(
        Quarantine(change.part, change.after.fingerprint, why, lift=lift) for change in watch.deployment.parts
    )
