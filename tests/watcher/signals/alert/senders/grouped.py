"""Groups of alerts, for the tests: of the fakes, and small ones of ours."""

from typing import Any

from tests.fakes.alerts import Delivery, Log
from tests.fakes.alerts.groups import INTERVAL, Alertmanager
from tests.watcher.signals.alert.senders.said import FIRES, GIVEN, a_sender

ALERTMANAGER = a_sender("alertmanager")
GRAFANA = a_sender("grafana", authorization={"secret": GIVEN})


def first(system: Alertmanager, log: Log = FIRES) -> Delivery:
    return system.deliveries(log, log.end + INTERVAL)[0]


def one(**changes: Any) -> dict[str, Any]:
    usual = {
        "status": "firing",
        "labels": {"alertname": "checkout-5xx"},
        "startsAt": "2026-11-24T11:41:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "c6eadffa33fcdf37",
    }
    return {**usual, **changes}


def a_group(*alerts: Any, version: str = "4", **changes: Any) -> dict[str, Any]:
    return {"version": version, "alerts": list(alerts), **changes}
