from dataclasses import replace

import pytest

from rules.evaluate import level
from rules.model import CanaryVsBaseline, Consequence, InState, Kind, Slo, Threshold
from rules.sample import State, Value
from tests.rules.building import (
    INDEPENDENT,
    MINUTE,
    a_brief,
    a_bucket,
    a_history,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)
from tests.rules.objectives.test_before_after import a_watched
from tests.rules.objectives.test_history import a_past


def after(brief, *pairs, before=()):
    """How it stands when these (canary, baseline) came since noon, and those before."""
    buckets = [a_bucket(place - len(before), *pair) for place, pair in enumerate(before)]
    buckets += [a_bucket(place, *pair) for place, pair in enumerate(pairs)]
    return level(brief, [series(bucket) for bucket in buckets], noon(0))


def an_slo():
    return a_brief(a_rule(Slo(0.999)))


def test_it_is_well_after_two_good_buckets():
    assert after(an_slo(), (None, counts(0, 6000))).well is None
    assert after(an_slo(), (None, counts(0, 6000)), (None, counts(1, 6000))).well is True


def test_it_is_not_well_while_more_is_bad_than_is_acceptable():
    found = after(an_slo(), (None, counts(300, 6000)), (None, counts(290, 6000)))

    assert found.well is False
    assert found.words == "590 of 12,000 requests failed (4.9 %), 0.1 % is acceptable"
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(590 / 12000)


def test_both_arms_count_for_what_people_get_is_what_matters():
    assert after(an_slo(), *[(counts(300, 600), counts(0, 6000))] * 2).well is False


def test_the_newest_buckets_decide():
    found = after(an_slo(), *[(None, counts(3000, 6000))] * 3, *[(None, counts(0, 6000))] * 2)

    assert found.well is True


def test_what_was_bad_before_the_way_back_is_past():
    assert after(an_slo(), *[(None, counts(0, 6000))] * 2, before=[(counts(900, 900), None)] * 5).well is True


def test_a_bucket_that_began_before_the_way_back_is_past():
    found = after(an_slo(), (None, counts(0, 6000)), before=[(counts(900, 900), None)])

    assert found.well is None
    assert found.words.startswith("0 of 6,000")


def test_too_few_requests_tell_nothing_and_more_buckets_are_added_up():
    assert after(an_slo(), *[(None, counts(0, 6))] * 3).well is None
    assert after(an_slo(), *[(None, counts(0, 6))] * 9).well is True
    assert after(an_slo(), *[(None, counts(0, 0))] * 9).well is None


def test_nothing_yet_tells_nothing():
    found = after(an_slo())

    assert found.well is None
    assert found.words == "0 of 0 requests failed"


def test_a_comparison_is_with_what_was_usual_beside_it():
    brief = a_brief(a_rule(CanaryVsBaseline()))
    before = [(counts(300, 600), counts(6, 6000))] * 4

    assert after(brief, *[(None, counts(6, 6000))] * 2, before=before).well is True
    assert after(brief, *[(None, counts(120, 6000))] * 2, before=before).well is False


def test_a_comparison_is_with_the_history_where_nothing_was_beside_it():
    brief = a_brief(a_rule(CanaryVsBaseline()), histories={"errors": (a_history(INDEPENDENT),)})

    assert after(brief, *[(None, counts(6, 6000))] * 2).well is True
    assert after(brief, *[(None, counts(120, 6000))] * 2).well is False


def test_where_nothing_was_ever_usual_there_is_nothing_to_tell_by():
    found = after(a_brief(a_rule(CanaryVsBaseline())), *[(None, counts(6, 6000))] * 2)

    assert found.well is None
    assert found.words == "there is nothing yet to tell by"


def test_a_margin_of_nothing_beside_a_service_that_never_failed_is_still_a_level():
    brief = a_brief(
        a_rule(CanaryVsBaseline(1.0, 0.0)), histories={"errors": (a_history([(600.0, 0.0)] * 99),)}
    )

    assert after(brief, *[(None, counts(0, 6000))] * 2).well is True
    assert after(brief, *[(None, counts(60, 6000))] * 2).well is False


def test_a_threshold_is_well_after_two_points_within_it():
    brief = a_brief(a_rule(Threshold(above=2.0)), indicators=[an_indicator(kind=Kind.VALUE)])

    assert after(brief, (Value(3.0), None), (Value(1.0), None)).well is None
    assert after(brief, (Value(1.0), None), (None, Value(1.0))).well is True
    assert after(brief, (Value(3.0), None), (Value(3.0), None)).well is False
    assert after(brief).well is None


def test_the_worst_indicator_of_the_rules_that_act_decides():
    brief = a_brief(
        a_rule(Slo(0.999)),
        a_rule(Slo(0.999999), "strict", "errors", Consequence.TELL),
        a_rule(Slo(0.9), "lax", "errors"),
    )

    assert after(brief, *[(None, counts(1, 6000))] * 2).well is True
    assert after(brief, *[(None, counts(60, 6000))] * 2).well is False


def test_members_of_an_all_of_are_looked_at():
    watch = a_watch(
        a_rule(Slo(0.999), "m0", "errors", Consequence.TELL),
        a_rule(Threshold(above=0.5), "m1", "errors", Consequence.TELL),
        a_rule(None, "both", all_of=("m0", "m1")),
    )

    assert after(watch.brief, *[(None, counts(60, 6000))] * 2).well is False


def test_against_the_past_it_is_well_by_the_time_of_day():
    past = a_past(7, lambda at: 60.0 if at.hour >= 12 else 3.0)
    watch = a_watched(past)

    assert after(watch.brief, *[(counts(14, 600), None)] * 3).well is True
    assert after(watch.brief, *[(counts(90, 600), None)] * 3).well is False


def test_a_state_of_the_release_that_was_undone_says_nothing_of_those_who_are_served_now():
    """An issue that is new with it stays new."""
    of_it = an_indicator("issues", Kind.STATE)
    states = [a_bucket(place, State("NEW", noon(-5), bad=True)) for place in range(3)]

    def stands(indicator):
        watch = a_watch(a_rule(InState(MINUTE), "issues"), indicators=[indicator])
        return level(watch.brief, [series(each, name="issues") for each in states], noon(0)).well

    assert stands(of_it) is None
    assert stands(replace(of_it, compares_arms=False)) is False


def test_where_people_keep_what_they_have_only_the_known_good_release_counts():
    """Pages that are open begin sessions of the old release still."""
    buckets = [series(a_bucket(place, counts(300, 600), counts(0, 6000))) for place in range(2)]

    def stands(indicator):
        watch = a_watch(a_rule(Slo(0.999)), indicators=[indicator])
        return level(watch.brief, buckets, noon(0), lingers=True).well

    assert stands(an_indicator()) is True
    assert stands(replace(an_indicator(), compares_arms=False)) is False  # of the service as a whole


def test_where_something_else_serves_again_than_it_was_compared_with_its_pages_say_nothing():
    """A person has named an older release: the one before is on pages that are open still, as the bad one is."""
    buckets = [series(a_bucket(place, counts(300, 600), counts(0, 6000))) for place in range(2)]

    def stands(indicator, **how):
        watch = a_watch(a_rule(Slo(0.999)), indicators=[indicator])
        return level(watch.brief, buckets, noon(0), beside=False, **how).well

    assert stands(an_indicator(), lingers=True) is None
    assert stands(an_indicator()) is False  # where nothing lingers, what is there is what people get
    assert stands(replace(an_indicator(), compares_arms=False), lingers=True) is False
