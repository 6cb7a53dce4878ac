"""The promise, checked by counting: the mean of every factor is at most 1 under every acceptable release."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from math import exp, inf, log

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.brief import Margin
from rules.objectives.eprocess import GRID
from rules.objectives.factors import (
    EFFECTS,
    ORDINARY,
    Effects,
    Pair,
    ceiling_at_most,
    ceiling_counts,
    ceiling_proportions,
    compared_counts,
    compared_proportions,
    effect,
    moderated,
    nearest_acceptable,
)

EXACT = 1 + 1e-12
MARGINS = [Margin(), Margin(1.5, 0.0005), Margin(1.0, 0.05), Margin(3.0, 0.0), Margin(1.25, 0.2)]
SHAPES = [(1, 1), (4, 4), (6, 2), (1, 8), (7, 3)]


def distribution(shares: Sequence[float]) -> list[float]:
    """The probability of each number of bad among requests that are bad with these shares."""
    chances = [1.0]
    for share in shares:
        chances = [
            (chances[bad] * (1 - share) if bad < len(chances) else 0.0)
            + (chances[bad - 1] * share if bad else 0.0)
            for bad in range(len(chances) + 1)
        ]
    return chances


def poisson(mean: float, most: int) -> list[float]:
    chances = [exp(-mean)]
    for count in range(1, most + 1):
        chances.append(chances[-1] * mean / count)
    return chances


def mixed(share: float, requests: int) -> list[list[float]]:
    """Requests of this mean share: all alike, and as different as can be."""
    spread = min(share, 1 - share)
    unlike = [share + spread * (1 if place % 2 else -1) for place in range(requests - requests % 2)]
    return [[share] * requests, unlike + [share] * (requests % 2)]


def greatest_mean(
    increments: Callable[[Pair], list[float]], canary: Sequence[float], baseline: Sequence[float]
) -> float:
    """Over all effects, the mean of the factor when the requests of both arms are bad with these shares."""
    means = [0.0] * len(GRID)
    for (bad, chance), (beside_bad, beside_chance) in product(
        enumerate(distribution(canary)), enumerate(distribution(baseline))
    ):
        found = increments(Pair(len(canary), bad, len(baseline), beside_bad))
        means = [mean + chance * beside_chance * exp(by) for mean, by in zip(means, found, strict=True)]
    return max(means)


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("phi", [1.0, None])
def test_counts_of_two_arms_gain_nothing_on_average_while_the_canary_is_inside_the_margin(margin, shape, phi):
    for share in (0.001, 0.03, 0.2, 0.6):
        worst = min(margin.allows(share), 1.0)
        for canary_share in (worst, 0.5 * worst):
            for canary, baseline in product(mixed(canary_share, shape[0]), mixed(share, shape[1])):
                mean = greatest_mean(partial(compared_counts, margin=margin, phi=phi), canary, baseline)

                assert mean <= EXACT


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("shape", SHAPES)
def test_proportions_of_two_arms_gain_nothing_on_average_however_bad_the_guess_of_the_baseline(margin, shape):
    for share, guess in product((0.001, 0.1, 0.4, 0.8), (0.001, 0.1, 0.5, 0.95)):
        worst = min(margin.allows(share), 1.0)
        for canary, baseline in product(mixed(worst, shape[0]), mixed(share, shape[1])):
            form = partial(compared_proportions, margin=margin, guess=guess, phi=1.0)
            mean = greatest_mean(form, canary, baseline)

            assert mean <= EXACT


def of_one_arm(pair, form, ceiling, phi):
    return form(pair.requests, pair.bad, ceiling, phi)


@pytest.mark.parametrize("form", [ceiling_counts, ceiling_proportions])
@pytest.mark.parametrize("phi", [1.0, 2.5, None])
def test_one_arm_gains_nothing_on_average_under_its_ceiling(form, phi):
    for ceiling, requests in product((0.001, 0.05, 0.3, 0.9), (1, 4, 9)):
        for share in (ceiling, ceiling / 3):
            for shares in mixed(share, requests):
                mean = greatest_mean(partial(of_one_arm, form=form, ceiling=ceiling, phi=phi), shares, [])

                assert mean <= EXACT


@pytest.mark.parametrize("phi", [1.0, 4.0])
def test_events_may_be_more_than_requests(phi):
    for rate in (0.5, 2.0):
        chances = poisson(4 * rate, 120)
        means = [0.0] * len(GRID)
        for bad, chance in enumerate(chances):
            found = ceiling_counts(4, bad, rate, phi)
            means = [mean + chance * exp(by) for mean, by in zip(means, found, strict=True)]

        assert max(means) <= EXACT


@pytest.mark.parametrize("size", [1, 3, 10])
@pytest.mark.parametrize("margin", [Margin(), Margin(1.5, 0.01), Margin(1.0, 0.2)])
def test_clumps_of_at_most_phi_errors_are_harmless(size, margin):
    """Errors come in clumps of *size*, of which both arms have Poisson many; phi is 10."""
    for share, requests in product((0.01, 0.1), ((10, 10), (3, 20))):
        mine = requests[0] * margin.allows(share) / size
        beside = requests[1] * share / size

        assert mean_of_clumps(mine, beside, [size], requests, margin, phi=10.0) <= EXACT


@pytest.mark.parametrize("sizes", [[1], [4], [50], [1, 30]])
@pytest.mark.parametrize("margin", [Margin(), Margin(1.5, 0.0005), Margin(1.0, 0.05)])
def test_clumps_of_any_size_are_harmless_to_the_robust_form(sizes, margin):
    """Clumps of both arms are alike; each size is as frequent as the others."""
    mean_size = sum(sizes) / len(sizes)
    for share, requests in product((0.0, 0.001, 0.02), ((100, 100), (20, 300))):
        mine = requests[0] * margin.allows(share) / mean_size
        beside = requests[1] * share / mean_size

        assert mean_of_clumps(mine, beside, sizes, requests, margin, phi=None) <= EXACT


def mean_of_clumps(
    mine: float,
    beside: float,
    sizes: Sequence[int],
    requests: tuple[int, int],
    margin: Margin,
    phi: float | None,
) -> float:
    """Over all effects, the mean of the factor for Poisson many clumps of these sizes in each arm."""
    means = [0.0] * len(GRID)
    each = [poisson(rate / len(sizes), 14) for rate in (mine, beside) for _ in sizes]
    for clumps in product(*(range(len(chances)) for chances in each)):
        chance = 1.0
        for many, chances in zip(clumps, each, strict=True):
            chance *= chances[many]
        if chance < 1e-14:
            continue
        bad = sum(many * size for many, size in zip(clumps[: len(sizes)], sizes, strict=True))
        beside_bad = sum(many * size for many, size in zip(clumps[len(sizes) :], sizes, strict=True))
        found = compared_counts(Pair(requests[0], bad, requests[1], beside_bad), margin, phi)
        means = [mean + chance * exp(by) for mean, by in zip(means, found, strict=True)]
    return max(means)


def growth(weight: float, mean: float) -> float:
    """E exp(weight * C) - 1 of a geometric clump C of this *mean*."""
    again = 1 - 1 / mean
    return (exp(weight) - 1) / (1 - again * exp(weight)) if again * exp(weight) < 1 else inf


def linear(form: Callable[[float, float], Sequence[float]]) -> list[tuple[float, float, float]]:
    """For each effect, what an error of the canary weighs, what one beside it, and what the bucket costs without any."""
    many = 1e4
    none, mine, beside = form(many, many), form(2 * many, many), form(many, 2 * many)
    slopes = [((b - a) / many, (c - a) / many) for a, b, c in zip(none, mine, beside, strict=True)]
    return [(x, y, a - many * (x + y)) for a, (x, y) in zip(none, slopes, strict=True)]


@pytest.mark.parametrize("phi", [1.1, 1.5, 2.0, 5.0, 19.0])
@pytest.mark.parametrize("margin", [Margin(), Margin(1.5, 0.0005), Margin(1.0, 0.05)])
def test_geometric_clumps_whose_size_is_that_of_phi_or_less_are_harmless(phi, margin):
    """Poisson many: the logarithm of the factor's mean is exact. Shares from a hundredth to nine tenths of the traffic."""
    for share, canary in product((0.001, 0.02), (0.01, 0.05, 0.1, 0.25, 0.5, 0.9)):
        mine, beside = 1000 * canary, 1000 * (1 - canary)
        form = partial(clumped, requests=mine, beside_requests=beside, margin=margin, phi=phi)
        for mean in (1.0, (1 + (phi + 1) / 2) / 2, (phi + 1) / 2):
            for weight, beside_weight, cost in linear(form):
                grown = mine * margin.allows(share) / mean * growth(weight, mean)
                shrunk = beside * share / mean * growth(beside_weight, mean)

                assert grown + shrunk + cost <= 1e-5


