"""Grafana's "no data", and who sends groups of alerts: a secret, a signature, or both."""

import hashlib
import hmac as macs
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.fakes.alerts import NOON, SECRET
from tests.fakes.alerts.groups import Alertmanager, Grafana
from tests.fakes.alerts.trouble import stale
from tests.watcher.signals.alert.senders.grouped import ALERTMANAGER, GRAFANA, a_group, first, one
from tests.watcher.signals.alert.senders.said import (
    GIVEN,
    a_sender,
    only,
    received,
)
from watcher.signals.alert.pushed import Mood

# ------------------------------------------------------------------------------------------------------- Grafana's "no data"


@pytest.mark.parametrize("name", ["DatasourceNoData", "DatasourceError"])
def test_a_rule_that_cannot_see_is_unknown_and_goes_by_its_own_name(name):
    blind = one(labels={"alertname": name, "rulename": "checkout-5xx", "service": "checkout"})

    alert = only(GRAFANA.read(received(a_group(blind, version="1"))))

    assert (alert.name, alert.mood) == ("checkout-5xx", Mood.UNKNOWN)
    assert alert.labels["alertname"] == name


def test_a_rule_that_sees_again_is_well():
    seeing = one(status="resolved", labels={"alertname": "DatasourceNoData"}, endsAt="2026-11-24T11:50:00Z")

    alert = only(GRAFANA.read(received(a_group(seeing, version="1"))))

    assert (alert.mood, alert.name) == (Mood.WELL, "DatasourceNoData")


def test_to_alertmanager_the_same_name_is_any_alert():
    blind = one(labels={"alertname": "DatasourceNoData"})

    assert only(ALERTMANAGER.read(received(a_group(blind)))).mood is Mood.FIRING


# -------------------------------------------------------------------------------------------------------------- who sends


@pytest.mark.parametrize("user", [None, "rollbackd"])
def test_alertmanager_shows_the_secret_as_it_is_configured(user):
    settings = {"secret": GIVEN} if user is None else {"secret": GIVEN, "user": user}
    theirs = {"secret": SECRET} if user is None else {"secret": SECRET, "user": user}
    sender, delivery = a_sender("alertmanager", **settings), first(Alertmanager(settings=theirs))

    assert sender.admits(delivery.received(), delivery.body, delivery.at)
    assert not sender.admits({}, delivery.body, delivery.at)


def test_a_token_is_no_password_and_a_password_no_token():
    delivery = first(Alertmanager())

    assert not a_sender("alertmanager", secret=GIVEN, user="ada").admits(
        delivery.received(), delivery.body, delivery.at
    )


HMAC = {"secret": SECRET}
STAMPED = {"secret": SECRET, "timestamp_header": "X-Grafana-Alerting-Timestamp"}
NAMED = {"secret": SECRET, "header": "X-Ours", "timestamp_header": "X-When"}


def configured(settings: dict[str, Any]) -> dict[str, Any]:
    return {**settings, "secret": GIVEN}


@pytest.mark.parametrize("hmac", [HMAC, STAMPED, NAMED])
def test_grafana_signs_what_it_sends(hmac):
    sender = a_sender("grafana", hmac=configured(hmac))
    delivery = first(Grafana(settings={"hmac": hmac}))

    assert sender.admits(delivery.received(), delivery.body, delivery.at)
    assert not sender.admits(delivery.received(), delivery.body + b" ", delivery.at)
    assert not sender.admits({}, delivery.body, delivery.at)


def test_a_signature_of_another_header_is_not_looked_at():
    delivery = first(Grafana(settings={"hmac": HMAC}))

    assert not a_sender("grafana", hmac=configured(NAMED)).admits(
        delivery.received(), delivery.body, delivery.at
    )


@pytest.mark.parametrize("hmac", [STAMPED, NAMED])
def test_a_signed_time_ends_what_can_be_sent_again(hmac):
    sender = a_sender("grafana", hmac=configured(hmac))
    delivery = first(Grafana(settings={"hmac": hmac}))
    late, early = (
        stale(delivery, by).at for by in (timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1))
    )

    assert sender.admits(delivery.received(), delivery.body, delivery.at + timedelta(minutes=5))
    assert not sender.admits(delivery.received(), delivery.body, late)
    assert not sender.admits(delivery.received(), delivery.body, early)


def test_the_time_in_the_header_is_the_one_that_is_signed():
    sender = a_sender("grafana", hmac=configured(STAMPED))
    delivery = first(Grafana(settings={"hmac": STAMPED}))
    now = delivery.at + timedelta(hours=1)
    forged = delivery.with_headers(x_grafana_alerting_timestamp=f"{now.timestamp():.0f}")

    assert not sender.admits(forged.received(), forged.body, now)


@pytest.mark.parametrize("written", ["", "soon", "1e9", "1_0", "-5", "٣", "9" * 5000, "1795435230.5"])
def test_a_time_that_is_none_is_not_believed_though_it_is_signed(written):
    settings = {**STAMPED, "secret": SECRET}
    system = Grafana(settings={"hmac": settings})
    mac = _mac(f"{written}:".encode() + b"{}")
    headers = {"x-grafana-alerting-signature": mac, "x-grafana-alerting-timestamp": written}

    assert not a_sender(system.kind, hmac=configured(STAMPED)).admits(headers, b"{}", NOON)


def _mac(signed: bytes) -> str:
    return macs.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()


def test_with_a_token_and_a_signature_both_must_be_good():
    sender = a_sender("grafana", authorization={"secret": GIVEN}, hmac=configured(HMAC))
    whole = first(Grafana(settings={"authorization": {"secret": SECRET}, "hmac": HMAC}))
    only_token = first(Grafana(settings={"authorization": {"secret": SECRET}}))
    only_signed = first(Grafana(settings={"hmac": HMAC}))

    assert sender.admits(whole.received(), whole.body, whole.at)
    assert not sender.admits(only_token.received(), only_token.body, whole.at)
    assert not sender.admits(only_signed.received(), only_signed.body, whole.at)


def test_grafana_may_show_a_password():
    sender = a_sender("grafana", authorization={"secret": GIVEN, "user": "ada"})
    delivery = first(Alertmanager(settings={"secret": SECRET, "user": "ada"}))

    assert sender.admits(delivery.received(), delivery.body, delivery.at)


@pytest.mark.parametrize(
    "settings", [{"authorization": None}, {"hmac": None}, {"authorization": {"user": "ada"}}]
)
def test_a_grafana_that_proves_nothing_is_refused(settings):
    with pytest.raises(ValidationError):
        a_sender("grafana", **settings)


def test_the_doctor_hears_of_both_secrets():
    both = a_sender("grafana", authorization={"secret": GIVEN}, hmac=configured(HMAC))

    assert len(both.examine()) == 2
    assert len(ALERTMANAGER.examine()) == 1
    assert SECRET not in str([*both.examine(), *ALERTMANAGER.examine()])
