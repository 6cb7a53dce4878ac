from math import exp, inf, isfinite, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.evidence import SIZE, Process
from rules.model import Slo, Statistics
from rules.objectives.eprocess import FIRST, GRID, UNCAPPED, cap, log_mean, placed, weigh
from tests.rules.building import MINUTE, a_case

HORIZONS = [1, 2, 3, 30, 1440]


@pytest.mark.parametrize("horizon", HORIZONS)
def test_the_weights_of_the_onset_sum_to_one_at_the_horizon(horizon):
    weights = [placed(horizon, j) - placed(horizon, j - 1) for j in range(1, horizon + 3)]

    assert sum(weights) == pytest.approx(1, abs=1e-12)
    assert min(weights) >= 0
    assert placed(horizon, 0) == 0
    assert placed(horizon, horizon) == placed(horizon, 10 * horizon) == 1


def test_most_of_the_weight_is_on_the_deployment_itself():
    assert placed(1440, 1) == FIRST == 0.7


def test_the_grid_has_as_many_effects_as_a_process_remembers():
    assert len(GRID) == SIZE


def processed(increments, horizon=40, most=UNCAPPED, until=None):
    case = a_case(Slo(0.999), statistics=Statistics(min_buckets=1), at_most=horizon * MINUTE)
    assert case.cap == most
    process = Process()
    for number, each in enumerate(increments, start=1):
        process = weigh(case, process, each, number if until is None else until[number - 1], 0.0)
    return process


def in_full(increments, horizon, numbers):
    """E by its definition: over effects and onsets, the product of the factors since the onset."""
    total = 1 - placed(horizon, numbers[-1])
    for effect in range(SIZE):
        for onset in range(1, min(horizon, numbers[-1]) + 1):
            weight = placed(horizon, onset) - placed(horizon, onset - 1)
            since = [
                each[effect] for number, each in zip(numbers, increments, strict=True) if number >= onset
            ]
            total += weight * exp(sum(since)) / SIZE
    return total


def test_the_recursion_gives_what_the_definition_gives():
    increments = np.random.default_rng(7).normal(0, 1, (30, SIZE)).tolist()
    numbers = list(range(1, 31))

    process = processed(increments)

    assert process.log_e == pytest.approx(log(in_full(increments, 40, numbers)), rel=1e-8)


def test_buckets_that_did_not_come_speak_for_nothing_but_may_be_the_onset():
    increments = np.random.default_rng(8).normal(0, 1, (4, SIZE)).tolist()
    numbers = [2, 3, 9, 60]

    process = processed(increments, until=numbers)

    assert process.log_e == pytest.approx(log(in_full(increments, 40, numbers)), rel=1e-8)
    assert process.placed == 60


def test_the_evidence_may_fall_below_what_a_float_holds_and_come_back():
    fallen = processed([[-2000.0] * SIZE] * 50)
    back = processed([[-2000.0] * SIZE] * 50 + [[2000.0] * SIZE] * 51)

    assert fallen.log_e < -1000
    assert isfinite(back.log_e)
    assert back.log_e > 1000


@pytest.mark.parametrize("min_buckets", [2, 3, 5, 12])
@pytest.mark.parametrize("alpha", [0.05, 0.001, 1e-6])
@pytest.mark.parametrize("weight", [1.0, 0.2])
def test_however_bad_it_is_a_breach_takes_as_many_buckets_as_asked(min_buckets, alpha, weight):
    most = cap(alpha, weight, min_buckets)
    case = a_case(Slo(0.999), statistics=Statistics(min_buckets=min_buckets), alpha=alpha)
    process, buckets = Process(), 0
    while process.log_e < log(1 / alpha):
        process = weigh(case, process, [1e9] * SIZE, buckets + 1, 0.0)
        buckets += 1

    assert case.cap == cap(alpha, 1.0, min_buckets)
    assert (min_buckets - 1) * most <= log(1 / alpha) * (1 + 1e-12)
    assert min_buckets <= buckets <= min_buckets + (min_buckets > 3)


def test_one_bucket_may_decide_where_one_is_asked_for():
    assert cap(0.001, 1.0, 1) == UNCAPPED


def test_a_rule_with_a_small_part_in_the_group_still_breaches_within_its_two_buckets():
    assert 2 * cap(0.001, 0.25, 2) > log(1 / 0.001) + log(1 / 0.25)


def test_what_a_bucket_would_have_gained_is_capped_and_never_lost():
    case = a_case(Slo(0.999))

    rich = weigh(case, Process(), [0.0] * SIZE, 1, 1000.0)
    poor = weigh(case, rich, [0.0] * SIZE, 2, -5.0)

    assert rich.information == poor.information == case.cap


@given(st.lists(st.floats(-700, 700), min_size=1, max_size=9))
def test_the_mean_of_logarithms_is_that_of_their_numbers(logs):
    top = max(logs)

    assert log_mean(logs) == pytest.approx(top + log(sum(exp(each - top) for each in logs) / len(logs)))


def test_certainty_and_impossibility_have_a_mean():
    assert log_mean([-inf, -inf]) == -inf
    assert log_mean([0.0, inf]) == inf
    assert log_mean([-inf, 0.0]) == pytest.approx(log(0.5))
