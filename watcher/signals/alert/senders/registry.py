"""All kinds of senders: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping
from typing import Any

from watcher.signals.alert.senders import alertmanager, datadog, grafana, newrelic, sentry, sns
from watcher.signals.alert.senders.sender import Kind

SENDERS: Mapping[str, Kind[Any]] = {
    "alertmanager": alertmanager.KIND,
    "datadog": datadog.KIND,
    "grafana": grafana.KIND,
    "newrelic": newrelic.KIND,
    "sentry": sentry.KIND,
    "sns": sns.KIND,
}
