"""All kinds of notifiers: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping

from watcher.notify import webhook
from watcher.notify.github.connection import KIND as GITHUB
from watcher.notify.notifier import Kind
from watcher.notify.slack.connection import KIND as SLACK

NOTIFIERS: Mapping[str, Kind] = {
    "github": GITHUB,
    "slack": SLACK,
    "webhook": webhook.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "teams": "a channel in Microsoft Teams",
    "pagerduty": "an incident in PagerDuty",
    "opsgenie": "an alert in Jira Service Management",
    "email": "an e-mail",
    "sns": "a topic of Amazon SNS",
}
