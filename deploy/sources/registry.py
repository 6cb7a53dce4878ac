"""All kinds of sources: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping
from typing import Any

from deploy.source import Kind
from deploy.sources import flags, github, http, sqs

SOURCES: Mapping[str, Kind[Any]] = {
    "github": github.KIND,
    "http": http.KIND,
    "launchdarkly": flags.LAUNCHDARKLY,
    "sqs": sqs.KIND,
    "unleash": flags.UNLEASH,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "sns": "notifications of SNS",
    "codedeploy": "triggers of CodeDeploy without a queue; from a queue `sqs` takes them",
    "sentry": "releases and deploys of Sentry",
}
