"""Requests and errors: what Sentry kept, never what it makes of it; a part of it never passes for all."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.sentry import Shop
from tests.fakes.world import START, Happened, World
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.sentry.asking import (
    ERRORS,
    MINUTE,
    REQUESTS,
    SECOND,
    SESSIONS,
    a_log,
    a_shop,
    arms,
    asking,
    buckets,
    indicator,
    read_one,
)
from watcher.signals.provider import Question, Window


@pytest.mark.parametrize("requests_in", ["spans", "transactions"])
def test_counts_of_a_sample_are_those_that_were_kept_and_say_so(requests_in):
    """What Sentry makes of a tenth of the requests would look ten times as sure as it is."""
    shop = a_shop(a_log(10, new=600, old=600, fails=60), sample_rate=0.1)

    async def story() -> Reading:
        async with asking(shop, requests_in=requests_in) as ask:
            return await ask.one(REQUESTS)

    told = in_virtual_time(story())

    totals = [arm[1][1] for arm in arms(told) if arm[1]]
    assert 200 < sum(totals) < 1000
    assert requests_in != "spans" or all(bucket.approximate for bucket in buckets(told))


def test_what_sentry_calls_incomplete_is_shown_and_not_judged():
    shop = a_shop(a_log(4))
    shop.world.now = START + 4 * MINUTE
    told = read_one(shop, {**REQUESTS, "settle": "100s"}, minutes=4)

    assert [bucket.incomplete for bucket in buckets(told)] == [False, False, True, True]


def test_sentrys_own_word_counts_even_where_our_clock_says_it_is_late():
    """Its clock is 20 s behind ours, which alone would be no reason."""
    shop = a_shop(a_log(4), ahead=timedelta(seconds=-20))
    shop.world.now = START + 4 * MINUTE + 41 * SECOND
    told = read_one(shop, REQUESTS, minutes=4)

    assert [bucket.incomplete for bucket in buckets(told)] == [False, False, True, True]


def test_a_part_of_the_data_never_passes_for_all_of_it():
    told = read_one(a_shop(scanned="partial"), REQUESTS)

    assert isinstance(told, Unavailable)
    assert "a part of the data" in told.words


@pytest.mark.parametrize(
    ("query", "coarsest", "minutes"), [(REQUESTS, 300, 10), (SESSIONS, 300, 10), (SESSIONS, 3600, 1)]
)
def test_another_interval_than_was_asked_for_is_seen(query, coarsest, minutes):
    told = read_one(a_shop(coarsest=coarsest), query, minutes=minutes)

    assert isinstance(told, Invalid)
    assert f"in buckets of {coarsest} s" in told.words


def test_errors_are_set_against_the_sessions_of_the_same_release():
    told = read_one(a_shop(a_log(5, usual=1)), ERRORS, minutes=5)

    assert arms(told) == [(minute, (3, 30), (1, 60)) for minute in range(1, 6)]


def test_no_error_is_zero_where_there_are_sessions_and_nothing_where_there_are_none():
    well, gone = a_log(5, fails=0), [each for each in a_log(5) if each.version == "1"]

    assert arms(read_one(a_shop(well), ERRORS, minutes=5))[0] == (1, (0, 30), (0, 60))
    assert arms(read_one(a_shop(gone), ERRORS, minutes=5))[0] == (1, None, (0, 60))


def test_errors_may_be_more_than_what_they_are_set_against():
    log = [Happened(START + number * SECOND, "2", 500, 0.1, session="ada") for number in range(20)]
    told = read_one(a_shop(log), ERRORS, minutes=1, baseline=None)

    assert arms(told) == [(1, (20, 1), None)]


def test_only_what_nobody_caught_is_counted_if_that_is_asked():
    log = [Happened(START + number * SECOND, "2", 500 + number % 2, 0.1) for number in range(20)]
    told = read_one(
        a_shop(log), {**ERRORS, "errors": "unhandled", "of": "requests"}, minutes=1, baseline=None
    )

    assert arms(told) == [(1, (10, 20), None)]


def a_fleet(services: int, *, versions: int = 2) -> Shop:
    """Each with a project of its own, a request in ten seconds, of which the new release fails one in three."""
    log = [
        Happened(
            START + second * SECOND,
            f"{name}.{version}",
            500 if version == 2 and second % 30 == 0 else 200,
            0.1,
        )
        for second in range(0, 60, 10)
        for name in range(services)
        for version in range(1, versions + 1)
    ]
    shop = Shop(
        World(log),
        projects={f"service-{name}": name + 1 for name in range(services)},
        project_of=lambda each: f"service-{each.version.partition('.')[0]}",
        named=lambda version: f"service@{version}",
    )
    shop.world.now = START + 30 * MINUTE
    return shop


def test_a_fleet_is_read_by_table_page_by_page_and_each_service_gets_its_own():
    """Of 120 services both releases: 240 rows in three calls."""
    shop = a_fleet(120)
    query = {**REQUESTS, "release": "service@${arm.n}"}

    async def story() -> tuple[list[object], list[str]]:
        async with asking(shop) as ask:
            many = [indicator({**query, "project": f"service-{name}"}, f"s{name}") for name in range(120)]
            window = Window(START, START + MINUTE, shop.now + 6 * SECOND)
            questions = [
                Question(each.id, each, {"n": f"{name}.2"}, {"n": f"{name}.1"})
                for name, each in enumerate(many)
            ]
            readings = await ask.provider.read(questions, window)
            return [arms(readings[each.id]) for each in many], ask.asked

    found, asked = in_virtual_time(story())

    assert found == [[(1, (2, 6), (0, 6))]] * 120
    assert asked.count("events/") == 3


def test_a_page_that_is_full_leads_to_the_next():
    """A release that all projects have: more rows than were asked about."""
    log = [
        Happened(START + name * SECOND / 4 + version * SECOND / 10, f"{version}", 200, 0.1, instance=name)
        for name in range(60)
        for version in range(3)
    ]
    shop = Shop(
        World(log),
        projects={f"service-{name}": name + 1 for name in range(60)},
        project_of=lambda each: f"service-{each.instance}",
    )
    shop.world.now = START + 30 * MINUTE

    async def story() -> tuple[list[object], list[str]]:
        async with asking(shop) as ask:
            window = Window(START, START + MINUTE, shop.now + 6 * SECOND)
            questions = [
                Question(
                    f"{name}",
                    indicator({**REQUESTS, "project": f"service-{name}"}),
                    {"sentry": f"checkout@{name % 3}"},
                    None,
                )
                for name in range(60)
            ]
            readings = await ask.provider.read(questions, window)
            return [arms(reading) for reading in readings.values()], ask.asked

    found, asked = in_virtual_time(story())

    assert found == [[(1, (0, 1), None)]] * 60
    assert asked.count("events/") == 2


def test_a_search_that_sentry_refuses_is_the_authors_and_nobody_elses():
    async def story() -> Mapping[str, Reading]:
        async with asking(a_shop()) as ask:
            return await ask.all(indicator(REQUESTS), indicator({**REQUESTS, "where": "bad:search"}, "wrong"))

    readings = in_virtual_time(story())

    assert len(arms(readings["errors"])) == 10
    wrong = readings["wrong"]
    assert isinstance(wrong, Invalid)
    assert wrong.who is Who.AUTHOR
    assert "Parse error at 'bad:search'" in wrong.words


def test_no_request_is_no_data_and_not_a_good_share():
    assert isinstance(read_one(a_shop([]), REQUESTS), NoData)
