"""A rollout that the daemon moves forward: may it leave its stage, and if so, how? The one place where such an action is made.

Nothing goes forward while a rule that can act is blind, undecided or breached: at the end of its longest bake a stage asks a
person, and stays where it is.
"""

from dataclasses import replace
from datetime import datetime

from deploy.model import Answer, RollbackPlan, Shift
from rules.bake import may_go_on
from watcher.core.facts import Facts
from watcher.core.lifecycle.deciding import asking
from watcher.core.lifecycle.making import moved, renewed, stepped
from watcher.core.lifecycle.table import Trigger
from watcher.core.lifecycle.timing import stage_ends
from watcher.core.service import Mode, Unseen
from watcher.core.stages import asks_at, bakes_for, is_driven, leads_on, moves_within
from watcher.core.warming import is_warm
from watcher.core.watch import (
    Action,
    ActionKind,
    ActionResult,
    ActionState,
    Armed,
    AtStage,
    Doubtful,
    Guard,
    NoOpenAction,
    NotQuarantined,
    State,
    Step,
    Watch,
)
from watcher.core.wording import Event

# -------------------------------------------------------------------------------------------------------------- judged


def gated(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step | None:
    """What a round of judging means for the stage that it is at.

    Args:
        watch: Watching; nothing is breached.
        base: The same with what is new.
        now: The time.
        facts: With the switch as it is now.

    Returns:
        ``None``: it stays there for now.
    """
    at, step = base.at, leads_on(base)
    if at is None or step is None:
        return None
    if at.is_before:
        return _begins(watch, base, at, step, now, facts)
    if at.pause is not None and base.traffic_at is None:
        return _unseen(watch, base, step, now, facts)
    judgement = base.judgement
    if judgement is not None and may_go_on(judgement, bakes_for(base), at.since):
        return _may_go(watch, base, step, now, facts)
    return _overslept(watch, base, (Doubtful.STAGE_UNDECIDED,), now, facts)


def _unseen(watch: Watch, base: Watch, step: Shift | Answer, now: datetime, facts: Facts) -> Step | None:
    """Nobody uses the release yet, so no rule says anything."""
    if base.goes_forward is Mode.SHADOW or base.policy.rollout.before_traffic is Unseen.GO_ON:
        return _may_go(watch, base, step, now, facts)
    return asking(watch, base, Trigger.STAGE_ASKS, (Doubtful.STAGE_UNSEEN,), now, facts)


def _begins(
    watch: Watch, base: Watch, at: AtStage, step: Shift | Answer, now: datetime, facts: Facts
) -> Step | None:
    """It was ordered to begin. No rule can say anything of it yet: it is its first share that is looked at."""
    need = base.policy.rollout.warm_up
    if need is not None and not is_warm(at, need):
        is_over = now >= max(at.since, base.since) + need.within
        return (
            asking(watch, base, Trigger.STAGE_ASKS, (Doubtful.STAGE_UNDECIDED,), now, facts)
            if is_over
            else None
        )
    if need is not None and isinstance(step, Shift):
        step = replace(step, ready_by=now + need.within)
    if not facts.armed:
        return _overslept(watch, base, (Doubtful.STAGE_DISARMED,), now, facts)
    if facts.frozen and base.frozen is None:
        return asking(watch, base, Trigger.STAGE_ASKS, (Doubtful.STAGE_FROZEN,), now, facts, facts.frozen)
    return moved_on(watch, base, step, now, facts, by=at.ordered_by, trigger=Trigger.START, why="start")


def _may_go(watch: Watch, base: Watch, step: Shift | Answer, now: datetime, facts: Facts) -> Step | None:
    mode = base.goes_forward
    if mode is Mode.SHADOW:
        return _would_go(watch, base, now, facts)
    if mode is Mode.ASK:
        return asking(watch, base, Trigger.STAGE_ASKS, (Doubtful.STAGE_MODE,), now, facts)
    if not facts.armed:
        return _overslept(watch, base, (Doubtful.STAGE_DISARMED,), now, facts)
    if facts.frozen and base.frozen is None:  # what was let out in spite of a freeze is let go on in it
        return asking(watch, base, Trigger.STAGE_ASKS, (Doubtful.STAGE_FROZEN,), now, facts, facts.frozen)
    return moved_on(watch, base, step, now, facts)


def _would_go(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step | None:
    if base.at is None or base.at.said:
        return None
    after = renewed(base, at=replace(base.at, said=True))
    return stepped(watch, after, now, facts, Event.WOULD_ADVANCE, why="would have moved on")


def _overslept(
    watch: Watch, base: Watch, because: tuple[Doubtful, ...], now: datetime, facts: Facts
) -> Step | None:
    """It took too long: a person is asked, and it stays where it is."""
    if base.at is None or not is_driven(base) or now < asks_at(base, base.at):
        return None
    return asking(watch, base, Trigger.STAGE_ASKS, because, now, facts, facts.disarmed)


# ------------------------------------------------------------------------------------------------------------ moved on


def moved_on(
    watch: Watch,
    base: Watch,
    step: Shift | Answer,
    now: datetime,
    facts: Facts,
    *,
    by: str | None = None,
    trigger: Trigger = Trigger.ADVANCE,
    why: str = "stage healthy",
) -> Step:
    """It is moved on, by the machine or *by* a person: the action and its guards, in one step.

    A person is bound by less, but for the order to begin (*trigger*), which somebody else's word may overtake.
    """
    action = f"{watch.id}.{watch.revision + 1}.0"
    is_bound = by is None or trigger is Trigger.START
    at = base.at and replace(base.at, action=action, acted_at=now, ordered_by=by)
    after = moved(base, trigger if by else Trigger.STAGE_HEALTHY, now, at=at)
    queued = Action(
        id=action,
        watch=watch.id,
        service=watch.service,
        environment=watch.environment,
        kind=ActionKind.MOVE_TO_STAGE if isinstance(step, Shift) else ActionKind.ANSWER_HOOK,
        plan=RollbackPlan(watch.service, watch.environment, ()),
        queued_at=now,
        deadline=now + moves_within(base),
        ordered_by=by,
        valid_in=State.WATCHING,
        forward=step,
        bound=is_bound,
    )
    requires: set[Guard] = {NoOpenAction(*watch.key)}
    if is_bound:
        requires.add(Armed(*watch.key))
    if is_bound and not watch.returning:  # what came back marked is watched with people's knowledge
        requires.add(NotQuarantined(*watch.key, step.part, step.after.fingerprint))
    return stepped(
        watch,
        after,
        now,
        facts,
        Event.ADVANCING,
        actions=(queued,),
        requires=frozenset(requires),
        by=by or "rollbackd",
        why=why,
    )


# ---------------------------------------------------------------------------------------------------------------- time


def overdue(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    """What moves it on did not get done in time; or nobody has judged the stage since its longest bake was over."""
    ends = stage_ends(watch)
    if watch.at is None or ends is None or now < ends:
        return None
    if watch.at.action is None:
        return asking(watch, watch, Trigger.STAGE_ASKS, (Doubtful.STAGE_UNDECIDED,), now, facts)
    minutes = int(moves_within(watch).total_seconds() // 60)
    return failed(watch, watch.at.action, f"not done after {minutes} min", now, facts)


def failed(watch: Watch, action: str, words: str, now: datetime, facts: Facts) -> Step:
    """It could not be moved on: a person is asked, who may say that it is tried again."""
    step = asking(watch, watch, Trigger.STAGE_ASKS, (Doubtful.STAGE_FAILED,), now, facts, words)
    return replace(step, results=(ActionResult(action, ActionState.FAILED, words),))
