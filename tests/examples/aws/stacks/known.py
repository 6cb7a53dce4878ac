"""Which stacks there are, and what each is told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.docs.pages import ROOT, blocks
from tests.examples.aws.setting import FOLDER
from watcher.commands._init import options, policies
from watcher.commands._init.names import Aliases, Environments, Fleet, Names, Profiles, Site, Weights
from watcher.commands._init.policies import Document

HERE = FOLDER / "stacks"
Told = Mapping[str, str]  # by parameter


@dataclass(frozen=True, slots=True)
class Parameter:
    """What somebody has to say.

    Attributes:
        like: Its grammar.
        example: In the setting in which all are compared.
    """

    words: str
    like: str
    example: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """One of them.

    Attributes:
        of: What deploys there, as a title says it.
        page: With the pattern of its events.
        before: What has to be so before events come.
        parameters: By name, as CloudFormation writes names.
        in_page: Names that stand in the pattern of the page, and the parameter that is meant.
        policies: To read and to act, with what was told.
    """

    name: str
    of: str
    page: str
    before: str
    parameters: Mapping[str, Parameter]
    in_page: Mapping[str, str]
    policies: Callable[[Names, Told], tuple[Document, Document]]

    def pattern(self, told: Told) -> Any:
        """Of the rule, as the page has it, with what was *told*: the last, where a page tells of another way to deploy too."""
        *_, text = (
            block.text
            for block in blocks(ROOT / self.page)
            if block.info.startswith("json") and '"detail-type"' in block.text and '"source"' in block.text
        )
        for name, parameter in self.in_page.items():
            assert f'"{name}"' in text
            text = text.replace(f'"{name}"', json.dumps(told[parameter]))
        return json.loads(text)

    @property
    def examples(self) -> Told:
        """What is told in the setting in which all are compared."""
        return {name: each.example for name, each in self.parameters.items()}


def _codedeploy(names: Names, told: Told) -> tuple[Document, Document]:
    fleet = Fleet(names, told["Application"], (told["DeploymentGroup"],))
    return policies.fleet_read_policy(fleet), policies.fleet_act_policy(fleet)


def _site(names: Names, told: Told) -> tuple[Document, Document]:
    site = Site(names, told["BucketName"], told["DistributionId"])
    return policies.site_read_policy(site), policies.site_act_policy(site)


def _aliases(names: Names, told: Told) -> tuple[Document, Document]:
    aliases = Aliases(names, (told["FunctionName"],))
    return policies.aliases_read_policy(aliases), policies.aliases_act_policy(aliases)


def _weights(names: Names, told: Told) -> tuple[Document, Document]:
    arn = names.arn("elasticloadbalancing", f"listener-rule/{told['Rule']}")
    weights = Weights(names, arn, groups=(told["OneTargetGroup"], told["OtherTargetGroup"]))
    return policies.weights_read_policy(weights), policies.weights_act_policy(weights)


def _environments(names: Names, told: Told) -> tuple[Document, Document]:
    environments = Environments(names, told["Application"], (told["EnvironmentName"],))
    return policies.environments_read_policy(environments), policies.environments_act_policy(environments)


def _profiles(names: Names, told: Told) -> tuple[Document, Document]:
    profiles = Profiles(
        names, told["ApplicationId"], told["EnvironmentId"], (told["ProfileId"],), told["Strategy"]
    )
    return policies.profiles_read_policy(profiles), policies.profiles_act_policy(profiles)


_ID = r"[a-z0-9]{4,7}"
_TRAIL = "A trail of CloudTrail has to record management events: EventBridge hears of API calls by it, minutes late."

STACKS: Mapping[str, Stack] = {
    each.name: each
    for each in (
        Stack(
            "codedeploy",
            "a deployment group of CodeDeploy",
            "docs/codedeploy.md",
            "CodeDeploy tells EventBridge by itself.",
            {
                "Application": Parameter("The application.", options.CODEDEPLOY[0], "orders"),
                "DeploymentGroup": Parameter("The deployment group.", options.CODEDEPLOY[0], "production"),
            },
            {"orders": "Application"},
            _codedeploy,
        ),
        Stack(
            "site",
            "a static site on S3 behind CloudFront",
            "docs/s3-cloudfront.md",
            "The bucket has to tell EventBridge what is put into it (NotificationConfiguration: EventBridgeConfiguration).",
            {
                "BucketName": Parameter("The bucket with the pages.", options.BUCKET[0], "shop-site"),
                "DistributionId": Parameter(
                    "The distribution before it.", r"[A-Z0-9]{8,32}", "E2EXAMPLE1ABC"
                ),
            },
            {"shop-site": "BucketName"},
            _site,
        ),
        Stack(
            "lambda",
            "an alias of a function of Lambda",
            "docs/lambda.md",
            _TRAIL,
            {"FunctionName": Parameter("The function.", options.FUNCTION[0], "checkout")},
            {},
            _aliases,
        ),
        Stack(
            "load-balancer",
            "target groups that share the traffic by weights",
            "docs/load-balancer.md",
            _TRAIL,
            {
                "Rule": Parameter(
                    "The end of the ARN of the rule whose weights are moved, app/NAME/ID/LISTENER/RULE.",
                    r"app/[A-Za-z0-9-]{1,32}(/[0-9a-f]{16}){3}",
                    "app/shop/0123456789abcdef/00112233445566aa/ffeeddccbbaa9988",
                ),
                "OneTargetGroup": Parameter(
                    "The end of the ARN of one of its target groups, targetgroup/NAME/ID.",
                    options.TARGET_GROUP[0],
                    "targetgroup/blue/0123456789abcdef",
                ),
                "OtherTargetGroup": Parameter(
                    "And of the other.", options.TARGET_GROUP[0], "targetgroup/green/fedcba9876543210"
                ),
                "Environment": Parameter(
                    "What rollbackd calls the place that it runs in.",
                    r"[a-z][a-z0-9_-]{0,62}",
                    "staging",
                    "production",
                ),
            },
            {},
            _weights,
        ),
        Stack(
            "beanstalk",
            "an environment of Elastic Beanstalk",
            "docs/beanstalk.md",
            "Beanstalk tells EventBridge by itself. Give the environment an operations role.",
            {
                "Application": Parameter("The application.", r"[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,99}", "shop"),
                "EnvironmentName": Parameter(
                    "The environment of Beanstalk.", r"[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]", "shop-prod"
                ),
            },
            {},
            _environments,
        ),
        Stack(
            "appconfig",
            "a configuration profile of AWS AppConfig",
            "docs/flags.md",
            "The environment of AppConfig has to have AWS's extension for EventBridge.",
            {
                "ApplicationId": Parameter("The id of the application.", _ID, "ba8toh7"),
                "EnvironmentId": Parameter("The id of the environment of AppConfig.", _ID, "pgil2o7"),
                "ProfileId": Parameter("The id of the configuration profile.", _ID, "ga3tqep"),
                "Strategy": Parameter(
                    "The strategy by which an old version is deployed anew.",
                    r"[a-z0-9]{4,7}|AppConfig\.[A-Za-z0-9]{9,40}",
                    "str1234",
                    "AppConfig.AllAtOnce",
                ),
            },
            {},
            _profiles,
        ),
    )
}
