"""What goes wrong between us and the numbers: each touches what it is of alone, says who must act, and is never counts."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rules.sample import Invalid, Reading, Unavailable, Who
from tests.fakes.sentry import TOKEN, Shop
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.sentry.asking import (
    ERRORS,
    ISSUES,
    REQUESTS,
    SESSIONS,
    a_shop,
    arms,
    asking,
    indicator,
    read_one,
)
from watcher.http import Answer, Request

QUERIES = [SESSIONS, REQUESTS, ERRORS, ISSUES]


@pytest.mark.parametrize("query", QUERIES, ids=["sessions", "requests", "errors", "issues"])
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": "another"}, "the token is wrong, was revoked, or is of another Sentry"),
        ({"organization": "shopp"}, "correct `organization` or `project`"),
    ],
)
def test_who_asks_wrongly_is_told_what_to_correct(query, settings, words):
    async def story() -> Reading:
        async with asking(a_shop(), **settings) as ask:
            return await ask.one(query)

    reading = in_virtual_time(story())

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert words in reading.words


@pytest.mark.parametrize(
    ("query", "scope"), [(SESSIONS, "org:read"), (REQUESTS, "org:read"), (ISSUES, "event:read")]
)
def test_a_scope_that_lacks_is_named(query, scope):
    shop = a_shop(scopes=frozenset({"org:read", "event:read", "project:releases"} - {scope}))
    reading = read_one(shop, query)

    assert isinstance(reading, Unavailable)
    assert f"lacks {scope}" in reading.words


def test_what_is_known_is_not_told_again():
    reading = read_one(a_shop(), REQUESTS, since=START + timedelta(minutes=7))

    assert [minute for minute, _, _ in arms(reading)] == [8, 9, 10]


def test_one_bad_answer_is_the_providers_and_the_next_is_read():
    async def story() -> tuple[Reading, Reading]:
        async with asking(a_shop(down=1)) as ask:
            return await ask.one(REQUESTS), await ask.one(REQUESTS)

    down, up = in_virtual_time(story())

    assert isinstance(down, Unavailable)
    assert (down.who, "HTTP 502" in down.words) == (Who.PROVIDER, True)
    assert len(arms(up)) == 10


def test_a_number_of_a_project_that_is_not_ours_spoils_nothing_for_the_others():
    shop = a_shop(projects={"checkout": 1, **{f"p{number}": number for number in range(2, 12)}})

    async def story() -> dict[str, Reading]:
        async with asking(shop) as ask:
            wrong = indicator({**REQUESTS, "project": "99"}, "wrong")
            others = [
                indicator({**REQUESTS, "project": f"p{number}"}, f"p{number}") for number in range(2, 12)
            ]
            return dict(await ask.all(indicator(REQUESTS), wrong, *others, minutes=1))

    readings = in_virtual_time(story())

    assert arms(readings["errors"]) == [(1, (3, 30), (0, 60))]
    assert isinstance(readings["wrong"], Unavailable)
    assert "not for this project" in readings["wrong"].words
    assert not any(isinstance(readings[f"p{number}"], Unavailable) for number in range(2, 12))


def test_a_sentry_that_shows_one_project_at_a_time_is_asked_for_one_at_a_time():
    shop = a_shop(projects={"checkout": 1, "web": 2}, global_views=False)

    async def story() -> dict[str, Reading]:
        async with asking(shop) as ask:
            return dict(await ask.all(indicator(SESSIONS), indicator({**SESSIONS, "project": "web"}, "web")))

    readings = in_virtual_time(story())

    assert len(arms(readings["errors"])) == 10
    assert not isinstance(readings["web"], Unavailable | Invalid)


@pytest.mark.parametrize("minutes", [10, -10])
def test_clocks_that_differ_by_minutes_are_no_ground_to_count_on(minutes):
    reading = read_one(a_shop(ahead=timedelta(minutes=minutes)), REQUESTS)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert "clock is 600 s" in reading.words


def test_who_does_not_answer_is_given_up_before_the_deadline_and_leaves_no_task():
    async def story() -> tuple[Reading, float, int]:
        before = len(asyncio.all_tasks())
        async with asking(a_shop()) as ask:
            await ask.one(REQUESTS)
            ask.line.cut = True
            began = asyncio.get_running_loop().time()
            reading = await ask.one(ERRORS)
            return reading, asyncio.get_running_loop().time() - began, len(asyncio.all_tasks()) - before

    reading, seconds, tasks = in_virtual_time(story())

    assert isinstance(reading, Unavailable)
    assert seconds <= 6
    assert tasks == 0


def test_who_asked_may_go_away_in_the_middle():
    async def story() -> int:
        before = len(asyncio.all_tasks())
        async with asking(a_shop()) as ask:
            asked = asyncio.create_task(ask.one(ERRORS))
            await asyncio.sleep(0.07)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            assert len(arms(await ask.one(ERRORS))) == 10  # no gate was left closed behind it
        return len(asyncio.all_tasks()) - before

    assert in_virtual_time(story()) == 0


@pytest.mark.parametrize("query", QUERIES, ids=["sessions", "requests", "errors", "issues"])
def test_the_same_answers_make_the_same_reading_to_the_byte(query):
    async def read(shop: Shop, said: Mapping[str, Answer] | None) -> tuple[str, Mapping[str, Answer]]:
        async with asking(shop) as ask:
            if said is not None:
                ask.line.instead = lambda request: said[request.url]
            return repr(await ask.one(query)), ask.line.said

    first, said = in_virtual_time(read(a_shop(), None))
    again, _ = in_virtual_time(read(a_shop([]), said))

    assert again == first
    assert "NoData" not in first


STRANGE: dict[str, Any] = {
    "null": b"null",
    "a list": b"[]",
    "a number": b"3",
    "other words": b'{"status": "success"}',
    "counts of text": b'{"groups": [{"by": {}, "series": {"sum(session)": ["x"]}}], "intervals": [], "data": [1], "timeSeries": [{}]}',
    "infinite": b'{"groups": [], "intervals": ["2026-11-24T12:00:00Z"], "data": [], "timeSeries": [{"yAxis": "count()", "meta": {"interval": Infinity}, "values": []}]}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
def test_what_is_no_answer_of_sentry_is_never_counts(body):
    async def story() -> list[Reading]:
        async with asking(a_shop([])) as ask:
            await ask.one(ISSUES)  # the project is known
            ask.shop.created.add("checkout@2")
            await ask.one(ISSUES)  # and the release
            ask.line.instead = lambda _: Answer(200, {"content-type": "application/json"}, body, 0.0)
            return [await ask.one(query) for query in QUERIES]

    sessions, requests, errors, issues = in_virtual_time(story())

    for reading in (sessions, requests, errors):
        assert not isinstance(reading, tuple)
    if body != b"[]":  # no issue: that is an answer
        assert isinstance(issues, Unavailable)


def test_a_count_beyond_any_number_is_never_counts():
    body = b'{"data": [{"release": "checkout@2", "count()": 1%s, "failure_count()": 0}]}' % (b"0" * 400)

    async def story() -> Reading:
        async with asking(a_shop(), requests_in="transactions") as ask:
            await ask.one(REQUESTS)  # the project is known
            ask.line.instead = lambda _: Answer(200, {"content-type": "application/json"}, body, 0.0)
            return await ask.one(REQUESTS)

    reading = in_virtual_time(story())

    assert isinstance(reading, Unavailable)
    assert "counts that are no numbers" in reading.words


def test_a_date_that_is_none_is_no_clock():
    async def story() -> Reading:
        async with asking(a_shop()) as ask:
            await ask.one(REQUESTS)
            said, wrong = ask.line.said, {"date": f"Mon, {'9' * 20} Jan 2020 00:00:00 GMT"}
            ask.line.instead = lambda request: replace(said[request.url], headers=wrong)
            return await ask.one(REQUESTS)

    assert len(arms(in_virtual_time(story()))) == 10


def test_it_does_not_matter_what_an_answer_calls_itself():
    def as_page(said: Mapping[str, Answer], request: Request) -> Answer:
        return replace(said[request.url], headers={"content-type": "text/html"})

    async def story() -> tuple[Reading, Reading]:
        async with asking(a_shop()) as ask:
            first, said = await ask.one(SESSIONS), ask.line.said
            ask.line.instead = lambda request: as_page(said, request)
            return first, await ask.one(SESSIONS)

    first, again = in_virtual_time(story())

    assert again == first
    assert len(arms(first)) == 10


def test_a_page_to_log_in_is_the_operators():
    async def story() -> Reading:
        async with asking(a_shop()) as ask:
            await ask.one(SESSIONS)
            ask.line.instead = lambda _: Answer(200, {"content-type": "text/html"}, b"<html>Log in", 0.0)
            return await ask.one(SESSIONS)

    reading = in_virtual_time(story())

    assert isinstance(reading, Unavailable)
    assert (reading.who, "a web page" in reading.words) == (Who.OPERATOR, True)


def echo(request: Request) -> Answer:
    said = request.secrets["Authorization"].get_secret_value()
    body = f'{{"detail": "not {said} again"}}'.encode()
    return Answer(400, {"content-type": "application/json"}, body, 0.0)


def test_the_token_is_in_no_word():
    async def story() -> str:
        words = ""
        for settings in (dict[str, str](), {"organization": "shopp"}, {"token": TOKEN + "x"}):
            async with asking(a_shop(), **settings) as ask:
                words += repr(await ask.one(REQUESTS))
                ask.line.instead = echo
                words += repr(await ask.one(REQUESTS)) + repr(ask.provider)
        return words

    assert TOKEN not in in_virtual_time(story())
