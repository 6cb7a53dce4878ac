"""What time alone changes."""

from dataclasses import replace

import pytest

from rules.recovery import Level
from tests.builders import (
    NOON,
    a_back,
    a_policy,
    a_question,
    a_watch,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import due
from watcher.core.lifecycle import next_due
from watcher.core.service import Asking, Bake, Mode, Then
from watcher.core.watch import ActionResult, ActionState, Armed, Doubtful, Hold, Quarantine, State

GOES = a_policy(asking=Asking(then=Then.ROLL_BACK))
LATER = NOON + minutes(59)


def at(watch, now, **facts):
    return due(watch, now, some_facts(**facts))


# ------------------------------------------------------------------------------------------------------- the countdown


def test_a_countdown_is_left_alone_until_it_ran_out():
    assert at(a_watch(State.COUNTING_DOWN), NOON + seconds(29)) is None


def test_a_countdown_that_ran_out_starts_the_rollback():
    step = at(a_watch(State.COUNTING_DOWN), NOON + seconds(30))

    assert step.watch.state is State.ROLLING_BACK
    assert Armed("checkout", "production") in step.requires
    assert step.quarantines


@pytest.mark.parametrize(
    ("because", "facts"), [(Doubtful.DISARMED, {"armed": False}), (Doubtful.NO_WAY_BACK, {"way_back": None})]
)
def test_a_countdown_that_ran_out_asks_if_meanwhile_there_is_doubt(because, facts):
    step = at(a_watch(State.COUNTING_DOWN), NOON + seconds(30), **facts)

    assert step.watch.state is State.ASKING
    assert step.watch.question.because == (because,)


# ---------------------------------------------------------------------------------------------------------- a question


def test_a_question_stands_until_it_expires():
    assert at(a_watch(State.ASKING), LATER - seconds(1)) is None


def test_a_question_that_nobody_answers_keeps_the_release():
    step = at(a_watch(State.ASKING), LATER)

    assert step.watch.state is State.KEPT
    assert step.watch.ending.words == "v43 stays: nobody answered"
    assert step.watch.ending.by is None
    assert step.actions == ()


def test_a_question_that_nobody_answers_rolls_back_where_the_setting_says_so():
    step = at(a_watch(State.ASKING, policy=GOES), LATER)

    assert step.watch.state is State.ROLLING_BACK
    assert step.watch.ordered_by is None
    assert Armed("checkout", "production") in step.requires


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"way_back": None}, "there is no known-good release to go back to"),
        ({"way_back": a_back(floor=True)}, "only a person may go back past a release that cannot be undone"),
        ({"armed": False, "disarmed": "disarmed by olga"}, "disarmed by olga"),
        ({"armed": False}, "rollbackd is disarmed"),
    ],
)
def test_but_never_past_what_needs_a_person(facts, words):
    step = at(a_watch(State.ASKING, policy=GOES), LATER, **facts)

    assert step.watch.state is State.KEPT
    assert (
        step.watch.ending.words == f"v43 stays: nobody answered, and it could not go back by itself: {words}"
    )
    assert step.actions == ()


@pytest.mark.parametrize("policy", [a_policy(), GOES])
def test_a_question_of_the_blind_that_nobody_answers_ends_unproven(policy):
    watch = a_watch(State.ASKING, question=a_question(because=(Doubtful.BLIND,)), breach=None, policy=policy)

    step = at(watch, LATER)

    assert step.watch.state is State.UNPROVEN
    assert step.messages[0].notice.event == "watch.unproven"


def test_a_question_is_asked_again_when_somebody_said_so():
    watch = a_watch(
        State.ASKING, question=a_question(again_at=NOON + minutes(15), expires_at=NOON + minutes(75))
    )

    assert at(watch, NOON + minutes(14)) is None
    step = at(watch, NOON + minutes(15))

    assert step.watch.state is State.ASKING
    assert (step.watch.question.asked_at, step.watch.question.expires_at) == (
        NOON + minutes(15),
        NOON + minutes(75),
    )
    assert step.watch.question.again_at is None
    assert step.messages[0].notice.event == "watch.asked"


# -------------------------------------------------------------------------------------------------------------- a hold


