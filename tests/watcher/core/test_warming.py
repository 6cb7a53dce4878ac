"""A release warms up before its first traffic: its probe answers well, so many times in a row, and its platform says it is ready."""

from dataclasses import replace
from typing import Any

import pytest

from rules.sample import Bucket, Counts, Invalid, NoData, Series, Unavailable, Value, Who
from tests.builders import (
    NOON,
    a_blind_judgement,
    a_policy,
    a_release,
    a_watch,
    an_order,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import due, forwarded, judged, ordered
from watcher.core.lifecycle import next_due
from watcher.core.service import Rollout, Stage, WarmUp
from watcher.core.warming import is_warm, warmed, warming_since
from watcher.core.watch import (
    ActionResult,
    ActionState,
    AtStage,
    Doubtful,
    OrderKind,
    State,
    Warmth,
    Watch,
)
from watcher.core.wording import story

NEED = WarmUp("health", answers=3, instances=2, within=minutes(5))
EVERY = seconds(10)
FACTS = some_facts()
V42, V43 = a_release("v42"), a_release("v43")


def before(warmth: Warmth | None = None, need: WarmUp | None = NEED, **changes: Any) -> Watch:
    """A watch that stands before its first stage since noon."""
    rollout = Rollout(stages=(Stage(0.05), Stage(1.0)), warm_up=need)
    at = AtStage(NOON, "service", before=V42, ordered_by="token:ci", warmth=warmth or Warmth())
    plain = {"policy": a_policy(rollout=rollout), "stages": rollout.stages, "at": at, "since": NOON}
    return a_watch(**{**plain, "traffic_at": None, "complete_at": None, "opened_at": NOON, **changes})


def answers(*rounds: tuple[float, float] | None, after: int = 0):
    """Of each round (bad, total), ten seconds each, from *after* so many rounds since noon."""
    return (
        Series(
            "health",
            tuple(
                Bucket(
                    NOON + EVERY * (after + nth),
                    NOON + EVERY * (after + nth + 1),
                    None if counts is None else Counts(*counts),
                )
                for nth, counts in enumerate(rounds)
            ),
        ),
    )


GOOD = (0, 2)


def seen(*readings: Any, of: Watch | None = None) -> Warmth:
    """What is remembered after these readings."""
    watch = of or before()
    for reading in readings:
        watch = replace(watch, at=warmed(watch, reading))
    assert watch.at is not None
    return watch.at.warmth


# ------------------------------------------------------------------------------------------------------------- the row


def test_good_rounds_in_a_row_are_counted_over_as_many_readings_as_it_takes():
    assert seen(answers(GOOD, GOOD)) == Warmth(2, NOON + 2 * EVERY)
    assert seen(answers(GOOD, GOOD), answers(GOOD, after=2)) == Warmth(3, NOON + 3 * EVERY)
    assert is_warm(AtStage(NOON, "service", warmth=Warmth(3)), NEED)
    assert not is_warm(AtStage(NOON, "service", warmth=Warmth(2)), NEED)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ((1, 2), "1 of 2 answers were bad"),
        ((0, 1), "1 of 2 instances answered as this release"),
        (None, "0 of 2 instances answered as this release"),
    ],
)
def test_one_that_is_not_good_begins_the_row_anew_and_says_why(bad, words):
    assert seen(answers(GOOD, GOOD, bad)) == Warmth(0, NOON + 3 * EVERY, words)
    assert seen(answers(GOOD, GOOD, bad, GOOD)) == Warmth(1, NOON + 4 * EVERY)


def test_what_is_no_count_of_answers_is_not_good():
    odd = (Series("health", (Bucket(NOON, NOON + EVERY, Value(1.0)),)),)

    assert seen(odd).good == 0


@pytest.mark.parametrize(
    "silence",
    [
        NoData("no probe has come back yet"),
        Unavailable(Who.SERVICE, "no network"),
        Invalid(Who.AUTHOR, "no name"),
    ],
)
def test_silence_is_not_warmth(silence):
    assert seen(answers(GOOD, GOOD), silence) == Warmth(0, NOON + 2 * EVERY, silence.words)


def test_a_hole_breaks_the_row_for_what_was_in_it_nobody_knows():
    assert seen(answers(GOOD, GOOD), answers(GOOD, after=5)) == Warmth(1, NOON + 6 * EVERY)


def test_what_was_seen_before_is_not_counted_twice_and_what_began_before_the_order_not_at_all():
    assert seen(answers(GOOD, GOOD), answers(GOOD, GOOD, after=1)) == Warmth(3, NOON + 3 * EVERY)
    assert seen(answers(GOOD, GOOD, after=-1)) == Warmth(1, NOON + EVERY)
    assert seen(None) == Warmth()


