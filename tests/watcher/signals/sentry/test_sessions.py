"""Sessions: by when they began, all of them and those that crashed, each from its own answer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.sample import Invalid, NoData, Who
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
    read_one,
)


@pytest.mark.parametrize("older", [True, False])
def test_all_sessions_are_counted_once_however_sentry_tells_their_ends(older):
    """Where those that crashed are errored too, the ends add up to more sessions than there were."""
    told = read_one(a_shop(older=older), SESSIONS)

    assert arms(told) == [(minute, (3, 30), (0, 60)) for minute in range(1, 11)]


def test_a_session_counts_where_it_began_and_crashes_with_its_whole_life():
    begun = Happened(START + 10 * SECOND, "2", 200, 0.1, session="ada")
    crash = replace(begun, at=START + 3 * MINUTE, status=500)
    well = [
        Happened(START + minute * MINUTE + SECOND, "2", 200, 0.1, session=f"u{minute}") for minute in range(5)
    ]

    told = read_one(a_shop([begun, crash, *well]), SESSIONS, minutes=5, baseline=None)

    assert arms(told) == [(1, (1, 2), None)] + [(minute, (0, 1), None) for minute in (2, 3, 4, 5)]


def test_a_crash_is_waited_for_as_long_as_sessions_settle():
    """What is read before that is shown as incomplete; nothing of it is judged."""
    begun = Happened(START + 10 * SECOND, "2", 200, 0.1, session="ada")
    shop = a_shop([begun, replace(begun, at=START + 5 * MINUTE, status=500)])
    shop.world.now = START + 3 * MINUTE
    early = read_one(shop, SESSIONS, minutes=1)
    shop.world.now = START + 6 * MINUTE + SECOND
    settled = read_one(shop, SESSIONS, minutes=1)

    assert [
        (bucket.incomplete, *arm[1:2]) for bucket, arm in zip(buckets(early), arms(early), strict=True)
    ] == [(True, (0, 1))]
    assert [
        (bucket.incomplete, *arm[1:2]) for bucket, arm in zip(buckets(settled), arms(settled), strict=True)
    ] == [(False, (1, 1))]


@pytest.mark.parametrize("query", [SESSIONS, REQUESTS, ERRORS], ids=["sessions", "requests", "errors"])
def test_a_bucket_in_which_nothing_was_told_has_no_data_whether_asked_alone_or_among_others(query):
    """Sentry fills it with a zero among others; alone it says nothing. Neither tells silence from a release that is gone."""
    log = [
        each for each in a_log(5) if not (each.version == "2" and 2 * MINUTE <= each.at - START < 3 * MINUTE)
    ]
    among = arms(read_one(a_shop(log), query, minutes=5))
    alone = arms(read_one(a_shop(log), query, start=START + 2 * MINUTE, minutes=1))

    assert [among[2], *alone] == [(3, None, (0, 60))] * 2
    assert among[3] == (4, (3, 30), (0, 60))


def test_a_release_that_sentry_tells_nothing_of_has_no_data_and_not_zero():
    told = read_one(a_shop([each for each in a_log() if each.version == "1"]), SESSIONS)

    assert {arm[1] for arm in arms(told)} == {None}


def test_no_session_at_all_is_no_data():
    told = read_one(a_shop([]), SESSIONS)

    assert isinstance(told, NoData)
    assert "no session of checkout@2 in production" in told.words


def test_a_sentry_with_hourly_sessions_says_so_with_the_remedy():
    told = read_one(a_shop(least=timedelta(hours=1)), SESSIONS)

    assert isinstance(told, Invalid)
    assert told.who is Who.AUTHOR
    assert "write `bucket: 1h`" in told.words


def test_it_is_read_by_the_hour():
    shop = a_shop(a_log(130, new=10, old=20, fails=1), least=timedelta(hours=1))
    shop.world.now = START + 130 * MINUTE
    told = read_one(shop, {**SESSIONS, "bucket": "1h"}, minutes=120)

    assert arms(told) == [(60, (60, 600), (0, 1200)), (120, (60, 600), (0, 1200))]


def test_ends_that_this_sentry_does_not_know_are_not_taken_for_none():
    query = {**SESSIONS, "sessions": ["crashed", "unhandled"]}
    strange, known = read_one(a_shop(), query), read_one(a_shop(unhandled=True), query)

    assert isinstance(strange, Invalid)
    assert "unhandled" in strange.words
    assert arms(known)[0] == (1, (3, 30), (0, 60))


def test_releases_beyond_one_answer_are_asked_in_several_and_none_is_left_out():
    """More releases than fit into an address, each with a session a minute."""
    log = [
        Happened(START + minute * MINUTE + number * SECOND / 10, f"{number}", 200, 0.1)
        for minute in range(3)
        for number in range(300)
    ]
    shop = Shop(World(log), limit=None)
    shop.world.now = START + 30 * MINUTE

    async def story() -> list[object]:
        async with asking(shop) as ask:
            return [
                arms(
                    await ask.one(SESSIONS, minutes=3, canary={"sentry": f"checkout@{number}"}, baseline=None)
                )
                for number in (0, 150, 299)
            ]

    assert in_virtual_time(story()) == [[(minute, (0, 1), None) for minute in (1, 2, 3)]] * 3