def test_a_hold_ends_by_itself():
    watch = a_watch(State.HELD)

    assert at(watch, NOON + minutes(13)) is None
    step = at(watch, NOON + minutes(14))

    assert step.watch.state is State.WATCHING
    assert step.watch.hold is None
    assert step.watch.due_at == NOON + minutes(14)


def test_after_the_hold_a_latched_breach_is_decided_without_waiting_for_a_round():
    held = a_watch(State.HELD, breach=a_watch(State.COUNTING_DOWN).breach)
    watched = at(held, NOON + minutes(14)).watch

    assert at(watched, NOON + minutes(14)).watch.state is State.ROLLING_BACK
    assert at(watched, NOON + minutes(14), armed=False).watch.state is State.ASKING


# ------------------------------------------------------------------------------------------------------------ the bake


def test_a_rollout_that_nobody_tells_of_starts_the_clocks_by_itself():
    watch = a_watch(traffic_at=None, complete_at=None)

    assert at(watch, NOON + minutes(49)) is None
    step = at(watch, NOON + minutes(50))

    assert step.watch.state is State.WATCHING
    assert step.watch.traffic_at == step.watch.complete_at == watch.opened_at + hours(1)
    assert step.serves == ()


def test_traffic_that_is_known_stays_known_when_the_rollout_times_out():
    step = at(a_watch(complete_at=None), NOON + minutes(50))

    assert step.watch.traffic_at == NOON - minutes(10)
    assert step.watch.complete_at == NOON + minutes(50)


def test_a_watch_that_is_not_judged_any_more_ends_unproven_after_its_longest_bake():
    end = NOON - minutes(10) + hours(24)

    assert at(a_watch(), end + minutes(59)) is None
    step = at(a_watch(), end + hours(1))

    assert step.watch.state is State.UNPROVEN


def test_a_watch_that_was_held_beyond_its_longest_bake_is_judged_once_more():
    end = NOON - minutes(10) + hours(24)
    held = a_watch(State.HELD, hold=Hold("olga", "", NOON, end + hours(3)))

    watched = at(held, end + hours(3)).watch

    assert at(watched, end + hours(3) + minutes(59)) is None
    assert at(watched, end + hours(4)).watch.state is State.UNPROVEN


def test_in_shadow_a_breached_watch_ends_kept_by_time_alone():
    breach = a_watch(State.COUNTING_DOWN).breach
    watch = a_watch(policy=a_policy(Mode.SHADOW), breach=breach, would_have=NOON - minutes(1))

    assert at(watch, NOON + minutes(19)) is None
    assert at(watch, NOON + minutes(20)).watch.state is State.KEPT


def test_in_shadow_the_rollout_of_a_breached_release_times_out_too():
    breach = a_watch(State.COUNTING_DOWN).breach
    watch = a_watch(policy=a_policy(Mode.SHADOW), breach=breach, complete_at=None)

    assert at(watch, NOON) is None
    assert at(watch, NOON + hours(1)).watch.complete_at == NOON + minutes(50)


def test_a_short_longest_bake_ends_a_breached_watch_in_shadow_at_its_time():
    breach = a_watch(State.COUNTING_DOWN).breach
    bake = Bake(at_least=minutes(11), at_most=minutes(11))
    watch = a_watch(policy=a_policy(Mode.SHADOW, bake=bake), breach=breach)

    assert at(watch, NOON + minutes(1)).watch.state is State.KEPT


# -------------------------------------------------------------------------------------------------------- the way back


def test_a_rollback_that_takes_too_long_is_stuck():
    watch = a_watch(State.ROLLING_BACK)

    assert at(watch, NOON + minutes(28)) is None
    step = at(watch, NOON + minutes(29))

    assert step.watch.state is State.STUCK
    assert step.watch.stuck_words == "not serving after 30 min"
    assert step.results == (ActionResult("w_1.6.0", ActionState.FAILED, "not serving after 30 min"),)
    assert step.quarantines == ()


def test_a_rollback_that_takes_too_long_says_what_was_read_of_it_last():
    watch = a_watch(State.ROLLING_BACK)

    step = at(watch, NOON + minutes(29), going="service: the run waits for the approval of ada")

    assert (
        step.watch.stuck_words == "not serving after 30 min: service: the run waits for the approval of ada"
    )


