from dataclasses import replace
from math import isfinite, log

import numpy as np
import pytest

from rules.evidence import Learned
from rules.model import CanaryVsBaseline, Kind, Statistics
from rules.objectives import canary_vs_baseline as judge
from rules.verdict import Because, Outcome
from tests.rules.building import (
    INDEPENDENT,
    MINUTE,
    a_bucket,
    a_case,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)

EQUAL = CanaryVsBaseline(1.0, 0.0)
INDEPENDENTLY = Statistics(correlation="independent")


def test_a_canary_that_fails_is_found_within_two_buckets():
    watch = a_watch(a_rule(CanaryVsBaseline(), statistics=INDEPENDENTLY))
    judgement = watch.sees([(counts(30, 600), counts(5, 5400))] * 2)

    assert judgement.outcome is Outcome.BREACHED
    assert judgement.breached_by == ("errors",)
    assert judgement.compared
    assert watch.verdict().words == "60 of 1,200 requests failed (5 %), the old version 0.093 %"


def test_an_outage_that_both_arms_share_is_no_evidence():
    watch = a_watch(a_rule(EQUAL, statistics=INDEPENDENTLY))
    judgement = watch.sees(
        [(counts(1, 600), counts(9, 5400)), *[(counts(300, 600), counts(2700, 5400))] * 20]
    )

    assert judgement.outcome is not Outcome.BREACHED
    assert (judgement.log10_e or 0) < 0


def test_worse_within_the_margin_is_acceptable():
    watch = a_watch(a_rule(CanaryVsBaseline(1.5, 0.01), statistics=INDEPENDENTLY))

    assert watch.sees([(counts(8, 600), counts(9, 5400))] * 200).outcome is Outcome.HEALTHY


def test_without_a_history_any_number_of_errors_may_have_one_cause():
    robust, independent = a_watch(a_rule(EQUAL)), a_watch(a_rule(EQUAL, statistics=INDEPENDENTLY))
    for watch in (robust, independent):
        watch.sees([(counts(30, 600), counts(5, 5400))] * 2)

    assert robust.brief.cases["errors"].phi is None
    assert robust.brief.cases["errors"].learns
    assert (robust.last.judgement.log10_e or 0) < (independent.last.judgement.log10_e or 0)
    assert robust.verdict().outcome is not Outcome.BREACHED


def test_it_learns_from_the_baseline_how_errors_clump():
    rng = np.random.default_rng(2)
    watch = a_watch(a_rule(EQUAL))
    watch.sees(
        (counts(rng.binomial(600, 0.01), 600), counts(rng.binomial(5400, 0.01), 5400)) for _ in range(30)
    )

    learned = watch.evidence.memories["errors"].learned
    assert learned is not None
    assert learned.phi == 1.0
    assert watch.estimate().low is not None


def test_what_it_learns_from_stays_small_however_long_it_watches():
    case = a_case(EQUAL)
    memory = judge.start(case)
    for minute in range(1000):
        memory = judge.advance(case, memory, a_bucket(minute, counts(1, 100), counts(10 + minute % 3, 900)))

    assert memory.learned is not None
    assert len(memory.learned.blocks) <= 64
    assert sum(requests for requests, _ in memory.learned.blocks) == 900 * 1000
    assert memory.learned.phi == 1.0


def test_a_rule_with_a_history_has_nothing_to_learn():
    case = a_case(EQUAL, history=INDEPENDENT)

    assert not case.learns
    assert judge.start(case).learned is None
    assert judge.start(case).guess == pytest.approx((100.0, 100 * 8 / 6000))


def test_unlearned_it_says_nothing_of_an_interval():
    watch = a_watch(a_rule(EQUAL))
    watch.sees([(counts(1, 600), counts(9, 5400))])

    assert (watch.estimate().low, watch.estimate().baseline) == (None, 9 / 5400)


def test_buckets_are_joined_until_the_smaller_arm_has_a_request():
    case = a_case(EQUAL, statistics=INDEPENDENTLY)
    memory = judge.start(case)
    for minute in range(3):
        memory = judge.advance(case, memory, a_bucket(minute, counts(0, 0), counts(1, 99)))

    assert memory.process.placed == 0
    assert memory.waiting is not None
    assert memory.waiting.beside_requests == 297
    memory = judge.advance(case, memory, a_bucket(3, counts(1, 1), counts(1, 99)))
    assert memory.process.placed == 4
    assert memory.waiting is None


