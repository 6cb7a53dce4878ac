"""Nothing serves beside the release: is what is wrong its fault, or that of something else? By when it began, and by controls."""

from datetime import timedelta

import pytest

from rules.model import BeforeAfter, Consequence, RuleSet
from tests.builders import minutes
from tests.scenarios.stage import FOR_DAYS
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import (
    a_rule,
    a_service,
    a_world,
    an_indicator,
    order,
    outage,
    release,
    together,
)
from watcher.core.service import Asking, Bake, Mode
from watcher.core.watch import Doubtful, State

SIZE = 0.05  # of the requests
SWITCH = 10  # minutes
GOOD = release("v2", at=minutes(SWITCH), share=1.0)
BAD = release("v2", at=minutes(SWITCH), share=1.0, fails=SIZE)
ALSO = "payments are well"


def as_before():
    """No worse than the last seven days at this time of day."""
    indicator = an_indicator("errors", compares=False)
    return RuleSet((indicator,), (a_rule(BeforeAfter()),))


def a_control():
    """Another service, which needs the same dependency: no worse than before either."""
    indicator = an_indicator("payments", "payments", compares=False)
    rule = a_rule(BeforeAfter(), "payments", Consequence.DOUBT, name=ALSO)
    return RuleSet((indicator,), (rule,))


def an_outage_after(switched):
    """Of a dependency, for five minutes."""
    return outage(minutes(SWITCH + switched), minutes(SWITCH + switched + 5), SIZE)


def told(*happens, rules=None, others=()):
    service = a_service(rules=rules or as_before(), bake=Bake(minutes(30), minutes(60)))
    return in_virtual_time(watched(a_world(service, *others, *happens), minutes=35))


def test_a_defect_from_the_switch_on_goes_back_within_three_buckets():
    story = told(BAD)

    assert story.rolled_back_at <= minutes(SWITCH + 3)
    assert story.calls_that_change == ["UpdateService v1"]


def test_an_outage_of_that_size_ten_minutes_after_the_switch_is_not_blamed_on_the_release():
    story = told(GOOD, an_outage_after(10))

    assert story.watch.state is State.ASKING
    assert known(story.watch.question).because == (Doubtful.LATE_ONSET,)
    assert known(story.watch.question).words == (
        "it began 10 min after the deployment, with nothing to compare it with"
    )
    assert story.calls_that_change == []


def test_three_minutes_after_the_switch_it_says_that_it_cannot_tell_without_a_control():
    story = told(GOOD, an_outage_after(3))

    question = known(story.watch.question)
    assert question.because == (Doubtful.SOON_ONSET,)
    assert "it began 3 min after the deployment: soon enough to be the fault of v2" in question.words
    assert "cannot be told without a control" in question.words
    assert story.calls_that_change == []


def test_three_minutes_after_the_switch_it_acts_where_a_control_stays_well():
    rules = together(as_before(), a_control())
    payments = a_service("payments", bake=Bake(minutes(30), minutes(60)))

    story = told(GOOD, an_outage_after(3), rules=rules, others=(payments,))

    assert story.calls_that_change == ["UpdateService v1"]


@pytest.mark.parametrize("began", [0, 3])
def test_where_a_control_is_worse_at_the_same_time_a_person_is_asked_with_that_reason(began):
    rules = RuleSet(
        (*as_before().indicators, an_indicator("payments", compares=False)),
        (*as_before().rules, *a_control().rules),
    )

    story = told(GOOD, an_outage_after(began), rules=rules)

    question = known(story.watch.question)
    assert Doubtful.CONTROL in question.because
    assert f"“{ALSO}” does not hold any more either" in question.words
    assert story.calls_that_change == []


def test_who_deploys_into_an_outage_is_asked_and_told_that_it_was_so_before():
    """It began twenty minutes before the switch, and goes on."""
    story = told(GOOD, outage(minutes(SWITCH - 20), minutes(SWITCH + 25), SIZE))

    question = known(story.watch.question)
    assert question.because == (Doubtful.RULE,)
    assert "may only ask: it was so before: " in question.words
    assert story.calls_that_change == []


