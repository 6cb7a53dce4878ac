"""Moments as people read them."""

from datetime import timedelta, timezone

from tests.builders import NOON, hours
from watcher.core.wording.figures import all_said, moment, said


def test_utc_stands_once():
    assert (
        said(f"from {moment(NOON, NOON)} to {moment(NOON + hours(1), NOON)}")
        == "from 12:00:00 UTC to 13:00:00"
    )


def test_the_date_stands_where_it_is_not_todays_and_the_year_where_it_is_not_this_one():
    assert said(moment(NOON - hours(24), NOON)) == "23 Nov 12:00:00 UTC"
    assert said(moment(NOON - hours(24 * 400), NOON)) == "20 Oct 2025 12:00:00 UTC"
    assert said(moment(NOON - hours(24 * 365), NOON)) == "24 Nov 2025 12:00:00 UTC"


def test_other_zones_are_told_in_utc():
    berlin = timezone(timedelta(hours=1))

    assert said(moment(NOON.astimezone(berlin), NOON.astimezone(berlin))) == "12:00:00 UTC"


def test_a_line_that_was_broken_stays_one_line():
    assert all_said("at", ["a\nb", moment(NOON, NOON)]) == ("at", ("a\nb", "12:00:00 UTC"))
