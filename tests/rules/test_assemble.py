from datetime import timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.assemble import LARGEST, increments, settle
from rules.brief import Beat
from rules.evidence import Intake, Trouble
from rules.model import Kind
from rules.sample import Counts, Invalid, NoData, State, Unavailable, Value, Who
from rules.verdict import Because
from tests.rules.building import MINUTE, NOON, a_bucket, counts, noon, series


def a_beat(kind=Kind.RATIO, settle=timedelta(0)):
    return Beat("errors", kind, MINUTE, settle)


def taken(*buckets, now=None, since=NOON, intake=None, beat=None, **more):
    answer = (series(*buckets, **more),)
    return settle(beat or a_beat(), intake or Intake(), answer, since, now or noon(60))


def starts(settled):
    return [bucket.start for found in settled.series for bucket in found.buckets]


def test_what_is_not_yet_final_is_left_for_later():
    early = taken(
        a_bucket(0, counts(0, 9)), a_bucket(1, counts(0, 9)), now=noon(3), beat=a_beat(settle=2 * MINUTE)
    )

    assert starts(early) == [noon(0)]
    assert early.intake.watermark == noon(1)


def test_a_late_revision_is_ignored():
    first = taken(a_bucket(0, counts(0, 9)))

    again = taken(a_bucket(0, counts(7, 9)), intake=first.intake)

    assert again.series == ()
    assert again.intake == first.intake


def test_of_two_that_end_together_the_later_in_the_answer_stands():
    settled = taken(a_bucket(0, counts(0, 5)), a_bucket(0, counts(2, 9)))

    assert settled.series[0].buckets == (a_bucket(0, counts(2, 9)),)


def test_buckets_leave_in_order_whatever_order_they_came_in():
    settled = taken(a_bucket(2, counts(0, 9)), a_bucket(0, counts(0, 9)), a_bucket(1, counts(0, 9)))

    assert starts(settled) == [noon(0), noon(1), noon(2)]


def test_overlapping_windows_are_not_counted_twice():
    windows = [a_bucket(minute / 5, counts(1, 9), length=5 * MINUTE) for minute in range(11)]

    settled = taken(*windows)

    assert starts(settled) == [noon(0), noon(5), noon(10)]


def test_the_bucket_that_contains_the_deployment_is_dropped():
    settled = taken(a_bucket(0, counts(9, 9)), a_bucket(1, counts(0, 9)), since=noon(0.5))

    assert starts(settled) == [noon(1)]


def test_nothing_is_taken_before_the_release_takes_traffic():
    settled = taken(a_bucket(0, counts(9, 9)), since=None)

    assert settled.series == ()
    assert settled.intake.watermark is None


def test_a_bucket_of_which_the_vendor_says_that_more_is_to_come_is_left():
    settled = taken(a_bucket(0, counts(0, 9)), a_bucket(1, counts(0, 9), incomplete=True))

    assert starts(settled) == [noon(0)]


def test_a_span_that_ends_before_it_starts_is_no_bucket():
    assert taken(a_bucket(0, counts(0, 9), length=-MINUTE)).series == ()


def test_a_bucket_without_anything_in_it_does_not_move_the_watermark():
    settled = taken(a_bucket(0, counts(0, 9)), a_bucket(1))

    assert settled.intake.watermark == noon(1)


@pytest.mark.parametrize("measure", [Counts(nan, 9.0), Counts(0.0, nan), Counts(nan, nan)])
def test_nan_is_no_data(measure):
    settled = taken(a_bucket(0, measure))

    assert settled.series == ()
    assert settled.intake.trouble is None


@pytest.mark.parametrize(
    "measure", [Counts(inf, 9.0), Counts(-1.0, 9.0), Counts(0.0, -9.0), Counts(0.0, 2 * LARGEST)]
)
def test_what_cannot_be_counts_never_enters_and_is_said(measure):
    settled = taken(a_bucket(0, measure, counts(0, 9)))

    assert settled.series[0].buckets[0].canary is None
    assert settled.intake.trouble is not None
    assert settled.intake.trouble.because is Because.INVALID


@pytest.mark.parametrize(
    ("kind", "measure", "enters"),
    [
        (Kind.VALUE, Value(3.5), True),
        (Kind.VALUE, Value(-3.5), True),
        (Kind.VALUE, Value(nan), False),
        (Kind.VALUE, Value(inf), False),
        (Kind.VALUE, Counts(0.0, 9.0), False),
        (Kind.STATE, State("OK"), True),
        (Kind.STATE, Value(1.0), False),
        (Kind.RATIO, Value(1.0), False),
        (Kind.RATIO, State("OK"), False),
    ],
)
def test_each_kind_takes_its_own_measure(kind, measure, enters):
    settled = taken(a_bucket(0, measure), beat=a_beat(kind))

    assert bool(settled.series) == enters


