"""What is asked at once: how many calls, how long their addresses are, and that nothing is cut off."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.fakes.world import START
from tests.watcher.signals.sentry.asking import ERRORS, MINUTE, REQUESTS, SESSIONS
from watcher.signals.sentry.plan import SAFE, Call, Form, Unit, arm_of, planned
from watcher.signals.sentry.query import Query


def units(query: Mapping[str, Any], services: int, arms: Iterable[str] = ("2",)) -> list[Unit]:
    """Of so many services, each with a project and a release of its own."""
    found = Query.model_validate(query)
    return [
        unit
        for number in range(services)
        for version in arms
        for unit in arm_of(found, {"sentry": f"service-{number}@1.4.{version}"}, number + 1, "spans").units
    ]


def calls(
    query: Mapping[str, Any], services: int, arms: Iterable[str] = ("2",), minutes: float = 1
) -> list[Call]:
    return planned(units(query, services, arms), START, START + minutes * MINUTE)


@pytest.mark.parametrize(
    ("query", "counts"),  # calls a bucket of 10, 100 and 1,000 indicators, without and with the old release
    [
        (REQUESTS, [(1, 1), (1, 2), (10, 20)]),
        (SESSIONS, [(2, 2), (2, 4), (12, 24)]),
        (ERRORS, [(2, 2), (2, 4), (16, 32)]),
    ],
)
def test_a_thousand_indicators_are_ten_calls_and_not_a_thousand(query, counts):
    found = [(len(calls(query, many)), len(calls(query, many, "12"))) for many in (10, 100, 1000)]

    assert found == counts


@pytest.mark.parametrize("query", [REQUESTS, SESSIONS, ERRORS])
def test_every_release_is_asked_once_and_no_address_is_too_long(query):
    wanted = units(query, 700, "12")
    planned_ = calls(query, 700, "12")

    assert sorted((u.family.what, u.project, u.release) for call in planned_ for u in call.units) == sorted(
        (u.family.what, u.project, u.release) for u in wanted
    )
    assert max(len(urlencode(call.params, safe=SAFE)) for call in planned_) < 7000
    assert all(len(call.units) <= 100 for call in planned_ if call.form is Form.TABLE)


def test_one_service_is_asked_for_its_time_series_which_say_what_is_incomplete():
    (call,) = calls(REQUESTS, 1, "12", minutes=30)

    assert call.form is Form.SERIES
    assert dict(call.params)["disableAggregateExtrapolation"] == "1"
    assert dict(call.params)["topEvents"] == "2"


def test_a_time_series_has_room_for_every_release_in_every_project():
    """Releases are global: Sentry would rather show a busy one that nobody asked for than the new one."""
    for call in calls(REQUESTS, 7, "12", minutes=400):
        assert call.form is Form.SERIES
        assert len(call.projects) * len(call.releases) <= 10


def test_a_week_of_history_is_asked_in_parts_that_sentry_answers_whole():
    week = planned(units(SESSIONS, 1, "12"), START, START + timedelta(days=7))

    for call in week:
        statuses = 5 if "session.status" in dict(call.params).values() or call.family.what == "ends" else 1
        assert call.grid.many * len(call.units) * statuses <= 5000
    assert sum(call.grid.many for call in week if call.family.what == "sessions") == 7 * 24 * 60


def test_environments_and_searches_are_never_mixed():
    other = {**REQUESTS, "environment": "staging"}
    searched = {**REQUESTS, "where": "http.method:POST"}
    found = planned([*units(REQUESTS, 3), *units(other, 3), *units(searched, 3)], START, START + MINUTE)

    assert len(found) == 3
    assert {dict(call.params)["environment"] for call in found} == {"production", "staging"}
    assert any(dict(call.params)["query"].endswith("is_transaction:1 (http.method:POST)") for call in found)


def test_a_sentry_without_spans_is_asked_by_table():
    found = Query.model_validate(REQUESTS)
    older = arm_of(found, {"sentry": "a@1"}, 1, "transactions").units
    planned_ = planned(older, START, START + 3 * MINUTE, "transactions")

    assert [call.form for call in planned_] == [Form.TABLE] * 3
    assert dict(planned_[0].params)["dataset"] == "transactions"
    assert dict(planned_[0].params)["query"] == 'release:"a@1" event.type:transaction'


def test_what_is_final_already_is_asked_no_further():
    assert calls(REQUESTS, 1, minutes=0.5) == []