def test_only_what_stands_before_its_first_stage_is_warmed_up():
    there = before(at=AtStage(NOON, "service", 0.05, before=V42))

    assert seen(answers(GOOD), of=there) == Warmth()
    assert warmed(before(need=None), answers(GOOD)) == before(need=None).at
    assert warmed(before(at=None), answers(GOOD)) is None
    assert [warming_since(watch, "health") for watch in (there, before(at=None), before(need=None))] == [
        None
    ] * 3


def test_its_probe_is_read_from_where_it_was_read_to():
    assert warming_since(before(), "health") == NOON
    assert warming_since(before(), "another") is None
    assert warming_since(before(Warmth(1, NOON + EVERY)), "health") == NOON + EVERY


# ----------------------------------------------------------------------------------------------------- what follows


SOON = NOON + seconds(30)


def a_round(watch: Watch, *rounds: tuple[float, float] | None, now=SOON):
    return judged(watch, a_blind_judgement(), None, now, FACTS, answers(*rounds) if rounds else None)


def test_it_is_not_begun_with_until_it_is_warm_and_then_its_platform_has_to_say_so_too():
    cold = a_round(before(), GOOD, GOOD)
    warm = judged(cold.watch, a_blind_judgement(), None, NOON + seconds(30), FACTS, answers(GOOD, after=2))

    assert (cold.actions, cold.watch.at.warmth.good) == ((), 2)
    (action,) = warm.actions
    assert (action.forward.share, action.forward.ready_by) == (0.05, NOON + seconds(30) + minutes(5))
    assert action.deadline == NOON + seconds(30) + cold.watch.policy.move_timeout + minutes(5)
    assert "It warms up: 2 of 3 good answers in a row of the probe health" in "\n".join(
        story(cold.watch, NOON)
    )


def test_without_a_probe_its_platforms_word_is_enough():
    (action,) = a_round(before(need=WarmUp(within=minutes(5)))).actions

    assert action.forward.ready_by == NOON + seconds(30) + minutes(5)
    assert "warms up" not in "\n".join(story(before(need=WarmUp()), NOON))


def test_without_warm_up_nobody_is_asked():
    (action,) = a_round(before(need=None)).actions

    assert action.forward.ready_by is None


def test_what_does_not_warm_up_in_time_is_given_nothing_and_a_person_is_asked():
    step = a_round(before(), GOOD, (1, 2), now=NOON + minutes(5))

    assert step.actions == ()
    assert step.watch.question.because == (Doubtful.STAGE_UNDECIDED,)
    assert step.messages[0].notice.headline.endswith(
        "v43 stays without traffic. A person is needed: it did not warm up within 5 min: 0 of 3 good answers in a row"
        " of the probe health (1 of 2 answers were bad). Nobody was served by it"
    )


def test_a_person_may_begin_with_what_is_cold_and_nobody_else_is_asked_then():
    asking = a_round(before(), (2, 2), now=NOON + minutes(5)).watch

    (action,) = ordered(asking, an_order(OrderKind.ADVANCE), NOON + minutes(6), FACTS).actions

    assert (action.forward.share, action.forward.ready_by) == (0.05, None)


def test_what_nobody_answers_for_ends_without_having_served_anybody():
    asking = a_round(before(), (2, 2), now=NOON + minutes(5)).watch

    step = due(asking, NOON + minutes(5) + asking.policy.asking.lasting, FACTS)

    assert step.watch.state is State.UNPROVEN
    assert (step.actions, step.quarantines) == ((), ())


def test_after_a_hold_it_has_its_time_again():
    held = ordered(before(), an_order(OrderKind.HOLD), NOON, FACTS).watch
    resumed = ordered(held, an_order(OrderKind.RESUME), NOON + minutes(7), FACTS).watch

    assert a_round(resumed, now=NOON + minutes(8)).watch.state is State.WATCHING


def test_a_patrol_that_never_comes_is_noticed_after_the_time_that_it_may_take_to_warm_up():
    assert due(before(), NOON + hours(3) + minutes(4), FACTS) is None
    assert due(before(), NOON + hours(3) + minutes(5), FACTS).watch.state is State.ASKING


def test_a_platform_that_takes_its_time_has_it():
    moved = a_round(before(need=WarmUp(within=minutes(20)))).watch
    latest = NOON + seconds(30) + moved.policy.move_timeout + minutes(20)

    no = ActionResult(
        moved.at.action, ActionState.FAILED, "it was not ready in time: 1 of 2 targets are healthy"
    )
    asking = forwarded(moved, no, NOON + minutes(21), FACTS).watch

    assert due(moved, latest - seconds(1), FACTS) is None
    assert due(moved, latest, FACTS).watch.state is State.ASKING
    assert next_due(moved, None, seconds(0), NOON) <= latest
    assert "1 of 2 targets are healthy" in asking.question.words