def test_it_does_not_wait_for_ever():
    case = a_case(EQUAL, statistics=INDEPENDENTLY)
    memory = judge.start(case)
    for minute in range(5):
        memory = judge.advance(case, memory, a_bucket(minute, counts(0, 0), counts(1, 99)))

    assert memory.waiting is None
    assert memory.process.placed == 0


def test_joining_saves_the_evidence_of_a_tiny_canary():
    """One request in ten buckets: taken bucket by bucket its errors would look like its due."""
    case = a_case(EQUAL, statistics=Statistics(correlation="independent", min_buckets=1))
    memory = judge.start(case)
    for ten in range(4):
        for minute in range(9):
            memory = judge.advance(case, memory, a_bucket(10 * ten + minute, counts(0, 0), counts(0, 10)))
        memory = judge.advance(case, memory, a_bucket(10 * ten + 9, counts(1, 1), counts(0, 10)))

    assert memory.process.log_e > log(30)


@pytest.mark.parametrize("kind", [Kind.LATENCY, Kind.PROBE])
def test_latencies_and_probes_are_judged_in_the_exact_form(kind):
    watch = a_watch(a_rule(EQUAL, statistics=INDEPENDENTLY), indicators=[an_indicator(kind=kind)])
    judgement = watch.sees([(counts(200, 600), counts(1000, 5400))] * 6)

    assert judgement.outcome is Outcome.BREACHED


def test_a_latency_without_a_history_begins_robust_too():
    robust = a_watch(a_rule(EQUAL), indicators=[an_indicator(kind=Kind.LATENCY)])
    exact = a_watch(a_rule(EQUAL, statistics=INDEPENDENTLY), indicators=[an_indicator(kind=Kind.LATENCY)])
    for watch in (robust, exact):
        watch.sees([(counts(200, 600), counts(1000, 5400))] * 3)

    assert exact.verdict().outcome is Outcome.BREACHED
    assert robust.verdict().outcome is not Outcome.BREACHED
    assert (robust.last.judgement.log10_e or 0) > 0


def test_more_slow_than_all_is_counted_as_all():
    watch = a_watch(a_rule(EQUAL, statistics=INDEPENDENTLY), indicators=[an_indicator(kind=Kind.LATENCY)])
    watch.sees([(counts(11, 10), counts(1, 90)), (counts(1, 10), counts(91, 90))])

    assert watch.verdict().seen.bad == 11
    assert watch.evidence.memories["errors"].tally.clamped == 2


def test_a_latency_of_several_bounds_is_judged_by_their_average_and_told_by_the_worst():
    indicator = an_indicator("slow", Kind.LATENCY, (0.3, 1.0))
    watch = a_watch(a_rule(EQUAL, "slow", statistics=INDEPENDENTLY), indicators=[indicator])
    for minute in range(4):
        at_300 = series(a_bucket(minute, counts(60, 600), counts(540, 5400)), name="slow", bound=0.3)
        at_1000 = series(a_bucket(minute, counts(50, 600), counts(54, 5400)), name="slow", bound=1.0)
        watch.reads(noon(minute + 1), slow=(at_300, at_1000))

    assert watch.last.judgement.outcome is Outcome.BREACHED
    assert set(watch.evidence.memories) == {"slow@0.3", "slow@1"}
    assert "took longer than 1 s" in watch.verdict("slow").words


def test_events_may_be_more_than_requests():
    watch = a_watch(a_rule(EQUAL, statistics=INDEPENDENTLY), indicators=[an_indicator(kind=Kind.EVENTS)])
    judgement = watch.sees([(counts(2000, 600), counts(2000, 5400))] * 3)

    assert judgement.outcome is Outcome.BREACHED
    assert watch.estimate().value > 1
    assert watch.verdict().words.startswith("6,000 events in 1,800 requests")


@pytest.mark.parametrize("beside", [None, counts(0, 0)])
def test_a_comparison_whose_baseline_is_gone_is_spent(beside):
    watch = a_watch(a_rule(EQUAL))
    watch.sees([(counts(1, 600), counts(9, 5400))] * 5)
    judgement = watch.sees([(counts(1, 6000), beside)] * 6, first=5)

    assert watch.verdict().because is Because.BASELINE_GONE
    assert watch.verdict().spent
    assert judgement.outcome is Outcome.UNDECIDED
    assert judgement.compared


def test_a_baseline_that_comes_back_is_compared_again():
    watch = a_watch(a_rule(EQUAL))
    watch.sees([(counts(1, 600), counts(9, 5400))] * 5 + [(counts(1, 6000), None)] * 6)
    watch.sees([(counts(1, 600), counts(9, 5400))] * 5, first=11)

    assert not watch.verdict().spent


