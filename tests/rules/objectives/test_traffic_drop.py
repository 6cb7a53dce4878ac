from dataclasses import replace
from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model import Kind, Statistics, TrafficDrop
from rules.objectives import traffic_drop
from rules.objectives.factors import EFFECTS
from rules.recovery import level
from rules.verdict import Because, Outcome
from tests.rules.building import a_bucket, a_case, a_rule, a_watch, an_indicator, counts, noon, series
from tests.rules.test_onset import onset_of


def a_watched(judge=TrafficDrop(0.5), **statistics):  # noqa: B008  (a value)
    rule = a_rule(judge, statistics=Statistics(**statistics))
    return a_watch(rule, indicators=[an_indicator(kind=Kind.REQUESTS)])


def sees(watch, pairs, share=0.1, first=0):
    """Requests of (canary, baseline), a minute each."""
    for minute, (here, elsewhere) in enumerate(pairs, start=first):
        bucket = a_bucket(minute, counts(0, here), counts(0, elsewhere))
        watch.reads(noon(minute + 1), errors=(series(replace(bucket, share=share)),))
    return watch.last.judgement


def test_a_release_that_gets_nothing_any_more_is_found_within_two_buckets():
    watch = a_watched()

    first = sees(watch, [(0, 5400)])
    second = sees(watch, [(0, 5400)], first=1)

    assert first.outcome is not Outcome.BREACHED
    assert second.outcome is Outcome.BREACHED
    assert watch.verdict().because is Because.EVIDENCE
    assert watch.verdict().words == ("0 of 10,800 requests came to the new release (0 %), 10 % is its share")


def test_one_that_gets_its_share_is_healthy_and_says_on_what_the_promise_rests():
    watch = a_watched()

    judgement = sees(watch, [(600, 5400)] * 30)

    assert judgement.outcome is Outcome.HEALTHY
    assert judgement.compared
    assert (
        watch.verdict().words
        == "18,000 of 180,000 requests came to the new release (10 %), 10 % is its share"
    )
    assert "each request is routed for itself" in watch.verdict().promise
    assert watch.estimate().low < 0.1 < watch.estimate().high
    assert watch.estimate().baseline == pytest.approx(0.1)


def test_a_little_less_than_its_share_is_acceptable():
    assert sees(a_watched(), [(330, 5400)] * 60).outcome is Outcome.HEALTHY


def test_what_both_arms_lose_alike_is_nobody_s_fault():
    assert sees(a_watched(), [(600, 5400)] * 5 + [(1, 9)] * 60).outcome is not Outcome.BREACHED


def test_the_share_is_that_of_the_bucket():
    watch = a_watched()
    sees(watch, [(600, 5400)] * 10, share=0.1)

    assert sees(watch, [(3000, 3000)] * 10, share=0.5, first=10).outcome is not Outcome.BREACHED
    assert sees(watch, [(600, 5400)] * 10, share=0.5, first=20).outcome is Outcome.BREACHED


@pytest.mark.parametrize("share", [None, 0.0])
def test_without_a_share_it_is_blind_and_says_so(share):
    watch = a_watched()

    judgement = sees(watch, [(0, 5400)] * 9, share=share)

    assert judgement.outcome is Outcome.BLIND
    assert watch.verdict().words == (
        "what serves does not tell the share of the traffic that the new release gets"
    )
    assert watch.verdict().estimate is None


def test_one_that_has_all_the_traffic_has_nothing_to_be_compared_with():
    never, once = a_watched(), a_watched()
    sees(once, [(600, 5400)])

    assert sees(never, [(6000, 0)] * 9, share=1.0).outcome is Outcome.BLIND
    assert sees(once, [(6000, 0)] * 9, share=1.0, first=1).outcome is Outcome.UNDECIDED
    assert never.verdict().words == once.verdict().words
    assert once.verdict().spent
    assert not never.verdict().spent


def test_before_the_first_bucket_nothing_is_said_of_shares():
    watch = a_watched()

    watch.reads(noon(0.5))

    assert watch.verdict().because is Because.NOT_STARTED


