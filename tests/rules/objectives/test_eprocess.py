from math import exp, inf, isfinite, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.evidence import SIZE, Process
from rules.model import Slo, Statistics
from rules.objectives.eprocess import (
    FIRST,
    GRID,
    HUGE,
    OTHERS,
    PRIOR,
    UNCAPPED,
    cap,
    log_mean,
    placed,
    weigh,
)
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
    assert placed(1440, 1) == FIRST == 0.8


def test_the_grid_has_as_many_effects_as_a_process_remembers():
    assert len(GRID) == len(PRIOR) == SIZE


def test_the_weights_of_the_effects_sum_to_one_and_none_is_left_out():
    assert sum(PRIOR) == pytest.approx(1, abs=1e-12)
    assert min(PRIOR) > 0.01


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
            total += weight * PRIOR[effect] * exp(sum(since))
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


def test_evidence_stays_a_number_whatever_is_said():
    """What is refuted beyond what a float holds stays refuted; what is certain beyond it is as certain as can be."""
    fallen = processed([[-1e15] * SIZE] * 50)
    risen = processed([[1e15] * SIZE] * 50)

    assert fallen.log_e < -700
    assert isfinite(fallen.log_e)
    assert log(HUGE) - 1 < risen.log_e < log(HUGE) + 1
    assert all(isfinite(weight) for weight in risen.weights)


def test_a_release_that_gets_bad_after_hours_of_health_is_found_all_the_same():
    back = processed([[-20.0] * SIZE] * 30 + [[20.0] * SIZE] * 2)

    assert back.log_e > log(1 / 0.001)


def test_a_bucket_raises_what_is_placed_by_no_more_than_the_cap_whatever_effect_it_speaks_for():
    case = a_case(Slo(0.999), statistics=Statistics(min_buckets=2))
    before = weigh(case, Process(), [0.5] * SIZE, 1, 0.0)
    clear = [0.0] * SIZE
    clear[6] = 50.0

    after = weigh(case, before, clear, 2, 0.0)

    then = sum(before.weights) + placed(case.horizon, 2) - placed(case.horizon, 1)
    assert log(sum(after.weights) / then) == pytest.approx(case.cap)
    assert after.weights[6] / sum(after.weights) > 0.99


def test_the_cap_leaves_alone_what_together_does_not_reach_it():
    """One effect may gain more than the cap, if the others pay for it."""
    case = a_case(Slo(0.999), statistics=Statistics(min_buckets=2))
    one = [-9.0] * SIZE
    one[0] = case.cap + 1.0

    process = weigh(case, Process(), one, 1, 0.0)

    assert process.weights[0] == pytest.approx(FIRST * PRIOR[0] * exp(case.cap + 1.0))


def test_the_best_bucket_leaves_something_to_the_others():
    assert cap(0.001, 1.0, 2) == pytest.approx(log(1 / 0.001) - OTHERS)
    assert 2 * cap(0.001, 1.0, 3) == pytest.approx(log(1 / 0.001) - OTHERS)


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
