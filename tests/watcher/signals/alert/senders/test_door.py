"""The one way in: nobody looks into what is not proven, and what somebody sends never raises."""

import asyncio
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.source import Event, Ignored, Received, Rejected
from deploy.sources.sqs.envelope import ALARM
from tests.fakes.alerts import NOON, System, at
from tests.fakes.alerts.cloudwatch import Line, Sns, of_eventbridge, of_sns
from tests.fakes.alerts.groups import INTERVAL, Alertmanager, Grafana
from tests.fakes.alerts.single import Datadog, NewRelic, Sentry, signed
from tests.watcher.signals.alert.senders.said import ENDS, GIVEN, a_sender, delivered
from tests.watcher.signals.alert.senders.sns.asking import a_topic
from watcher.signals.alert.pushed import (
    LONGEST_KEY,
    LONGEST_LABEL,
    LONGEST_LINK,
    LONGEST_NAME,
    LONGEST_WORDS,
    MOST_ALERTS,
    MOST_LABELS,
    Meaning,
    Pushed,
    Told,
)
from watcher.signals.alert.senders import cloudwatch
from watcher.signals.alert.senders.clean import AHEAD
from watcher.signals.alert.senders.door import heard
from watcher.signals.alert.senders.registry import SENDERS
from watcher.signals.alert.senders.sender import Proven, Sender, Unproven

NAMED: Mapping[str, Sender] = {
    "alertmanager": a_sender("alertmanager"),
    "datadog": a_sender("datadog"),
    "grafana": a_sender("grafana", authorization={"secret": GIVEN}),
    "newrelic": a_sender("newrelic"),
    "sentry": a_sender("sentry"),
    "sns": a_topic(),
}
SYSTEMS: Mapping[str, System] = {
    "alertmanager": Alertmanager(),
    "datadog": Datadog(),
    "grafana": Grafana(),
    "newrelic": NewRelic(),
    "sentry": Sentry(),
    "sns": Sns(),
}
EACH = pytest.mark.parametrize("kind", sorted(NAMED))


class Blind:
    """A sender whose parser must not be reached."""

    def __init__(self, *, admits: bool) -> None:
        self._admits = admits

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        return self._admits

    def read(self, received: Received) -> Meaning:
        raise AssertionError("nobody should look into it")

    def examine(self):
        return ()


class Doubted(Blind):
    async def verify(self, http: Any, body: bytes, now: datetime) -> Unproven | None:
        return Unproven("forged", later=True)


def test_the_registry_has_no_sender_that_is_not_tried():
    assert set(NAMED) == set(SYSTEMS) == set(SENDERS)


async def test_what_is_not_admitted_is_not_read():
    found = await heard(Blind(admits=False), Line(), Received(b"{}", {}, NOON, ""))

    assert isinstance(found, Unproven)
    assert not found.later


async def test_what_is_admitted_and_not_proven_is_not_read():
    assert isinstance(Doubted(admits=True), Proven)

    assert await heard(Doubted(admits=True), Line(), Received(b"{}", {}, NOON, "")) == Unproven(
        "forged", later=True
    )


@EACH
async def test_a_sender_without_the_secret_hears_the_same_whatever_it_sends(kind):
    bodies = [b"", b"{}", SYSTEMS[kind].deliveries(ENDS, at(30))[0].body]

    answers = {await heard(NAMED[kind], Line(), Received(body, {}, NOON, "")) for body in bodies}

    assert answers == {Unproven("a wrong secret or signature, or none")}


# ------------------------------------------------------------------------------------------------- somebody else's bytes

LOOKED_AT = [
    "authorization",
    "x-rollbackd-token",
    "sentry-hook-signature",
    "sentry-hook-resource",
    "x-amz-sns-topic-arn",
    "x-amz-sns-message-type",
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([10**400, -(10**30), 2**63]),
    st.text(max_size=30),
    st.sampled_from(
        [
            "firing",
            "resolved",
            "ALARM",
            "Triggered",
            "ACTIVATED",
            "critical",
            "9999-12-31T23:59:59-12:00",
            "0001-01-01T00:00:00+14:00",
            "2026-11-24T12:00:00Z",
            "\x00\x1b[2J\u202e",
            "x" * 5000,
        ]
    ),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)


