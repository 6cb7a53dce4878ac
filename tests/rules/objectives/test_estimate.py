from math import isfinite, lgamma, log, log1p

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.objectives.estimate import interval


@given(st.floats(0, 1e15), st.floats(1e-6, 1e15), st.floats(1e-9, 0.5), st.floats(1, 1e4))
def test_the_interval_holds_what_was_seen(bad, requests, alpha, phi):
    low, high = interval(bad, requests, alpha, phi)

    assert 0 <= low <= bad / requests * (1 + 1e-6)
    assert high >= bad / requests * (1 - 1e-6)


def test_nothing_seen_bad_is_no_proof_of_none():
    low, high = interval(0, 1000, 0.001)

    assert low == 0
    assert 0.007 < high < 0.012


def test_more_requests_narrow_it_and_clumps_widen_it():
    low, high = interval(50, 5000, 0.001)
    narrow_low, narrow_high = interval(5000, 500_000, 0.001)
    wide_low, wide_high = interval(50, 5000, 0.001, phi=10)

    assert narrow_high - narrow_low < 0.2 * (high - low)
    assert wide_high - wide_low > 2 * (high - low)


def test_at_all_times_together_it_misses_no_more_often_than_it_says():
    """A rate that drifts between 0.5 % and 1.5 %, looked at in each of 400 buckets, at a level of 10 %."""
    rng, missed = np.random.default_rng(11), 0
    share = 0.01 * (1 + 0.5 * np.sin(np.arange(400) / 40))
    for _ in range(150):
        bad = np.cumsum(rng.binomial(200, share))
        mean = np.cumsum(share) / np.arange(1, 401)
        ends = [interval(float(x), 200.0 * (place + 1), 0.1) for place, x in enumerate(bad)]
        missed += any(not low <= m <= high for (low, high), m in zip(ends, mean, strict=True))

    assert missed <= 25  # 15 expected at most; 25 is three standard deviations above


@pytest.mark.parametrize("bad", [1, 10, 1000])
def test_its_ends_are_where_the_evidence_reaches_the_level(bad):
    for end in interval(bad, 1.0, 0.01):
        evidence = end + lgamma(1 + bad) - (1 + bad) * log1p(end)

        assert evidence == pytest.approx(log(100), abs=1e-4) or end == 0


def test_counts_beyond_any_service_still_give_figures():
    assert all(isfinite(end) for end in interval(1e300, 1e301, 0.001))
