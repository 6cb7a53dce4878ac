from datetime import timedelta
from math import exp, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.objectives.history import SLOTS, Past, Season, Span, highest, slot_of
from tests.rules.building import HOUR, MINUTE, NOON

FIVE = 5 * MINUTE
DAY = 24 * HOUR


def a_past(days, bad_of=lambda _at: 3.0, requests=3000.0, length=FIVE):
    """The *days* before noon; *bad_of* says how many are bad in the span that starts at a moment."""
    spans = int(days * DAY / length)
    starts = [NOON - (spans - place) * length for place in range(spans)]
    return Past(tuple(Span(at, at + length, requests, bad_of(at)) for at in starts))


def rate(season, slot, without=None):
    requests, bad = season.usual(slot, without)
    return bad / requests


def test_it_is_a_sequence_of_blocks():
    past = a_past(1)

    assert len(past) == 288
    assert past[0] == (3000.0, 3.0)
    assert past[:2] == [(3000.0, 3.0), (3000.0, 3.0)]


def test_the_time_without_traffic_is_no_time_that_was_measured():
    empty = Past(tuple(span._replace(requests=0.0) for span in a_past(1).spans))

    assert a_past(1).lasted == DAY
    assert empty.lasted == timedelta(0)
    assert Past().lasted == timedelta(0)


def test_what_is_finer_is_put_together_on_the_calendar_and_what_is_coarser_stays():
    fine = a_past(1, lambda at: at.minute % 5, requests=600.0, length=MINUTE)

    coarse = fine.coarse(FIVE)

    assert len(coarse) == 288
    assert {span.end - span.start for span in coarse.spans} == {FIVE}
    assert set(coarse) == {(3000.0, 10.0)}
    assert coarse.coarse(MINUTE) == coarse


def test_what_touches_a_spell_is_left_out():
    past = a_past(1)

    left = past.without([(NOON - 3 * HOUR, NOON - 2 * HOUR - MINUTE), (NOON - 7 * MINUTE, None)])

    assert len(left) == len(past) - 12 - 2
    assert left.spans[-1].end == NOON - 10 * MINUTE
    assert past.without([]) == past


def test_half_hours_are_those_of_the_day():
    assert [slot_of(NOON + each * MINUTE) for each in (0, 29, 30, 720)] == [24, 24, 25, 0]


def test_from_three_days_on_each_half_hour_has_a_rate_of_its_own():
    night_and_day = a_past(3, lambda at: 30.0 if 8 <= at.hour < 20 else 3.0)

    season = Season(night_and_day, NOON, 1.0)

    assert season.by_time_of_day
    assert rate(season, 24) == pytest.approx(0.01)
    assert rate(season, 0) == pytest.approx(0.001)


def test_from_less_there_is_one_rate():
    season = Season(a_past(2, lambda at: 30.0 if 8 <= at.hour < 20 else 3.0), NOON, 1.0)

    assert not season.by_time_of_day
    assert {rate(season, slot) for slot in range(SLOTS)} == {0.0055}


def test_a_job_at_night_has_its_own_half_hour():
    """Beside its neighbours it would be held to be three times as good as it is."""
    season = Season(a_past(7, lambda at: 60.0 if at.hour == 2 and at.minute < 30 else 3.0), NOON, 1.0)

    assert rate(season, 4) == pytest.approx(0.02)
    assert rate(season, 24) == pytest.approx(0.001)


def test_one_outage_is_no_part_of_what_is_usual():
    outage = (NOON - 2 * DAY, NOON - 2 * DAY + HOUR)
    season = Season(a_past(7, lambda at: 900.0 if outage[0] <= at < outage[1] else 3.0), NOON, 1.0)

    assert rate(season, 24) == pytest.approx(0.001, rel=0.01)
    assert rate(season, 30) == pytest.approx(0.001, rel=0.01)


def test_what_is_bad_on_two_days_is_usual():
    season = Season(a_past(7, lambda at: 900.0 if at.hour == 13 and at.day % 3 == 0 else 3.0), NOON, 1.0)

    assert rate(season, 26) > 0.05


