"""All kinds of targets: a reader sees them on one screen. A new one is its file, one line here, one contract test."""

from collections.abc import Mapping
from typing import Any

from deploy.target import Kind
from deploy.targets import command, ecs

TARGETS: Mapping[str, Kind[Any]] = {
    "command": command.KIND,
    "ecs": ecs.KIND,
}

# Kinds that the design knows and this version does not have: "not in this version", never a misspelling.
LATER: Mapping[str, str] = {
    "codedeploy": "a deployment group of CodeDeploy: EC2, IIS",
    "iis": "sites of IIS, moved by CodeDeploy or by Systems Manager",
    "beanstalk": "an environment of Elastic Beanstalk",
    "lambda": "an alias of a Lambda function",
    "s3_cloudfront": "a static site on S3 behind CloudFront",
    "appconfig": "a configuration profile of AppConfig",
    "ssm": "a parameter of Systems Manager",
    "load_balancer": "weights of target groups behind a load balancer",
    "github": "a workflow of GitHub Actions that deploys",
    "flag": "a feature flag",
}
