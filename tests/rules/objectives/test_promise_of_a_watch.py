"""The promise of a whole watch, checked by counting: over every path of three buckets the evidence is at most 1 on average.

What the tests of factors cannot see is in it: weights and onset, the cap, moderation, the guess that earlier buckets make,
buckets that are joined. Buckets of two and three requests have all the paths that there are time for.
"""

from itertools import product
from math import exp

import pytest

from rules.evidence import Memory
from rules.model import CanaryVsBaseline, Kind, Slo, Statistics
from rules.objectives.registry import judge_of
from rules.sample import Counts
from tests.rules.building import HOUR, a_bucket, a_case

REQUESTS, BESIDE = 2, 3
BUCKETS = 3
ALWAYS = 0.3  # the baseline's share of bad; at such shares every path is likely enough to matter


def chance(bad: int, requests: int, share: float) -> float:
    """Binomial, for up to three requests."""
    ways = {(0, 2): 1, (1, 2): 2, (2, 2): 1, (0, 3): 1, (1, 3): 3, (2, 3): 3, (3, 3): 1}[bad, requests]
    return ways * share**bad * (1 - share) ** (requests - bad)


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
