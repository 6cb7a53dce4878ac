"""What the world says: how far a rollout is, what runs, what came of a rollback, and which guard did not hold."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from deploy.model import Live, Pause, Phase, Release
from rules.model import TrafficDrop
from watcher.core.facts import Facts
from watcher.core.lifecycle.deciding import asking
from watcher.core.lifecycle.making import messages_of, moved, renewed, speaks, stepped
from watcher.core.lifecycle.table import TABLE, Trigger
from watcher.core.service import Mode
from watcher.core.watch import (
    ActionResult,
    ActionState,
    Armed,
    Below,
    Doubtful,
    Ending,
    Guard,
    NoOpenAction,
    NotQuarantined,
    Serves,
    State,
    Step,
    Watch,
)
from watcher.core.wording import Event, ending_words

# The release that was deployed is what runs, or is to run: only then do its clocks start.
OBSERVING = frozenset({State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD})
MOST_PAUSES = (
    50  # that are remembered: a rollout in steps of 3 % has 33, and whoever fills the queue may write more
)

MOST_SHARES = 100  # that are remembered: more than a rollout has steps
MOST_IDS = 16  # by which a deployment is known: a few platforms and pipelines, each told once

# ------------------------------------------------------------------------------------------------------- the rollout


def progressed(watch: Watch, phase: Phase, at: datetime, now: datetime, facts: Facts) -> Step | None:
    """How far the rollout is: the clocks start. The first news of each counts; a time in the future is now.

    Args:
        watch: Any.
        phase: ``SHIFTED``: the release takes traffic; ``COMPLETE``: it has all the traffic that it will get.
        at: Since when.
        now: The time.
        facts: When what is read becomes final.
    """
    if watch.state not in OBSERVING or phase not in {Phase.SHIFTED, Phase.COMPLETE}:
        return None
    after = _clocks(watch, phase, min(at, now))
    if replace(after, revision=watch.revision) == watch:
        return None
    is_complete = after.complete_at is not None and after.complete_at != watch.complete_at
    serves = serving(after) if is_complete else ()
    return stepped(watch, after, now, facts, serves=serves, why=phase.value)


def _clocks(watch: Watch, phase: Phase, at: datetime) -> Watch:
    """The clocks by the news. Those that were started for want of news are set by the news that the rollout is complete."""
    if phase is Phase.SHIFTED:
        return renewed(watch, traffic_at=watch.traffic_at or at)
    guess = watch.complete_by
    traffic_at = at if watch.traffic_at in {None, guess} else watch.traffic_at
    complete_at = watch.complete_at
    if complete_at in {None, guess} and traffic_at is not None:
        complete_at = max(at, traffic_at)
    return renewed(
        watch,
        traffic_at=traffic_at,
        complete_at=complete_at,
        incomplete=False,
        stage=len(watch.stages) - 1,
        at=None,
    )


def broken_off(watch: Watch, step: Step | None, now: datetime, facts: Facts) -> Step | None:
    """The rollout was broken off: until it is seen complete after all, the release does not pass by itself.

    Args:
        watch: As it was read.
        step: What else the news mean for it. One by which it is complete by now says better.
        now: The time.
        facts: When what is read becomes final.
    """
    after = step.watch if step else watch
    guess = after.complete_by
    if after.state not in OBSERVING or after.incomplete or after.complete_at not in {None, guess}:
        return step
    step = step or stepped(watch, renewed(watch), now, facts, why="broken off")
    return replace(step, watch=replace(step.watch, incomplete=True))


def left_half(watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts) -> Step | None:
    """The platform shows that the rollout was broken off, or nothing of it once its time is over.

    Args:
        watch: Any.
        live: By part, what runs; a part that could not be read is missing.
        now: The time.
        facts: When what is read becomes final.
    """
    read = [(live[change.part], change.after) for change in watch.deployment.parts if change.part in live]
    is_left = any(
        runs.broken_off and runs.in_flight is not None and runs.in_flight.is_same_as(release)
        for runs, release in read
    )
    all_read = len(read) == len(watch.deployment.parts)
    is_absent = all_read and not any(has(runs, release) for runs, release in read)
    if is_left or (is_absent and watch.complete_at is not None):
        return broken_off(watch, None, now, facts)
    return None


def has(live: Live, release: Release) -> bool:
    """*live* runs *release*, or is to."""
    return any(each is not None and each.is_same_as(release) for each in (live.release, live.in_flight))


def serving(watch: Watch) -> tuple[Serves, ...]:
    """For the ledger: what was deployed serves from the time on at which it had all its traffic."""
    if watch.complete_at is None:
        return ()
    return tuple(Serves(change.part, change.after, watch.complete_at) for change in watch.deployment.parts)


def complete_too(watch: Watch, serves: Sequence[Serves], now: datetime, facts: Facts) -> Step:
    """Parts of *watch* have all their traffic, whose clocks run already: only the ledger is told."""
    return stepped(watch, renewed(watch), now, facts, serves=tuple(serves), why=Phase.COMPLETE.value)


def paused(watch: Watch, step: Step | None, pause: Pause, now: datetime, facts: Facts) -> Step | None:
    """The rollout, or the rollback, waits for somebody's word: people are told so, once for each pause.

    Args:
        watch: As it was read.
        step: What else the news mean for it.
        pause: At what it waits. One that is over by now is no news.
        now: The time.
        facts: Where people are told.

    Returns:
        *step* with what people are told in it; a step of its own, where nothing else follows from the news.
    """
    if pause.hook in {each.hook for each in watch.pauses} or (pause.until is not None and pause.until <= now):
        return step
    step = step or stepped(watch, renewed(watch), now, facts, why="paused")
    after = replace(step.watch, pauses=(*watch.pauses, pause)[-MOST_PAUSES:])
    told = messages_of(after, Event.PAUSED, now, facts, first=len(step.actions) + len(step.messages))
    after = replace(after, spoken=after.spoken or speaks(told, facts))
    return replace(step, watch=after, messages=(*step.messages, *told))


def called(watch: Watch, ids: Sequence[str]) -> Watch:
    """*watch*, whose deployment is known by *ids* too: the same revision, for the step that the news make of it."""
    before = watch.deployment.platform_ids
    known = tuple(dict.fromkeys((*before, *ids)))[: max(MOST_IDS, len(before))]
    if known == before:
        return watch
    return replace(watch, deployment=replace(watch.deployment, platform_ids=known))


def shown_to_boards(watch: Watch, step: Step | None, now: datetime, facts: Facts) -> Step:
    """*step* (one of its own, if there is none) in which what the deployment is called now is saved, and boards hear of it.

    A watch that does more than observe has its next message before long, and that says how it stands.
    """
    step = step or stepped(watch, renewed(watch), now, facts, why="known by another id")
    if step.watch.state is not State.WATCHING or step.watch.breach is not None:
        return step
    boards = replace(facts, channels=tuple(each for each in facts.channels if each in facts.boards))
    first = len(step.actions) + len(step.messages)
    told = messages_of(step.watch, Event.OPENED, now, boards, first=first)
    return replace(step, messages=(*step.messages, *told))


# --------------------------------------------------------------------------------------------------------- what runs


def seen_live(
    watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts, newer: str | None = None
) -> Step | None:
    """What reading the platform says of a watch.

    A release that nobody has heard of is no matter of this watch: ``intake`` opens one for it. But for one that is
    stuck, a reading can tell that a person, or the platform at last, has put the known-good release back.

    Args:
        watch: Any.
        live: By part, what runs; a part that could not be read is missing.
        now: The time.
        facts: When what is read becomes final.
        newer: The watch of a newer deployment, if one is known.
    """
    match watch.state:
        case State.STUCK if went_back(watch, live):
            return back(watch, Trigger.KNOWN_GOOD_SEEN, now, facts)
        case State.STUCK | State.ROLLING_BACK if newer is not None:
            return superseded(watch, newer, now, facts)
        case State.STUCK | State.ROLLING_BACK | State.RECOVERING:
            return None
        case _:
            phase = phase_of(watch, live)
            return progressed(watch, phase, now, now, facts) if phase else None


def obstructed(watch: Watch, obstacles: Sequence[str], now: datetime, facts: Facts) -> Step | None:
    """What forbids that the machine moves the service by itself was seen after the watch was opened.

    Args:
        watch: Any.
        obstacles: As they were read, of any of its parts.
        now: The time.
        facts: Where people are told.
    """
    new = tuple(each for each in obstacles if each not in watch.obstacles)
    if not new or watch.state not in OBSERVING:
        return None
    after = renewed(watch, obstacles=(*watch.obstacles, *new))
    event = Event.OBSTRUCTED if watch.mode is Mode.AUTO else None
    return stepped(watch, after, now, facts, event, why=new[0])


def shared_out(watch: Watch, live: Mapping[str, Live], now: datetime, facts: Facts) -> Step | None:
    """The share of the traffic that the release has, where a rule looks at it and the target tells it, and it is another.

    Args:
        watch: Any.
        live: What runs, by part.
        now: When it was read.
        facts: When what is read becomes final.
    """
    share = _share(watch, live)
    looked_at = any(isinstance(rule.judge, TrafficDrop) for rule in watch.policy.rules.rules)
    if share is None or not looked_at or watch.state not in OBSERVING:
        return None
    if watch.shares and watch.shares[-1][1] == share:
        return None
    after = renewed(watch, shares=(*watch.shares, (now, share))[-MOST_SHARES:])
    return stepped(watch, after, now, facts, why=f"it has {share:.0%} of the traffic")


def _share(watch: Watch, live: Mapping[str, Live]) -> float | None:
    """Of the only part whose target tells one: of two that differ there is none."""
    told = {
        live[change.part].shares[change.after.fingerprint]
        for change in watch.deployment.parts
        if change.part in live and change.after.fingerprint in live[change.part].shares
    }
    return told.pop() if len(told) == 1 else None


def went_back(watch: Watch, live: Mapping[str, Live]) -> bool:
    """Every part serves the release that the plan goes to, and none is moving."""
    if watch.plan is None:
        return False
    return all(
        (seen := live.get(move.part)) is not None
        and seen.release is not None
        and seen.release.is_same_as(move.to)
        and seen.in_flight is None
        for move in watch.plan.moves
    )


def phase_of(watch: Watch, live: Mapping[str, Live]) -> Phase | None:
    """How far the rollout is, by what runs: the least of the parts that were read."""
    read = [(live[change.part], change.after) for change in watch.deployment.parts if change.part in live]
    phases = [_phase(runs, release.fingerprint) for runs, release in read]
    if phases and all(phase is Phase.COMPLETE for phase in phases):
        return Phase.COMPLETE
    return Phase.SHIFTED if any(phase is not None for phase in phases) else None


def _phase(live: Live, fingerprint: str) -> Phase | None:
    """A platform that tells no shares gives the new release traffic as soon as it is in flight, for all we know."""
    if live.in_flight is not None and live.in_flight.fingerprint == fingerprint:
        return Phase.SHIFTED if live.shares.get(fingerprint, 1.0) > 0 else None
    if live.release is None or live.release.fingerprint != fingerprint:
        return None
    return Phase.COMPLETE if live.in_flight is None else Phase.SHIFTED


def superseded(watch: Watch, by: str, now: datetime, facts: Facts) -> Step:
    """A newer deployment, watched as *by*, took over. One that already serves its known-good release ends rolled back."""
    after = moved(watch, Trigger.NEWER_DEPLOYMENT, now, superseded_by=by)
    ending = Ending(
        "", by=after.ordered_by if after.state is State.ROLLED_BACK else None, would_have=after.would_have
    )
    after = replace(after, ending=replace(ending, words=ending_words(after, now)))
    event = Event.ROLLED_BACK if after.state is State.ROLLED_BACK else Event.SUPERSEDED
    return stepped(watch, after, now, facts, event, why=f"superseded by {by}")


# ------------------------------------------------------------------------------------------------------ the rollback


def happened(watch: Watch, result: ActionResult, now: datetime, facts: Facts) -> Step | None:
    """What came of the rollback. News of another one, or of one that is still open, changes nothing."""
    trigger = _trigger(result)
    if result.action != watch.action or trigger is None or trigger not in TABLE[watch.state]:
        return None
    if trigger is Trigger.ROLLBACK_DONE:
        return back(watch, trigger, now, facts, result)
    return stuck(watch, trigger, result, now, facts)


def _trigger(result: ActionResult) -> Trigger | None:
    match result.state:
        case ActionState.DONE:
            return Trigger.ROLLBACK_DONE
        case ActionState.FAILED:
            return Trigger.ROLLBACK_FAILED
        case ActionState.REFUSED:
            return Trigger.THIRD_TAG if result.third_tag else Trigger.ROLLBACK_FAILED
        case _:
            return None


def back(
    watch: Watch, trigger: Trigger, now: datetime, facts: Facts, result: ActionResult | None = None
) -> Step:
    """The known-good release serves again; whether that helped is watched."""
    after = moved(watch, trigger, now, back_at=now, stuck_words="")
    moves = watch.plan.moves if watch.plan else ()
    serves = tuple(Serves(move.part, move.to, now) for move in moves)
    results = (result,) if result else ()
    return stepped(
        watch, after, now, facts, Event.WENT_BACK, serves=serves, results=results, why=trigger.value
    )


def stuck(watch: Watch, trigger: Trigger, result: ActionResult, now: datetime, facts: Facts) -> Step:
    """The rollback did not finish: a person is needed, and is told how to do it by hand."""
    words = result.words if not result.by_hand else f"{result.words}\nBy hand: {result.by_hand}"
    after = moved(watch, trigger, now, stuck_words=words)
    return stepped(watch, after, now, facts, Event.STUCK, results=(result,), why=result.words)


# ---------------------------------------------------------------------------------------------------------- a guard


def refused(
    watch: Watch, attempted: Step, guard: Guard, words: str, now: datetime, facts: Facts
) -> Step | None:
    """A guard did not hold, so the rollback was not started: a person is asked, and told why.

    An automatic answer to a question that nobody answered is not asked again: the watch ends kept.

    Args:
        watch: As it is stored.
        attempted: The step that was refused; what it knew of the evidence stays known.
        guard: Which did not hold.
        words: The store's, for people.
        now: The time.
        facts: With the way back as it is now.

    Returns:
        Nothing where a person's order was refused for a watch that asks nobody: who ordered is told.
    """
    news = attempted.watch
    base = replace(watch, judgement=news.judgement, evidence=news.evidence, breach=news.breach)
    if any(action.forward is not None for action in attempted.actions):
        if isinstance(guard, NotQuarantined):  # a person has marked it meanwhile
            return asking(watch, base, Trigger.STAGE_ASKS, (Doubtful.STAGE_FAILED,), now, facts, words)
        return stepped(watch, renewed(base), now, facts, why=words) if news.ordered_by is None else None
    if Trigger.GUARD_REFUSED not in TABLE[watch.state] or attempted.watch.ordered_by is not None:
        return None
    if watch.state is State.ASKING and not _was_blind(watch):
        return unanswered(watch, base, now, facts, words)
    return asking(watch, base, Trigger.GUARD_REFUSED, (doubtful(guard),), now, facts, words)


def _was_blind(watch: Watch) -> bool:
    return watch.question is not None and watch.question.is_of_the_blind


def doubtful(guard: Guard) -> Doubtful:
    """What a guard that does not hold is called towards people."""
    match guard:
        case Armed():
            return Doubtful.DISARMED
        case NotQuarantined():
            return Doubtful.QUARANTINED
        case NoOpenAction():
            return Doubtful.TARGET_BUSY
        case Below(watch=str()):
            return Doubtful.CEILING_DEPLOYMENT
        case Below(service=str()):
            return Doubtful.CEILING_SERVICE
        case Below():
            return Doubtful.CEILING_FLEET
        case _:
            assert_never(guard)


def unanswered(watch: Watch, base: Watch, now: datetime, facts: Facts, words: str = "") -> Step:
    """Nobody answered, and the release stays. *words*: why it stays although the setting says otherwise."""
    after = moved(base, Trigger.NOBODY_ANSWERED, now)
    after = replace(after, ending=Ending(ending_words(after, now, unanswered=True, but=words)))
    return stepped(watch, after, now, facts, Event.KEPT, why="nobody answered")
