"""Where a rollout stands that the daemon moves forward, by what runs; and what came of moving it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from deploy.model import Live, PartChange, Pause, Phase, is_about, percent
from watcher.core.facts import Facts
from watcher.core.lifecycle.deciding import asking
from watcher.core.lifecycle.forward import failed
from watcher.core.lifecycle.making import moved, renewed, stepped
from watcher.core.lifecycle.news import OBSERVING, phase_of, progressed
from watcher.core.lifecycle.table import Trigger
from watcher.core.service import Hooks, Mode, Stage
from watcher.core.stages import next_stage
from watcher.core.watch import ActionResult, ActionState, AtStage, Doubtful, State, Step, Watch
from watcher.core.wording import Event

# A platform shows an answered hook for some seconds more. A guess, and generous.
ANSWER_SHOWS_WITHIN = timedelta(minutes=2)
MOST_STAGES = 100  # that are remembered: more hooks than a rollout in steps of 1 % has


def staged(watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts) -> Step | None:
    """What runs, for a rollout that the daemon moves: at which hook it waits, or which share it has.

    While it is being moved its performer looks, and says what came of it.

    Args:
        watch: Any.
        live: By part, what runs; a part that could not be read is missing.
        now: The time.
        facts: Where people are told.

    Returns:
        ``None``: it stands where it stood.
    """
    if watch.state not in OBSERVING or (watch.at is not None and watch.at.action is not None):
        return None
    rollout = watch.policy.rollout
    if rollout.hooks is not Hooks.ANSWER and not rollout.stages:
        return None
    seen = _with_traffic(watch, live, now)
    by_what = _by_hook if rollout.hooks is Hooks.ANSWER else _by_share
    step = by_what(seen, live, now, facts)
    return step or (stepped(watch, renewed(seen), now, facts, why="shifted") if seen is not watch else None)


def _with_traffic(watch: Watch, live: Mapping[str, Live], now: datetime) -> Watch:
    """Its arms count from when it is seen to have traffic: between two stages nobody tells."""
    is_known = watch.traffic_at is not None or phase_of(watch, live) is not Phase.SHIFTED
    return watch if is_known else replace(watch, traffic_at=now)


def standing(
    watch: Watch, step: Step | None, live: Mapping[str, Live], now: datetime, facts: Facts
) -> Step | None:
    """*step*, which the news made of *watch*, with where its rollout stands; a step of its own, where there is none.

    What a person has to be asked is left for the next reading.
    """
    base = step.watch if step else watch
    seen = staged(base, live, now, facts)
    if seen is None or step is None:
        return seen or step
    if seen.watch.state is not base.state:
        return step
    told = seen.watch
    after = replace(
        step.watch,
        stages=told.stages,
        stage=told.stage,
        at=told.at,
        staged_at=told.staged_at,
        traffic_at=told.traffic_at,
    )
    return replace(step, watch=after)


# --------------------------------------------------------------------------------------------------------------- hooks


def _by_hook(watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts) -> Step | None:
    waiting = next((found for change in watch.deployment.parts if (found := _waiting(change, live))), None)
    if waiting is not None:
        part, pause, share = waiting
        return _stopped(watch, part, pause, share, now, facts)
    at = watch.at
    if at is None or at.pause is None or at.part not in live:
        return None
    return _went_on(watch, None, now, facts)


def _waiting(change: PartChange, live: Mapping[str, Live]) -> tuple[str, Pause, float] | None:
    runs = live.get(change.part)
    if runs is None or runs.pause is None or runs.in_flight is None:
        return None
    if not runs.in_flight.is_same_as(change.after):
        return None
    return change.part, runs.pause, runs.share_of(change.after)


def _stopped(watch: Watch, part: str, pause: Pause, share: float, now: datetime, facts: Facts) -> Step | None:
    """It waits at a hook; one more stage, unless it is the one that is known."""
    known = watch.at.pause if watch.at else None
    if known is not None and known.is_same_as(pause):
        return _waits_still(watch, now, facts)
    if len(watch.stages) >= MOST_STAGES:
        return None
    *before, last = watch.stages
    stages = (*before, Stage(share, gate=pause.stage or pause.hook), last)
    here = replace(watch, stages=stages, stage=len(stages) - 2)
    return _went_on(watch, AtStage(now, part, share, pause), now, facts, here)


def _waits_still(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    """It was said to be over, and waits there all the same: what said so had read the platform late. So it is where it was."""
    at, over = watch.at, watch.staged_at
    if at is None or not at.is_over or over is None or now < over + ANSWER_SHOWS_WITHIN:
        return None
    after = renewed(watch, at=replace(at, is_over=False), staged_at=now)
    return stepped(watch, after, now, facts, why="it waits at its hook still")


# -------------------------------------------------------------------------------------------------------------- shares


def _by_share(watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts) -> Step | None:
    if len(watch.deployment.parts) != 1 or watch.complete_at is not None:
        return None
    (change,) = watch.deployment.parts
    runs = live.get(change.part)
    share = runs.share_of(change.after) if runs is not None else 0.0
    if runs is None or share <= 0 or (watch.at is not None and is_about(share, watch.at.share)):
        return None
    if not any(is_about(share, each) for each in _expected(watch)):
        return _moved_by_another(watch, change, runs, share, now, facts)
    return _went_on(watch, _at(change, runs, share, now), now, facts, _in_stage(watch, share))


def _expected(watch: Watch) -> list[float]:
    """Shares that are no surprise: to begin with any of its stages, then the next one."""
    if watch.at is None:
        return [each.share for each in watch.stages]
    stage = next_stage(watch)
    return [stage.share] if stage else []


def _at(change: PartChange, runs: Live, share: float, now: datetime) -> AtStage:
    beside = runs.release if runs.release and not runs.release.is_same_as(change.after) else change.before
    return AtStage(now, change.part, share, before=beside)


def _in_stage(watch: Watch, share: float) -> Watch:
    """In the last of its stages whose share it has, or has passed."""
    reached = [n for n, each in enumerate(watch.stages) if each.share < share or is_about(each.share, share)]
    return replace(watch, stage=max(reached, default=0))


def _moved_by_another(
    watch: Watch, change: PartChange, runs: Live, share: float, now: datetime, facts: Facts
) -> Step:
    """Not fought: that is where it stands now, and a person is asked how it goes on."""
    here = replace(_in_stage(watch, share), at=_at(change, runs, share, now), staged_at=now)
    if watch.state is not State.WATCHING or watch.breach is not None or watch.goes_forward is Mode.SHADOW:
        return stepped(watch, renewed(here), now, facts, why=f"another hand gave it {percent(share)}")
    words = _surprise(watch, share)
    return asking(watch, here, Trigger.STAGE_ASKS, (Doubtful.STAGE_MOVED,), now, facts, words)


def _surprise(watch: Watch, share: float) -> str:
    stages = ", ".join(f"{percent(each.share)}" for each in watch.stages)
    was = f"had {percent(watch.at.share)}" if watch.at else f"goes through {stages}"
    return f"{watch.tag} {was} of the traffic, and has {percent(share)} now"


# ------------------------------------------------------------------------------------------------------------ moved on


def _went_on(
    watch: Watch, at: AtStage | None, now: datetime, facts: Facts, here: Watch | None = None
) -> Step:
    """It is somewhere else, whoever moved it: a question about where it was is withdrawn."""
    is_asked = watch.state is State.ASKING and watch.question is not None and watch.question.is_of_a_stage
    base = replace(here or watch, at=None if at is not None and at.share >= 1 and at.pause is None else at)
    base = replace(base, staged_at=now)
    after = moved(base, Trigger.STAGE_WENT_ON, now, question=None) if is_asked else renewed(base)
    event = Event.RESUMED if is_asked else None  # whoever was asked learns that it is settled
    return stepped(watch, after, now, facts, event, why=_where(after))


def _where(watch: Watch) -> str:
    if watch.at is None:
        return "it went on"
    return f"it waits at {watch.at.pause.stage}" if watch.at.pause else f"it has {percent(watch.at.share)}"


def forwarded(watch: Watch, result: ActionResult, now: datetime, facts: Facts) -> Step | None:
    """What came of moving it on. News of one that is open still changes nothing.

    A move that the watch knows no more of (it was held meanwhile, or is over) is closed, and nothing else follows.
    """
    if (
        result.state not in {ActionState.DONE, ActionState.FAILED, ActionState.REFUSED}
        or watch.state.is_final
    ):
        return None
    at = watch.at
    if at is None or at.action != result.action:
        return stepped(watch, renewed(watch), now, facts, results=(result,), why=result.words)
    if result.state is ActionState.DONE:
        return replace(_arrived(watch, at, now, facts), results=(result,))
    words = f"{result.words}\nBy hand: {result.by_hand}" if result.by_hand else result.words
    if result.third_tag is not None:
        step = asking(watch, watch, Trigger.STAGE_ASKS, (Doubtful.STAGE_MOVED,), now, facts, words)
        return replace(step, results=(result,))
    return replace(failed(watch, result.action, words, now, facts), results=(result,))


def _arrived(watch: Watch, at: AtStage, now: datetime, facts: Facts) -> Step:
    """The hook was answered; or the release has its next share, and with all of it the rollout is complete."""
    if at.pause is not None:
        over = replace(at, action=None, acted_at=None, is_over=True)
        return stepped(watch, renewed(watch, at=over, staged_at=now), now, facts, why="the hook was answered")
    stage = next_stage(watch)
    share = stage.share if stage else 1.0
    # What begins has its first traffic now, and not when that is seen.
    here = _in_stage(replace(watch, at=None, staged_at=now, traffic_at=watch.traffic_at or now), share)
    if share >= 1:
        whole = progressed(here, Phase.COMPLETE, now, now, facts)
        return whole or stepped(watch, renewed(here), now, facts, why="it has all the traffic")
    there = AtStage(now, at.part, share, before=at.before)
    return stepped(watch, renewed(here, at=there), now, facts, why=f"it has {percent(share)}")