# ------------------------------------------------------------------------------------------------------------- lineage


def every_twenty_minutes(fails):
    return [
        release(f"v{number}", at=minutes(SWITCH + 20 * place), share=1.0, fails=share)
        for place, (number, share) in enumerate(enumerate(fails, start=2))
    ]


def test_one_that_supersedes_a_bad_one_after_four_minutes_is_compared_with_the_last_good_one():
    """Both fail four times as often as usual: too little to be found in four minutes."""
    v2 = release("v2", at=minutes(SWITCH), share=1.0, fails=0.004)
    v3 = release("v3", at=minutes(SWITCH + 4), share=1.0, fails=0.004)

    story = told(v2, v3)

    assert story.states(story.watch_of("v2")) == ["watching", "superseded"]
    assert story.states(story.watch_of("v3"))[:2] == ["watching", "rolling_back"]
    assert story.calls_that_change == ["UpdateService v1"]


def test_of_releases_each_of_which_is_a_little_worse_none_is_passed_as_no_worse_than_the_one_before():
    service = a_service(rules=as_before(), bake=Bake(minutes(30), minutes(60)))
    worse = every_twenty_minutes([0.001 * 1.4**number for number in range(1, 9)])

    story = in_virtual_time(watched(a_world(service, *worse), minutes=SWITCH + 8 * 20 + 10))

    ended = {watch.tag: watch.state for watch in story.watches}
    assert State.PASSED not in ended.values()
    assert story.calls_that_change[0] == "UpdateService v1"
    assert story.rolled_back_at <= minutes(SWITCH + 4 * 20)  # v5, which is four times as bad as v1


def test_where_three_releases_an_hour_leave_no_watch_its_end_a_bad_one_goes_back_to_the_last_that_passed():
    """v2 passes, v3 and v4 are superseded before their watches end; v5 fails four times as often as is usual."""
    service = a_service(rules=as_before(), bake=Bake(minutes(30), minutes(60)))
    good = [release(f"v{n}", at=minutes(at), share=1.0) for n, at in ((2, SWITCH), (3, 50), (4, 70))]
    bad = release("v5", at=minutes(90), share=1.0, fails=0.004)

    story = in_virtual_time(watched(a_world(service, *good, bad), minutes=110))

    ended = {watch.tag: watch.state for watch in story.watches}
    assert (ended["v2"], ended["v3"], ended["v4"]) == (State.PASSED, State.SUPERSEDED, State.SUPERSEDED)
    assert story.calls_that_change == ["UpdateService v2"]


def test_beside_a_predecessor_that_is_itself_unproven_a_release_is_not_found_to_be_no_worse_and_passed():
    """Both fail alike: beside each other they would be well. The last good release does not serve any more."""
    v2 = release("v2", at=minutes(SWITCH), share=1.0, fails=0.004)
    v3 = release("v3", at=minutes(SWITCH + 4), fails=0.004)
    service = a_service(bake=Bake(minutes(15), minutes(40)))

    story = in_virtual_time(watched(a_world(service, v2, v3), minutes=70))

    assert story.states(story.watch_of("v3")) == ["watching", "unproven"]


def test_what_a_release_that_was_kept_though_it_is_bad_did_for_a_day_is_not_what_is_usual():
    """Three times as bad as v1; half of the two days that are looked at were v2's."""
    rules = RuleSet(as_before().indicators, (a_rule(BeforeAfter(timedelta(days=2))),))
    service = a_service(
        rules=rules, mode=Mode.ASK, bake=Bake(minutes(30), minutes(60)), asking=Asking(minutes(180))
    )
    v2 = release("v2", at=minutes(SWITCH), share=1.0, fails=0.003)
    v3 = release("v3", at=minutes(21 * 60), share=1.0, fails=0.003)
    world = a_world(service, v2, order(minutes(90), "keep"), v3, settings={"pace": FOR_DAYS})

    story = in_virtual_time(watched(world, minutes=21 * 60 + 50))

    assert story.watch_of("v2").state is State.KEPT
    assert story.watch_of("v3").state is State.ASKING
