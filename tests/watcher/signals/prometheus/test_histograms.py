"""Histograms as rows: how a bound is written means nothing, and what cannot be added up is refused."""

from collections.abc import Iterable

import pytest

from rules.model import Kind
from rules.sample import Bucket, Counts, Invalid, Reading, Who
from tests.watcher.signals.prometheus.asking import MINUTE, NEW, NOON, indicator
from watcher.signals.prometheus.count import Asked, read
from watcher.signals.prometheus.plan import arm_of
from watcher.signals.prometheus.query import parsed
from watcher.signals.rows import Row

QUERY = {"histogram": "seconds", "where": {"version": "${arm.version}"}, "over": "300ms"}
END = NOON.timestamp() + 60


def reading(rows: Iterable[tuple[dict[str, str], float]], **query: object) -> Reading:
    """Of one bucket, whose rows have these labels and values."""
    asked = indicator({**QUERY, **query}, Kind.LATENCY, bounds=(0.3,))
    arm = arm_of(asked, parsed(asked.query), NEW)
    question = Asked(asked, arm, None, MINUTE, NOON, NOON + MINUTE, NOON + MINUTE)
    return read(question, {arm.main: [Row(labels, {END: value}) for labels, value in rows]})


def only(told: Reading) -> Bucket:
    assert isinstance(told, tuple), told
    assert len(told[0].buckets) == 1
    return told[0].buckets[0]


@pytest.mark.parametrize("le", ["0.3", "0.30", "3e-1", "0.300000000"])
def test_a_bound_is_a_number_however_it_is_written(le):
    bucket = only(reading([({"le": le}, 7.0), ({"le": "+Inf"}, 10.0)]))

    assert bucket.canary == Counts(3.0, 10.0)
    assert not bucket.approximate


def test_pods_that_write_a_bound_in_two_ways_are_added_up():
    rows = [({"le": "0.3"}, 7.0), ({"le": "0.30"}, 1.0), ({"le": "+Inf"}, 10.0)]

    assert only(reading(rows)).canary == Counts(2.0, 10.0)


def test_histograms_of_other_bounds_are_not_added_up():
    told = reading([({"le": "0.1"}, 9.0), ({"le": "0.3"}, 4.0), ({"le": "+Inf"}, 20.0)])

    assert isinstance(told, Invalid)
    assert told.who is Who.SERVICE


@pytest.mark.parametrize("le", ["fast", ""])
def test_a_bound_that_is_no_number_is_the_services_to_mend(le):
    told = reading([({"le": le}, 1.0), ({"le": "+Inf"}, 1.0)])

    assert isinstance(told, Invalid)
    assert told.who is Who.SERVICE


def test_a_histogram_without_its_last_bucket_is_the_services_to_mend():
    assert isinstance(reading([({"le": "0.3"}, 1.0)]), Invalid)


def test_a_native_histogram_is_an_estimate_in_whole_numbers():
    bucket = only(reading([({}, 10.2), ({"ind1": "0.3"}, 7.4)], native=True))

    assert bucket.canary == Counts(3.0, 10.0)
    assert bucket.approximate
