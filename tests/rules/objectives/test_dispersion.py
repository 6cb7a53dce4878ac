import numpy as np
import pytest

from rules.objectives.dispersion import clump, learned_clump, storms


def a_history(clumps_of, days=1.0, rps=20.0, share=0.002, seed=3, season=0.0):
    """Minutes of traffic whose errors come in geometric clumps of this mean (1: independent)."""
    rng = np.random.default_rng(seed)
    minutes = np.arange(int(days * 1440))
    requests = rng.poisson(60 * rps * (1 + season * np.sin(minutes / 1440 * 2 * np.pi)))
    arrivals = rng.poisson(requests * share / clumps_of)
    more = rng.negative_binomial(np.maximum(arrivals, 1), 1 / clumps_of) if clumps_of > 1 else 0
    bad = np.where(arrivals > 0, arrivals + more, 0)
    return [(float(n), float(min(x, n))) for n, x in zip(requests, bad, strict=True)]


@pytest.mark.parametrize("season", [0.0, 0.6])
def test_independent_errors_are_taken_for_independent_in_any_season(season):
    found = [clump(a_history(1, season=season, seed=seed)) for seed in range(20)]

    assert found.count(1.0) >= 15  # nineteen in twenty are; two standard deviations of noise are allowed for
    assert max(size or 0 for size in found) < 2.5


@pytest.mark.parametrize(("mean", "least", "most"), [(3, 4.8, 6.5), (10, 17.5, 27)])
def test_clumps_are_found_with_what_the_figure_may_be_wrong_by(mean, least, most):
    """Geometric clumps of mean g have a size-biased mean of 2g - 1."""
    found = clump(a_history(mean, days=3))

    assert found is not None
    assert least <= found <= most


def test_one_past_outage_does_not_make_every_error_suspect():
    calm = a_history(1)
    calm[700] = (calm[700][0], 600.0)

    assert clump(calm) == 1.0


def test_without_traffic_there_is_nothing_to_say():
    assert clump([]) is None
    assert clump([(0.0, 0.0)] * 1000) is None
    assert clump(a_history(1)[:23]) is None


def test_a_service_that_never_failed_is_taken_for_one_whose_errors_are_independent():
    assert clump([(1000.0, 0.0)] * 100) == 1.0
    assert clump([(1000.0, 0.0)] * 100 + [(1000.0, 1.0)] * 3) == 1.0


def test_of_few_errors_the_largest_bucket_says_how_large_a_clump_can_be():
    assert clump([(1000.0, 0.0)] * 100 + [(1000.0, 6.0), (1000.0, 2.0)]) == 9.0


def test_errors_too_rare_for_blocks_are_judged_by_their_variance():
    quiet = [(1000.0, 0.0)] * 1000
    lonely = [(1000.0, 1.0) if place % 50 == 0 else block for place, block in enumerate(quiet)]
    crowded = [(1000.0, 15.0) if place % 200 == 0 else block for place, block in enumerate(quiet)]

    assert clump(lonely) == 1.0
    assert clump(crowded) == pytest.approx(15, rel=0.08)


def test_a_watch_learns_from_its_baseline_as_soon_as_there_are_errors_enough():
    assert learned_clump(a_history(1, rps=100)[:60]) == 1.0
    assert (learned_clump(a_history(10, rps=400)[:60]) or 0) > 4
    assert learned_clump(a_history(1, rps=100)[:7]) is None
    assert learned_clump([(1000.0, 0.0)] * 60) is None


def test_what_is_learned_early_is_taken_for_larger():
    early = [learned_clump(a_history(1, rps=100, seed=seed)[:8]) or 0 for seed in range(20)]

    assert min(early) > 1.5 * 2
    assert max(early) < 20


def test_waves_that_grow_with_every_look_end_after_a_few_looks():
    """A rate that changes every 40 minutes: the larger the blocks, the more they differ."""
    rng = np.random.default_rng(46)
    level = np.repeat(rng.gamma(0.25, 4.0, 1000), 40)
    waves = [(1000.0, float(bad)) for bad in rng.poisson(0.5 * level)]

    found = clump(waves)

    assert found is not None
    assert found > 20


def stormy(minutes, lasting=1):
    """A day whose errors are eighty times as many at these minutes, and on for so many."""
    found = a_history(1)
    for minute in minutes:
        for place in range(minute, minute + lasting):
            found[place] = (found[place][0], 200.0)
    return found


def test_storms_are_counted_and_an_outage_of_many_minutes_is_one():
    assert storms(stormy([]), 1.0) == 0
    assert storms(stormy([100, 700, 1300]), 1.0) == 3
    assert storms(stormy([695], lasting=15), 1.0) == 1


def test_what_clumps_explain_is_no_storm():
    assert sum(storms(a_history(10, seed=seed), 19.0) for seed in range(20)) <= 6
    assert storms([(1000.0, 4.0 if place == 700 else 0.0) for place in range(1440)], 1.0) == 0


def test_without_traffic_nothing_storms():
    assert storms([], 1.0) == 0
    assert storms([(0.0, 0.0)] * 100, 1.0) == 0
