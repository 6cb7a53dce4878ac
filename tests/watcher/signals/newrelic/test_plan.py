"""What is asked at once: how many requests, how long, and in which words."""

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from rules.model import Kind
from tests.fakes.world import START
from tests.watcher.signals.newrelic.asking import BASE, MINUTE, RATIO, SLOW, indicator
from watcher.signals.newrelic.plan import Call, Unit, planned, unit_of
from watcher.signals.newrelic.query import parsed


def units(query: Mapping[str, Any], services: int, arms: Iterable[str] = ("2",)) -> list[Unit]:
    """Of so many services, each an application of its own."""
    found = []
    for number in range(services):
        one = indicator({**query, "where": {**query["where"], "appName": f"service-{number}"}})
        found += [unit_of(one, parsed(one.query), {"version": f"1.4.{arm}"}) for arm in arms]
    return found


def calls(
    query: Mapping[str, Any], services: int, arms: Iterable[str] = ("2",), minutes: float = 1
) -> list[Call]:
    return planned(units(query, services, arms), START, START + minutes * MINUTE)


@pytest.mark.parametrize("query", [BASE, RATIO, SLOW])
def test_a_thousand_services_are_one_request(query):
    requests = [len(calls(query, many, "12")) for many in (10, 100, 1000)]
    queries = [sum(len(call.pieces) for call in calls(query, many, "12")) for many in (10, 100, 1000)]

    assert requests == [1, 1, 1]
    assert queries == [1, 2, 18]


def test_every_member_is_asked_once_and_no_query_is_too_long():
    wanted = units(RATIO, 500, "12")
    found = calls(RATIO, 500, "12")

    assert sorted(unit.values for call in found for piece in call.pieces for unit in piece.units) == sorted(
        unit.values for unit in wanted
    )
    assert max(len(piece.text) for call in found for piece in call.pieces) < 4000
    assert max(len(call.body(1)) for call in found) < 100_000


def test_times_are_written_out_so_that_no_query_is_like_another():
    (call,) = calls(RATIO, 1)
    body = json.loads(call.body(4711))

    assert body["variables"]["a"] == 4711
    assert body["variables"]["q0"].endswith("SINCE 1795521600000 UNTIL 1795521660000 LIMIT MAX")
    assert "timeout:20" in body["query"]


def test_a_few_buckets_are_a_query_each_and_a_history_is_a_series():
    week = planned(units(RATIO, 1, "12"), START, START + timedelta(days=7))

    assert [piece.grid.many for call in calls(RATIO, 1, minutes=3) for piece in call.pieces] == [1, 1, 1]
    assert [piece.grid.many for call in calls(RATIO, 1, minutes=4) for piece in call.pieces] == [4]
    assert sum(piece.grid.many for call in week for piece in call.pieces) == 7 * 24 * 60
    assert max(piece.grid.many for call in week for piece in call.pieces) <= 366
    assert len(week) == 2


def test_a_value_never_becomes_a_part_of_the_query():
    query = {
        "from": "Transaction",
        "where": {"appName": "o'brien') FACET x", "tags.version": "${arm.version}"},
    }
    one = indicator(query, Kind.REQUESTS)
    (call,) = planned([unit_of(one, parsed(one.query), {"version": "2"})], START, START + MINUTE)

    assert "`appName` IN ('o\\'brien\\') FACET x')" in call.pieces[0].text


def test_what_is_bad_and_what_is_slow_are_never_mixed():
    found = planned(
        [*units(RATIO, 2), *units(SLOW, 2), *units({**RATIO, "bad": "httpResponseCode LIKE '5%'"}, 2)],
        START,
        START + MINUTE,
    )

    assert [len(call.pieces) for call in found] == [3]
