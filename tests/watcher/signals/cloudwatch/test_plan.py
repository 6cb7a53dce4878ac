"""Calls are few, and what belongs together is in one of them."""

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model import Indicator, Kind
from tests.watcher.signals.cloudwatch.balancer import MINUTE, NOON, noon
from watcher.signals.cloudwatch.plan import (
    MOST_POINTS,
    MOST_QUERIES,
    Metric,
    Span,
    arm_of,
    many_of,
    packed,
    slices,
)
from watcher.signals.cloudwatch.query import parsed


def a_metric(number, period=MINUTE):
    return Metric("Shop", f"m{number}", (), "Sum", period)


def needs(*questions):
    return {
        f"q{place}": frozenset(a_metric(number) for number in numbers)
        for place, numbers in enumerate(questions)
    }


sharing = st.lists(st.sets(st.integers(0, 2500), min_size=1, max_size=40), max_size=120)


@given(sharing)
def test_each_question_is_asked_whole_in_one_call_and_no_call_is_too_large(questions):
    wanted = needs(*questions)

    batches = packed(wanted)

    assert {name: metrics for batch in batches for name, metrics in batch.needs.items()} == wanted
    assert sum(len(batch.needs) for batch in batches) == len(wanted)
    for batch in batches:
        assert len(batch.metrics) <= MOST_QUERIES
        assert batch.metrics.keys() == frozenset().union(*batch.needs.values())


@given(st.lists(st.sets(st.integers(0, 400), min_size=1, max_size=9), max_size=120))
def test_what_fits_in_one_call_is_one_call(questions):
    assert len(packed(needs(*questions))) <= 1


@given(st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=4), max_size=200))
def test_no_metric_is_asked_twice_as_long_as_what_hangs_together_fits_in_a_call(questions):
    """Thirty islands of thirty metrics: whoever shares a metric is asked together."""
    islands = needs(
        *[[30 * (place % 30) + number % 30 for number in each] for place, each in enumerate(questions)]
    )

    asked = [metric for batch in packed(islands) for metric in batch.metrics]

    assert len(asked) == len(set(asked))


@pytest.mark.parametrize(("indicators", "calls"), [(10, 1), (250, 1), (251, 2), (1000, 4), (10_000, 40)])
def test_so_many_ratios_are_so_many_calls(indicators, calls):
    assert len(packed(needs(*[(2 * number, 2 * number + 1) for number in range(indicators)]))) == calls


def test_a_total_that_more_than_a_call_s_worth_share_is_asked_in_each_call_beside_them():
    batches = packed(needs(*[(0, number) for number in range(1, 1200)]))

    assert len(batches) == 3
    assert all(a_metric(0) in batch.metrics for batch in batches)


def test_groups_that_meet_late_are_one_group():
    batches = packed(needs((1,), (2,), (1, 2), (2, 3), (4,)))

    assert [sorted(batch.needs) for batch in batches] == [["q0", "q1", "q2", "q3", "q4"]]


@given(
    st.integers(1, 500),
    st.integers(1, 20 * 24 * 60),
    st.sampled_from([timedelta(seconds=10), MINUTE, timedelta(minutes=5), timedelta(hours=1)]),
)
def test_parts_of_a_span_are_all_of_it_and_fit_on_a_page(many, minutes, period):
    metrics = [a_metric(number, period) for number in range(many)]
    span = Span(NOON, noon(minutes))

    parts = list(slices(span, metrics))

    assert (parts[0].start, parts[-1].end) == (span.start, span.end)
    assert all(one.end == other.start for one, other in pairwise(parts))
    assert all((part.start - NOON) % period == timedelta(0) for part in parts)
    assert all(part.points(metrics) <= MOST_POINTS for part in parts)


def test_a_metric_is_named_as_people_read_it():
    assert str(a_metric(1)) == "m1 in Shop"
    assert str(Metric("Shop", "m", (("a", "b"),), "Sum", MINUTE)) == "m in Shop (a=b)"


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ({"bad": {"sum": ["A", "B"]}, "total": {"sum": ["C"]}}, ()),
        ({"bad": {"sum": ["A"]}, "total": {"sum": ["A", "C"]}}, ()),
        ({"metric": "T", "over": ["300ms", "1s"]}, (0.3, 1.0)),
        ({"metric": "T", "stat": "Maximum"}, ()),
    ],
    ids=["two that are bad", "one that is both", "bounds", "a value"],
)
@pytest.mark.parametrize("arms", [1, 2])
def test_what_a_round_asks_for_is_counted_as_it_is_asked(query, bounds, arms):
    text = json.dumps({"namespace": "Shop", **query, "dimensions": {"Version": "${arm.version}"}})
    indicator = Indicator("i", Kind.RATIO, "cloudwatch", text, compares_arms=arms == 2, bounds=bounds)

    asked = [arm_of(indicator, parsed(text), {"version": f"v{number}"}) for number in range(arms)]

    assert many_of(indicator, parsed(text)) == len({metric for arm in asked for metric in arm.metrics})


def test_alarms_are_read_for_nothing():
    text = json.dumps({"alarms": ["payments"]})

    assert many_of(Indicator("i", Kind.STATE, "cloudwatch", text), parsed(text)) == 0
