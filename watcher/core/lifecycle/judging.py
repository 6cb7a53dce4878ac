"""A round of the patrol: what was judged, and whether the signals are well again after a rollback."""

from dataclasses import replace
from datetime import datetime

from rules.bake import may_end, passes
from rules.recovery import Level
from rules.sample import Reading
from rules.verdict import Judgement, Outcome, Verdict
from watcher.core.facts import Facts
from watcher.core.lifecycle.deciding import asking, decided, doubts, quarantines, seen_back
from watcher.core.lifecycle.forward import gated
from watcher.core.lifecycle.making import moved, renewed, stepped
from watcher.core.lifecycle.table import Trigger
from watcher.core.lifecycle.timing import BLIND_FOR, RECOVERY
from watcher.core.service import Mode
from watcher.core.warming import warmed
from watcher.core.watch import Breach, Doubtful, Ending, Question, State, Step, Watch
from watcher.core.wording import Event, ending_words, question_words

JUDGED_IN = frozenset({State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD})


def prepared(watch: Watch, brief: str, evidence: str, now: datetime) -> Step:
    """The judges have looked at the history: what they judge by is fixed from now on."""
    after = renewed(watch, brief=brief, evidence=evidence)
    step = stepped(watch, after, now, Facts(), why="prepared")
    return replace(step, watch=replace(step.watch, due_at=now))


def judged(
    watch: Watch,
    judgement: Judgement,
    evidence: str | None,
    now: datetime,
    facts: Facts,
    answers: Reading | None = None,
) -> Step | None:
    """What a round of judging means.

    Args:
        watch: As it was read.
        judgement: All verdicts of this round.
        evidence: What the judges remember now; ``None``: as before.
        now: The time.
        facts: With the way back as it is now.
        answers: Of the probe by which the release is warmed up before its first stage, if one is asked.

    Returns:
        Nothing for a watch that is not judged any more: what is done there follows from the world and the people.
    """
    if watch.state not in JUDGED_IN:
        return None
    base = _with_news(watch, judgement, evidence, now, facts)
    base = replace(base, at=warmed(base, answers))
    match watch.state:
        case State.WATCHING:
            return _watching(watch, base, now, facts)
        case State.ASKING:
            return _asking(watch, base, now, facts)
        case State.COUNTING_DOWN:
            return decided(watch, base, now, facts)
        case _:
            return _held(watch, base, now, facts)


def _with_news(
    watch: Watch, judgement: Judgement, evidence: str | None, now: datetime, facts: Facts
) -> Watch:
    breached = judgement.outcome is Outcome.BREACHED
    return replace(
        watch,
        judgement=judgement,
        evidence=watch.evidence if evidence is None else evidence,
        breach=watch.breach or (Breach(now, judgement) if breached else None),
        way_back=seen_back(watch, facts),
        blind_since=(watch.blind_since or now) if _must_ask(watch, judgement) else None,
    )


