"""Freezes: what keeps deployments out, and until when."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, hours, minutes
from watcher.core.freeze import Freeze, Frozen, Weekly, Window, frozen

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = Window("weekend", "nobody is there", BERLIN, (Weekly(4, time(16), 0, time(6)),))
AN_HOUR_AGO, IN_AN_HOUR = -hours(1), hours(1)
HOLIDAYS = Window("holidays", "Christmas", BERLIN, dates=frozenset({date(2026, 12, 24), date(2026, 12, 25)}))


def a_freeze(service="checkout", environment="production", start=AN_HOUR_AGO, end=IN_AN_HOUR):
    return Freeze("f_1", service, environment, "olga", "the sale", NOON + start, NOON + end)


def holds(*freezes, windows=(), at=NOON):
    return frozen(freezes, windows, "checkout", "production", at)


@pytest.mark.parametrize(
    ("freeze", "covers"),
    [
        (a_freeze(), True),
        (a_freeze("*", "*"), True),
        (a_freeze("*"), True),
        (a_freeze("checkout", "*"), True),
        (a_freeze("cart"), False),
        (a_freeze("*", "staging"), False),
        (a_freeze(start=minutes(1)), False),
        (a_freeze(end=minutes(0)), False),
    ],
)
def test_it_is_of_some_services_and_some_time(freeze, covers):
    assert (holds(freeze) is not None) is covers


def test_what_follows_without_a_gap_is_one():
    found = holds(a_freeze(), a_freeze(start=hours(1), end=hours(3)), a_freeze(start=hours(4), end=hours(5)))

    assert found == Frozen("olga", "the sale", NOON - hours(1), NOON + hours(3))


def test_the_longest_is_the_one_that_is_named():
    long = Freeze("f_2", "*", "*", "bob", "an audit", NOON - hours(2), NOON + hours(9))

    assert holds(a_freeze(), long) == Frozen("bob", "an audit", NOON - hours(2), NOON + hours(9))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (datetime(2026, 11, 27, 14, 59, tzinfo=UTC), None),  # Friday, 15:59 in Berlin
        (datetime(2026, 11, 27, 15, 0, tzinfo=UTC), datetime(2026, 11, 30, 5, 0, tzinfo=UTC)),
        (datetime(2026, 11, 30, 4, 59, tzinfo=UTC), datetime(2026, 11, 30, 5, 0, tzinfo=UTC)),
        (datetime(2026, 11, 30, 5, 0, tzinfo=UTC), None),
        (datetime(2026, 7, 3, 14, 0, tzinfo=UTC), datetime(2026, 7, 6, 4, 0, tzinfo=UTC)),  # summer time
        (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 5, 0, tzinfo=UTC)),  # clocks go back
    ],
)
def test_a_week_goes_by_the_clock_on_the_wall(at, until):
    found = holds(windows=(WEEKEND,), at=at)

    assert (found.until if found else None) == until
    if found:
        assert found.until.tzinfo is UTC
        assert found.by == "window:weekend"
        assert found.reason == "nobody is there"


@pytest.mark.parametrize(
    ("day", "at", "held"),
    [
        (date(2026, 10, 25), datetime(2026, 10, 25, 1, 10, tzinfo=UTC), True),  # 02:10 for the second time
        (date(2026, 10, 25), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), False),
        (date(2026, 3, 29), datetime(2026, 3, 29, 0, 59, tzinfo=UTC), True),  # 01:59, and then it is three
        (date(2026, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), False),
    ],
)
def test_where_clocks_are_changed_at_its_end_it_does_not_end_too_soon(day, at, held):
    window = Window("night", "backups", BERLIN, (Weekly(day.weekday(), time(0), day.weekday(), time(2, 30)),))

    assert (holds(windows=(window,), at=at) is not None) is held


def test_where_clocks_are_put_forward_at_its_start_it_does_not_begin_too_late():
    window = Window("night", "backups", BERLIN, (Weekly(6, time(2, 30), 6, time(5)),))

    assert holds(windows=(window,), at=datetime(2026, 3, 29, 1, 0, tzinfo=UTC)) is not None  # 03:00


def test_days_are_whole_days_there_and_two_in_a_row_are_one():
    before = datetime(2026, 12, 23, 22, 59, tzinfo=UTC)

    assert holds(windows=(HOLIDAYS,), at=before) is None
    found = holds(windows=(HOLIDAYS,), at=before + minutes(1))
    assert found is not None
    assert found.until == datetime(2026, 12, 25, 23, 0, tzinfo=UTC)


def test_a_weekend_goes_on_into_a_holiday():
    monday = Window("monday", "a holiday", BERLIN, dates=frozenset({date(2026, 11, 30)}))
    found = holds(windows=(WEEKEND, monday), at=datetime(2026, 11, 28, tzinfo=UTC))

    assert found is not None
    assert found.until == datetime(2026, 11, 30, 23, 0, tzinfo=UTC)


def test_a_window_may_be_nearly_a_week_long():
    always = Window("most", "slow", UTC, (Weekly(0, time(12), 0, time(11)),))
    gap = datetime(2026, 11, 23, 11, 30, tzinfo=UTC)

    assert holds(windows=(always,), at=gap) is None
    assert holds(windows=(always,), at=gap + minutes(30)) is not None
    assert holds(windows=(always,), at=gap - minutes(31)) is not None


def test_what_never_ends_is_told_until_as_far_as_is_looked():
    spans = [a_freeze(start=hours(each), end=hours(each + 1)) for each in range(100)]
    found = holds(*spans)

    assert found is not None
    assert found.until > NOON + hours(60)


@given(
    minute=st.integers(0, 60 * 24 * 400),
    start=st.tuples(st.integers(0, 6), st.times()),
    end=st.tuples(st.integers(0, 6), st.times()),
)
def test_a_moment_is_frozen_just_as_the_wall_clock_says(minute, start, end):
    if start == end:
        return
    window = Window("w", "why", UTC, (Weekly(*start, *end),))
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)

    def of_week(day, clock):
        return timedelta(
            days=day,
            hours=clock.hour,
            minutes=clock.minute,
            seconds=clock.second,
            microseconds=clock.microsecond,
        )

    here, begins, ends = of_week(at.weekday(), at.time()), of_week(*start), of_week(*end)
    within = begins <= here < ends if begins < ends else here >= begins or here < ends

    found = frozen((), (window,), "checkout", "production", at)
    assert (found is not None) is within
    if found is not None:
        assert found.start <= at < found.until <= found.start + timedelta(days=14)
