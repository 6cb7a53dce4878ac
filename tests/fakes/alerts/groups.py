"""Alertmanager, and Grafana, which has grown from it: groups of alerts, on a beat of their own.

A group is sent first after `WAIT`, then every `INTERVAL` if something has changed in it, and at the latest every `REPEAT` while
something fires. It holds what fires, and what has ended since it was sent last. Of "no data" Alertmanager knows nothing: to it the
alert has ended. Grafana makes another alert of it.

Source:
    https://prometheus.io/docs/alerting/latest/alertmanager/
    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
    https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.alerts.log import SECRET, Alert, Delivery, Log, Turn
from watcher.signals.alert.pushed import Mood

WAIT, INTERVAL, REPEAT = timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=4)
NEVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True)
class State:
    """How one alert stands at the system: since when it fires, and until when it did."""

    labels: Mapping[str, str]
    began: datetime
    ended: datetime | None


@dataclass
class Alertmanager:
    """One receiver, `send_resolved: true`."""

    settings: Mapping[str, Any] = field(default_factory=lambda: {"secret": SECRET})
    kind: str = "alertmanager"
    retries: bool = True
    truncated: int = 0

    def deliveries(self, log: Log, until: datetime) -> Sequence[Delivery]:
        return [self._delivery(at, states) for at, states in self._flushes(log, until)]

    def keys(self, log: Log, alert: Alert) -> Sequence[str]:
        return [fingerprint(labels) for labels in self.instances(alert).values()]

    def says(self, mood: Mood) -> Mood:
        return Mood.WELL if mood is Mood.UNKNOWN else mood

    def instances(self, alert: Alert) -> Mapping[Mood, Mapping[str, str]]:
        """What an alert is here, by the mood in which that fires."""
        return {Mood.FIRING: {"alertname": alert.name, **alert.labels}}

    def _flushes(self, log: Log, until: datetime) -> Iterator[tuple[datetime, Sequence[State]]]:
        flush, told, told_at = min(turn.at for turn in log.turns) + WAIT, frozenset[Any](), None
        while flush <= until:
            states = self._states(log, flush, told_at)
            firing = [state for state in states if state.ended is None]
            now = frozenset((fingerprint(state.labels), state.began, state.ended) for state in states)
            is_due = told_at is not None and flush - told_at >= REPEAT and firing
            if states and (now != told or is_due) and (told_at is not None or firing):
                yield flush, states
                told, told_at = now, flush
            flush += INTERVAL

    def _states(self, log: Log, flush: datetime, told_at: datetime | None) -> Sequence[State]:
        """What fires now, or has ended since it was told."""
        found: list[State] = []
        for alert in log.alerts:
            for mood, labels in self.instances(alert).items():
                state = _state(
                    [turn for turn in log.turns if turn.alert == alert and turn.at <= flush], mood, labels
                )
                if state is not None and (state.ended is None or told_at is None or state.ended > told_at):
                    found.append(state)
        return found

    def _delivery(self, at: datetime, states: Sequence[State]) -> Delivery:
        body = json.dumps(self.message(states)).encode()
        return Delivery(at, body, {"Content-Type": "application/json", **self.headers(at, body)})

    def headers(self, at: datetime, body: bytes) -> Mapping[str, str]:
        return {"User-Agent": "Alertmanager/0.28.0", "Authorization": authorization(self.settings)}

    def message(self, states: Sequence[State]) -> dict[str, Any]:
        return {
            "version": "4",
            "groupKey": '{}:{alertname="CheckoutErrors"}',
            "truncatedAlerts": self.truncated,
            "status": "firing" if any(state.ended is None for state in states) else "resolved",
            "receiver": "rollbackd",
            "groupLabels": {},
            "commonLabels": {},
            "commonAnnotations": {},
            "externalURL": "https://alertmanager.acme.example",
            "alerts": [self.one(state) for state in states],
        }

    def one(self, state: State) -> dict[str, Any]:
        return {
            "status": "firing" if state.ended is None else "resolved",
            "labels": dict(state.labels),
            "annotations": {"summary": "5xx above 5 %"},
            "startsAt": written(state.began),
            "endsAt": NEVER if state.ended is None else written(state.ended),
            "generatorURL": "https://prometheus.acme.example/graph?g0.expr=errors",
            "fingerprint": fingerprint(state.labels),
        }


@dataclass
class Grafana(Alertmanager):
    """A contact point. What is configured of its signature is signed."""

    settings: Mapping[str, Any] = field(default_factory=lambda: {"authorization": {"secret": SECRET}})
    kind: str = "grafana"

    def says(self, mood: Mood) -> Mood:
        return mood

    def instances(self, alert: Alert) -> Mapping[Mood, Mapping[str, str]]:
        blind = {
            "alertname": "DatasourceNoData",
            "rulename": alert.name,
            "datasource_uid": "mimir",
            "ref_id": "A",
        }
        return {**super().instances(alert), Mood.UNKNOWN: {**alert.labels, **blind}}

    def headers(self, at: datetime, body: bytes) -> Mapping[str, str]:
        found: dict[str, str] = {"User-Agent": "Grafana"}
        shown, signature = self.settings.get("authorization"), self.settings.get("hmac")
        if shown is not None:
            found["Authorization"] = authorization(shown)
        if signature is not None:
            stamp = signature.get("timestamp_header")
            written_at = f"{at.timestamp():.0f}"
            signed = body if stamp is None else f"{written_at}:".encode() + body
            mac = hmac.new(signature["secret"].encode(), signed, hashlib.sha256).hexdigest()
            found |= {signature.get("header", "X-Grafana-Alerting-Signature"): mac}
            found |= {} if stamp is None else {stamp: written_at}
        return found

    def message(self, states: Sequence[State]) -> dict[str, Any]:
        said = super().message(states)
        firing = said["status"] == "firing"
        return {
            **said,
            "version": "1",
            "orgId": 1,
            "title": f"[{said['status'].upper()}:{len(states)}]",
            "state": "alerting" if firing else "ok",
            "message": "",
        }

    def one(self, state: State) -> dict[str, Any]:
        return {**super().one(state), "values": {"B": 44.23, "C": 1}, "dashboardURL": "", "panelURL": ""}


def authorization(settings: Mapping[str, Any]) -> str:
    """A bearer's token; or, where there is a user, a password."""
    if "user" not in settings:
        return f"Bearer {settings['secret']}"
    return "Basic " + base64.b64encode(f"{settings['user']}:{settings['secret']}".encode()).decode()


def _state(turns: Sequence[Turn], mood: Mood, labels: Mapping[str, str]) -> State | None:
    """How what fires in *mood* stands after *turns*."""
    began: datetime | None = None
    ended: datetime | None = None
    for turn in turns:
        if turn.mood is mood and (began is None or ended is not None):
            began, ended = turn.at, None
        elif turn.mood is not mood and began is not None and ended is None:
            ended = turn.at
    return None if began is None else State(labels, began, ended)


def fingerprint(labels: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:16]


def written(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
