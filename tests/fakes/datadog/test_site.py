"""The fake refuses what Datadog refuses, and tells its numbers as Datadog does."""

import json
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Metrics, Site, Slo
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


def told(
    site: Site, content: Any, headers: dict[str, str] | None = None, path: str = "/api/v2/query/timeseries"
) -> web.Response:
    request = make_mocked_request("POST", path, headers=headers or KEYS)
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


# ------------------------------------------------------------------------------------------------------- one number a group


PAST: dict[str, Any] = {"from": 1, "to": 2}


def scalar(text: Any = QUERY, aggregator: str = "sum", **changes: Any) -> dict[str, Any]:
    content = body(text, **changes)
    given = content["data"]["attributes"]
    given.pop("interval")
    given["queries"][0]["aggregator"] = aggregator
    return {"data": {**content["data"], "type": "scalar_request"}}


def columns(site: Site, content: Any) -> list[dict[str, Any]]:
    answer = told(site, content, path="/api/v2/query/scalar")
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.text or "")["data"]["attributes"]["columns"]
    return found


def test_a_number_for_each_group_is_all_that_it_had():
    groups, numbers = columns(a_site(), scalar())

    assert (groups["type"], groups["name"], sorted(groups["values"])) == (
        "group",
        "version",
        [["v1"], ["v2_1"]],
    )
    assert numbers["type"] == "number"
    assert sum(numbers["values"]) == 240


def test_of_several_formulas_a_group_that_one_has_nothing_of_is_a_null_there():
    errors = {
        "data_source": "metrics",
        "name": "b",
        "aggregator": "sum",
        "query": QUERY.replace(".hits", ".errors"),
    }
    content = scalar(formulas=[{"formula": "a"}, {"formula": "b"}])
    content["data"]["attributes"]["queries"].append(errors)
    groups, every, bad = columns(a_site(), content)

    rows = dict(
        zip(
            (value for (value,) in groups["values"]),
            zip(every["values"], bad["values"], strict=True),
            strict=True,
        )
    )
    assert rows["v1"][1] is None
    assert 0 < rows["v2_1"][1] < rows["v2_1"][0]


def test_what_nobody_sent_is_columns_without_values():
    assert [each["values"] for each in columns(a_site(), scalar(QUERY.replace(".hits", ".hit")))] == [[], []]


def test_no_more_groups_come_than_are_asked_for_and_those_with_the_most_first():
    few = [{"formula": "a", "limit": {"count": 1, "order": "desc"}}]

    assert columns(a_site(), scalar(formulas=few))[0]["values"] == [["v1"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (scalar(aggregator=""), "Invalid aggregator. Expected one of: avg,min,max,sum"),
        (scalar(formulas=[{"formula": "b"}]), "b is not defined"),
        (body(), "Invalid type"),
        (scalar(**PAST), "outside the retention date"),
    ],
)
def test_what_is_wrong_with_it_is_refused(content, words):
    answer = told(a_site(), content, path="/api/v2/query/scalar")

    assert answer.status == 400
    assert words in (answer.text or "")


# ------------------------------------------------------------------------------------------------------------------- SLOs

NAME = "a" * 32
HITS, ERRORS = (f"sum:trace.http.request.{each}{{*}}.as_count()" for each in ("hits", "errors"))


def history(slo: Slo, minutes: float = 5, site: Site | None = None) -> dict[str, Any]:
    end = START + minutes * MINUTE
    asked_for = f"/api/v1/slo/{NAME}/history?from_ts={START.timestamp():.0f}&to_ts={end.timestamp():.0f}"
    there = site or a_site()
    there.slos[NAME] = slo
    answer = there._answered(make_mocked_request("GET", asked_for, headers=KEYS), b"")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = json.loads(answer.text or "")["data"]
    return found


def test_the_sums_of_an_slo_are_of_spans_that_nobody_chose_and_silence_is_zero_in_them():
    site = a_site()
    site.world.now = START + timedelta(days=1)
    day = history(Slo("x", good=f"{HITS} - {ERRORS}", total=HITS), 24 * 60, site)
    series = day["series"]

    assert series["interval"] == 7200
    assert series["denominator"]["values"] == [240.0, *[0.0] * 11]
    assert series["numerator"]["sum"] < series["denominator"]["sum"]
    assert day["overall"]["sli_value"] == 100 * series["numerator"]["sum"] / 240


def test_an_slo_of_which_there_is_nothing_has_no_share():
    overall = history(Slo("x", good=HITS, total=HITS.replace(".hits", ".hit")))["overall"]

    assert overall["sli_value"] is None
    assert overall["errors"][0]["error_type"] == "ZERO_VALUED_DENOMINATOR"


def test_the_history_of_slices_has_their_turns_and_what_was_before():
    turns = history(Slo("x", above=0.3))["overall"]["history"]

    seconds = [at - round(START.timestamp()) for at, _ in turns]
    assert seconds == sorted(seconds)
    assert (60, 2) in list(zip(seconds, (state for _, state in turns), strict=True))


def test_an_slo_that_is_not_there_is_not_found_and_its_scope_is_wanted():
    def status(site: Site) -> int:
        return site._answered(make_mocked_request("GET", f"/api/v1/slo/{NAME}", headers=KEYS), b"").status

    assert status(a_site()) == 404
    assert status(a_site(slos={NAME: Slo("x")})) == 200
    assert status(a_site(slos={NAME: Slo("x")}, scopes=frozenset({"timeseries_query"}))) == 403
