"""All kinds of signal providers: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping

from watcher.signals import (
    alert,
    application_signals,
    changes,
    cloudwatch,
    cloudwatch_logs,
    datadog,
    ecs_tasks,
    loki,
    newrelic,
    page,
    probe,
    prometheus,
    relay,
    scrape,
    sentry,
    steps,
)
from watcher.signals.provider import Kind

PROVIDERS: Mapping[str, Kind] = {
    "alert": alert.KIND,
    "application_signals": application_signals.KIND,
    "changes": changes.KIND,
    "cloudwatch": cloudwatch.KIND,
    "cloudwatch_logs": cloudwatch_logs.KIND,
    "datadog": datadog.KIND,
    "ecs_tasks": ecs_tasks.KIND,
    "http": probe.KIND,
    "loki": loki.KIND,
    "newrelic": newrelic.KIND,
    "page": page.KIND,
    "prometheus": prometheus.KIND,
    "relay": relay.KIND,
    "scrape": scrape.KIND,
    "sentry": sentry.KIND,
    "steps": steps.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {}