def test_where_nobody_asks_anything_no_baseline_is_gone():
    watch = a_watch(a_rule(EQUAL))
    watch.sees([(counts(1, 600), counts(9, 5400))] * 5)
    watch.sees([(counts(0, 0), counts(0, 0))] * 30, first=5)

    assert not watch.verdict().spent


def test_with_nothing_to_compare_it_is_not_comparable():
    watch = a_watch(a_rule(EQUAL))
    judgement = watch.sees([(counts(1, 600), None)] * 6)

    assert (judgement.outcome, watch.verdict().because) == (Outcome.BLIND, Because.NOT_COMPARABLE)
    assert not watch.verdict().spent
    assert not judgement.compared
    assert watch.verdict().seen.requests == 3600


def test_what_is_found_of_either_release_and_never_of_both_in_one_bucket_is_not_comparable():
    """As by one probe a beat, which a balancer gives to either of them."""
    watch = a_watch(a_rule(EQUAL), indicators=[an_indicator(kind=Kind.PROBE)])
    judgement = watch.sees([(counts(1, 1), None), (None, counts(0, 1))] * 15)

    assert (judgement.outcome, watch.verdict().because) == (Outcome.BLIND, Because.NOT_COMPARABLE)
    assert watch.verdict().words == "in no bucket is there anything beside the new release to compare it with"


def test_arms_of_one_name_are_said_not_to_be_comparable_at_once():
    watch = a_watch(a_rule(EQUAL), not_comparable={"errors": "both releases are called v1"})
    judgement = watch.reads(noon(0))

    assert judgement.outcome is Outcome.BLIND
    assert watch.verdict().because is Because.NOT_COMPARABLE
    assert watch.verdict().words == "both releases are called v1"


def test_a_breach_outlives_the_baseline():
    watch = a_watch(a_rule(EQUAL, statistics=INDEPENDENTLY))
    watch.sees([(counts(100, 600), counts(9, 5400))] * 2 + [(counts(1, 600), None)] * 9)

    assert watch.verdict().outcome is Outcome.BREACHED
    assert not watch.verdict().spent


def test_a_margin_that_leaves_no_room_sees_nothing_and_stays_finite():
    """The baseline fails so much that nothing would be too bad."""
    for kind in (Kind.RATIO, Kind.LATENCY):
        watch = a_watch(
            a_rule(CanaryVsBaseline(3.0, 0.1), statistics=INDEPENDENTLY), indicators=[an_indicator(kind=kind)]
        )
        judgement = watch.sees([(counts(600, 600), counts(4000, 5400))] * 5)

        assert judgement.outcome is Outcome.UNDECIDED
        assert watch.verdict().can_see is None
        assert isfinite(judgement.log10_e or 0)


def test_the_history_tells_how_errors_clump():
    retries = [(6000.0, 0.0 if place % 4 else 40.0) for place in range(1440)]

    case = a_case(EQUAL, history=retries)

    assert case.phi is not None
    assert case.phi > 20


def test_on_the_margin_itself_it_is_wrong_no_more_often_than_it_says():
    """At a level of 5 %; 200 watches of 120 buckets whose canary is exactly as bad as is acceptable, under a season."""
    case = replace(a_case(CanaryVsBaseline(1.25, 0.0005), alpha=0.05, statistics=INDEPENDENTLY))
    rng, wrong = np.random.default_rng(6), 0
    share = 0.01 * (1 + 0.6 * np.sin(np.arange(120) / 19))
    for _ in range(200):
        memory = judge.start(case)
        bad, beside = rng.binomial(600, 1.25 * share + 0.0005), rng.binomial(5400, share)
        for minute in range(120):
            memory = judge.advance(
                case, memory, a_bucket(minute, counts(bad[minute], 600), counts(beside[minute], 5400))
            )
            if memory.process.log_e >= log(1 / 0.05):
                wrong += 1
                break

    assert wrong <= 20  # 10 at most are to be expected; three standard deviations more


def test_the_last_block_of_what_is_learned_may_be_partial():
    case = a_case(EQUAL)
    memory = judge.start(case)._replace(learned=Learned(merged=4, blocks=((900.0, 9.0),), partial=4))

    memory = judge.advance(case, memory, a_bucket(0, counts(1, 100), counts(10, 900)))
    memory = judge.advance(case, memory, a_bucket(1, counts(1, 100), counts(10, 900)))

    assert memory.learned == Learned(4, ((900.0, 9.0), (1800.0, 20.0)), 2)
    assert case.bucket == MINUTE