def _watching(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    if base.breach is not None:
        return _in_shadow(watch, base, now, facts) if _shadows(watch) else decided(watch, base, now, facts)
    if (end := baked(watch, base, now, facts)) is not None:
        return end
    if base.blind_since is not None and watch.blind_since is not None and now >= base.blind_since + BLIND_FOR:
        return asking(watch, base, Trigger.BLIND, (Doubtful.BLIND,), now, facts)
    return gated(watch, base, now, facts) or _goes_on(watch, base, now, facts)


def _goes_on(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    """Nothing is decided; at the end of the shortest bake people hear why it goes on."""
    event = Event.UNDECIDED if _passes_at_least(watch, now) else None
    return stepped(watch, renewed(base), now, facts, event)


def _passes_at_least(watch: Watch, now: datetime) -> bool:
    if watch.complete_at is None:
        return False
    least = watch.complete_at + watch.policy.bake.at_least
    return now >= least and (watch.judgement is None or watch.judgement.at < least)


def _asking(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    question = watch.question
    if question is not None and _is_outgrown(question, base.judgement):
        return decided(watch, base, now, facts)
    if question is None or not question.is_of_no_breach:
        return stepped(watch, renewed(base), now, facts)
    if base.breach is not None:
        return decided(watch, base, now, facts)
    if question.is_of_the_blind and base.blind_since is None:
        return stepped(
            watch, moved(base, Trigger.SIGHT_RETURNED, now), now, facts, Event.SEES_AGAIN, why="sees again"
        )
    return stepped(watch, renewed(base), now, facts)


def _is_outgrown(question: Question, judgement: Judgement | None) -> bool:
    """It was asked only because the rule that breached asks; and now one has breached that does not."""
    return (
        question.because == (Doubtful.RULE,)
        and judgement is not None
        and judgement.outcome is Outcome.BREACHED
        and not judgement.asks
    )


def _held(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    """A breach is latched, and waits; people see it at once."""
    event = Event.HELD if base.breach is not watch.breach else None
    return stepped(watch, renewed(base), now, facts, event)


# --------------------------------------------------------------------------------------------------------------- blind


def _must_ask(watch: Watch, judgement: Judgement) -> bool:
    """A rule that asks when it is blind is blind, with all the traffic there that there is to be for now."""
    has_all = watch.complete_at is not None and watch.complete_at <= judgement.at
    is_staged = watch.at is not None and watch.traffic_at is not None
    if not has_all and not is_staged:
        return False
    return any(_asks(verdict) for verdict in judgement.verdicts)


def _asks(verdict: Verdict) -> bool:
    return verdict.asks_when_blind and verdict.outcome is Outcome.BLIND and not verdict.spent


# ---------------------------------------------------------------------------------------------------------------- bake


def baked(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step | None:
    """The end of the bake: healthy and enough seen, or the longest time is over. ``None``: it goes on."""
    if base.complete_at is None:
        return None
    judgement = base.judgement
    if judgement is not None and not base.incomplete and _may_end(base, judgement, base.complete_at, now):
        return ended(watch, base, Trigger.BAKED_HEALTHY, Event.PASSED, now, facts)
    if now >= base.complete_at + base.policy.bake.at_most:
        return ended(watch, base, Trigger.BAKED_UNSEEN, Event.UNPROVEN, now, facts)
    return None


def _may_end(watch: Watch, judgement: Judgement, complete_at: datetime, now: datetime) -> bool:
    bake = watch.policy.bake
    if bake.runs is None:
        return may_end(judgement, bake.at_least, complete_at, now)
    runs = max((verdict.seen.requests for verdict in judgement.verdicts), default=0.0)
    return runs >= bake.runs and passes(judgement)


def ended(watch: Watch, base: Watch, trigger: Trigger, event: Event, now: datetime, facts: Facts) -> Step:
    """The watch ends by itself. A pass lifts the quarantine of a release that came back."""
    after = moved(base, trigger, now)
    after = replace(after, ending=Ending(ending_words(after, now), would_have=after.would_have))
    lifted = quarantines(after, lift=True) if after.state is State.PASSED and after.returning else ()
    return stepped(watch, after, now, facts, event, quarantines=lifted, why=trigger.value)


# -------------------------------------------------------------------------------------------------------------- shadow


def _shadows(watch: Watch) -> bool:
    return watch.policy.mode is Mode.SHADOW


def _in_shadow(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    """Nothing is done: it is said once what would have been, and the watch ends *kept* when its bake is over."""
    if watch.breach is not None:
        return shadow_ended(watch, base, now, facts) or stepped(watch, renewed(base), now, facts)
    because = tuple(doubtful for doubtful in doubts(base, facts) if doubtful is not Doubtful.MODE)
    words = question_words(base, because, facts.disarmed)
    base = replace(base, would_have=None if because else now, would_have_asked=words)
    return stepped(watch, renewed(base), now, facts, Event.WOULD_HAVE, why="would have")


def shadow_ended(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step | None:
    """The end of a breached watch in shadow: after the shortest bake, and not before one has seen how it goes on."""
    if base.complete_at is None or base.breach is None:
        return None
    over = max(base.complete_at + base.policy.bake.at_least, base.breach.at + RECOVERY)
    if now < min(over, base.complete_at + base.policy.bake.at_most):
        return None
    return ended(watch, base, Trigger.WOULD_HAVE, Event.KEPT, now, facts)


# ---------------------------------------------------------------------------------------------------------- recovering


def recovered(watch: Watch, level: Level, now: datetime, facts: Facts) -> Step | None:
    """What the same indicators say now that the known-good release serves again.

    Args:
        watch: Recovering; any other is left alone.
        level: Well: the last two buckets since it serves are good. ``None``: nothing can be seen.
        now: The time.
        facts: Where people are told.
    """
    if watch.state is not State.RECOVERING:
        return None
    base = replace(watch, level=level)
    if level.well or now >= watch.since + RECOVERY:
        return recovery_ended(watch, base, now, facts)
    return stepped(watch, renewed(base), now, facts)


def recovery_ended(watch: Watch, base: Watch, now: datetime, facts: Facts) -> Step:
    """Rolled back, and the last that was seen says whether it helped. If not, it was probably not the release: it is free again."""
    well = base.level.well if base.level else None
    trigger = Trigger.NOT_RECOVERED if well is False else Trigger.RECOVERED
    after = moved(base, trigger, now)
    after = replace(after, ending=Ending("", by=after.ordered_by, recovered=well))
    after = replace(after, ending=Ending(ending_words(after, now), by=after.ordered_by, recovered=well))
    lifted = quarantines(after, lift=True) if well is False else ()
    return stepped(watch, after, now, facts, Event.ROLLED_BACK, quarantines=lifted, why=trigger.value)
