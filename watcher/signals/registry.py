"""All kinds of signal providers: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping

from watcher.signals import probe, scrape
from watcher.signals.provider import Kind

PROVIDERS: Mapping[str, Kind] = {
    "http": probe.KIND,
    "scrape": scrape.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "prometheus": "Prometheus, Thanos, Mimir, VictoriaMetrics",
    "cloudwatch": "metrics and alarms of CloudWatch",
    "cloudwatch_logs": "counts of log lines in CloudWatch",
    "sentry": "errors, sessions and new issues in Sentry",
    "datadog": "metrics and monitors of Datadog",
    "newrelic": "NRQL of New Relic",
    "loki": "counts of log lines in Loki",
    "ecs_tasks": "tasks of ECS that stop",
    "application_signals": "SLOs of CloudWatch Application Signals",
    "alert": "alerts that are pushed to the daemon",
}
