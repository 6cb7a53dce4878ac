"""Datadog, Sentry and New Relic: one message for each turn of an alert, told once.

Source:
    https://docs.datadoghq.com/integrations/webhooks/
    https://docs.sentry.io/organization/integrations/integration-platform/webhooks/metric-alerts/
    https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.alerts.groups import written
from tests.fakes.alerts.log import SECRET, Alert, Delivery, Log, Turn
from watcher.signals.alert.pushed import Mood
from watcher.signals.alert.senders.datadog import TEMPLATE
from watcher.signals.alert.senders.newrelic import TEMPLATE as OF_NEW_RELIC


def _settings() -> Mapping[str, Any]:
    return {"secret": SECRET}


def changes(log: Log, until: datetime) -> Iterator[tuple[Turn, Mood]]:
    """The turns until then, each with the mood before it."""
    before: dict[Alert, Mood] = {}
    for turn in log.turns:
        if turn.at <= until:
            yield turn, before.get(turn.alert, Mood.WELL)
            before[turn.alert] = turn.mood


@dataclass
class Datadog:
    """A webhook with our payload: Datadog fills in the variables."""

    settings: Mapping[str, Any] = field(default_factory=_settings)
    kind: str = "datadog"
    retries: bool = True

    def deliveries(self, log: Log, until: datetime) -> Sequence[Delivery]:
        return [self._delivery(turn, place) for place, (turn, _) in enumerate(changes(log, until))]

    def keys(self, log: Log, alert: Alert) -> Sequence[str]:
        return [f"{alert.number}:{','.join(_tags(alert))}"]

    def says(self, mood: Mood) -> Mood:
        return mood

    def _delivery(self, turn: Turn, place: int) -> Delivery:
        alert = turn.alert
        transition = {Mood.FIRING: "Triggered", Mood.WELL: "Recovered", Mood.UNKNOWN: "No Data"}[turn.mood]
        variables = {
            "$ALERT_ID": str(alert.number),
            "$ALERT_SCOPE": ",".join(_tags(alert)),
            "$ALERT_TRANSITION": transition,
            "$ALERT_TITLE": alert.name,
            "$ALERT_STATUS": "avg(last_5m):errors was > 0.05",
            "$ALERT_PRIORITY": "P1",
            "$TAGS": ",".join([*_tags(alert), "monitor"]),
            "$DATE": f"{turn.at.timestamp() * 1000:.0f}",
            "$ID": f"70{place:08d}",
            "$LINK": f"https://app.datadoghq.eu/event/event?id={place}",
        }
        body = json.dumps({name: variables.get(value, value) for name, value in TEMPLATE.items()}).encode()
        shown = {"Content-Type": "application/json", "X-Rollbackd-Token": self.settings["secret"]}
        return Delivery(turn.at, body, shown)


def _tags(alert: Alert) -> list[str]:
    return [f"{name}:{value}" for name, value in alert.labels.items()]


@dataclass
class Sentry:
    """An integration that is an action of a metric alert. It tries once."""

    settings: Mapping[str, Any] = field(default_factory=_settings)
    kind: str = "sentry"
    retries: bool = False

    def deliveries(self, log: Log, until: datetime) -> Sequence[Delivery]:
        return [
            self._delivery(log, turn)
            for turn, before in changes(log, until)
            if self.says(turn.mood) is not self.says(before)
        ]

    def keys(self, log: Log, alert: Alert) -> Sequence[str]:
        return [f"metric_alert:{alert.number}:shop"]

    def says(self, mood: Mood) -> Mood:
        return Mood.WELL if mood is Mood.UNKNOWN else mood

    def _delivery(self, log: Log, turn: Turn) -> Delivery:
        fires = turn.mood is Mood.FIRING
        began = max(
            each.at
            for each in log.turns
            if each.alert == turn.alert and each.mood is Mood.FIRING and each.at <= turn.at
        )
        incident = {
            "alert_rule": {
                "id": str(turn.alert.number),
                "name": turn.alert.name,
                "environment": turn.alert.labels["env"],
            },
            "date_started": written(began.replace(year=began.year - 1)),
            "date_detected": written(began),
            "date_closed": None if fires else written(turn.at),
            "id": f"{began.timestamp():.0f}",
            "projects": ["shop"],
        }
        said = {
            "action": "critical" if fires else "resolved",
            "actor": {"id": "sentry", "name": "Sentry", "type": "application"},
            "data": {
                "description_title": f"{'Critical' if fires else 'Resolved'}: {turn.alert.name}",
                "metric_alert": incident,
                "web_url": "https://sentry.io/organizations/acme/alerts/1/",
            },
            "installation": {"uuid": "a8e5d37a-696c-4c54-adb5-b3f28d64c7de"},
        }
        return signed("metric_alert", said, turn.at, self.settings["secret"])


def signed(resource: str, said: Any, sent: datetime, secret: str = SECRET) -> Delivery:
    """*said*, as Sentry would send it."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Delivery(
        sent,
        body,
        {
            "Content-Type": "application/json",
            "Request-ID": hashlib.sha256(body).hexdigest()[:32],
            "Sentry-Hook-Resource": resource,
            "Sentry-Hook-Timestamp": f"{sent.timestamp():.0f}",
            "Sentry-Hook-Signature": mac,
        },
    )


