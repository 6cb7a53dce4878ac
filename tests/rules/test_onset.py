from dataclasses import replace

import numpy as np
import pytest

from rules.evaluate import Came, came, with_onset
from rules.model import CanaryVsBaseline, Consequence, InState, Kind, Slo, Statistics, Threshold
from rules.onset import came_of
from rules.sample import State, Value
from rules.verdict import Onset, Outcome
from tests.rules.building import (
    INDEPENDENT,
    MINUTE,
    NOON,
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

INDEPENDENTLY = Statistics(correlation="independent")


def onset_of(watch, rule="errors"):
    judgement = with_onset(watch.last.judgement, watch.brief, watch.buckets)
    verdict = judgement.verdict(rule)
    assert verdict is not None
    return verdict.onset


def traffic(minutes, since, worse, usual=0.001, requests=600, beside=5400, seed=1):
    """Minutes of (canary, baseline); the canary is worse from the minute *since* on."""
    rng = np.random.default_rng(seed)
    return [
        (
            counts(rng.binomial(requests, worse if minute >= since else usual), requests),
            counts(rng.binomial(beside, usual), beside),
        )
        for minute in range(minutes)
    ]


@pytest.mark.parametrize("since", [0, 3, 12, 40])
@pytest.mark.parametrize("judge", [CanaryVsBaseline(), Slo(0.999)])
def test_it_tells_from_the_switch_on_from_later(since, judge):
    watch = a_watch(a_rule(judge, statistics=INDEPENDENTLY))
    watch.sees(traffic(since + 6, since, 0.05))

    onset = onset_of(watch)

    assert watch.verdict().outcome is Outcome.BREACHED
    assert abs(onset.at - noon(since)) <= MINUTE
    assert onset.low <= noon(since) < onset.high
    assert onset.low <= onset.at < onset.high


def test_a_small_regression_has_a_wide_interval():
    watch = a_watch(a_rule(CanaryVsBaseline(1.0, 0.0), statistics=INDEPENDENTLY))
    watch.sees(traffic(120, 30, 0.004))

    onset = onset_of(watch)

    assert onset.low <= noon(30) <= onset.high
    assert onset.high - onset.low > 3 * MINUTE


def test_the_interval_holds_the_onset_as_often_as_it_says():
    held = 0
    for seed in range(40):
        watch = a_watch(a_rule(CanaryVsBaseline(1.0, 0.0), statistics=INDEPENDENTLY))
        watch.sees(traffic(60, 20, 0.01, seed=seed))
        onset = onset_of(watch)
        held += onset.low <= noon(20) < onset.high

    assert held >= 34  # 38 are to be expected


@pytest.mark.parametrize("kind", [Kind.LATENCY, Kind.PROBE])
@pytest.mark.parametrize("judge", [CanaryVsBaseline(1.0, 0.0), Slo(0.7)])
def test_it_knows_the_exact_form_too(kind, judge):
    watch = a_watch(a_rule(judge, statistics=INDEPENDENTLY), indicators=[an_indicator(kind=kind)])
    watch.sees(traffic(12, 5, 0.6, usual=0.2, requests=60, beside=540))

    assert abs(onset_of(watch).at - noon(5)) <= MINUTE


def test_the_history_says_what_was_usual():
    watch = a_watch(a_rule(Slo(0.999)), histories={"errors": (a_history(INDEPENDENT),)})
    watch.sees(traffic(20, 14, 0.05))

    assert onset_of(watch).at == noon(14)


def test_a_threshold_s_onset_is_the_first_of_the_points_that_breached():
    watch = a_watch(a_rule(Threshold(above=2.0)), indicators=[an_indicator(kind=Kind.VALUE)])
    watch.sees([(Value(float(x)), None) for x in (1, 3, 1, 1, 1, 1, 3, 3, 1, 3)])

    onset = onset_of(watch)

    assert (onset.at, onset.low, onset.high) == (noon(6), noon(6), noon(7))


def test_an_all_of_began_where_its_members_tell_most_clearly():
    watch = a_watch(
        a_rule(Slo(0.999), "m0", "errors"),
        a_rule(Threshold(above=0.05, bad=2, of=3), "m1", "errors"),
        a_rule(None, "both", all_of=("m0", "m1")),
    )
    watch.sees(traffic(10, 4, 0.3))

    assert onset_of(watch, "both").at == noon(4)


def test_what_did_not_breach_has_no_onset():
    watch = a_watch(a_rule(Slo(0.999)))
    watch.sees(traffic(10, 99, 0.3))

    assert onset_of(watch) is None


def test_without_stored_buckets_there_is_no_onset():
    watch = a_watch(a_rule(Slo(0.999)))
    watch.sees(traffic(10, 0, 0.3))
    watch.buckets.clear()

    assert onset_of(watch) is None


def test_buckets_of_one_arm_say_nothing_of_a_comparison():
    watch = a_watch(a_rule(CanaryVsBaseline(), statistics=INDEPENDENTLY))
    pairs = traffic(9, 4, 0.2)
    pairs[1] = (pairs[1][0], None)
    pairs[2] = (None, pairs[2][1])
    pairs[3] = (counts(0, 0), pairs[3][1])
    watch.sees(pairs)

    assert onset_of(watch).at == noon(4)


def test_a_comparison_that_never_had_a_baseline_has_no_opinion():
    watch = a_watch(
        a_rule(CanaryVsBaseline(), "m0", "errors"),
        a_rule(Slo(0.999), "m1", "errors"),
    )
    watch.sees([(canary, None) for canary, _ in traffic(9, 4, 0.3)])

    assert onset_of(watch, "m1").at == noon(4)
    assert noon(0) == NOON


# ----------------------------------------------------------------------------------------- is it the release?


def an_onset(minutes, grain=1):
    return Onset(noon(minutes), noon(minutes), noon(minutes + 1), noon(minutes), grain * MINUTE)


@pytest.mark.parametrize(
    ("minutes", "grain", "how"),
    [
        (0, 1, Came.AT_ONCE),
        (2, 1, Came.AT_ONCE),
        (2.1, 1, Came.SOON),
        (5, 1, Came.SOON),
        (5.1, 1, Came.LATE),
        (5, 5, Came.AT_ONCE),
        (5.1, 5, Came.LATE),
        (10, 10, Came.AT_ONCE),
    ],
)
def test_what_came_is_told_by_the_buckets_after_the_switch(minutes, grain, how):
    assert came_of(an_onset(minutes, grain), NOON) is how


def test_an_onset_that_was_written_down_before_there_were_quartiles_is_told_by_its_interval():
    assert came_of(Onset(noon(9), noon(4), noon(11)), NOON) is Came.AT_ONCE
    assert came_of(Onset(noon(9), noon(6), noon(11)), NOON) is Came.LATE


def breached(judge, pairs, **more):
    watch = a_watch(a_rule(judge, statistics=INDEPENDENTLY, **more))
    watch.sees(pairs)
    return with_onset(watch.last.judgement, watch.brief, watch.buckets)


def test_what_is_compared_at_the_same_time_is_never_late():
    assert came(breached(CanaryVsBaseline(), traffic(40, 30, 0.2)), NOON) is Came.AT_ONCE


@pytest.mark.parametrize(("since", "how"), [(0, Came.AT_ONCE), (3, Came.SOON), (10, Came.LATE)])
def test_what_is_not_compared_is_as_late_as_it_began(since, how):
    assert came(breached(Slo(0.999), traffic(since + 4, since, 0.2)), NOON) is how


@pytest.mark.parametrize(("minutes", "how"), [(15, Came.AT_ONCE), (16, Came.LATE)])
def test_where_nobody_knows_when_it_began_it_is_late_if_it_breached_long_after(minutes, how):
    found = breached(Slo(0.999), traffic(4, 0, 0.2))
    undated = replace(found, verdicts=(replace(found.verdicts[0], onset=None),), at=noon(minutes))

    assert came(undated, NOON) is how


def test_a_rule_that_asks_does_not_vouch_for_when_that_began_which_rolls_back():
    watch = a_watch(
        a_rule(Slo(0.999), statistics=INDEPENDENTLY),
        a_rule(Slo(0.999), "asks", "issues", Consequence.ASK, INDEPENDENTLY),
        indicators=[an_indicator(), an_indicator("issues")],
    )
    for minute, (late, early) in enumerate(zip(traffic(14, 10, 0.2), traffic(14, 0, 0.2), strict=True)):
        both = {"errors": late, "issues": early}
        watch.reads(
            noon(minute + 1),
            **{name: (series(a_bucket(minute, *pair), name=name),) for name, pair in both.items()},
        )
    judgement = with_onset(watch.last.judgement, watch.brief, watch.buckets)

    assert set(judgement.breached_by) == {"errors", "asks"}
    assert came(judgement, NOON) is Came.LATE


def test_where_nothing_breached_nothing_is_late():
    assert came(breached(Slo(0.999), traffic(20, 99, 0.2)), NOON) is Came.AT_ONCE


def test_an_alarm_may_take_minutes_to_tell_what_began_with_the_switch():
    watch = a_watch(a_rule(InState(MINUTE)), indicators=[an_indicator(kind=Kind.STATE)])
    states = [State("OK", NOON - MINUTE)] * 4 + [State("ALARM", noon(4.5), bad=True)] * 4
    watch.sees([(state, None) for state in states])
    judgement = with_onset(watch.last.judgement, watch.brief, watch.buckets)

    assert came(judgement, NOON) is Came.AT_ONCE
    assert came(judgement, NOON - 2 * MINUTE) is Came.LATE


def test_a_warm_up_is_no_delay():
    statistics = Statistics(correlation="independent", warmup=10 * MINUTE)
    watch = a_watch(a_rule(Slo(0.999), statistics=statistics))
    watch.sees(traffic(14, 0, 0.2))
    judgement = with_onset(watch.last.judgement, watch.brief, watch.buckets)

    assert came(judgement, NOON) is Came.AT_ONCE


def test_what_began_in_a_hole_began_when_the_hole_began():
    watch = a_watch(a_rule(Slo(0.999), statistics=INDEPENDENTLY))
    pairs = traffic(12, 6, 0.2)
    watch.sees(pairs[:4])
    watch.sees(pairs[8:], first=8)

    assert onset_of(watch).at == noon(8)
    assert onset_of(watch).low == noon(4)


def test_every_breach_has_its_onset_whatever_follows_from_it():
    for consequence in Consequence:
        judgement = breached(Slo(0.999), traffic(6, 0, 0.2), consequence=consequence)

        assert judgement.verdicts[0].onset is not None


def test_the_onset_against_the_past_is_by_the_time_of_day():
    """Twice as much fails at night as by day: the night's first minutes are no onset."""
    past = a_past(7, lambda at: 60.0 if at.hour < 6 else 6.0)
    watch = a_watched(past)
    rng = np.random.default_rng(3)
    bad = [rng.binomial(600, 0.02 if minute < 6 * 60 else 0.002) for minute in range(12 * 60, 0, -1)]
    midnight = 12 * 60
    watch.sees([(counts(each, 600), None) for each in [1] * midnight])
    watch.sees([(counts(each, 600), None) for each in (*bad[-40:], *[150] * 8)], first=midnight)

    assert onset_of(watch).at == noon(midnight + 40)
