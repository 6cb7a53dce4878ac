"""At which stage a rollout stands that the daemon moves forward, what leads on from there, and when that is asked about."""

from datetime import datetime, timedelta

from deploy.model import Answer, Release, Shift
from watcher.core.service import Mode, Stage
from watcher.core.watch import AtStage, Watch

# Before a platform answers its hook itself: enough for a person who is there. A guess.
BEFORE_THE_HOOK = timedelta(minutes=10)


def next_stage(watch: Watch) -> Stage | None:
    """The stage after the share that the release has; ``None``: there is none, or nothing is shared out."""
    if watch.at is None or watch.at.pause is not None:
        return None
    return next((each for each in watch.stages if each.gate is None and each.share > watch.at.share), None)


def leads_on(watch: Watch) -> Shift | Answer | None:
    """What would move it on from where it is; ``None``: nothing, or that is under way already."""
    at = watch.at
    if at is None or at.is_over or at.action is not None:
        return None
    after = _deployed(watch, at.part)
    if at.pause is not None:
        return Answer(at.part, after, at.pause)
    stage = next_stage(watch)
    if stage is None or at.before is None:
        return None
    return Shift(at.part, at.before, after, stage.share, expect=at.share)


def _deployed(watch: Watch, part: str) -> Release:
    return next(change.after for change in watch.deployment.parts if change.part == part)


def may_advance(watch: Watch) -> bool:
    """A person may say that it goes on: it is at a stage, and was never seen to be bad."""
    return watch.breach is None and leads_on(watch) is not None


def bakes_for(watch: Watch) -> timedelta:
    """How long the stage that it is in has to be seen well."""
    bake = watch.stages[watch.stage].bake
    return watch.policy.rollout.at_least if bake is None else bake


def asks_at(watch: Watch, at: AtStage) -> datetime:
    """When a person is asked about the stage that it is *at*, if it was not seen well by then."""
    latest = at.since + (watch.stages[watch.stage].at_most or watch.policy.rollout.at_most)
    need = watch.policy.rollout.warm_up
    if at.is_before:  # nothing is seen of it meanwhile, so what it was held for does not count
        latest += max(watch.since - at.since, timedelta(0)) + (need.within if need else timedelta(0))
    if at.pause is None or at.pause.until is None:
        return latest
    return min(latest, max(at.pause.until - BEFORE_THE_HOOK, at.since))


def moves_within(watch: Watch) -> timedelta:
    """How long it may take to move it on; before its first traffic its platform may take its time to say that it is ready."""
    need = watch.policy.rollout.warm_up
    warms_up = need is not None and watch.at is not None and watch.at.is_before
    return watch.policy.move_timeout + (need.within if need is not None and warms_up else timedelta(0))


def is_driven(watch: Watch) -> bool:
    """It is at a stage that only the daemon, or a person, moves it on from."""
    return watch.at is not None and not watch.at.is_over and watch.goes_forward is not Mode.SHADOW
