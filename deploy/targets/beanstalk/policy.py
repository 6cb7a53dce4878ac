"""How an environment takes a new version, by its settings: what that does to its capacity, and how long it takes.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html, namespaces aws:elasticbeanstalk:command,
    aws:elasticbeanstalk:trafficsplitting, aws:elasticbeanstalk:environment, aws:autoscaling:asg
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_COMMAND = "aws:elasticbeanstalk:command"
_SPLITTING = "aws:elasticbeanstalk:trafficsplitting"
ALL_AT_ONCE, ROLLING, ADDITIONAL = "AllAtOnce", "Rolling", "RollingWithAdditionalBatch"
IMMUTABLE, SPLITTING = "Immutable", "TrafficSplitting"
_NEW_INSTANCES = frozenset({IMMUTABLE, SPLITTING})


@dataclass(frozen=True, slots=True)
class Policy:
    """How it is deployed.

    Attributes:
        batch: How many instances at once, in words: ``30 %``, ``2 instances``.
        single: It has one instance, and no balancer.
        share: Of the traffic (0..1), that the new version has while traffic is split.
        minutes: For how long it is.
    """

    kind: str
    batch: str = ""
    single: bool = False
    share: float = 0.1
    minutes: str = "5"

    @property
    def is_beside(self) -> bool:
        """New instances take the place of the old ones, to which nothing is done: broken off, these have all the traffic again."""
        return self.kind in _NEW_INSTANCES

    def capacity(self) -> str:
        """What becomes of the capacity meanwhile."""
        if self.kind == SPLITTING:
            return (
                f"{self.kind}: all instances stay; as many new ones are started, have {self.share:.0%} of the traffic for"
                f" {self.minutes} min, and then all of it. That long the bad release has the rest"
            )
        if self.kind == IMMUTABLE:
            return f"{self.kind}: all instances stay until as many new ones are healthy; it is the slowest, and the account needs room for them"
        if self.kind == ADDITIONAL:
            return f"{self.kind}: all are kept, for a batch of {self.batch} is started first; then batch by batch"
        if self.kind == ROLLING and not self.single:
            return f"{self.kind}: a batch of {self.batch} is gone at a time, and the others serve"
        return f"{self.kind}: down meanwhile, for {'the one instance is' if self.single else 'all instances are'} deployed to at once"


def policy_of(options: Iterable[Mapping[str, Any]]) -> Policy:
    """By the ``OptionSettings`` of DescribeConfigurationSettings; what is left out has AWS's default."""
    told = {
        (str(each.get("Namespace", "")), str(each.get("OptionName", ""))): str(each.get("Value", ""))
        for each in options
    }
    size = told.get((_COMMAND, "BatchSize")) or "100"
    percent = told.get((_COMMAND, "BatchSizeType"), "Percentage") == "Percentage"
    share = told.get((_SPLITTING, "NewVersionPercent")) or "10"
    return Policy(
        kind=told.get((_COMMAND, "DeploymentPolicy")) or ALL_AT_ONCE,
        batch=f"{size} %" if percent else f"{size} instance{'' if size == '1' else 's'}",
        single=told.get(("aws:elasticbeanstalk:environment", "EnvironmentType")) == "SingleInstance",
        share=min(int(share), 100) / 100 if share.isdecimal() else 0.1,
        minutes=told.get((_SPLITTING, "EvaluationTime")) or "5",
    )
