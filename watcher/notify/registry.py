"""All kinds of notifiers: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping

from watcher.notify import webhook
from watcher.notify.github.connection import KIND as GITHUB
from watcher.notify.notifier import Kind

NOTIFIERS: Mapping[str, Kind] = {
    "github": GITHUB,
    "webhook": webhook.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "slack": "a channel in Slack: one message a deployment, buttons, a thread",
    "teams": "a channel in Microsoft Teams",
    "pagerduty": "an incident in PagerDuty",
    "opsgenie": "an alert in Jira Service Management",
    "email": "an e-mail",
    "sns": "a topic of Amazon SNS",
}
