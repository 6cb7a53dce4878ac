"""New Relic: what its template says, once it is filled in."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.alerts import NOON, SECRET, at
from tests.fakes.alerts.single import NewRelic
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
from watcher.signals.alert.senders.newrelic import TEMPLATE

NEWRELIC = a_sender("newrelic")


def sent(**changes: Any) -> dict[str, Any]:
    (delivery,) = NewRelic().deliveries(FIRES, at(1))
    return {**json.loads(delivery.body), **changes}


def told(**changes: Any):
    return only(NEWRELIC.read(received(sent(**changes), arrived=at(1))))


def test_an_issue_is_told_with_all_that_is_known_of_it():
    alert = told()

    assert alert.key == sent()["id"]
    assert (alert.name, alert.mood, alert.since, alert.sent_at) == ("checkout-5xx", Mood.FIRING, NOON, NOON)
    assert alert.labels == {
        "service": "checkout",
        "environment": "production",
        "policy": "shop",
        "condition": "checkout-5xx",
        "entity": "checkout",
        "priority": "CRITICAL",
    }
    assert alert.words == "checkout-5xx is above 5 %"
    assert alert.link == "https://one.newrelic.com/alerts-ai/issues/1"


def test_an_issue_that_is_closed_is_well_since_then():
    begins, ends = (only(NEWRELIC.read(delivered(each))) for each in NewRelic().deliveries(ENDS, at(30)))

    assert begins.key == ends.key
    assert (ends.mood, ends.since, ends.sent_at) == (Mood.WELL, at(20), at(20))
    assert begins.dedup_key != ends.dedup_key


@pytest.mark.parametrize("state", ["CREATED", "DEACTIVATED", "activated", "", "{{ json state }}"])
def test_a_state_that_says_nothing_yet_changes_nothing(state):
    assert "changes nothing" in ignored(NEWRELIC.read(received(sent(state=state))))


def test_new_relics_own_template_is_enough():
    plain = sent()
    del plain["labels"]

    assert "service" not in only(NEWRELIC.read(received(plain))).labels


def test_labels_that_are_written_by_hand_prevail():
    assert told(labels={"entity": "cart", "priority": 1}).labels["entity"] == "cart"


@pytest.mark.parametrize("empty", [None, [], "", 7, {}, [None]])
def test_what_the_template_did_not_fill_in_is_left_out(empty):
    alert = told(alertConditionNames=empty, alertPolicyNames=empty, impactedEntities=empty)

    assert alert.name == "checkout-5xx is above 5 %"
    assert {"policy", "condition", "entity"}.isdisjoint(alert.labels)


def test_an_issue_without_any_name_is_called_by_its_id():
    assert told(alertConditionNames=[], title=None).name == sent()["id"]


@pytest.mark.parametrize("written", [None, "soon", 10**13, -5, 1.5, True])
def test_a_time_that_cannot_be_is_not_told(written):
    alert = told(createdAt=written, updatedAt=written)

    assert (alert.since, alert.sent_at) == (None, None)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (sent(id=None), "id"),
        (sent(id="a b"), "id"),
        (sent(id="x" * 65), "id"),
        (sent(state=None), "state"),
        (sent(labels=["a"]), "labels"),
        ({}, "id"),
    ],
)
def test_another_payload_is_refused_where_it_goes_wrong(body, where):
    refused = rejected(NEWRELIC.read(received(body)))

    assert refused.where == where
    assert "docs/alerts.md" in refused.remedy


def test_the_secret_stands_in_a_header():
    (delivery,) = NewRelic().deliveries(FIRES, at(1))
    named = a_sender("newrelic", secret=GIVEN, header="Api-Key")

    assert NEWRELIC.admits(delivery.received(), delivery.body, delivery.at)
    assert not NEWRELIC.admits({}, delivery.body, delivery.at)
    assert named.admits({"api-key": SECRET}, b"", NOON)


def test_what_is_to_be_pasted_is_the_template_that_is_read():
    pasted = Path(__file__).parents[5] / "examples" / "alerts" / "newrelic.txt"

    assert pasted.read_text() == TEMPLATE


def test_the_doctor_hears_of_the_secret():
    (finding,) = NEWRELIC.examine()

    assert SECRET not in finding.words