def clumped(bad, beside_bad, requests, beside_requests, margin, phi):
    return compared_counts(Pair(requests, bad, beside_requests, beside_bad), margin, phi)


@pytest.mark.parametrize("phi", [1.1, 2.0, 5.0, 19.0])
def test_geometric_clumps_are_harmless_to_a_ceiling(phi):
    for expected, mean in product((0.1, 5.0), (1.0, (phi + 1) / 2)):
        nothing = ceiling_counts(1000, 0, expected / 1000, phi)
        once = ceiling_counts(1000, 1, expected / 1000, phi)
        for cost, by in zip(nothing, once, strict=True):
            assert expected / mean * growth(by - cost, mean) + cost <= 1e-8 * abs(cost)


@given(
    st.floats(1, 1e6),
    st.floats(1, 1e6),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
    st.floats(1.0, 50.0),
    st.floats(1e-6, 0.5),
)
def test_moderation_only_lowers_and_leaves_what_any_bucket_may_say(
    requests, beside_requests, bad, beside_bad, phi, usual
):
    pair = Pair(requests, bad, beside_requests, beside_bad)
    plain = compared_counts(pair, Margin(), phi)

    moderate = moderation(pair, phi, usual)

    for before, after in zip(plain, moderate, strict=True):
        assert min(before, ORDINARY) <= after <= before