def test_without_a_day_the_others_tell():
    past = a_past(4, lambda at: 9.0 if at >= NOON - DAY else 3.0)
    season = Season(past, NOON, 1.0)

    assert rate(season, 24, without=0) == pytest.approx(0.001)
    assert rate(season, 24, without=3) == pytest.approx(0.005 / 3)


def test_where_nothing_was_counted_nothing_is_too_much():
    season = Season(a_past(4, requests=0.0, bad_of=lambda _: 0.0), NOON, 1.0)

    assert season.at_most(0, 0.01) == inf


def test_where_nothing_ever_failed_the_first_error_is_no_outage():
    past = a_past(4, lambda at: 5.0 if at == NOON - HOUR else 0.0)
    season = Season(past, NOON, 1.0)

    assert season.usual(22)[1] == 5.0


def test_a_day_of_hardly_a_request_of_which_many_failed_is_left_out_and_breaks_nothing():
    """As extrapolation leaves them: what can be expected of them is less than a float holds."""
    past = a_past(4, lambda _: 1e-300)
    spans = [
        span._replace(requests=5e-324, bad=9.0) if span.start < NOON - 3 * DAY else span
        for span in past.spans
    ]

    assert Season(Past(tuple(spans)), NOON, 1.0).usual(24)[1] <= 1


def test_clumps_make_it_less_sure():
    past = a_past(7)

    assert Season(past, NOON, 9.0).at_most(24, 1e-4) > Season(past, NOON, 1.0).at_most(24, 1e-4) > 0.001


@given(st.just(0.0) | st.floats(1e-6, 1e12), st.floats(1e-3, 1e12), st.floats(1e-12, 0.5))
def test_the_highest_rate_is_where_so_few_would_be_as_rare_as_said(bad, requests, chance):
    found = highest(bad, requests, chance)

    mean = found * requests
    rarity = mean - bad - (bad * log(mean / bad) if bad else 0.0)
    assert mean > bad or bad > 1e9 * log(1 / chance)
    assert rarity == pytest.approx(log(1 / chance), rel=1e-6, abs=1e-4 * bad**0.5)


@pytest.mark.parametrize("bad", [0, 1, 5, 40])
def test_chernoff_is_never_below_what_poisson_says(bad):
    mean, term, below = highest(bad, 1.0, 1e-3), 1.0, 0.0
    for k in range(bad + 1):
        term = term * mean / k if k else exp(-mean)
        below += term

    assert below <= 1e-3 * (1 + 1e-9)


def test_days_are_counted_back_from_the_end_wherever_in_a_half_hour_that_is():
    """Ten past twelve: what was counted until then yesterday is of the day before that."""
    until = NOON + 10 * MINUTE
    earlier = a_past(4, lambda at: 9.0 if at + 10 * MINUTE >= until - DAY else 3.0)
    past = Past(
        tuple(
            span._replace(start=span.start + 10 * MINUTE, end=span.end + 10 * MINUTE)
            for span in earlier.spans
        )
    )

    season = Season(past, until, 1.0)

    assert rate(season, 24, without=0) == pytest.approx(0.001)
    assert rate(season, 23, without=0) == pytest.approx(0.001)


minutes_before = st.integers(1, 6000)


@given(
    st.lists(st.tuples(minutes_before, st.integers(1, 200), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(0, 59),
)
def test_each_span_is_counted_once_by_its_middle_and_its_end(found, minute):
    """Also where spans overlap, or are longer than a half hour, as a provider may have them."""
    until = NOON + minute * MINUTE
    spans = [
        Span(until - (before + length) * MINUTE, until - before * MINUTE, 1000.0, float(bad))
        for before, length, bad in sorted(found, reverse=True)
    ]
    expected: dict[tuple[int, int], list[float]] = {}
    for span in spans:
        counted = expected.setdefault(((until - span.end) // DAY, slot_of(span.middle)), [0.0, 0.0])
        counted[0] += span.requests
        counted[1] += span.bad

    days = Season(Past(tuple(spans)), until, 1.0)._days

    assert {
        (number, slot): counted
        for number, day in days.items()
        for slot, counted in enumerate(day)
        if counted[0]
    } == expected
