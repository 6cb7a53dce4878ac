"""Good releases pass, bad ones go back, and what cannot be seen is neither."""

from dataclasses import replace

import pytest

from rules.model import WhenBlind
from tests.builders import minutes, seconds
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import (
    a_limit,
    a_service,
    a_world,
    an_objective,
    compared,
    dark,
    outage,
    release,
    together,
)
from watcher.core.service import Asking, Bake, Mode, Then
from watcher.core.watch import Doubtful, State

BAD = release("v2", at=minutes(10), fails=0.05)
GOOD = release("v2", at=minutes(10))


# ------------------------------------------------------------------------------------------------------------ the judge


def test_a_release_that_fails_from_the_switch_on_is_back_within_three_buckets():
    story = in_virtual_time(watched(a_world(BAD), minutes=40))

    assert story.rolled_back_at <= minutes(13)
    assert story.calls_that_change == ["UpdateService v1"]
    assert story.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert known(story.watch.ending).recovered is True


def test_a_good_release_passes_after_its_bake_and_nobody_hears_of_it():
    story = in_virtual_time(watched(a_world(GOOD), minutes=40))

    assert story.states() == ["watching", "passed"]
    assert minutes(25) <= story.entered("passed") <= minutes(26.5)
    assert story.told == []
    assert story.calls_that_change == []


def test_a_release_is_not_blamed_for_an_outage_that_both_versions_share():
    world = a_world(GOOD, outage(minutes(13), minutes(18), fails=0.2))

    story = in_virtual_time(watched(world, minutes=60))

    assert story.states() == ["watching", "passed"]
    assert story.calls_that_change == []


def test_an_outage_long_after_the_switch_with_nothing_to_compare_asks_a_person():
    service = a_service(rules=an_objective(), bake=Bake(minutes(40), minutes(80)))

    story = in_virtual_time(
        watched(a_world(service, GOOD, outage(minutes(30), minutes(36), fails=0.3)), minutes=45)
    )

    assert story.watch.state is State.ASKING
    assert Doubtful.LATE_ONSET in known(story.watch.question).because
    assert story.calls_that_change == []


@pytest.mark.parametrize("began", [12, 30])
def test_what_breaks_an_objective_for_both_versions_alike_is_not_blamed_on_the_release_by_itself(began):
    service = a_service(rules=together(compared(), an_objective()), bake=Bake(minutes(40), minutes(80)))
    world = a_world(service, GOOD, outage(minutes(began), minutes(began + 6), fails=0.3))

    story = in_virtual_time(watched(world, minutes=45))

    assert story.calls_that_change == []


def test_a_release_that_breaks_only_after_a_while_goes_back_too_where_it_is_compared():
    world = a_world(GOOD, outage(minutes(20), minutes(90), fails=0.2, version="v2"))

    story = in_virtual_time(watched(world, minutes=40))

    assert minutes(20) < story.rolled_back_at <= minutes(24)


def test_a_fixed_limit_rolls_back_after_three_bad_buckets():
    story = in_virtual_time(watched(a_world(a_service(rules=a_limit()), BAD), minutes=30))

    assert story.rolled_back_at <= minutes(14)


# ------------------------------------------------------------------------------------------------------------- the mode


def test_in_shadow_it_is_said_what_would_have_been_and_nothing_is_moved():
    story = in_virtual_time(watched(a_world(a_service(mode=Mode.SHADOW), BAD), minutes=40))

    assert story.states() == ["watching", "kept"]
    assert story.events == ["watch.would_have", "watch.kept"]
    assert "would have gone back from v2 to v1" in story.headlines[0]
    assert story.calls_that_change == []
    assert story.actions == []


def test_in_mode_ask_a_person_is_asked_and_a_question_that_nobody_answers_keeps_the_release():
    service = a_service(mode=Mode.ASK, asking=Asking(minutes(20), Then.KEEP))

    story = in_virtual_time(watched(a_world(service, BAD), minutes=40))

    assert story.states() == ["watching", "asking", "kept"]
    assert story.entered("kept") - story.entered("asking") >= minutes(20)
    assert story.events == ["watch.asked", "watch.kept"]
    assert story.calls_that_change == []


def test_a_question_that_nobody_answers_goes_back_where_the_setting_says_so():
    service = a_service(mode=Mode.ASK, asking=Asking(minutes(20), Then.ROLL_BACK))

    story = in_virtual_time(watched(a_world(service, BAD), minutes=40))

    assert story.states() == ["watching", "asking", "rolling_back", "recovering", "rolled_back"]
    assert story.calls_that_change == ["UpdateService v1"]