def moderation(pair: Pair, phi: float, usual: float) -> Sequence[float]:
    def again(bad: float, effects: Effects) -> Sequence[float]:
        return compared_counts(pair._replace(bad=bad), Margin(), phi, effects)

    plain = compared_counts(pair, Margin(), phi)
    return moderated(plain, pair.bad, phi, lambda size: pair.requests * usual * size, again)


def test_a_storm_is_hardly_evidence_for_a_small_effect_and_all_it_is_for_a_large_one():
    storm = Pair(600, 180, 5400, 11)  # a hundred and fifty times what is usual

    plain, moderate = compared_counts(storm, Margin(), 1.0), moderation(storm, 1.0, 0.002)

    assert plain[0] > 15
    assert moderate[0] == ORDINARY
    assert moderate[-1] == plain[-1] > 300


def test_a_bucket_as_an_effect_makes_it_speaks_for_it_in_full():
    usual = Pair(600, 12, 5400, 11)  # ten times what is usual

    assert moderation(usual, 1.0, 0.002)[7:] == compared_counts(usual, Margin(), 1.0)[7:]


@pytest.mark.parametrize("expected", [0.05, 0.7, 3.0, 20.0])
@pytest.mark.parametrize("size", [1, 7, 200])
@pytest.mark.parametrize("form", [ceiling_counts, ceiling_proportions])
def test_clumps_of_any_size_are_harmless_to_a_robust_ceiling(expected, size, form):
    requests, means = 1000.0, [0.0] * len(GRID)
    for clumps, chance in enumerate(poisson(expected / size, 150)):
        found = form(requests, clumps * size, expected / requests, None)
        means = [mean + chance * exp(by) for mean, by in zip(means, found, strict=True)]

    assert max(means) <= EXACT


@pytest.mark.parametrize("margin", [Margin(1.5, 0.0005), Margin(1.0, 0.05)])
def test_dividing_by_phi_is_harmless_where_errors_do_not_clump(margin):
    for shape, share in product(SHAPES, (0.001, 0.03, 0.2)):
        for canary, baseline in product(mixed(margin.allows(share), shape[0]), mixed(share, shape[1])):
            assert greatest_mean(partial(compared_counts, margin=margin, phi=3.0), canary, baseline) <= EXACT


@pytest.mark.parametrize("ratio", [1.0, 1.5, 3.0])
@pytest.mark.parametrize("shape", [(1, 4), (2, 2), (2, 6), (4, 4)])
def test_few_errors_that_count_as_one_gain_nothing_in_an_outage_that_nobody_foretold(ratio, shape):
    """Whose the errors of a bucket are depends on how likely each was; nothing was bad before, so that nothing is foretold."""
    margin = Margin(ratio)

    def form(pair: Pair) -> list[float]:
        return compared_counts(pair, margin, 20.0, guess=0.0)

    for share in (0.001, 0.1, 0.2, 1 / 3, 0.5, 0.8):
        worst = min(ratio * share, 1.0)
        for canary, baseline in product(mixed(worst, shape[0]), mixed(share, shape[1])):
            assert greatest_mean(form, canary, baseline) <= EXACT


