"""What time alone changes. It reads no clock: `now` is an argument."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from rules.objectives.wording import span_words
from watcher.core.facts import Facts
from watcher.core.lifecycle.deciding import decided, started
from watcher.core.lifecycle.forward import overdue
from watcher.core.lifecycle.judging import ended, recovery_ended, shadow_ended
from watcher.core.lifecycle.making import moved, renewed, stepped
from watcher.core.lifecycle.news import stuck, unanswered
from watcher.core.lifecycle.table import Trigger
from watcher.core.lifecycle.timing import RECOVERY, end
from watcher.core.service import Mode, Then
from watcher.core.stages import is_driven
from watcher.core.watch import ActionResult, ActionState, Ending, Question, State, Step, Watch
from watcher.core.wording import Event, ending_words


def due(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    """What time alone changes: a countdown that ran out, a question that expired, a hold that ended...

    Returns:
        ``None`` where the watch has no such end yet: then it is for judging to say what is new.
    """
    return AT_THE_END[watch.state](watch, now, facts) if watch.state in AT_THE_END else None


def _is_over(watch: Watch, now: datetime) -> bool:
    at = end(watch)
    return at is not None and now >= at


# ------------------------------------------------------------------------------------------------------------ watching


def _watching(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    if watch.breach is not None:
        return _breached(watch, now, facts)
    if is_driven(watch):
        return overdue(watch, now, facts)
    if watch.complete_at is None:
        return _rollout_timed_out(watch, now, facts)
    return _unjudged(watch, now, facts) if _is_over(watch, now) else None


def _breached(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    """A latched breach needs no further round of judging: it was held, and now it is decided afresh."""
    if watch.policy.mode is not Mode.SHADOW:
        return decided(watch, watch, now, facts)
    return shadow_ended(watch, watch, now, facts) or _rollout_timed_out(watch, now, facts)


def _rollout_timed_out(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    """Nobody told that the rollout is complete: the clocks start without. One in stages is known not to be, and passes for none."""
    latest = watch.complete_by
    if watch.complete_at is not None or now < latest:
        return None
    traffic_at = watch.traffic_at or latest
    after = renewed(
        watch,
        traffic_at=traffic_at,
        complete_at=max(latest, traffic_at),
        incomplete=watch.incomplete or watch.at is not None or bool(watch.policy.rollout.stages),
    )
    return stepped(watch, after, now, facts, why="rollout timed out")


def _unjudged(watch: Watch, now: datetime, facts: Facts) -> Step:
    """The longest bake is over, and nothing was judged since: what was seen before it is no proof."""
    return ended(watch, watch, Trigger.BAKED_UNSEEN, Event.UNPROVEN, now, facts)


# -------------------------------------------------------------------------------------------------- breached, and held


def _counting_down(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    return decided(watch, watch, now, facts) if _is_over(watch, now) else None


def _held(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    if not _is_over(watch, now):
        return None
    after = moved(watch, Trigger.HOLD_ENDED, now)
    step = stepped(watch, after, now, facts, Event.RESUMED, why="hold ended")
    return replace(step, watch=replace(step.watch, due_at=now))


def _asking(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    question = watch.question
    if question is None or not _is_over(watch, now):
        return _escalated(watch, Event.ASKED, now, facts)
    if question.again_at is not None:
        return _asked_again(watch, question, now, facts)
    if question.is_of_no_breach:
        return _blind_to_the_end(watch, now, facts)
    if watch.policy.asking.then is Then.KEEP:
        return unanswered(watch, watch, now, facts)
    return _goes_unanswered(watch, now, facts)


def _escalated(watch: Watch, event: Event, now: datetime, facts: Facts) -> Step | None:
    """Nobody has answered: those are told whom the team names for it, and they alone; the others were told before."""
    at = watch.escalates_at
    if at is None or now < at:
        return None
    after = renewed(watch, escalated_at=now)
    return stepped(watch, after, now, replace(facts, channels=()), event, why="nobody has answered")


def _asked_again(watch: Watch, question: Question, now: datetime, facts: Facts) -> Step:
    again = replace(question, asked_at=now, expires_at=now + watch.policy.asking.lasting, again_at=None)
    after = moved(watch, Trigger.ASKED_AGAIN, now, question=again)
    return stepped(watch, after, now, facts, Event.ASKED, why="asked again")


def _blind_to_the_end(watch: Watch, now: datetime, facts: Facts) -> Step:
    after = moved(watch, Trigger.NOBODY_ANSWERED_BLIND, now)
    after = replace(after, ending=Ending(ending_words(after, now, unanswered=True)))
    return stepped(watch, after, now, facts, Event.UNPROVEN, why="nobody answered")


def _goes_unanswered(watch: Watch, now: datetime, facts: Facts) -> Step:
    """The setting says: roll back. But what cannot be undone is never undone without a person."""
    backs = facts.backs(watch.deployment)
    if backs is None:
        return unanswered(watch, watch, now, facts, "there is no known-good release to go back to")
    if any(back.floor for back in backs.values()):
        return unanswered(
            watch, watch, now, facts, "only a person may go back past a release that cannot be undone"
        )
    if not facts.armed:
        return unanswered(watch, watch, now, facts, facts.disarmed or "rollbackd is disarmed")
    if watch.obstacles:
        return unanswered(watch, watch, now, facts, watch.obstacles[0])
    return started(watch, watch, Trigger.NOBODY_ANSWERED_GO, now, facts, why="nobody answered")


# -------------------------------------------------------------------------------------------------------- on the way


def _rolling_back(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    if not _is_over(watch, now) or watch.action is None:
        return None
    minutes = int(watch.policy.move_timeout.total_seconds() // 60)
    words = f"not serving after {minutes} min"
    if facts.going:  # where the platform says who must do something: an approval that nobody gives
        words = f"{words}: {facts.going}"
    return stuck(
        watch, Trigger.MOVE_TIMED_OUT, ActionResult(watch.action, ActionState.FAILED, words), now, facts
    )


def _stuck(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    if not _is_over(watch, now):
        return _escalated(watch, Event.STUCK, now, facts)
    after = moved(watch, Trigger.STUCK_TOO_LONG, now)
    after = replace(after, ending=Ending(ending_words(after, now, unanswered=True)))
    return stepped(
        watch, after, now, facts, Event.KEPT, why=f"stuck for {span_words(watch.policy.asking.stuck)}"
    )


def _recovering(watch: Watch, now: datetime, facts: Facts) -> Step | None:
    return recovery_ended(watch, watch, now, facts) if now >= watch.since + RECOVERY else None


AT_THE_END: Mapping[State, Callable[[Watch, datetime, Facts], Step | None]] = MappingProxyType(
    {
        State.WATCHING: _watching,
        State.COUNTING_DOWN: _counting_down,
        State.ASKING: _asking,
        State.HELD: _held,
        State.ROLLING_BACK: _rolling_back,
        State.STUCK: _stuck,
        State.RECOVERING: _recovering,
    }
)
