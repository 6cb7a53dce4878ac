"""Counts are what happened, in each bucket, of each release; and what nobody told is no data."""

from datetime import timedelta
from typing import Any

import pytest

from rules.model import Kind
from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.newrelic import Account
from tests.fakes.world import START, Happened, World
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.newrelic.asking import (
    BASE,
    MINUTE,
    RATIO,
    SECOND,
    SLOW,
    a_log,
    an_account,
    arms,
    asking,
    buckets,
    indicator,
    read_one,
)
from watcher.signals.provider import Question, Window


@pytest.mark.parametrize("minutes", [1, 3, 10])
def test_both_releases_are_counted_whether_alone_or_in_a_series(minutes):
    assert arms(read_one(an_account(), RATIO, minutes=minutes)) == [
        (minute, (3, 30), (0, 60)) for minute in range(1, minutes + 1)
    ]


def test_a_condition_of_ones_own_says_what_is_bad():
    query = {**BASE, "bad": "httpResponseCode LIKE '5%'"}

    assert arms(read_one(an_account(), query, minutes=1)) == [(1, (3, 30), (0, 60))]


def test_a_latency_is_counted_over_each_of_its_bounds():
    log = [
        Happened(START + number * SECOND, "2", 200, seconds)
        for number, seconds in enumerate((0.1, 0.3, 0.5, 2.0))
    ]
    told = read_one(an_account(log), SLOW, minutes=1, baseline=None)

    assert [arms(told, series) for series in (0, 1)] == [[(1, (2, 4), None)], [(1, (1, 4), None)]]
    assert isinstance(told, tuple)
    assert [series.bound for series in told] == [0.3, 1.0]


def test_requests_are_counted_without_anything_bad():
    assert arms(read_one(an_account(), BASE, minutes=1)) == [(1, (0, 30), (0, 60))]


def test_a_bucket_in_which_nothing_was_told_has_no_data_whether_asked_alone_or_among_others():
    log = [
        each for each in a_log(5) if not (each.version == "2" and 2 * MINUTE <= each.at - START < 3 * MINUTE)
    ]
    among = arms(read_one(an_account(log), RATIO, minutes=5))
    alone = arms(read_one(an_account(log), RATIO, start=START + 2 * MINUTE, minutes=1))

    assert [among[2], *alone] == [(3, None, (0, 60))] * 2


def test_no_event_at_all_is_no_data_and_not_a_good_share():
    told = read_one(an_account([]), RATIO)

    assert isinstance(told, NoData)
    assert "appName=checkout, tags.version=2" in told.words


def test_what_may_still_come_is_shown_and_not_judged():
    account = an_account(a_log(4))
    account.world.now = START + 4 * MINUTE
    told = read_one(account, RATIO, minutes=4)

    assert [bucket.incomplete for bucket in buckets(told)] == [False, False, True, True]


def test_events_of_which_agents_keep_some_say_so():
    assert all(bucket.approximate for bucket in buckets(read_one(an_account(), RATIO)))


def a_fleet(**more: Any) -> Account:
    """150 services, of which the new release fails one request in three."""
    log = [
        Happened(
            START + second * SECOND,
            f"{name}.{version}",
            500 if version == 2 and second % 30 == 0 else 200,
            0.1,
        )
        for second in range(0, 60, 10)
        for name in range(150)
        for version in (1, 2)
    ]
    account = Account(World(log), app_of=lambda each: f"service-{each.version.partition('.')[0]}", **more)
    account.world.now = START + 30 * MINUTE
    return account


def read_fleet(account: Account) -> list[Reading]:
    async def story() -> list[Reading]:
        async with asking(account) as ask:
            window = Window(START, START + MINUTE, account.now + 6 * SECOND)
            questions = [
                Question(
                    str(name),
                    indicator({**RATIO, "where": {**RATIO["where"], "appName": f"service-{name}"}}),
                    {"version": f"{name}.2"},
                    {"version": f"{name}.1"},
                )
                for name in range(150)
            ]
            readings = await ask.provider.read(questions, window)
            return [readings[str(name)] for name in range(150)]

    return in_virtual_time(story())


def test_a_fleet_gets_each_its_own():
    account = a_fleet()

    assert [arms(each) for each in read_fleet(account)] == [[(1, (2, 6), (0, 6))]] * 150
    assert account.requests == 1


def test_a_new_relic_that_is_slow_costs_no_call_for_each():
    account = a_fleet(slow=60)

    assert all(isinstance(each, Unavailable) for each in read_fleet(account))
    assert account.requests <= 1 + 2 * 16


def test_a_window_that_was_moved_is_seen():
    told = read_one(an_account(rollup=120), RATIO, minutes=1)

    assert isinstance(told, Invalid)
    assert "another span of time" in told.words


def test_events_that_come_late_change_only_what_was_not_final():
    account = an_account(late=timedelta(seconds=100))
    account.world.now = START + 5 * MINUTE
    early = buckets(read_one(account, RATIO, minutes=5))
    account.world.now = START + 8 * MINUTE
    later = {bucket.end: bucket for bucket in buckets(read_one(account, RATIO, minutes=5))}

    assert [bucket for bucket in early if not bucket.incomplete] == [
        later[bucket.end] for bucket in early if not bucket.incomplete
    ]
    assert any(bucket.incomplete and bucket != later[bucket.end] for bucket in early)


def test_a_query_that_is_too_much_is_asked_in_parts():
    account = an_account(facets_in_time=1)
    told = read_one(account, RATIO, minutes=1)

    assert arms(told) == [(1, (3, 30), (0, 60))]
    assert account.requests == 3


def test_one_that_is_slow_by_itself_is_the_providers():
    account = an_account(slow=60)
    told = read_one(account, RATIO, minutes=1)

    assert isinstance(told, Unavailable)
    assert (told.who, "took too long" in told.words) == (Who.PROVIDER, True)
    assert account.requests <= 3


def test_a_kind_fits_what_is_counted():
    assert isinstance(read_one(an_account(), RATIO, kind=Kind.LATENCY), Invalid)
