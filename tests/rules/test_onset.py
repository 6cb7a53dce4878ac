import numpy as np
import pytest

from rules.evaluate import with_onset
from rules.model import CanaryVsBaseline, Kind, Slo, Statistics, Threshold
from rules.sample import Value
from rules.verdict import Outcome
from tests.rules.building import (
    INDEPENDENT,
    MINUTE,
    NOON,
    a_history,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
)

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
