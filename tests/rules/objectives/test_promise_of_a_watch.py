"""The promise of a whole watch, checked by counting: over every path of three buckets the evidence is at most 1 on average.

What the tests of factors cannot see is in it: weights and onset, the cap, moderation, the guess that earlier buckets make,
buckets that are joined. Buckets of two and three requests have all the paths that there are time for.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import comb, exp, log

import pytest

from rules.brief import Case
from rules.combine import add_up
from rules.evaluate import start
from rules.evidence import Memory
from rules.model import BeforeAfter, CanaryVsBaseline, Kind, Slo, Statistics, TrafficDrop
from rules.objectives import before_after
from rules.objectives.eprocess import FIRST
from rules.objectives.history import Past, Span, slot_of
from rules.objectives.registry import judge_of
from rules.sample import Bucket, Counts
from tests.rules.building import HOUR, NOON, a_brief, a_bucket, a_case, a_rule, an_indicator

REQUESTS, BESIDE = 2, 3
BUCKETS = 3
ALWAYS = 0.3  # the baseline's share of bad; at such shares every path is likely enough to matter


def chance(bad: int, requests: int, share: float) -> float:
    """Binomial."""
    return comb(requests, bad) * share**bad * (1 - share) ** (requests - bad)


def statistics(min_buckets: int) -> Statistics:
    return Statistics(correlation="independent", min_buckets=min_buckets)


@pytest.mark.parametrize("kind", [Kind.RATIO, Kind.LATENCY])
@pytest.mark.parametrize("min_buckets", [1, 2])
@pytest.mark.parametrize(("ratio", "plus"), [(1.0, 0.0), (1.5, 0.05)])
def test_beside_a_baseline_evidence_is_at_most_one_on_average(kind, min_buckets, ratio, plus):
    case = a_case(
        CanaryVsBaseline(ratio, plus),
        kind,
        bound=0.3 if kind is Kind.LATENCY else None,
        statistics=statistics(min_buckets),
        alpha=0.3,
        at_most=HOUR,
    )
    judge = judge_of(case)
    paths: list[tuple[float, Memory]] = [(1.0, judge.start(case))]
    for minute in range(BUCKETS):
        # The baseline drifts, and the canary is as bad as is acceptable.
        share = ALWAYS * (1 + minute % 2)
        worst = min(ratio * share + plus, 1.0)
        paths = [
            (
                path * chance(bad, REQUESTS, worst) * chance(beside_bad, BESIDE, share),
                judge.advance(
                    case, memory, a_bucket(minute, Counts(bad, REQUESTS), Counts(beside_bad, BESIDE))
                ),
            )
            for path, memory in paths
            for bad, beside_bad in product(range(REQUESTS + 1), range(BESIDE + 1))
        ]

        assert sum(path for path, _ in paths) == pytest.approx(1)
        assert sum(path * exp(memory.process.log_e) for path, memory in paths) <= 1 + 1e-12


@pytest.mark.parametrize("kind", [Kind.RATIO, Kind.PROBE])
@pytest.mark.parametrize("min_buckets", [1, 2, 3])
def test_under_a_ceiling_evidence_is_at_most_one_on_average(kind, min_buckets):
    case = a_case(Slo(1 - ALWAYS), kind, statistics=statistics(min_buckets), alpha=0.3, at_most=HOUR)
    judge = judge_of(case)
    paths = [(1.0, judge.start(case))]
    for minute in range(2 * BUCKETS):
        paths = [
            (
                path * chance(bad, REQUESTS, ALWAYS),
                judge.advance(case, memory, a_bucket(minute, Counts(bad, REQUESTS))),
            )
            for path, memory in paths
            for bad in range(REQUESTS + 1)
        ]

        assert sum(path * exp(memory.process.log_e) for path, memory in paths) <= 1 + 1e-12


def mean_evidence(case: Case, minutes: Sequence[tuple[int, int, float, float]]) -> float:
    """The greatest mean of E over the ends of *minutes*, each (requests, those beside, share of bad, that beside)."""
    judge, greatest = judge_of(case), 0.0
    paths = [(1.0, judge.start(case))]
    for minute, (requests, beside, share, beside_share) in enumerate(minutes):
        paths = [
            (
                path * chance(bad, requests, share) * chance(beside_bad, beside, beside_share),
                judge.advance(
                    case, memory, a_bucket(minute, Counts(bad, requests), Counts(beside_bad, beside))
                ),
            )
            for path, memory in paths
            for bad, beside_bad in product(range(requests + 1), range(beside + 1))
        ]
        greatest = max(greatest, sum(path * exp(memory.process.log_e) for path, memory in paths))
    return greatest


TINY = [(0, 4, 0.0, 0.2), (0, 4, 0.0, 0.2), (1, 0, 0.2, 0.0)]  # joined, of a canary that waits


@pytest.mark.parametrize("kind", [Kind.RATIO, Kind.LATENCY])
@pytest.mark.parametrize("margin", [(1.0, 0.0), (1.5, 0.05)])
def test_buckets_that_are_joined_do_not_foretell_themselves(kind, margin):
    """A guess of the baseline that has seen the bucket which it is to judge fits it: E would gain 4 % a time."""
    case = a_case(
        CanaryVsBaseline(*margin), kind, bound=0.3 if kind is Kind.LATENCY else None, statistics=statistics(1)
    )
    worst = margin[0] * 0.2 + margin[1]
    minutes = [(requests, beside, worst * (requests > 0), share) for requests, beside, _, share in TINY]

    assert mean_evidence(case, minutes) <= 1 + 1e-12


@pytest.mark.parametrize("phi", [1.0, 5.0])
@pytest.mark.parametrize("arms", [(1, 5), (3, 2)])
def test_unequal_arms_and_clumps_that_do_not_come_gain_nothing_under_a_shared_outage(phi, arms):
    case = a_case(
        CanaryVsBaseline(1.5, 0.0), statistics=Statistics(correlation=phi, min_buckets=2), alpha=0.3
    )
    minutes = [(*arms, 1.5 * share, share) for share in (0.02, 0.6)]

    assert mean_evidence(case, minutes) <= 1 + 1e-12


def test_what_is_moderated_and_capped_gains_nothing_either():
    """Of twelve requests one in fifty is acceptable: from the third bad one on a bucket is moderated, and capped."""
    case = a_case(Slo(0.98), statistics=statistics(2), alpha=0.3)
    judge = judge_of(case)
    worst = judge.advance(case, judge.start(case), a_bucket(0, Counts(12, 12)))
    assert sum(worst.process.weights) == pytest.approx(FIRST * exp(case.cap))

    assert mean_evidence(case, [(12, 0, 0.02, 0.0)] * 2) <= 1 + 1e-12


@pytest.mark.parametrize("correlation", ["auto", "robust"])
def test_a_release_that_gets_the_least_acceptable_share_of_the_traffic_gathers_nothing_against_it(
    correlation,
):
    case = a_case(TrafficDrop(0.5), Kind.REQUESTS, statistics=Statistics(correlation=correlation), alpha=0.3)
    judge = judge_of(case)
    paths = [(1.0, judge.start(case))]
    for minute, share in enumerate((0.2, 0.8, 0.2)):
        paths = [
            (
                path * chance(here, 5, share / 2),
                judge.advance(case, memory, shared(minute, here, 5 - here, share)),
            )
            for path, memory in paths
            for here in range(6)
        ]

        assert sum(path * exp(memory.process.log_e) for path, memory in paths) <= 1 + 1e-12


def shared(minute: int, here: int, elsewhere: int, share: float) -> Bucket:
    return replace(a_bucket(minute, Counts(0.0, here), Counts(0.0, elsewhere)), share=share)


def test_rules_of_different_weight_over_the_same_requests_and_all_bounds_of_a_latency_are_one_process():
    """The slowest requests are those that fail, so that nothing is independent."""
    brief = a_brief(
        a_rule(Slo(0.7), statistics=statistics(1), weight=3.0),
        a_rule(Slo(0.7), "slow", statistics=statistics(1)),
        indicators=[an_indicator(kind=Kind.PROBE), an_indicator("slow", Kind.LATENCY, (0.3, 1.0))],
        alpha=0.3,
    )
    paths = [(1.0, start(brief).memories)]
    for minute in range(3):
        paths = [
            (
                path * chance(bad, 3, 0.3),
                {
                    key: judge_of(case).advance(case, memories[key], a_bucket(minute, Counts(bad, 3)))
                    for key, case in brief.cases.items()
                },
            )
            for path, memories in paths
            for bad in range(4)
        ]

        assert len(brief.cases) == 3
        groups = [(path, add_up(brief, memories).group) for path, memories in paths]
        assert sum(path * exp(log_e) for path, log_e in groups if log_e is not None) <= 1 + 1e-12


@pytest.mark.parametrize("usual", [0.05, 0.2])
def test_against_the_past_what_is_spent_on_a_past_that_flattered_is_taken_from_the_evidence(usual):
    """Every past of forty requests: either its ceiling holds, and E is a little less on average, or it was that unlikely."""
    alpha, flattered, mean = 0.3, 0.0, 0.0
    plain = a_case(BeforeAfter(ratio=1.0, plus=0.0), Kind.LATENCY, statistics=statistics(1), alpha=alpha)
    for before in range(41):
        past = Past((Span(NOON - 20 * HOUR, NOON, 40.0, float(before)),))
        case = before_after.prepare(replace(plain, refusal=None), past)
        if case.ceilings[slot_of(NOON)] < usual:
            flattered += chance(before, 40, usual)
            continue
        mean += chance(before, 40, usual) * mean_evidence(case, [(3, 0, usual, 0.0)] * 2)

    assert 0 <= flattered <= before_after.SPENT * alpha
    assert mean <= 1 - before_after.SPENT


def test_what_a_group_spends_on_its_ceilings_is_spent_before_the_first_bucket():
    case = a_case(BeforeAfter(), statistics=statistics(1))

    assert before_after.start(case).process.log_e == pytest.approx(log(1 - before_after.SPENT))
