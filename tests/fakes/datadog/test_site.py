"""The fake refuses what Datadog refuses, and tells its numbers as Datadog does."""

import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Metrics, Site
from tests.fakes.datadog.limits import Allowed
from tests.fakes.datadog.metrics import Wrong, asked, selects
from tests.fakes.world import SECOND, START, World, traffic

MINUTE = 60 * SECOND
KEYS = {"DD-API-KEY": API_KEY, "DD-APPLICATION-KEY": APPLICATION_KEY}
QUERY = "sum:trace.http.request.hits{env:prod} by {version}.as_count()"


def a_site(late: float = 0, **changes: Any) -> Site:
    log = traffic(3, 5, versions=[("v1", 0.7, 0.0), ("V2+1", 0.3, 0.5)], every=SECOND)
    world = World([each for each in log if not START + MINUTE <= each.at < START + 2 * MINUTE])
    world.now = START + 5 * MINUTE
    return Site(world, Metrics(world, late=timedelta(seconds=late)), **changes)


def body(text: Any = QUERY, **changes: Any) -> dict[str, Any]:
    given = {
        "from": round(START.timestamp() * 1000),
        "to": round((START + 5 * MINUTE).timestamp() * 1000),
        "interval": 60_000,
        "formulas": [{"formula": "a"}],
        "queries": [{"data_source": "metrics", "name": "a", "query": text}],
    }
    return {"data": {"type": "timeseries_request", "attributes": {**given, **changes}}}


def told(site: Site, content: Any, headers: dict[str, str] | None = None) -> web.Response:
    request = make_mocked_request("POST", "/api/v2/query/timeseries", headers=headers or KEYS)
    return site._answered(request, json.dumps(content).encode())


def series(answer: web.Response) -> dict[str, Any]:
    assert answer.status == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text or "")["data"]["attributes"]
    return found


def test_buckets_without_anything_are_left_out_and_tags_are_as_datadog_keeps_them():
    answer = told(a_site(), body())

    assert answer.content_type == "application/vnd.api+json"
    found = series(answer)
    minutes = [(at / 1000 - START.timestamp()) / 60 for at in found["times"]]
    assert minutes == [0, 2, 3, 4]
    assert sorted(each["group_tags"] for each in found["series"]) == [["version:v1"], ["version:v2_1"]]
    assert sum(x for values in found["values"] for x in values if x) == 240


def test_without_as_count_it_is_a_mean_of_what_each_flush_sent():
    found = series(told(a_site(), body("sum:trace.http.request.hits{*}")))

    assert all(x < 15 for x in found["values"][0])


def test_a_series_without_anything_then_has_a_null():
    queries = [
        {"data_source": "metrics", "name": n, "query": q}
        for n, q in (("a", QUERY), ("b", QUERY.replace("hits", "errors")))
    ]
    found = series(
        told(a_site(), body(queries=queries, formulas=[{"formula": "a"}, {"formula": "b"}], interval=10_000))
    )

    errors = [
        values
        for each, values in zip(found["series"], found["values"], strict=True)
        if each["query_index"] == 1
    ]
    assert len(errors) == 1
    assert None in errors[0]


def test_what_is_late_comes_later():
    site = a_site(late=50)
    early = sum(x or 0 for values in series(told(site, body()))["values"] for x in values)
    site.world.now += MINUTE

    assert early < sum(x or 0 for values in series(told(site, body()))["values"] for x in values) == 240


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"data": {**body()["data"], "type": "timeseries_rquest"}}, 'Expected "timeseries_request"'),
        (
            body(**{"from": int(START.timestamp()), "to": int(START.timestamp()) + 60}),
            "outside the retention date",
        ),
        (body(**{"from": body()["data"]["attributes"]["to"]}), "from must be before to"),
        (body(formulas=[{"formula": "a+b"}]), "a+b is not defined"),
        (body("sum:a{x:1"), "unable to parse"),
    ],
)
def test_what_is_wrong_is_refused(content, words):
    answer = told(a_site(), content)

    assert answer.status == 400
    assert words in json.loads(answer.text or "")["errors"][0]


@pytest.mark.parametrize("headers", [{}, {**KEYS, "DD-API-KEY": "x"}, {**KEYS, "DD-APPLICATION-KEY": "x"}])
def test_both_keys_are_wanted(headers):
    assert told(a_site(), body(), headers or {"A": "b"}).status == 403


def test_a_limit_is_of_the_calendar_and_a_refusal_has_no_body():
    site = a_site(allowed=[Allowed("metrics_query", 1, 60)])
    site.world.now += 20 * SECOND
    first, second = told(site, body()), told(site, body())
    site.world.now += 40 * SECOND

    assert (first.status, first.headers["X-RateLimit-Remaining"], first.headers["X-RateLimit-Reset"]) == (
        200,
        "0",
        "40",
    )
    assert (second.status, second.body) == (429, None)
    assert told(site, body()).status == 200


@pytest.mark.parametrize("scope", ["a:1 AND !b:2", "a:1,b IN (c, d)", "a:1 OR b:2", "a"])
def test_filters_that_are_none_are_refused(scope):
    with pytest.raises(Wrong):
        selects(asked(f"sum:m{{{scope}}}").scope)
