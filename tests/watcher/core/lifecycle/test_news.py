"""What the world says: how far a rollout is, what runs, what came of a rollback, which guard did not hold."""

from dataclasses import replace
from typing import Any

import pytest

from deploy.model import Phase
from rules.recovery import Level
from tests.builders import (
    NOON,
    a_back,
    a_blind_judgement,
    a_breach,
    a_live,
    a_plan,
    a_policy,
    a_question,
    a_release,
    a_watch,
    an_order,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import (
    broken_off,
    due,
    happened,
    judged,
    left_half,
    ordered,
    progressed,
    recovered,
    refused,
    seen_live,
    superseded,
)
from watcher.core.lifecycle import serving
from watcher.core.service import Asking, Then
from watcher.core.watch import (
    ActionResult,
    ActionState,
    Armed,
    Below,
    Doubtful,
    NoOpenAction,
    NotQuarantined,
    OrderKind,
    Serves,
    State,
)

FACTS = some_facts()
NEW: dict[str, Any] = {"traffic_at": None, "complete_at": None}
PLACE = ("checkout", "production")

# ---------------------------------------------------------------------------------------------------------- the rollout


def test_the_clock_of_the_arms_starts_when_it_takes_traffic():
    step = progressed(a_watch(**NEW), Phase.SHIFTED, NOON - minutes(2), NOON, FACTS)

    assert (step.watch.traffic_at, step.watch.complete_at) == (NOON - minutes(2), None)
    assert step.serves == ()


def test_the_clock_of_the_bake_starts_when_it_has_all_its_traffic():
    step = progressed(a_watch(complete_at=None), Phase.COMPLETE, NOON - minutes(2), NOON, FACTS)

    assert (step.watch.traffic_at, step.watch.complete_at) == (NOON - minutes(10), NOON - minutes(2))
    assert step.serves == (Serves("service", a_release("v43"), NOON - minutes(2)),)


def test_a_source_that_tells_only_of_completion_starts_both():
    step = progressed(a_watch(**NEW), Phase.COMPLETE, NOON - minutes(2), NOON, FACTS)

    assert step.watch.traffic_at == step.watch.complete_at == NOON - minutes(2)
    assert len(step.serves) == 1


def test_news_from_the_future_is_of_now():
    step = progressed(a_watch(**NEW), Phase.COMPLETE, NOON + minutes(2), NOON, FACTS)

    assert step.watch.complete_at == NOON


def test_news_that_come_in_the_wrong_order_do_not_turn_the_clocks_round():
    step = progressed(a_watch(complete_at=None), Phase.COMPLETE, NOON - minutes(30), NOON, FACTS)

    assert step.watch.complete_at == step.watch.traffic_at


@pytest.mark.parametrize(
    ("watch", "phase"),
    [
        (a_watch(), Phase.COMPLETE),
        (a_watch(), Phase.SHIFTED),
        (a_watch(**NEW), Phase.STARTED),
        (a_watch(**NEW), Phase.FAILED),
        (a_watch(State.ROLLING_BACK, **NEW), Phase.COMPLETE),
        (a_watch(State.RECOVERING, **NEW), Phase.COMPLETE),
    ],
)
def test_news_that_are_known_or_no_matter_any_more_change_nothing(watch, phase):
    assert progressed(watch, phase, NOON, NOON, FACTS) is None


def test_clocks_that_were_started_for_want_of_news_are_set_by_the_news():
    guessed = due(a_watch(**NEW), NOON + minutes(50), FACTS).watch

    step = progressed(guessed, Phase.COMPLETE, NOON + minutes(70), NOON + minutes(70), FACTS)

    assert step.watch.traffic_at == step.watch.complete_at == NOON + minutes(70)
    assert step.serves == (Serves("service", a_release("v43"), NOON + minutes(70)),)


def test_only_the_clock_of_the_bake_is_set_where_the_traffic_was_known():
    guessed = due(a_watch(complete_at=None), NOON + minutes(50), FACTS).watch

    step = progressed(guessed, Phase.COMPLETE, NOON + minutes(70), NOON + minutes(70), FACTS)

    assert (step.watch.traffic_at, step.watch.complete_at) == (NOON - minutes(10), NOON + minutes(70))


def test_a_rollout_that_was_broken_off_is_remembered_once_until_it_is_complete_after_all():
    step = broken_off(a_watch(**NEW), None, NOON, FACTS)

    assert (step.watch.incomplete, step.watch.revision, step.why) == (True, 8, "broken off")
    assert step.messages == ()
    assert broken_off(step.watch, None, NOON, FACTS) is None
    assert progressed(step.watch, Phase.SHIFTED, NOON, NOON, FACTS).watch.incomplete
    assert not progressed(step.watch, Phase.COMPLETE, NOON, NOON, FACTS).watch.incomplete


def test_that_it_was_broken_off_takes_nothing_from_what_else_the_news_mean():
    shifted = progressed(a_watch(**NEW), Phase.SHIFTED, NOON, NOON, FACTS)

    step = broken_off(a_watch(**NEW), shifted, NOON, FACTS)

    assert (step.watch.traffic_at, step.watch.incomplete, step.watch.revision) == (NOON, True, 8)


def test_clocks_that_started_for_want_of_news_say_nothing_against_it():
    guessed = due(a_watch(**NEW), NOON + minutes(50), FACTS).watch

    assert broken_off(guessed, None, NOON + minutes(51), FACTS).watch.incomplete


@pytest.mark.parametrize(
    "watch", [a_watch(), a_watch(State.ROLLING_BACK, **NEW), a_watch(State.STUCK, **NEW)]
)
def test_what_was_complete_is_not_broken_off_nor_what_goes_back(watch):
    assert broken_off(watch, None, NOON, FACTS) is None


HALF = a_live("v42", in_flight=a_release("v43"), broken_off=True)
ABSENT = a_live("v42")


@pytest.mark.parametrize(
    ("live", "guessed", "is_left"),
    [
        ({"service": HALF}, False, True),
        ({"service": a_live("v42", in_flight=a_release("v44"), broken_off=True)}, False, False),
        ({"service": a_live("v42", in_flight=a_release("v43"))}, True, False),
        ({"service": ABSENT}, False, False),
        ({"service": ABSENT}, True, True),
        ({}, True, False),
    ],
    ids=["left half done", "another is", "on its way", "not there yet", "not there at all", "not to be read"],
)
def test_what_runs_tells_that_a_rollout_came_to_nothing(live, guessed, is_left):
    watch = due(a_watch(**NEW), NOON + minutes(50), FACTS).watch if guessed else a_watch(**NEW)

    step = left_half(watch, live, NOON + minutes(51), FACTS)

    assert (step is not None and step.watch.incomplete) is is_left


def test_the_ledger_is_told_nothing_where_nobody_knows_that_it_serves():
    assert serving(a_watch(complete_at=None)) == ()


# ------------------------------------------------------------------------------------------------------------ what runs


def seen(watch, live, newer=None):
    return seen_live(watch, {"service": live}, NOON, FACTS, newer)


def test_a_rollout_is_followed_by_what_runs():
    moving = a_live("v42", in_flight=a_release("v43"))

    assert seen(a_watch(**NEW), moving).watch.traffic_at == NOON
    assert seen(a_watch(**NEW), moving).watch.complete_at is None
    assert seen(a_watch(complete_at=None), a_live("v43")).watch.complete_at == NOON


@pytest.mark.parametrize(
    ("live", "traffic", "complete"),
    [
        (a_live("v43", in_flight=a_release("v43")), True, False),
        (a_live("v43", in_flight=a_release("v44")), True, False),
        (a_live("v42", in_flight=a_release("v43"), shares={"sha256:v43": 0.1}), True, False),
        (a_live("v43"), True, True),
    ],
)
def test_what_runs_says_how_far_the_rollout_is(live, traffic, complete):
    step = seen(a_watch(**NEW), live)

    assert (step.watch.traffic_at is not None, step.watch.complete_at is not None) == (traffic, complete)


@pytest.mark.parametrize(
    "live",
    [a_live("v42"), a_live(None), a_live("v42", in_flight=a_release("v43"), shares={"sha256:v43": 0.0})],
)
def test_a_release_that_takes_no_traffic_yet_is_no_news(live):
    assert seen(a_watch(**NEW), live) is None


def test_a_part_that_could_not_be_read_says_nothing():
    assert seen_live(a_watch(**NEW), {}, NOON, FACTS) is None


def test_a_stuck_watch_recovers_when_the_known_good_release_is_seen_live():
    step = seen(a_watch(State.STUCK), a_live("v42"))

    assert step.watch.state is State.RECOVERING
    assert step.watch.back_at == NOON
    assert step.serves == (Serves("service", a_release("v42"), NOON),)


@pytest.mark.parametrize(
    "live", [a_live("v43"), a_live("v44"), a_live(None), a_live("v42", in_flight=a_release("v43"))]
)
def test_a_stuck_watch_stays_stuck_with_anything_else(live):
    assert seen(a_watch(State.STUCK), live) is None
    assert seen_live(a_watch(State.STUCK), {}, NOON, FACTS) is None
    assert seen(a_watch(State.STUCK, plan=None), live) is None


@pytest.mark.parametrize("state", [State.STUCK, State.ROLLING_BACK])
def test_a_third_release_supersedes_if_a_newer_deployment_is_known(state):
    step = seen(a_watch(state), a_live("v44"), newer="w_2")

    assert step.watch.state is State.SUPERSEDED
    assert step.watch.superseded_by == "w_2"


@pytest.mark.parametrize("state", [State.ROLLING_BACK, State.RECOVERING])
def test_while_it_goes_back_the_performer_tells(state):
    assert seen(a_watch(state), a_live("v42")) is None


# ------------------------------------------------------------------------------------------------------ a newer deployment


@pytest.mark.parametrize(
    "state", [State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD, State.STUCK]
)
def test_a_newer_deployment_takes_over(state):
    step = superseded(a_watch(state), "w_2", NOON, FACTS)

    assert step.watch.state is State.SUPERSEDED
    assert step.watch.superseded_by == "w_2"
    assert step.watch.ended_at == NOON
    assert (step.actions, step.results, step.quarantines) == ((), (), ())


def test_a_rollback_that_is_superseded_is_closed_so_that_it_blocks_nobody():
    step = superseded(a_watch(State.ROLLING_BACK), "w_2", NOON, FACTS)

    assert step.results == (ActionResult("w_1.6.0", ActionState.FAILED, "the watch is superseded"),)


def test_a_rollback_without_an_action_has_none_to_close():
    assert superseded(a_watch(State.ROLLING_BACK, action=None), "w_2", NOON, FACTS).results == ()


def test_what_went_back_ends_rolled_back_though_a_newer_deployment_took_over():
    step = superseded(a_watch(State.RECOVERING), "w_2", NOON, FACTS)

    assert step.watch.state is State.ROLLED_BACK
    assert step.watch.ending.recovered is None
    assert step.quarantines == ()


def test_being_superseded_is_told_where_people_were_told_before():
    assert superseded(a_watch(), "w_2", NOON, FACTS).messages == ()
    assert [m.kind for m in superseded(a_watch(State.ASKING), "w_2", NOON, FACTS).messages] == ["show"]


# --------------------------------------------------------------------------------------------------------- the rollback


def result(state, **changes):
    return replace(ActionResult("w_1.6.0", state, "words"), **changes)


@pytest.mark.parametrize("state", [State.ROLLING_BACK, State.STUCK])
def test_once_the_known_good_release_serves_it_is_watched_whether_that_helped(state):
    done = result(ActionState.DONE)

    step = happened(a_watch(state), done, NOON, FACTS)

    assert step.watch.state is State.RECOVERING
    assert step.watch.back_at == NOON
    assert step.results == (done,)
    assert step.serves == (Serves("service", a_release("v42"), NOON),)
    assert step.messages[0].notice.event == "watch.went_back"


@pytest.mark.parametrize(
    ("state", "third"),
    [(ActionState.FAILED, None), (ActionState.REFUSED, None), (ActionState.REFUSED, "v44")],
)
def test_a_rollback_that_cannot_be_finished_needs_a_person(state, third):
    failed = result(state, third_tag=third, by_hand="deploy v42")

    step = happened(a_watch(State.ROLLING_BACK), failed, NOON, FACTS)

    assert step.watch.state is State.STUCK
    assert step.watch.stuck_words == "words\nBy hand: deploy v42"
    assert step.results == (failed,)
    assert step.actions == ()


@pytest.mark.parametrize("state", [ActionState.PLANNED, ActionState.BEGUN, ActionState.UNKNOWN])
def test_news_of_an_open_action_change_nothing(state):
    assert happened(a_watch(State.ROLLING_BACK), result(state), NOON, FACTS) is None


def test_news_of_another_action_change_nothing():
    other = result(ActionState.DONE, action="w_1.2.0")

    assert happened(a_watch(State.ROLLING_BACK), other, NOON, FACTS) is None


def test_a_failure_that_is_told_twice_is_one():
    assert happened(a_watch(State.STUCK), result(ActionState.FAILED), NOON, FACTS) is None


# --------------------------------------------------------------------------------------------------------- well again?


def test_well_again_ends_it_at_once():
    step = recovered(a_watch(State.RECOVERING), Level(True, "12 of 9,800 requests failed"), NOON, FACTS)

    assert step.watch.state is State.ROLLED_BACK
    assert step.watch.ending.recovered is True
    assert step.quarantines == ()


@pytest.mark.parametrize("well", [False, None])
def test_not_well_yet_is_watched_on(well):
    step = recovered(a_watch(State.RECOVERING), Level(well, ""), NOON, FACTS)

    assert step.watch.state is State.RECOVERING
    assert step.watch.level == Level(well, "")


def test_not_well_after_ten_minutes_lifts_the_quarantine_in_that_same_step():
    step = recovered(a_watch(State.RECOVERING), Level(False, "4.9 % fail"), NOON + minutes(9), FACTS)

    assert step.watch.state is State.ROLLED_BACK
    assert step.watch.ending.recovered is False
    assert [quarantine.lift for quarantine in step.quarantines] == [True]
    assert "probably not v43" in step.messages[0].notice.headline


def test_what_could_not_be_seen_after_ten_minutes_lifts_nothing():
    step = recovered(a_watch(State.RECOVERING), Level(None, ""), NOON + minutes(9), FACTS)

    assert step.watch.ending.recovered is None
    assert step.quarantines == ()


def test_a_rollback_that_a_person_ordered_says_so_in_the_end():
    step = recovered(a_watch(State.RECOVERING, ordered_by="olga"), Level(True, ""), NOON, FACTS)

    assert step.watch.ending.by == "olga"


@pytest.mark.parametrize("state", [State.WATCHING, State.ROLLING_BACK, State.STUCK])
def test_only_what_recovers_can_be_well_again(state):
    assert recovered(a_watch(state), Level(True, ""), NOON, FACTS) is None


# -------------------------------------------------------------------------------------------------------------- a guard

GUARDS = [
    (Armed(*PLACE), Doubtful.DISARMED),
    (NotQuarantined(*PLACE, "service", "sha256:v42"), Doubtful.QUARANTINED),
    (NoOpenAction(*PLACE), Doubtful.TARGET_BUSY),
    (Below(1, NOON, *PLACE, watch="w_1"), Doubtful.CEILING_DEPLOYMENT),
    (Below(2, NOON, *PLACE), Doubtful.CEILING_SERVICE),
    (Below(3, NOON), Doubtful.CEILING_FLEET),
]


@pytest.mark.parametrize(("guard", "because"), GUARDS)
def test_a_guard_that_does_not_hold_asks_and_says_which(guard, because):
    watch = a_watch()
    attempted = judged(watch, a_breach(), "more", NOON, FACTS)

    step = refused(watch, attempted, guard, "the store's words", NOON, FACTS)

    assert step.watch.state is State.ASKING
    assert step.watch.question.because == (because,)
    assert (step.before, step.watch.revision) == (7, 8)
    assert (step.actions, step.quarantines, step.requires) == ((), (), frozenset())


def test_what_was_judged_in_the_step_that_was_refused_is_not_lost():
    watch = a_watch()
    attempted = judged(watch, a_breach(), "more", NOON, FACTS)

    step = refused(watch, attempted, Armed(*PLACE), "", NOON, FACTS)

    assert step.watch.evidence == "more"
    assert step.watch.judgement == a_breach()
    assert step.watch.breach is not None


def test_a_countdown_whose_guard_does_not_hold_asks():
    watch = a_watch(State.COUNTING_DOWN)
    attempted = due(watch, NOON + seconds(30), FACTS)

    step = refused(watch, attempted, Below(3, NOON), "", NOON + seconds(30), FACTS)

    assert step.watch.state is State.ASKING
    assert step.watch.countdown_until is None


def test_an_answer_that_the_machine_gave_for_nobody_is_not_asked_again():
    watch = a_watch(State.ASKING, policy=a_policy(asking=Asking(then=Then.ROLL_BACK)))
    attempted = due(watch, NOON + minutes(59), FACTS)

    step = refused(watch, attempted, Below(3, NOON), "3 rollbacks of the fleet", NOON + minutes(59), FACTS)

    assert step.watch.state is State.KEPT
    assert "3 rollbacks of the fleet" in step.watch.ending.words


def test_a_breach_found_while_the_blind_are_asked_whose_guard_does_not_hold_is_asked_about():
    watch = a_watch(State.ASKING, question=a_question(because=(Doubtful.BLIND,)), breach=None)
    attempted = judged(watch, a_breach(), "more", NOON, FACTS)

    step = refused(watch, attempted, Below(3, NOON), "", NOON, FACTS)

    assert step.watch.state is State.ASKING
    assert step.watch.question.because == (Doubtful.CEILING_FLEET,)


@pytest.mark.parametrize("state", [State.WATCHING, State.ASKING, State.HELD, State.STUCK])
def test_a_guard_that_stops_a_persons_order_is_for_that_person_to_hear(state):
    watch = a_watch(state)
    attempted = ordered(watch, an_order(OrderKind.ROLL_BACK), NOON, FACTS)

    assert refused(watch, attempted, NoOpenAction(*PLACE), "", NOON, FACTS) is None


# ----------------------------------------------------------------------------------------------------- several parts


def two_parts():
    watch = a_watch()
    (part,) = watch.deployment.parts
    web = replace(part, part="web", before=a_release("web7"), after=a_release("web8"))
    return replace(watch, deployment=replace(watch.deployment, parts=(part, web)))


BACKS = {"service": a_back(), "web": a_back("web7", crosses=2)}


def test_every_part_goes_back_to_its_own_release():
    facts = some_facts(way_back=None, ways_back=BACKS)

    step = judged(two_parts(), a_breach(), "more", NOON, facts)

    assert [(move.part, move.expect.tag, move.to.tag) for move in step.watch.plan.moves] == [
        ("service", "v43", "v42"),
        ("web", "web8", "web7"),
    ]
    assert NotQuarantined(*PLACE, "web", "sha256:web7") in step.requires
    assert {quarantine.fingerprint for quarantine in step.quarantines} == {"sha256:v43", "sha256:web8"}
    assert step.watch.way_back == BACKS["web"]
    assert step.watch.goes_to == "v42 + web7"


def test_a_part_with_nowhere_to_go_keeps_all_of_them_from_going_back():
    for facts in (some_facts(way_back=None, ways_back={"service": a_back()}), some_facts(way_back=a_back())):
        step = judged(two_parts(), a_breach(), "more", NOON, facts)

        assert step.watch.state is State.ASKING
        assert step.watch.question.because == (Doubtful.NO_WAY_BACK,)


def test_a_rollout_is_as_far_as_the_last_of_its_parts():
    watch = replace(two_parts(), **NEW)
    one = seen_live(watch, {"service": a_live("v43"), "web": a_live("web7")}, NOON, FACTS)
    both = seen_live(watch, {"service": a_live("v43"), "web": a_live("web8")}, NOON, FACTS)

    assert (one.watch.traffic_at, one.watch.complete_at) == (NOON, None)
    assert both.watch.complete_at == NOON


def test_a_stuck_watch_recovers_only_when_all_parts_went_back():
    (web,) = a_plan("web7", "web8").moves
    watch = a_watch(State.STUCK, plan=replace(a_plan(), moves=(*a_plan().moves, replace(web, part="web"))))

    assert seen_live(watch, {"service": a_live("v42"), "web": a_live("web8")}, NOON, FACTS) is None
    assert seen_live(watch, {"service": a_live("v42"), "web": a_live("web7")}, NOON, FACTS) is not None


# --------------------------------------------------------------------------------------------------- one after the other


def test_a_rollback_that_a_person_ordered_after_the_machines_is_a_second_one_under_another_key():
    first = judged(a_watch(), a_breach(), "more", NOON, FACTS).watch
    stuck = happened(first, ActionResult(first.action, ActionState.FAILED, "no"), NOON, FACTS).watch

    second = ordered(stuck, an_order(OrderKind.ROLL_BACK), NOON + hours(1), FACTS)

    assert second.watch.action != first.action
    assert second.watch.stuck_words == ""
    assert second.actions[0].ordered_by == "olga"
    assert happened(second.watch, ActionResult(first.action, ActionState.DONE), NOON, FACTS) is None


def test_what_nobody_could_see_does_not_undo_a_breach():
    watch = a_watch(State.COUNTING_DOWN)

    step = judged(watch, a_blind_judgement(), "more", NOON + seconds(30), FACTS)

    assert step.watch.state is State.ROLLING_BACK
