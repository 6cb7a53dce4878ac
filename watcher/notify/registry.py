"""All kinds of notifiers: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping

from watcher.notify import datadog, grafana, newrelic, sentry, webhook
from watcher.notify.github.connection import KIND as GITHUB
from watcher.notify.notifier import Kind
from watcher.notify.pagerduty.connection import KIND as PAGERDUTY
from watcher.notify.slack.connection import KIND as SLACK
from watcher.notify.sns.connection import KIND as SNS
from watcher.notify.ssm.connection import KIND as SSM

NOTIFIERS: Mapping[str, Kind] = {
    "datadog": datadog.KIND,
    "github": GITHUB,
    "grafana": grafana.KIND,
    "newrelic": newrelic.KIND,
    "pagerduty": PAGERDUTY,
    "sentry": sentry.KIND,
    "slack": SLACK,
    "sns": SNS,
    "ssm": SSM,
    "webhook": webhook.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "teams": "a channel in Microsoft Teams",
    "opsgenie": "an alert in Jira Service Management",
    "email": "an e-mail",
}
