"""A good release that is judged against the past, and an outage of something else: how often is it blamed? By simulation.

``bench/release.py`` counts the same in thousands.
"""

import numpy as np
import pytest

from rules.evaluate import Came, Timing, came, evaluate, start, with_onset
from rules.model import Statistics
from rules.sample import Series
from rules.verdict import Outcome
from tests.rules.building import NOON, a_bucket, counts, noon, series
from tests.rules.objectives.test_before_after import a_watched
from tests.rules.objectives.test_history import a_past

RUNS = 60
USUAL = 0.002
BUCKETS = 25
PER_MINUTE = 600


def a_brief():
    rng = np.random.default_rng(1)
    past = a_past(7, lambda _: float(rng.poisson(3000 * USUAL)))
    return a_watched(past, statistics=Statistics(correlation="independent")).brief


@pytest.fixture(scope="module")
def brief():
    return a_brief()


def what_came(brief, shares, seed):
    """How the breach began (``None``: no breach), and in which minute it was found."""
    rng, evidence, buckets = np.random.default_rng(seed), start(brief), list[Series]()
    for minute, share in enumerate(shares):
        reading = series(a_bucket(minute, counts(rng.binomial(PER_MINUTE, share), PER_MINUTE)))
        found = evaluate(brief, evidence, {"errors": (reading,)}, Timing(noon(minute + 1), NOON, NOON))
        evidence, buckets = found.evidence, [*buckets, *found.buckets]
        if found.judgement.outcome is Outcome.BREACHED:
            return came(with_onset(found.judgement, brief, buckets), NOON), minute + 1
    return None, BUCKETS


def many(brief, since, lasting, size):
    shares = [USUAL + size * (since <= minute < since + lasting) for minute in range(BUCKETS)]
    return [what_came(brief, shares, seed) for seed in range(RUNS)]


@pytest.mark.parametrize("size", [0.01, 0.03, 0.3])
def test_an_outage_of_five_minutes_ten_minutes_after_the_switch_rolls_nothing_back(brief, size):
    found = many(brief, 10, 5, size)

    assert sum(how is not None for how, _ in found) >= 0.7 * RUNS  # it is seen
    assert sum(how is Came.AT_ONCE for how, _ in found) == 0


@pytest.mark.parametrize("size", [0.01, 0.03, 0.3])
def test_a_defect_of_that_size_from_the_switch_on_acts_as_soon_as_it_is_found(brief, size):
    found = many(brief, 0, BUCKETS, size)

    assert sum(how is Came.AT_ONCE for how, _ in found) >= 0.95 * RUNS
    assert np.median([minute for _, minute in found]) <= (4 if size < 0.02 else 2)


@pytest.mark.parametrize("size", [0.02, 0.3])
def test_an_outage_three_minutes_after_the_switch_is_soon_and_not_at_once(brief, size):
    found = many(brief, 3, 5, size)

    assert sum(how is Came.SOON for how, _ in found) >= 0.95 * RUNS
    assert sum(how is Came.LATE for how, _ in found) == 0


def test_nothing_at_all_rolls_nothing_back(brief):
    assert [how for how, _ in many(brief, 0, 0, 0.0)] == [None] * RUNS
