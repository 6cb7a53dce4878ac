"""All kinds of targets: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping
from typing import Any

from deploy.target import Kind
from deploy.targets import (
    appconfig,
    beanstalk,
    codedeploy,
    command,
    ecs,
    flagd,
    github_actions,
    lambda_alias,
    launchdarkly,
    load_balancer,
    s3_cloudfront,
    unleash,
)

TARGETS: Mapping[str, Kind[Any]] = {
    "appconfig": appconfig.KIND,
    "beanstalk": beanstalk.KIND,
    "codedeploy": codedeploy.KIND,
    "command": command.KIND,
    "ecs": ecs.KIND,
    "flagd": flagd.KIND,
    "github_actions": github_actions.KIND,
    "s3_cloudfront": s3_cloudfront.KIND,
    "lambda": lambda_alias.KIND,
    "launchdarkly": launchdarkly.KIND,
    "load_balancer": load_balancer.KIND,
    "unleash": unleash.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "iis": "sites of IIS, moved by Systems Manager; those that CodeDeploy deploys are `codedeploy`",
    "ssm": "a parameter of Systems Manager",
    "flag": "a feature flag: `appconfig`, `flagd`, `launchdarkly` and `unleash` are there, any other is reached by `command`",
}

# What no version has, since others do it well: "has no target", and who does it.
_KUBERNETES = "there use Argo Rollouts (https://argoproj.github.io/rollouts) or Flagger (https://flagger.app)"
ELSEWHERE: Mapping[str, str] = dict.fromkeys(
    ("kubernetes", "k8s", "eks", "argo_rollouts", "flagger"), _KUBERNETES
)