def test_the_next_sound_answer_ends_the_trouble():
    bad = taken(a_bucket(0, Counts(-1.0, 9.0)))

    good = taken(a_bucket(1, counts(0, 9)), intake=bad.intake)

    assert bad.intake.trouble is not None
    assert good.intake.trouble is None


@pytest.mark.parametrize(
    ("reading", "because"),
    [
        (NoData("nothing yet"), Because.NO_DATA),
        (Unavailable(Who.PROVIDER, "HTTP 503"), Because.UNAVAILABLE),
        (Invalid(Who.AUTHOR, "no such metric"), Because.INVALID),
    ],
)
def test_an_answer_without_counts_keeps_its_words_and_the_watermark(reading, because):
    before = taken(a_bucket(0, counts(0, 9))).intake

    after = settle(a_beat(), before, reading, NOON, noon(9))

    assert after.series == ()
    assert after.intake == Intake(before.watermark, (), Trouble(because, reading.words))


# ------------------------------------------------------------------------------------------------ cumulative counters


def readings(*measures, first=0):
    return [a_bucket(first + place, canary, baseline) for place, (canary, baseline) in enumerate(measures)]


def test_what_is_counted_is_what_grew_since_the_last_reading():
    settled = taken(
        *readings((counts(1, 100), counts(5, 900)), (counts(3, 150), counts(6, 1000))), cumulative=True
    )

    (bucket,) = settled.series[0].buckets
    assert (bucket.start, bucket.end) == (noon(1), noon(2))
    assert (bucket.canary, bucket.baseline) == (counts(2, 50), counts(1, 100))
    assert not settled.series[0].cumulative


def test_the_reading_before_the_deployment_is_the_reference():
    settled = taken(
        *readings((counts(1, 100), counts(0, 0)), (counts(3, 150), counts(0, 50)), first=-1), cumulative=True
    )

    assert starts(settled) == [noon(0)]


def test_counting_goes_on_over_rounds_and_over_holes():
    first = taken(*readings((counts(1, 100), None)), cumulative=True)

    later = taken(a_bucket(5, counts(4, 400)), intake=first.intake, cumulative=True)

    (bucket,) = later.series[0].buckets
    assert (bucket.start, bucket.end, bucket.canary) == (noon(1), noon(6), counts(3, 300))


def test_a_counter_that_began_again_is_counted_from_zero():
    settled = taken(
        *readings((counts(5, 100), None), (counts(2, 30), None), (counts(1, 60), None)), cumulative=True
    )

    assert [bucket.canary for bucket in settled.series[0].buckets] == [counts(2, 30), counts(1, 60)]


def test_a_reading_that_was_read_already_counts_nothing():
    first = taken(*readings((counts(1, 100), None), (counts(3, 150), None)), cumulative=True)

    again = taken(
        *readings((counts(1, 100), None), (counts(3, 150), None)), intake=first.intake, cumulative=True
    )

    assert again.series == ()
    assert again.intake == first.intake


def test_of_an_arm_that_missed_a_reading_nothing_is_paired_with_a_shorter_span():
    settled = taken(
        *readings((counts(0, 10), counts(0, 90)), (None, counts(0, 180)), (counts(0, 30), counts(0, 270))),
        cumulative=True,
    )

    last = settled.series[0].buckets[-1]
    assert (last.canary, last.baseline) == (None, counts(0, 90))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 50), st.booleans()), min_size=1, max_size=30))
def test_increments_are_never_negative_and_add_up_to_what_a_counter_counted(steps):
    bad = total = 0
    cumulative = [a_bucket(-1, counts(0, 0))]
    for minute, (more_bad, more, restart) in enumerate(steps):
        if restart:
            bad = total = 0
        bad, total = bad + min(more_bad, more), total + more
        cumulative.append(a_bucket(minute, counts(bad, total)))

    settled = taken(*cumulative, cumulative=True)

    found = [bucket.canary for each in settled.series for bucket in each.buckets]
    assert all(isinstance(each, Counts) and each.bad >= 0 and each.total >= 0 for each in found)
    if not any(restart for _, _, restart in steps):
        assert sum(each.total for each in found if isinstance(each, Counts)) == total


def test_a_history_is_counted_the_same_way():
    past = series(a_bucket(0, counts(1, 10)), a_bucket(1, counts(3, 40)), cumulative=True)
    plain = series(a_bucket(0, counts(1, 10)), a_bucket(1, Counts(nan, 40.0)))

    assert [bucket.canary for bucket in increments(a_beat(), past)] == [counts(2, 30)]
    assert [bucket.canary for bucket in increments(a_beat(), plain)] == [counts(1, 10), None]