def test_an_arm_that_does_not_report_is_no_evidence():
    case = a_case(TrafficDrop(), Kind.REQUESTS)
    memory = traffic_drop.start(case)

    for canary, baseline in ((None, counts(0, 9)), (counts(0, 9), None)):
        bucket = replace(a_bucket(0, canary, baseline), share=0.5)
        assert traffic_drop.advance(case, memory, bucket) == memory


def test_without_requests_nothing_is_learned():
    for correlation in ("auto", "robust"):
        watch = a_watched(correlation=correlation)

        assert sees(watch, [(0, 0)] * 9).outcome is Outcome.UNDECIDED
        assert watch.evidence.memories["errors"].process.information == 0


def test_sessions_that_stick_need_more():
    once = a_watched()
    clumped = a_watched(correlation=200)
    robust = a_watched(correlation="robust")

    pairs = [(100, 5400)] * 2
    assert sees(once, pairs).outcome is Outcome.BREACHED
    assert sees(clumped, pairs).outcome is not Outcome.BREACHED
    assert sees(robust, [(0, 5400)] * 300).outcome is Outcome.BREACHED
    assert robust.estimate().low is None


def test_it_began_when_the_traffic_stopped():
    watch = a_watched()
    sees(watch, [(600, 5400)] * 12)
    watch.reads(noon(13), errors=(series(a_bucket(12, counts(0, 600), counts(0, 5400))),))
    sees(watch, [(60, 5400)] * 3, first=13)

    assert abs(onset_of(watch).at - noon(13)) <= noon(1) - noon(0)


def test_after_a_rollback_there_is_nothing_left_to_share():
    """So many requests without a failure would be well, were it failures that are looked at."""
    brief = a_watched().brief
    buckets = [
        series(replace(a_bucket(place, counts(0, 600), counts(0, 600)), share=0.5)) for place in range(-4, 4)
    ]

    assert level(brief, buckets, noon(0)).well is None


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("drop", [0.0, 0.5, 0.9])
def test_each_factor_is_at_most_one_in_the_mean_under_every_acceptable_share(share, drop):
    for phi in (1.0, None):
        case = replace(a_case(TrafficDrop(drop), Kind.REQUESTS), phi=phi)
        ceiling = 1 - (1 - drop) * share
        for elsewhere in np.linspace(0, ceiling, 5):
            for requests in (1, 7, 40):
                chances = [
                    comb(requests, gone) * elsewhere**gone * (1 - elsewhere) ** (requests - gone)
                    for gone in range(requests + 1)
                ]
                means = np.zeros(len(EFFECTS))
                for gone, chance in enumerate(chances):
                    means += chance * np.exp(traffic_drop._increments(case, requests, gone, ceiling))
                assert means.max() <= 1 + 1e-9


def test_on_its_margin_it_is_wrong_no_more_often_than_it_says():
    case, rng, wrong = a_case(TrafficDrop(0.5), Kind.REQUESTS, alpha=0.05), np.random.default_rng(2), 0
    for _ in range(200):
        memory = traffic_drop.start(case)
        for minute, here in enumerate(rng.binomial(600, 0.1, 60)):
            bucket = a_bucket(minute, counts(0, here), counts(0, 600 - here))
            memory = traffic_drop.advance(case, memory, replace(bucket, share=0.2))
            if memory.process.log_e >= log(1 / 0.05):
                wrong += 1
                break

    assert wrong <= 19  # 10 at most are to be expected; three standard deviations more


huge = st.floats(0, 1e15)


@given(
    st.lists(st.tuples(huge, huge, st.none() | st.floats(0, 1)), min_size=1, max_size=6),
    st.sampled_from((1.0, 30.0, None)),
)
def test_whatever_is_counted_the_evidence_stays_finite(seen, phi):
    case = replace(a_case(TrafficDrop(0.0), Kind.REQUESTS), phi=phi)
    memory = traffic_drop.start(case)
    for minute, (here, elsewhere, share) in enumerate(seen):
        bucket = replace(a_bucket(minute, counts(0, here), counts(0, elsewhere)), share=share)
        memory = traffic_drop.advance(case, memory, bucket)

        assert np.isfinite(memory.process.log_e)
        assert np.isfinite(memory.process.information)
