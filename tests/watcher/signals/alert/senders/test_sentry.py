"""Sentry: metric alerts by their rule, issue alerts by their issue."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from tests.fakes.alerts import NOON, SECRET, at
from tests.fakes.alerts.single import Sentry, signed
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
from watcher.signals.alert.pushed import Meaning, Mood

SENTRY = a_sender("sentry")
METRIC, EVENT, ISSUE = "metric_alert", "event_alert", "issue"


def read(resource: str, said: Any) -> Meaning:
    return SENTRY.read(delivered(signed(resource, said, at(1))))


def metric(action: str = "critical", **incident: Any) -> dict[str, Any]:
    (delivery,) = Sentry().deliveries(FIRES, at(1))
    said = json.loads(delivery.body)
    said["action"] = action
    said["data"]["metric_alert"] |= incident
    whole: dict[str, Any] = said
    return whole


def an_event(**changes: Any) -> dict[str, Any]:
    """After the one that Sentry documents."""
    event = {
        "datetime": "2026-11-24T11:58:17.677000Z",
        "event_id": "e4874d664c3540c1a32eab185f12c5ab",
        "issue_id": "1117540176",
        "level": "error",
        "title": "ReferenceError: heck is not defined",
        "tags": [
            ["browser", "Chrome"],
            ["environment", "production"],
            ["release", "checkout@4.3"],
            ["user", "ip:10.1.2.3"],
        ],
        "user": {"ip_address": "10.1.2.3"},
        "url": "https://sentry.io/api/0/projects/acme/shop/events/e4874d664c3540c1a32eab185f12c5ab/",
        "request": {"url": "https://acme.example/?email=ada@acme.example"},
        "web_url": "https://sentry.io/organizations/acme/issues/1117540176/events/e4874d66/",
        **changes,
    }
    return {"action": "triggered", "data": {"event": event, "triggered_rule": "Too many errors"}}


def an_issue(action: str, **changes: Any) -> dict[str, Any]:
    issue = {
        "id": "1117540176",
        "title": "ReferenceError: heck is not defined",
        "level": "error",
        "project": {"id": "1", "slug": "shop"},
        "web_url": "https://sentry.io/organizations/acme/issues/1117540176/",
        **changes,
    }
    return {"action": action, "data": {"issue": issue}}


# ------------------------------------------------------------------------------------------------------------ metric alerts


def test_a_metric_alert_is_told_with_all_that_is_known_of_it():
    alert = only(read(METRIC, metric()))

    assert alert.key == "metric_alert:7:shop"
    assert (alert.name, alert.mood, alert.sent_at) == ("checkout-5xx", Mood.FIRING, NOON)
    assert alert.labels == {"rule": "checkout-5xx", "project": "shop", "environment": "production"}
    assert alert.words == "Critical: checkout-5xx"
    assert alert.link == "https://sentry.io/organizations/acme/alerts/1/"


def test_it_began_when_it_was_detected_and_not_a_time_window_before():
    alert = only(
        read(METRIC, metric(date_started="2026-11-24T11:00:00Z", date_detected="2026-11-24T12:00:00Z"))
    )

    assert alert.since == NOON


@pytest.mark.parametrize(
    ("action", "mood"), [("critical", Mood.FIRING), ("warning", Mood.WELL), ("resolved", Mood.WELL)]
)
def test_an_action_is_a_mood(action, mood):
    assert only(read(METRIC, metric(action))).mood is mood


def test_an_incident_that_ended_is_well_since_then_and_the_next_is_the_same_alert():
    begins, ends = (only(SENTRY.read(delivered(each))) for each in Sentry().deliveries(ENDS, at(30)))

    assert begins.key == ends.key
    assert (ends.mood, ends.since, ends.sent_at) == (Mood.WELL, at(20), at(20))


def test_an_end_without_a_time_comes_after_all_that_was_told_of_its_incident_and_before_the_next():
    ends = only(read(METRIC, metric("resolved", date_closed=None)))
    fires, again = (
        only(read(METRIC, metric(date_detected=f"2026-11-24T12:00:0{second}Z"))) for second in (0, 1)
    )

    assert (ends.mood, ends.since) == (Mood.WELL, None)
    in_order = [each.sent_at or NOON for each in (fires, ends, again)]
    assert in_order == sorted(set(in_order))


def test_an_end_of_which_nothing_is_known_is_as_new_as_it_came():
    ends = only(read(METRIC, metric("resolved", date_closed=None, date_detected=None)))

    assert (ends.since, ends.sent_at) == (None, None)


def test_one_rule_in_several_projects_is_known_by_all_of_them():
    assert only(read(METRIC, metric(projects=["web", "api"]))).key == "metric_alert:7:api,web"
    assert only(read(METRIC, metric(projects=[]))).key == "metric_alert:7:"


# ------------------------------------------------------------------------------------------------------------- issue alerts


def test_an_issue_alert_fires_for_its_issue():
    alert = only(read(EVENT, an_event()))

    assert (alert.key, alert.name, alert.mood) == ("issue:1117540176", "Too many errors", Mood.FIRING)
    assert alert.since == alert.sent_at == NOON.replace(hour=11, minute=58, second=17, microsecond=677000)
    assert alert.words == "ReferenceError: heck is not defined"
    assert alert.recurs


def test_nothing_is_taken_that_may_be_about_a_person():
    alert = only(read(EVENT, an_event()))

    assert alert.labels == {
        "environment": "production",
        "release": "checkout@4.3",
        "rule": "Too many errors",
        "project": "shop",
        "level": "error",
        "issue": "1117540176",
    }
    assert "10.1.2.3" not in str(alert)
    assert "ada@" not in str(alert)


@pytest.mark.parametrize(
    ("action", "mood"),
    [
        ("resolved", Mood.WELL),
        ("archived", Mood.WELL),
        ("ignored", Mood.WELL),
        ("unresolved", Mood.FIRING),
    ],
)
def test_what_becomes_of_an_issue_becomes_of_its_alert(action, mood):
    fired, alert = only(read(EVENT, an_event())), only(read(ISSUE, an_issue(action)))

    assert (alert.key, alert.mood) == (fired.key, mood)
    assert (alert.since, alert.sent_at) == (None, None)
    assert alert.labels == {"project": "shop", "level": "error", "issue": "1117540176"}
    assert alert.labels.items() <= fired.labels.items()


@pytest.mark.parametrize("action", ["created", "assigned", "merged", ""])
def test_an_issue_that_is_only_there_changes_nothing(action):
    assert "changes nothing" in ignored(read(ISSUE, an_issue(action)))


@pytest.mark.parametrize(
    ("resource", "said"), [(METRIC, metric("open")), (EVENT, {**an_event(), "action": "seen"})]
)
def test_an_action_that_is_not_known_changes_nothing(resource, said):
    assert "changes nothing" in ignored(read(resource, said))


@pytest.mark.parametrize("resource", ["installation", "comment", "error", "seer", "", "metric_alert, issue"])
def test_what_is_no_alert_changes_nothing_and_is_not_read(resource):
    assert "is no alert" in ignored(read(resource, b"not JSON"))


@pytest.mark.parametrize(
    "url", ["", "https://sentry.io/", "https://sentry.io/api/0/projects/acme/", "x" * 5000, None, 7]
)
def test_a_project_that_is_not_told_is_left_out(url):
    assert "project" not in only(read(EVENT, an_event(url=url))).labels


@pytest.mark.parametrize(
    ("resource", "said", "name"),
    [
        (METRIC, metric(alert_rule={"id": "7", "name": None}), "alert rule 7"),
        (
            EVENT,
            {"action": "triggered", "data": {"event": {"issue_id": "9"}, "triggered_rule": None}},
            "issue 9",
        ),
        (ISSUE, an_issue("resolved", title=None, project=None, level=None), "issue 1117540176"),
    ],
)
def test_what_is_only_words_may_be_missing(resource, said, name):
    assert only(read(resource, said)).name == name


def test_tags_in_another_form_are_passed_over():
    odd = [
        None,
        "environment",
        ["environment"],
        ["environment", "a", "b"],
        [7, "x"],
        ["level", ["x"]],
        {"a": 1},
    ]

    assert "environment" not in only(read(EVENT, an_event(tags=odd))).labels


@pytest.mark.parametrize(
    ("resource", "said", "where"),
    [
        (METRIC, {"action": "critical"}, "data"),
        (METRIC, {"action": "critical", "data": {}}, "data.metric_alert"),
        (METRIC, metric(alert_rule={}), "data.metric_alert.alert_rule.id"),
        (METRIC, metric(alert_rule={"id": 7}), "data.metric_alert.alert_rule.id"),
        (METRIC, metric(projects="shop"), "data.metric_alert.projects"),
        (EVENT, an_event(issue_id=None), "data.event.issue_id"),
        (EVENT, an_event(tags={}), "data.event.tags"),
        (ISSUE, an_issue("resolved", id="../7"), "data.issue.id"),
        (ISSUE, an_issue("resolved", project="shop"), "data.issue.project"),
    ],
)
def test_what_is_no_webhook_is_refused_where_it_goes_wrong(resource, said, where):
    assert rejected(read(resource, said)).where == where


# ----------------------------------------------------------------------------------------------------------------- who sends


def test_the_raw_body_is_signed_with_the_client_secret():
    delivery = signed(METRIC, metric(), NOON)
    another = signed(METRIC, metric(), NOON, secret=SECRET[::-1])

    assert SENTRY.admits(delivery.received(), delivery.body, NOON)
    assert not SENTRY.admits(delivery.received(), delivery.body + b" ", NOON)
    assert not SENTRY.admits(another.received(), another.body, NOON)
    assert not SENTRY.admits({}, delivery.body, NOON)


def test_neither_the_id_nor_the_time_of_the_headers_is_believed():
    delivery = signed(METRIC, metric(), NOON)
    forged = delivery.with_headers(request_id="another", sentry_hook_timestamp="1")

    assert SENTRY.read(delivered(forged)) == SENTRY.read(delivered(delivery))


def test_the_same_bytes_are_the_same_message_and_others_are_not():
    one, other = only(read(METRIC, metric())), only(read(METRIC, metric("resolved")))

    assert one.dedup_key == only(read(METRIC, metric())).dedup_key
    assert one.dedup_key != other.dedup_key


def test_both_secrets_are_good_while_one_is_replaced():
    both = a_sender("sentry", secret=SecretStr("0123456789abcdef" * 4), previous_secret=GIVEN)
    delivery = signed(METRIC, metric(), NOON)

    assert both.admits(delivery.received(), delivery.body, NOON)
    assert [each.words for each in both.examine()] == ["`previous_secret` is good too"]


def test_a_body_without_json_is_refused():
    assert "not JSON" in rejected(SENTRY.read(received(b"{", {"sentry-hook-resource": METRIC}))).why