def places(said: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in *said*, the whole of it too."""
    inside: list[tuple[Any, ...]] = []
    if isinstance(said, dict):
        inside = [found for name, each in said.items() for found in places(each, (*path, name))]
    if isinstance(said, list):
        inside = [found for place, each in enumerate(said) for found in places(each, (*path, place))]
    return [path, *inside]


def put(said: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = said.copy()
    copy[path[0]] = put(said[path[0]], path[1:], value)
    return copy


def is_clean(alert: Pushed, arrived: datetime) -> bool:
    """What everyone may rely on who is given it."""
    texts = [alert.name, alert.words, alert.link, *alert.labels, *alert.labels.values()]
    times = [each for each in (alert.since, alert.sent_at) if each is not None]
    return (
        0 < len(alert.key) <= LONGEST_KEY
        and 0 < len(alert.name) <= LONGEST_NAME
        and 0 < len(alert.dedup_key) <= 2 * LONGEST_KEY
        and len(alert.words) <= LONGEST_WORDS
        and len(alert.link) <= LONGEST_LINK
        and len(alert.labels) <= MOST_LABELS
        and all(len(value) <= LONGEST_LABEL for value in alert.labels.values())
        and all(text.isprintable() for text in texts)
        and bool((alert.key + alert.dedup_key).encode())
        and all(each.utcoffset() is not None and each <= arrived + AHEAD for each in times)
    )


def check(meaning: Meaning, arrived: datetime) -> None:
    match meaning:
        case Told(alerts):
            assert len(alerts) <= MOST_ALERTS
            assert len({each.key for each in alerts}) == len(alerts)
            assert all(is_clean(each, arrived) for each in alerts), alerts
        case Ignored(why) | Rejected(why):
            assert 0 < len(why) < 1000
            assert why.isprintable()


@EACH
@given(data=st.data())
def test_whatever_stands_at_any_place_is_read_without_raising(kind, data):
    delivery = data.draw(st.sampled_from(list(SYSTEMS[kind].deliveries(ENDS, at(20) + INTERVAL))))
    said = json.loads(delivery.body)
    changed = put(said, data.draw(st.sampled_from(places(said))), data.draw(ODD))

    meaning = NAMED[kind].read(Received(json.dumps(changed).encode(), delivery.received(), at(30), ""))

    check(meaning, at(30))


@EACH
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_without_raising(kind, body):
    headers = {"sentry-hook-resource": "metric_alert"}

    check(NAMED[kind].read(Received(body, headers, NOON, "")), NOON)


@EACH
@given(headers=st.dictionaries(st.sampled_from(LOOKED_AT), st.text(max_size=80)))
def test_any_headers_are_looked_at_without_raising_and_prove_nothing(kind, headers):
    assert not NAMED[kind].admits(headers, b"{}", NOON)


@pytest.mark.parametrize("carried", [of_eventbridge, of_sns])
@given(data=st.data())
def test_an_alarm_of_any_form_is_read_without_raising(carried, data):
    said = carried(ENDS.turns[0])
    detail = said.get("detail", said)
    changed = put(detail, data.draw(st.sampled_from(places(detail)[1:])), data.draw(ODD))
    kind = cloudwatch.CHANGED if carried is of_eventbridge else ALARM
    arn = said["resources"][0] if carried is of_eventbridge else said["AlarmArn"]
    event = Event("an-id", kind, "aws.cloudwatch", "123456789012", "eu-central-1", NOON, (arn,), changed)

    check(cloudwatch.read(event, at(30)), at(30))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_message_of_sns_is_verified_without_raising(data):
    said = json.loads(Sns().subscription(NOON).body)
    changed = put(said, data.draw(st.sampled_from(places(said)[1:])), data.draw(ODD))
    line = Line()

    found = asyncio.run(a_topic().verify(line, json.dumps(changed).encode(), NOON))  # type: ignore[attr-defined]

    assert found is None or isinstance(found, Unproven)
    assert all(each.startswith("https://sns.eu-central-1.amazonaws.com/") for each in line.asked)


def test_what_is_nested_without_end_is_refused_in_time():
    deep = b'{"version": "4", "alerts": ' + b"[" * 120_000 + b"]" * 120_000 + b"}"

    for kind, sender in NAMED.items():
        headers = {"sentry-hook-resource": "metric_alert"}
        assert isinstance(sender.read(Received(deep, headers, NOON, "")), Rejected), kind


def test_a_whole_message_of_labels_is_bounded():
    many = {f"label{number}": "x" for number in range(10_000)}
    group = {"version": "4", "alerts": [{"status": "firing", "labels": many, "fingerprint": "a"}]}

    check(NAMED["alertmanager"].read(Received(json.dumps(group).encode(), {}, NOON, "")), NOON)


def test_an_issue_of_sentry_with_everything_in_it_is_bounded():
    delivery = signed(
        "issue", {"action": "resolved", "data": {"issue": {"id": "1", "title": "x" * 200_000}}}, NOON
    )

    check(NAMED["sentry"].read(delivered(delivery)), NOON)
