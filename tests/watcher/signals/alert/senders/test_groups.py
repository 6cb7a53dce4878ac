"""A group of alerts, as Alertmanager and Grafana send it: each alert of it for itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.alerts import NOON, Log, Turn, at
from tests.fakes.alerts.groups import Alertmanager, Grafana, fingerprint
from tests.watcher.signals.alert.senders.grouped import ALERTMANAGER, GRAFANA, a_group, first, one
from tests.watcher.signals.alert.senders.said import (
    ENDS,
    ERRORS,
    delivered,
    only,
    received,
    rejected,
)
from watcher.signals.alert.pushed import MOST_ALERTS, Mood, Told
from watcher.signals.alert.senders.groups import MOST_READ

BOTH = pytest.mark.parametrize(("system", "sender"), [(Alertmanager(), ALERTMANAGER), (Grafana(), GRAFANA)])


# ------------------------------------------------------------------------------------------------------------- what it says


@BOTH
def test_an_alert_is_told_with_all_that_is_known_of_it(system, sender):
    alert = only(sender.read(delivered(first(system))))

    assert alert.key == fingerprint({"alertname": "checkout-5xx", **ERRORS.labels})
    assert (alert.name, alert.mood, alert.since, alert.sent_at) == ("checkout-5xx", Mood.FIRING, NOON, NOON)
    assert alert.labels == {"alertname": "checkout-5xx", "service": "checkout", "env": "production"}
    assert alert.words == "5xx above 5 %"
    assert alert.link.startswith("https://prometheus.acme.example/")
    assert alert.untimed


@BOTH
def test_an_alert_that_ended_is_well_since_then(system, sender):
    alert = only(sender.read(delivered(system.deliveries(ENDS, at(30))[-1])))

    assert (alert.mood, alert.since, alert.sent_at) == (Mood.WELL, at(20), at(20))


def test_what_alertmanager_0_25_has_sent_is_read():
    sent = Path(__file__).with_name("alertmanager.json").read_bytes()

    said = ALERTMANAGER.read(received(sent, arrived=datetime(2026, 11, 30, 13, 0, tzinfo=UTC)))

    assert isinstance(said, Told)
    assert [(each.key, each.name, each.mood) for each in said.alerts] == [
        ("d9a87deb9985904c", "A", Mood.WELL),
        ("768dafac7062d0cd", "B", Mood.FIRING),
    ]
    assert [each.since for each in said.alerts] == [
        datetime(2026, 11, 30, 12, 59, 2, 769349, UTC),
        datetime(2026, 11, 30, 12, 58, 35, 761465, UTC),
    ]


def test_each_alert_stands_for_itself_whatever_the_group_says():
    group = a_group(
        one(fingerprint="a"),
        one(fingerprint="b", status="resolved", endsAt="2026-11-24T11:50:00Z"),
        status="firing",
    )

    said = ALERTMANAGER.read(received(group))

    assert isinstance(said, Told)
    assert [(each.key, each.mood) for each in said.alerts] == [("a", Mood.FIRING), ("b", Mood.WELL)]
    assert not said.incomplete


def test_a_description_stands_in_for_a_summary():
    assert only(ALERTMANAGER.read(received(a_group(one(annotations={"description": "why"}))))).words == "why"


def test_an_alert_may_have_no_annotations():
    assert only(ALERTMANAGER.read(received(a_group(one(annotations=None))))).words == ""


def test_an_alert_without_a_name_is_called_by_its_fingerprint():
    assert only(ALERTMANAGER.read(received(a_group(one(labels={}))))).name == "c6eadffa33fcdf37"


def test_a_group_that_was_cut_says_that_it_is_incomplete():
    system = Alertmanager(truncated=3)

    said = ALERTMANAGER.read(delivered(first(system)))

    assert isinstance(said, Told)
    assert said.incomplete


def test_a_group_without_alerts_tells_nothing():
    assert ALERTMANAGER.read(received(a_group())) == Told()


def test_what_is_told_again_has_the_same_key_and_what_is_new_has_another():
    again = [only(ALERTMANAGER.read(received(a_group(one())))).dedup_key for _ in range(2)]
    anew = only(ALERTMANAGER.read(received(a_group(one(startsAt="2026-11-24T11:59:00Z"))))).dedup_key
    over = only(
        ALERTMANAGER.read(received(a_group(one(status="resolved", endsAt="2026-11-24T11:59:00Z"))))
    ).dedup_key

    assert again[0] == again[1]
    assert len({again[0], anew, over}) == 3


@pytest.mark.parametrize(
    "written",
    [
        None,
        17,
        "soon",
        "0001-01-01T00:00:00Z",
        "2026-11-24T11:41:00",
        "9999-12-31T23:59:59Z",
        "2026-11-25T12:00:00Z",
        {},
    ],
)
def test_a_time_that_cannot_be_is_not_told(written):
    alert = only(ALERTMANAGER.read(received(a_group(one(startsAt=written)))))

    assert (alert.since, alert.sent_at) == (None, None)


def test_a_firing_alert_whose_end_is_foretold_fires():
    alert = only(ALERTMANAGER.read(received(a_group(one(endsAt="2026-11-24T12:10:00Z")))))

    assert (alert.mood, alert.since) == (Mood.FIRING, NOON - timedelta(minutes=19))


# ------------------------------------------------------------------------------------------------------- what is no message


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (a_group(one(), version="3"), "version"),
        (a_group(one(), version="1"), "version"),
        ({"alerts": []}, "version"),
        (a_group(one(status="pending")), "alerts.0.status"),
        (a_group(one(), one(status=None)), "alerts.1.status"),
        (a_group(one(labels=[])), "alerts.0.labels"),
        (a_group(one(fingerprint=None)), "alerts.0.fingerprint"),
        (a_group(one(fingerprint="")), "alerts.0.fingerprint"),
        (a_group(one(fingerprint="x" * 513)), "alerts.0.fingerprint"),
        (a_group(one(fingerprint="a b")), "alerts.0.fingerprint"),
        (a_group(one(), truncatedAlerts="many"), "truncatedAlerts"),
        ({"version": "4", "alerts": {}}, "alerts"),
        ({"version": "4", "alerts": [None]}, "alerts.0"),
        (a_group(*[1] * (MOST_READ + 1)), "alerts"),
    ],
)
def test_what_is_no_message_is_refused_where_it_goes_wrong(body, where):
    assert rejected(ALERTMANAGER.read(received(body))).where.startswith(where)


def test_a_message_of_grafana_is_none_of_alertmanager_and_the_other_way_round():
    assert "version '1'" in rejected(ALERTMANAGER.read(delivered(first(Grafana())))).why
    assert "version '4'" in rejected(GRAFANA.read(delivered(first(Alertmanager())))).why


def test_more_alerts_than_are_kept_are_incomplete():
    many = [
        {"status": "resolved", "labels": {}, "fingerprint": f"{number}"} for number in range(MOST_ALERTS + 1)
    ]

    said = ALERTMANAGER.read(received(a_group(*many)))

    assert isinstance(said, Told)
    assert (len(said.alerts), said.incomplete) == (MOST_ALERTS, True)


def test_the_order_of_two_words_is_that_of_the_alert_and_not_of_their_coming():
    log = Log(
        [Turn(at(0), ERRORS, Mood.FIRING), Turn(at(9), ERRORS, Mood.WELL), Turn(at(40), ERRORS, Mood.FIRING)]
    )

    times = [
        only(ALERTMANAGER.read(delivered(each))).sent_at for each in Alertmanager().deliveries(log, at(60))
    ]

    assert times == [at(0), at(9), at(40)]