@dataclass
class NewRelic:
    """A workflow, whose template is filled in. Each time that an alert fires is an issue of its own."""

    settings: Mapping[str, Any] = field(default_factory=_settings)
    kind: str = "newrelic"
    retries: bool = True

    def deliveries(self, log: Log, until: datetime) -> Sequence[Delivery]:
        found: list[Delivery] = []
        for turn, before in changes(log, until):
            if turn.mood is Mood.FIRING and before is not Mood.FIRING:
                found.append(self._delivery(turn.alert, "ACTIVATED", turn.at, turn.at))
            elif before is Mood.FIRING and turn.mood is not Mood.FIRING:
                found.append(self._delivery(turn.alert, "CLOSED", _began(log, turn), turn.at))
        return found

    def keys(self, log: Log, alert: Alert) -> Sequence[str]:
        return [
            _issue(turn.alert, turn.at)
            for turn, _ in changes(log, log.end)
            if turn.alert == alert and turn.mood is Mood.FIRING
        ]

    def says(self, mood: Mood) -> Mood:
        return Mood.WELL if mood is Mood.UNKNOWN else mood

    def _delivery(self, alert: Alert, state: str, began: datetime, sent: datetime) -> Delivery:
        values = {
            "issueId": _issue(alert, began),
            "issuePageUrl": "https://one.newrelic.com/alerts-ai/issues/1",
            "annotations.title.[0]": f"{alert.name} is above 5 %",
            "priority": "CRITICAL",
            "entitiesData.names": ["checkout"],
            "state": state,
            "createdAt": round(began.timestamp() * 1000),
            "updatedAt": round(sent.timestamp() * 1000),
            "accumulations.policyName": ["shop"],
            "accumulations.conditionName": [alert.name],
        }
        body = filled(OF_NEW_RELIC, values).encode()
        return Delivery(
            sent, body, {"Content-Type": "application/json", "X-Rollbackd-Token": self.settings["secret"]}
        )


def _began(log: Log, turn: Turn) -> datetime:
    return max(
        each.at
        for each in log.turns
        if each.alert == turn.alert and each.mood is Mood.FIRING and each.at <= turn.at
    )


def _issue(alert: Alert, began: datetime) -> str:
    return f"{alert.number}-{began.timestamp():.0f}"


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A template of New Relic's, as Handlebars fills it in: ``{{ json NAME }}`` is JSON, ``{{ NAME }}`` is text."""
    return re.sub(r"\{\{ (?:json )?([^ ]+) \}\}", lambda found: json.dumps(values[found[1]]), template)
