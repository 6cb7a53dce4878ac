"""What goes wrong is told apart, is told to who can mend it, and is nobody else's trouble."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from rules.model import Kind
from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Site, errors
from tests.fakes.datadog.limits import Allowed
from tests.fakes.world import START
from tests.watcher.signals.datadog.asking import (
    MINUTE,
    RATIO,
    SECOND,
    a_site,
    asking,
    counts,
    indicator,
)
from watcher.signals.clocks import ahead
from watcher.signals.datadog import Settings
from watcher.signals.datadog.fetch import REFUSED_FOR, TIMESERIES

ODD = {"total": "sum:odd.metric{*}.as_count()"}


def unavailable(reading: Reading) -> Unavailable:
    assert isinstance(reading, Unavailable), reading
    return reading


def invalid(reading: Reading) -> Invalid:
    assert isinstance(reading, Invalid), reading
    return reading


def refusing(answer: web.Response | Any) -> Any:
    """All questions for metrics are answered so."""
    return lambda path, body: (answer(body) if callable(answer) else answer) if path == TIMESERIES else None


def refuses_odd(body: Any) -> web.Response | None:
    is_odd = any("odd.metric" in query["query"] for query in body["data"]["attributes"]["queries"])
    return errors(400, "Error parsing query: odd.metric") if is_odd else None


# ------------------------------------------------------------------------------------------------------ keys and sites


@pytest.mark.parametrize("wrong", ["api_key", "application_key"])
async def test_a_wrong_key_is_the_operators_to_mend_and_the_site_is_named(wrong):
    async with asking(None, **{wrong: "c" * 32}) as life:
        told = unavailable(await life.one())

        assert told.who is Who.OPERATOR
        assert "HTTP 403: Forbidden" in told.words
        assert "are both keys of this site" in told.words
        assert "127.0.0.1" in told.words
        assert "timeseries_query" in told.words


async def test_a_key_without_the_scope_says_which_one_it_lacks():
    async with asking(a_site(scopes=frozenset({"monitors_read"}))) as life:
        assert "the scope timeseries_query" in unavailable(await life.one()).words


async def test_keys_are_in_no_words_even_if_they_are_echoed():
    def echo(_body: Any) -> web.Response:
        return web.Response(status=400, text=f"no such key {API_KEY} {APPLICATION_KEY}")

    async with asking(a_site(refuse=refusing(echo))) as life:
        words = repr(await life.one())

        assert "no such key *** ***" in words
        assert API_KEY not in words + repr(life.provider)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"site": "datadog.com"},
        {"site": "datadoghq.eu", "url": "http://proxy"},
        {"site": "datadoghq.eu", "settle": "1h"},
        {"site": "datadoghq.eu", "flush": "10m"},
        {"site": "datadoghq.eu", "api_key": "a b"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings):
    with pytest.raises(ValidationError):
        Settings.model_validate({"api_key": "a", "application_key": "b", **settings})


def test_a_site_has_its_address():
    settings = Settings.model_validate({"site": "us5.datadoghq.com", "api_key": "a", "application_key": "b"})

    assert (settings.base, settings.place) == ("https://api.us5.datadoghq.com", "us5.datadoghq.com")


# ------------------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("answer", "who", "words"),
    [
        (lambda _: errors(400, "Error parsing query"), Who.AUTHOR, "refuses the query: Error parsing query"),
        (lambda _: errors(400, "no metric", jsonapi=True), Who.AUTHOR, "refuses the query: Error: no metric"),
        (lambda _: web.Response(status=400, text='{"errors":["as text"]}'), Who.AUTHOR, "as text"),
        (lambda _: web.Response(status=400, text="bare words"), Who.AUTHOR, "bare words"),
        (
            lambda _: errors(400, "Queries ending outside the retention date are invalid"),
            Who.OPERATOR,
            "is our clock right?",
        ),
        (lambda _: errors(404, "Not found"), Who.OPERATOR, "is `site` right, or `url`?"),
        (
            lambda _: web.Response(status=500, text="<html>secret", content_type="text/html"),
            Who.PROVIDER,
            "HTTP 500",
        ),
        (lambda _: web.json_response({"errors": "this went wrong"}), Who.AUTHOR, "this went wrong"),
        (lambda _: web.json_response({"errors": ["query timed out"]}), Who.PROVIDER, "query timed out"),
        (lambda _: web.json_response({"status": "ok", "series": []}), Who.OPERATOR, "something else"),
        (lambda _: web.Response(text="<html>", content_type="text/html"), Who.OPERATOR, "a web page"),
    ],
)
async def test_each_answer_that_is_none_says_why_and_who_must_act(answer, who, words):
    async with asking(a_site(refuse=refusing(answer))) as life:
        told = await life.one({"total": RATIO["total"]}, Kind.REQUESTS)

        assert isinstance(told, Unavailable | Invalid)
        assert told.who is who
        assert words in told.words
        assert "secret" not in told.words


@pytest.mark.parametrize(("ahead", "words"), [(-600.0, "600 s ahead of"), (600.0, "600 s behind")])
async def test_a_clock_that_is_wrong_is_told_and_nothing_is_counted_by_it(ahead, words):
    async with asking(a_site(ahead=ahead)) as life:
        told = unavailable(await life.one())

        assert told.who is Who.OPERATOR
        assert words in told.words


async def test_a_clock_that_is_nearly_right_is_right():
    async with asking(a_site(ahead=10.0)) as life:
        assert counts(await life.one())


def test_a_date_that_is_none_is_no_clock():
    date = f"Mon, {'9' * 20} Jan 2020 00:00:00 GMT"

    assert ahead({"date": date}, START) is None


async def test_silence_a_wrong_name_and_a_refusal_are_three_answers():
    async with asking() as life:
        silent = await life.one(canary={"version": "v3"}, baseline=None)
        life.site.refuse = refusing(lambda _: errors(500, "boom"))

        assert isinstance(silent, NoData)
        assert isinstance(await life.one(), Unavailable)


# ----------------------------------------------------------------------------------------------- what shares a call


def _many(odd: int) -> list[Any]:
    good = [
        indicator(json.loads(json.dumps(RATIO).replace("request", f"request{number}")), name=f"good{number}")
        for number in range(7)
    ]
    bad = [
        indicator({"total": f"sum:odd.metric{{n:{n}}}.as_count()"}, Kind.REQUESTS, f"odd{n}")
        for n in range(odd)
    ]
    return [*good, indicator(RATIO, name="shop"), *bad]


async def test_a_query_that_is_refused_spoils_it_for_no_other():
    async with asking(a_site(refuse=refusing(refuses_odd))) as life:
        readings = await life.all(*_many(odd=1))

        assert "odd.metric" in invalid(readings["odd0"]).words
        assert len(counts(readings["shop"])) == 10
        assert all(isinstance(readings[f"good{number}"], NoData) for number in range(7))


async def test_a_query_that_was_refused_is_not_sent_again_for_some_minutes_and_then_by_itself():
    async with asking(a_site(refuse=refusing(refuses_odd))) as life:
        await life.all(*_many(odd=1))
        life.site.calls.clear()
        again = await life.all(*_many(odd=1))

        assert len(life.site.calls) == 1
        assert "odd.metric" in invalid(again["odd0"]).words

        life.on(REFUSED_FOR / MINUTE - 1)
        await life.all(*_many(odd=1))
        life.on(1)
        life.site.refuse = lambda _path, _body: None
        life.site.bodies.clear()
        mended = await life.all(*_many(odd=1))
        asked = [len(body["data"]["attributes"]["queries"]) for body in life.site.bodies[:2]]

        assert isinstance(mended["odd0"], NoData)
        assert sorted(asked) == [1, 16]  # by itself, until it is known to be right


@pytest.mark.parametrize("limit", [{"most_queries": 4}, {"most_bytes": 1000}])
async def test_what_is_too_much_is_asked_in_halves_and_less_is_asked_the_next_time(limit):
    async with asking(a_site(**limit)) as life:
        first = await life.all(*_many(odd=0))
        asked = len(life.site.calls)
        life.site.calls.clear()
        second = await life.all(*_many(odd=0))

        assert len(counts(first["shop"])) == len(counts(second["shop"])) == 10
        assert len(life.site.calls) < asked


async def test_a_site_that_is_down_is_not_asked_for_ever_smaller_parts():
    async with asking(a_site(refuse=refusing(lambda _: errors(503, "down")))) as life:
        readings = await life.all(*_many(odd=0))

        assert all(isinstance(each, Unavailable) for each in readings.values())
        assert len(life.site.calls) == 3


async def test_a_query_that_makes_the_site_fail_is_found_and_not_sent_again_at_once():
    def fails(body: Any) -> web.Response | None:
        return errors(500, "boom") if refuses_odd(body) else None

    async with asking(a_site(refuse=refusing(fails))) as life:
        readings = await life.all(*_many(odd=1))
        life.site.calls.clear()
        again = await life.all(*_many(odd=1))

        assert len(counts(readings["shop"])) == len(counts(again["shop"])) == 10
        assert isinstance(readings["odd0"], Unavailable)
        assert again["odd0"] == readings["odd0"]
        assert len(life.site.calls) == 1


# -------------------------------------------------------------------------------------------------------------- limits


def _limited(limit: int, period: int = 60) -> Site:
    return a_site(allowed=[Allowed("metrics_query", limit, period)])


async def test_a_limit_that_is_used_up_is_told_with_its_name_and_its_end():
    async with asking(_limited(1)) as life:
        await life.one()
        told = unavailable(await life.one())

        assert told.retry_at == START + 13 * MINUTE
        assert "the limit 'metrics_query' is used up until 12:13:00 UTC" in told.words
        assert len(life.site.calls) == 1  # it was not even asked


async def test_a_refusal_is_believed_whatever_it_says_to_be_left():
    async with asking(_limited(0)) as life:
        first, second = unavailable(await life.one()), unavailable(await life.one())

        assert first.retry_at == second.retry_at == START + 13 * MINUTE
        assert len(life.site.calls) == 1


async def test_of_many_who_ask_at_once_one_is_refused():
    async with asking(_limited(0)) as life:
        readings = await asyncio.gather(*[life.one() for _ in range(20)])

        assert all(isinstance(each, Unavailable) for each in readings)
        assert len(life.site.calls) == 1


async def test_when_a_limit_begins_anew_one_goes_first():
    async with asking(_limited(0)) as life:
        for _ in range(5):
            await asyncio.gather(*[life.one() for _ in range(10)])
            life.on(1)

        assert len(life.site.calls) == 5


async def test_a_refusal_that_says_nothing_of_when_closes_for_half_a_minute():
    async with asking(a_site(refuse=refusing(lambda _: web.Response(status=429)), allowed=[])) as life:
        told = unavailable(await life.one())

        assert told.retry_at == life.site.world.now + 30 * SECOND


async def test_a_reset_of_zero_seconds_is_a_second():
    headers = {"X-RateLimit-Reset": "0", "X-RateLimit-Name": "x"}
    refused = refusing(lambda _: web.Response(status=429, headers=headers))
    async with asking(a_site(refuse=refused, allowed=[])) as life:
        assert unavailable(await life.one()).retry_at == life.site.world.now + SECOND


async def test_connections_with_one_key_share_its_limits():
    async with asking(_limited(0)) as life:
        await life.one()
        async with life.beside() as other:
            assert isinstance(await other.one(), Unavailable)

        assert len(life.site.calls) == 1


async def test_what_is_left_of_a_limit_is_in_our_metrics():
    async with asking(_limited(300)) as life:
        await life.one()
        labels = {"provider": "datadog", "connection": "dog", "limit": "metrics_query"}

        told = life.telemetry.registry.get_sample_value
        assert told("rollbackd_signal_limit_remaining_requests", labels) == 299
        assert told("rollbackd_signal_limit_allowed_requests", labels) == 300


async def test_who_does_not_answer_in_time_is_unavailable():
    async with asking() as life:
        assert "gave no answer in time" in unavailable(await life.one(patience=0.2)).words
