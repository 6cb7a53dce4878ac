from dataclasses import replace

import numpy as np
import pytest

from rules.gate import Replayed, gated, replay
from rules.model import BeforeAfter, Consequence, Slo, Statistics
from rules.objectives.history import Past
from rules.verdict import Outcome
from tests.rules.building import HOUR, MINUTE, NOON, a_case, a_rule, a_watch, counts
from tests.rules.objectives.test_before_after import a_watched, case_of, of
from tests.rules.objectives.test_history import DAY, a_past

JUDGE = BeforeAfter(plus=0.0)
BAD = (counts(60, 600), None)


def chance(seed=1, times=lambda _at: 1.0):
    """A past in which chance has its part: 3,000 requests in five minutes, of which 3 are bad."""
    rng = np.random.default_rng(seed)
    return lambda at: float(rng.poisson(3.0 * times(at)))


def only_asks(past):
    return case_of(a_watched(past, statistics=Statistics(correlation="independent"))).only_asks


def test_a_past_like_any_other_lets_the_rule_act():
    assert only_asks(a_past(7, chance())) == ""


def test_a_smooth_season_lets_it_act():
    """Three times as bad by day as by night."""
    assert only_asks(a_past(7, chance(2, lambda at: 1 + 0.5 * np.sin(2 * np.pi * at.hour / 24)))) == ""


def test_days_that_do_not_foretell_each_other_make_it_ask_and_it_says_so():
    """Weekends are four times as bad, and a week holds one of each."""
    watch = a_watched(a_past(7, chance(3, lambda at: 4.0 if at.weekday() >= 5 else 1.0)))

    judgement = watch.sees([BAD] * 3)

    assert judgement.outcome is Outcome.BREACHED
    assert judgement.asks
    assert watch.verdict().consequence is Consequence.ASK
    assert (
        "moments of the 168 h before, without a deployment, it would have rolled back"
        in watch.verdict().only_asks
    )
    assert watch.verdict().promise == f"no promise: {watch.verdict().only_asks}"


def test_a_day_is_foretold_by_the_others_and_not_by_itself():
    """1.8 times as bad as the three days before; as one of the four it would be 1.5 times their mean."""
    past = a_past(4, lambda at: 540.0 if at >= NOON - DAY else 300.0, requests=300_000.0)

    assert only_asks(past) != ""


@pytest.mark.parametrize("minute", [0, 10, 25])
def test_a_burst_at_the_same_time_of_each_day_makes_it_ask_whenever_that_is(minute):
    def burst(at):
        return 40.0 if at.hour == 2 and at.minute == minute else 1.0

    assert only_asks(a_past(7, chance(4, burst))) != ""


def test_an_outage_of_an_hour_makes_it_ask():
    """Whoever had deployed in it would have been blamed; that is more than once in a thousand times."""
    assert (
        only_asks(a_past(7, lambda at: 900.0 if NOON - 2 * DAY <= at < NOON - 2 * DAY + HOUR else 3.0)) != ""
    )


@pytest.mark.parametrize(("minute", "asks"), [(35, True), (50, False)])
def test_an_outage_counts_where_the_rule_would_not_have_asked_anyway(minute, asks):
    """That day's windows begin 5 and 35 minutes after noon: fifteen minutes later it began late, and the watch asks."""
    began = NOON - 2 * DAY + minute * MINUTE

    past = a_past(7, lambda at: 900.0 if began <= at < began + 15 * MINUTE else 3.0)

    assert (only_asks(past) != "") is asks


def test_what_drifts_within_the_margin_lets_it_act():
    assert only_asks(a_past(7, chance(5, lambda at: 1 + 0.04 * (7 - (NOON - at) / DAY)))) == ""


def test_one_day_is_replayed_against_the_rest_of_itself():
    assert only_asks(a_past(1, chance(6))) == ""
    assert only_asks(a_past(1, chance(6, lambda at: 5.0 if 8 <= at.hour < 14 else 1.0))) != ""


def test_a_past_without_a_whole_window_proves_nothing():
    past = a_past(7)
    every_day_a_little = Past(
        tuple(span for span in past.spans if span.start.hour == 3 and span.start.minute < 20)
    )

    case = case_of(a_watched(a_past(7)))

    assert replay(case, every_day_a_little) == Replayed(0, 0)
    assert gated(case, every_day_a_little).only_asks != ""


def test_windows_do_not_overlap_and_each_day_s_are_a_little_later():
    found = replay(case_of(a_watched(a_past(7))), a_past(7))

    assert 7 * 47 <= found.windows <= 7 * 48


def test_more_than_the_level_explains_is_too_many():
    assert Replayed(336, 0).holds(0.001)
    assert not Replayed(336, 1).holds(0.001)
    assert Replayed(336, 16).holds(0.05)
    assert not Replayed(336, 17).holds(0.05)


def test_another_judge_has_no_gate():
    case = a_case(Slo(0.99))

    assert gated(case, a_past(7)) is case


# ----------------------------------------------------------------------------------------------------------- together


SEASON = a_past(7, chance(3, lambda at: 4.0 if at.weekday() >= 5 else 1.0))


def test_a_rule_that_only_asks_leaves_its_part_of_the_level_to_the_others():
    watch = a_watch(a_rule(JUDGE), a_rule(Slo(0.99), "slo", "errors"), histories=of(SEASON))

    weights = {voice.rule.id: voice.weight for voice in watch.brief.voices}

    assert weights == {"errors": 0.0, "slo": 1.0}


def test_one_that_would_be_wrong_only_with_the_part_that_another_left_asks_too():
    """With half of the level it would have rolled back nothing; once it has all of it, the half hour two days ago."""

    def a_half_hour(at):
        return 10.4 if NOON - 2 * DAY <= at < NOON - 2 * DAY + 30 * MINUTE else 3.0

    strict = a_rule(BeforeAfter(ratio=1.0, plus=0.0), "strict", "errors")
    watch = a_watch(strict, a_rule(JUDGE, "loose", "errors"), histories=of(a_past(7, a_half_hour)))

    assert {voice.rule.id: voice.rule.on_breach for voice in watch.brief.voices} == {
        "strict": Consequence.ASK,
        "loose": Consequence.ASK,
    }


def test_an_all_of_that_rests_on_it_asks_too_unless_another_promises():
    members = (a_rule(JUDGE, "m0", "errors"), a_rule(Slo(0.99), "m1", "errors"))
    both = a_rule(None, "both", all_of=("m0", "m1"))
    alone = a_rule(None, "both", all_of=("m0", "m2"))
    same = replace(members[0], id="m2", name="m2")

    promised = a_watch(*members, both, histories=of(SEASON))
    resting = a_watch(members[0], same, alone, histories=of(SEASON))

    assert promised.sees([BAD] * 3).asks is False
    assert resting.sees([BAD] * 3).asks is True


def test_a_rule_that_asks_anyway_goes_on_asking():
    watch = a_watch(a_rule(JUDGE, consequence=Consequence.ASK), histories=of(SEASON))

    assert watch.sees([BAD] * 3).asks
    assert case_of(watch).only_asks


def test_its_replay_is_the_rule_itself():
    """A bucket of a minute that the watch would call a breach is one in the replay too."""
    past = a_past(7, lambda at: 300.0 if at >= NOON - 40 * MINUTE else 3.0)

    assert replay(case_of(a_watched(a_past(7))), past).wrong >= 1