def test_a_stuck_watch_is_kept_after_a_day_and_says_that_it_was_not_rolled_back():
    watch = a_watch(State.STUCK)

    assert at(watch, NOON + hours(23)) is None
    step = at(watch, NOON + hours(24))

    assert step.watch.state is State.KEPT
    assert "not rolled back" in step.watch.ending.words


def test_how_long_it_stays_stuck_is_a_setting():
    watch = a_watch(State.STUCK)
    watch = replace(watch, policy=replace(watch.policy, asking=Asking(stuck=hours(2))))

    assert at(watch, watch.since + minutes(119)) is None
    step = at(watch, watch.since + hours(2))

    assert step.watch.state is State.KEPT
    assert step.watch.ending.words.endswith("did not finish, and nobody answered for 2 h")


def test_recovering_ends_after_ten_minutes_with_what_was_seen_last():
    watch = a_watch(State.RECOVERING)

    assert at(watch, NOON + minutes(8)) is None
    unseen = at(watch, NOON + minutes(9))
    not_well = at(replace(watch, level=Level(False, "4.9 % fail")), NOON + minutes(9))

    assert unseen.watch.state is not_well.watch.state is State.ROLLED_BACK
    assert unseen.watch.ending.recovered is None
    assert not_well.watch.ending.recovered is False
    assert unseen.quarantines == ()
    assert not_well.quarantines == (
        Quarantine(
            "service", "sha256:v43", "going back to v42 did not help: it was probably not v43", lift=True
        ),
    )


@pytest.mark.parametrize("state", [State.ASKING, State.ROLLING_BACK])
def test_a_watch_without_what_its_state_needs_is_left_to_people(state):
    """It cannot be made so by any step; a document that was edited by hand does not stop the patrol."""
    watch = a_watch(state, question=None, action=None)

    assert due(watch, NOON + hours(100), some_facts()) is None


# ------------------------------------------------------------------------------------------------------------- looking

MINUTE, SETTLE = minutes(1), seconds(20)


def test_a_watch_is_looked_at_when_the_next_bucket_is_final():
    assert next_due(a_watch(), MINUTE, SETTLE, NOON + seconds(5)) == NOON + seconds(20)
    assert next_due(a_watch(), MINUTE, SETTLE, NOON + seconds(20)) == NOON + seconds(80)


def test_the_grid_is_the_same_for_all_watches_whenever_they_opened():
    early, late = (
        next_due(a_watch(opened_at=NOON - each), MINUTE, SETTLE, NOON) for each in (hours(1), seconds(3))
    )

    assert early == late


def test_where_nothing_is_read_on_a_grid_it_is_looked_at_now_and_then():
    assert next_due(a_watch(), None, SETTLE, NOON) == NOON + seconds(30)


@pytest.mark.parametrize(
    ("watch", "then"),
    [
        (a_watch(State.COUNTING_DOWN, countdown_until=NOON + seconds(9)), NOON + seconds(9)),
        (a_watch(State.ASKING, question=a_question(expires_at=NOON + seconds(7))), NOON + seconds(7)),
        (a_watch(State.ASKING, question=a_question(again_at=NOON + seconds(3))), NOON + seconds(3)),
        (a_watch(State.ASKING, question=None), NOON),
        (a_watch(State.HELD), NOON + SETTLE),
        (a_watch(State.ROLLING_BACK), NOON + minutes(29)),
        (a_watch(State.STUCK), NOON - minutes(1) + hours(24)),
        (a_watch(State.RECOVERING), NOON + SETTLE),
        (a_watch(complete_at=None, opened_at=NOON - minutes(59.9)), NOON + seconds(6)),
        (a_watch(State.COUNTING_DOWN, countdown_until=NOON - minutes(3)), NOON),
    ],
)
def test_a_state_that_ends_earlier_is_looked_at_then(watch, then):
    assert next_due(watch, MINUTE, SETTLE, NOON) == then


def test_a_step_is_due_at_the_earliest_of_all_grids():
    beats = ((minutes(1), minutes(3)), (seconds(10), seconds(2)))

    step = at(a_watch(State.HELD), NOON + minutes(14), beats=beats)
    later = at(a_watch(complete_at=None), NOON + minutes(50), beats=beats)

    assert step.watch.due_at == NOON + minutes(14)
    assert later.watch.due_at == NOON + minutes(50) + seconds(2)