# ---------------------------------------------------------------------------------------------------- what cannot be seen


SHORT = Bake(minutes(10), minutes(25))
NEVER_SEEN = ("no data", "unavailable", "invalid", "nan", "hangs", "raises")


@pytest.mark.parametrize("trouble", NEVER_SEEN)
@pytest.mark.parametrize("fails", [0.001, 0.5])
def test_what_cannot_be_seen_is_neither_rolled_back_nor_passed(trouble, fails):
    world = a_world(
        a_service(bake=SHORT),
        release("v2", at=minutes(10), fails=fails),
        dark(trouble, minutes(9), minutes(99)),
    )

    story = in_virtual_time(watched(world, minutes=45))

    assert story.states() == ["watching", "unproven"]
    assert story.calls_that_change == []
    assert story.events == ["watch.unproven"]


def test_what_was_not_seen_in_the_dark_is_judged_when_the_light_comes_back():
    world = a_world(BAD, dark("unavailable", minutes(10.5), minutes(20)))

    story = in_virtual_time(watched(world, minutes=40))

    assert minutes(20) < story.rolled_back_at < minutes(22)


def test_a_history_that_cannot_be_read_when_the_watch_opens_is_asked_for_again():
    story = in_virtual_time(watched(a_world(BAD, dark("unavailable", minutes(9), minutes(10.2))), minutes=40))

    assert story.rolled_back_at <= minutes(13)


def test_buckets_that_come_late_are_judged_late():
    story = in_virtual_time(watched(a_world(BAD, dark("late", minutes(9), minutes(99))), minutes=40))

    assert minutes(14) < story.rolled_back_at < minutes(15)


def test_one_blind_rule_keeps_a_release_from_passing():
    rules = together(compared(), an_objective(provider="others"))
    world = a_world(
        a_service(rules=rules, bake=SHORT), GOOD, dark_others=(dark("unavailable", minutes(9), minutes(99)),)
    )

    story = in_virtual_time(watched(world, minutes=45))

    assert story.states() == ["watching", "unproven"]


def test_a_rule_that_asks_when_it_is_blind_asks_and_goes_on_when_it_sees_again():
    rules = compared(when_blind=WhenBlind.ASK)
    world = a_world(a_service(rules=rules), GOOD, dark("unavailable", minutes(12), minutes(30)))

    story = in_virtual_time(watched(world, minutes=60))

    assert story.states() == ["watching", "asking", "watching", "passed"]
    assert story.events == ["watch.asked", "watch.sees_again", "watch.passed"]


def test_a_question_of_the_blind_that_nobody_answers_ends_unproven():
    rules = compared(when_blind=WhenBlind.ASK)
    service = a_service(rules=rules, asking=Asking(minutes(20), Then.ROLL_BACK))

    story = in_virtual_time(
        watched(a_world(service, GOOD, dark("no data", minutes(9), minutes(99))), minutes=60)
    )

    assert story.states() == ["watching", "asking", "unproven"]
    assert story.calls_that_change == []


# ---------------------------------------------------------------------------------------------- one that hangs, others


def test_a_provider_that_hangs_delays_no_other_watch():
    hung = a_service("cart", rules=an_objective(of="cart", provider="others"))
    world = a_world(a_service(), hung, BAD, release("v2", at=minutes(10), of="cart"))
    slow = replace(world, dark_others=(dark("hangs", minutes(0), minutes(99)),))

    usual = in_virtual_time(watched(world, minutes=30))
    story = in_virtual_time(watched(slow, minutes=30))

    assert story.rolled_back_at - usual.rolled_back_at < seconds(3)
    assert story.logged("lease.lost") == []


def test_a_provider_that_hangs_delays_the_other_rules_of_its_watch_by_no_more_than_its_deadlines():
    world = a_world(a_service(rules=together(compared(), an_objective(provider="others"))), BAD)
    slow = replace(world, dark_others=(dark("hangs", minutes(0), minutes(99)),))

    usual = in_virtual_time(watched(world, minutes=30))
    story = in_virtual_time(watched(slow, minutes=30))

    assert story.rolled_back_at - usual.rolled_back_at < seconds(30)  # and buckets are a minute long
    assert story.logged("lease.lost") == []
