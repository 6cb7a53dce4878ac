"""Datadog: what our payload says, once its variables are filled in."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.alerts import NOON, SECRET, at
from tests.fakes.alerts.single import Datadog
from tests.watcher.signals.alert.senders.said import (
    ENDS,
    FIRES,
    GIVEN,
    a_sender,
    delivered,
    ignored,
    only,
    received,
    rejected,
)
from watcher.signals.alert.pushed import Mood
from watcher.signals.alert.senders.datadog import TEMPLATE

DATADOG = a_sender("datadog")


def sent(**changes: Any) -> dict[str, Any]:
    (delivery,) = Datadog().deliveries(FIRES, at(1))
    return {**json.loads(delivery.body), **changes}


def told(**changes: Any):
    return only(DATADOG.read(received(sent(**changes), arrived=at(1))))


def test_a_monitor_is_told_with_all_that_is_known_of_it():
    alert = told()

    assert alert.key == "7:service:checkout,env:production"
    assert (alert.name, alert.mood, alert.since, alert.sent_at) == ("checkout-5xx", Mood.FIRING, NOON, NOON)
    assert alert.labels == {"service": "checkout", "env": "production", "monitor": "7", "priority": "P1"}
    assert alert.words == "avg(last_5m):errors was > 0.05"
    assert alert.link == "https://app.datadoghq.eu/event/event?id=0"


@pytest.mark.parametrize(
    ("transition", "mood"),
    [
        ("Triggered", Mood.FIRING),
        ("Re-Triggered", Mood.FIRING),
        ("Recovered", Mood.WELL),
        ("Warn", Mood.WELL),
        ("Re-Warn", Mood.WELL),
        ("No Data", Mood.UNKNOWN),
        ("Re-No Data", Mood.UNKNOWN),
        ("triggered", Mood.FIRING),
        ("NO DATA", Mood.UNKNOWN),
    ],
)
def test_a_transition_is_a_mood(transition, mood):
    assert told(transition=transition).mood is mood


@pytest.mark.parametrize(
    "transition", ["Renotify", "null", "", "$ALERT_TRANSITION", "Re-", "Re-Re-Triggered"]
)
def test_a_transition_that_tells_no_state_changes_nothing(transition):
    assert "tells no state" in ignored(DATADOG.read(received(sent(transition=transition))))


@pytest.mark.parametrize("transition", ["Re-Triggered", "Re-No Data", "Re-Warn"])
def test_what_is_told_again_began_nobody_says_when(transition):
    alert = told(transition=transition)

    assert (alert.since, alert.sent_at) == (None, NOON)


def test_the_groups_of_one_monitor_are_alerts_of_their_own():
    one, other = told(scope="host:a"), told(scope="host:b")

    assert (one.key, other.key) == ("7:host:a", "7:host:b")
    assert one.labels["host"] == "a"


def test_groups_that_are_called_at_length_stay_two():
    one, other = told(scope="host:" + "a" * 5000), told(scope="host:" + "a" * 5000 + "b")

    assert one.key != other.key
    assert one.key.startswith("7:host:aaa")
    assert len(one.key) < 300


@pytest.mark.parametrize("scope", ["", "null"])
def test_a_monitor_without_groups_is_one_alert(scope):
    assert told(scope=scope).key == "7:"


def test_an_alert_that_ends_is_the_same_one():
    begins, ends = Datadog().deliveries(ENDS, at(30))

    first, last = only(DATADOG.read(delivered(begins))), only(DATADOG.read(delivered(ends)))

    assert first.key == last.key
    assert (last.mood, last.since, last.sent_at) == (Mood.WELL, at(20), at(20))
    assert first.dedup_key != last.dedup_key


def test_one_event_is_known_again_and_another_of_the_same_monitor_is_not():
    assert told().dedup_key == told(date_ms="1").dedup_key
    assert told().dedup_key != told(event_id="70000009").dedup_key


@pytest.mark.parametrize(
    ("tags", "labels"),
    [
        ("team:a,team:b", {"team": "a"}),
        ("monitor", {}),
        (" env:prod , :x, y: ", {"env": "prod"}),
        ("url:http://a/b", {"url": "http://a/b"}),
        ("null", {}),
    ],
)
def test_tags_become_labels_and_the_first_of_one_name_wins(tags, labels):
    known = told(tags=tags, scope="", priority="null").labels

    assert known == {**labels, "monitor": "7"}


def test_tags_that_never_end_are_cut():
    many = ",".join(f"t{number:05d}:x" for number in range(20_000))

    assert len(told(tags=many).labels) == 64


def test_what_a_tag_says_does_not_become_another_monitor():
    assert told(tags="monitor:8,priority:P5").labels["monitor"] == "7"


@pytest.mark.parametrize("written", ["$DATE", None, "9" * 13, 9**99, -1, True, "1795435200"])
def test_a_time_that_cannot_be_is_not_told(written):
    alert = told(date_ms=written)

    assert (alert.since, alert.sent_at) == (None, None)


def test_an_old_time_is_told_as_it_is():
    old = NOON - timedelta(days=30)

    assert told(date_ms=f"{old.timestamp() * 1000:.0f}").sent_at == old


@pytest.mark.parametrize("title", ["", "\x00"])
def test_a_monitor_without_a_title_is_called_by_its_number(title):
    assert told(title=title).name == "monitor 7"


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (sent(schema="rollbackd/2"), "schema"),
        ({"id": "1", "title": "the default payload"}, "schema"),
        (sent(alert_id="$ALERT_ID"), "alert_id"),
        (sent(alert_id=7), "alert_id"),
        (sent(alert_id="1" * 21), "alert_id"),
        (sent(transition=None), "transition"),
        (sent(tags=["a:b"]), "tags"),
    ],
)
def test_another_payload_is_refused_where_it_goes_wrong(body, where):
    refused = rejected(DATADOG.read(received(body)))

    assert refused.where == where
    assert "docs/alerts.md" in refused.remedy


def test_a_payload_that_is_encoded_as_a_form_is_refused_with_the_remedy():
    assert "do not encode it as a form" in rejected(DATADOG.read(received(b"schema=rollbackd%2F1"))).remedy


# --------------------------------------------------------------------------------------------------------------- who sends


def test_the_secret_stands_in_a_header():
    (delivery,) = Datadog().deliveries(FIRES, at(1))

    assert DATADOG.admits(delivery.received(), delivery.body, delivery.at)
    assert not DATADOG.admits(
        delivery.with_headers(x_rollbackd_token="").received(), delivery.body, delivery.at
    )
    assert not DATADOG.admits({"x-rollbackd-token": f"{SECRET}, {SECRET}"}, delivery.body, delivery.at)


def test_the_header_may_have_another_name():
    named = a_sender("datadog", secret=GIVEN, header="X-Shop-Token")

    assert named.admits({"x-shop-token": SECRET}, b"", NOON)
    assert not named.admits({"x-rollbackd-token": SECRET}, b"", NOON)


def test_what_is_to_be_pasted_is_the_payload_that_is_read():
    pasted = Path(__file__).parents[5] / "examples" / "alerts" / "datadog.json"

    assert json.loads(pasted.read_text()) == TEMPLATE