def test_the_robust_form_counts_all_errors_of_a_bucket_as_one():
    once = max(compared_counts(Pair(100, 1, 100, 0), Margin(), 2.0, guess=0.0))
    often = max(compared_counts(Pair(100, 80, 100, 0), Margin(), None))

    assert once == pytest.approx(often, rel=0.02)
    assert often < log(2)  # one error, of which half were to be expected here


def test_fewer_errors_than_one_cause_makes_count_as_one():
    few = compared_counts(Pair(100, 3, 100, 0), Margin(), 10.0)  # phi is 10

    assert few == pytest.approx(compared_counts(Pair(100, 3, 100, 0), Margin(), None))


def test_the_exact_form_knows_more_than_counts_where_many_are_bad():
    pair = Pair(600, 300, 600, 180)

    exact = max(compared_proportions(pair, Margin(), 0.3, 1.0))

    assert exact > 1.2 * max(compared_counts(pair, Margin(), 1.0))


@given(
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 0.999),
    st.floats(1.0, 5.0),
    st.floats(0.0, 0.5),
    st.sampled_from(GRID),
)
def test_the_nearest_acceptable_pair_lies_between_the_guess_and_the_alternative(
    n1, n0, guess, ratio, plus, size
):
    margin = Margin(ratio, plus)
    worst = min(margin.allows(guess), 0.999)
    theirs = size * worst / (1 + (size - 1) * worst)

    nearest = nearest_acceptable(Pair(n1, 0, n0, 0), margin, guess, theirs)

    assert nearest is None or guess <= nearest <= (theirs - plus) / ratio + 1e-12


def test_an_alternative_that_is_itself_acceptable_is_no_evidence():
    assert compared_proportions(Pair(10, 10, 10, 0), Margin(5.0, 0.5), 0.9, 1.0) == [0.0] * len(GRID)


def test_a_search_that_ends_early_gives_up_rather_than_the_promise():
    """A baseline of hardly any request cannot pay for what the canary's distance asks of it."""
    found = compared_proportions(Pair(1e9, 0, 1e-8, 0), Margin(1.5, 0.1), 0.5, 1.0)

    assert all(by <= 0 for by in found)


def test_an_arm_without_traffic_is_no_evidence():
    assert compared_proportions(Pair(10, 10, 0, 0), Margin(), 0.1, 1.0) == [0.0] * len(GRID)
    assert not Pair(0, 0, 10, 1).compares
    assert not Pair(10, 1, 0, 0).compares


def test_a_single_effect_is_a_grid_of_one():
    assert effect(2.0) == ((2.0, log(2.0)),)
    assert len(EFFECTS) == len(GRID)


@given(
    st.floats(0, 1e6),
    st.floats(0, 1),
    st.floats(1e-9, 1 - 1e-9),
    st.none() | st.floats(1, 50),
    st.booleans(),
)
@example(requests=1.0, share=1.0, ceiling=0.9999999989999999, phi=None, exact=False)  # just below 0, rounded
def test_no_effect_gains_more_than_is_foretold_of_the_bucket(requests, share, ceiling, phi, exact):
    """By which the replay over the past leaves out whatever cannot be a breach."""
    bad = requests * share
    form = ceiling_proportions if exact else ceiling_counts
    effects = [effect(size)[0] for size in (*GRID, 1.001, 1e4, *(1 + share / ceiling for _ in (0,) if share))]

    most = ceiling_at_most(requests, bad, ceiling, phi, exact=exact)

    assert most >= 0
    assert max(form(requests, bad, ceiling, phi, effects)) <= most * (1 + 1e-9) + 1e-6


def test_what_one_effect_fits_wholly_gains_just_what_is_foretold():
    assert ceiling_at_most(1000, 80, 0.01, 1.0, exact=False) == pytest.approx(
        ceiling_counts(1000, 80, 0.01, 1.0, effect(8.0))[0]
    )
    assert ceiling_at_most(1000, 500, 0.2, 1.0, exact=True) == pytest.approx(
        ceiling_proportions(1000, 500, 0.2, 1.0, effect(4.0))[0]
    )
    assert ceiling_at_most(0, 3, 0.2, 1.0, exact=False) == inf


@pytest.mark.parametrize("exact", [True, False])
def test_no_more_bad_than_is_acceptable_gains_nothing(exact):
    assert ceiling_at_most(1000, 10, 0.01, 1.0, exact=exact) == 0
    assert ceiling_at_most(0, 0, 0.01, None, exact=exact) == 0
