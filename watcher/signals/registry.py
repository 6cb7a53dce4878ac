"""All kinds of signal providers: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping

from watcher.signals import cloudwatch, ecs_tasks, probe, prometheus, scrape
from watcher.signals.provider import Kind

PROVIDERS: Mapping[str, Kind] = {
    "cloudwatch": cloudwatch.KIND,
    "ecs_tasks": ecs_tasks.KIND,
    "http": probe.KIND,
    "prometheus": prometheus.KIND,
    "scrape": scrape.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "cloudwatch_logs": "counts of log lines in CloudWatch",
    "sentry": "errors, sessions and new issues in Sentry",
    "datadog": "metrics and monitors of Datadog",
    "newrelic": "NRQL of New Relic",
    "loki": "counts of log lines in Loki",
    "application_signals": "SLOs of CloudWatch Application Signals",
    "alert": "alerts that are pushed to the daemon",
}
