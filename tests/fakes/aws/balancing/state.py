"""What there is of load balancing, at one moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.aws.timeline import Timeline

Actions = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """An instance or address in a group. *state*: as DescribeTargetHealth says it."""

    id: str
    state: str = "healthy"
    reason: str = ""
    description: str = ""


@dataclass
class Group:
    """A target group."""

    name: str
    arn: str
    targets: Timeline[tuple[Target, ...]]
    attributes: dict[str, str] = field(default_factory=dict)


def forwarding(weights: Mapping[str, int], *, sticky: int = 0, order: int = 1) -> dict[str, Any]:
    """An action that forwards by *weights* (by ARN); *sticky*: seconds of the cookie, 0 for none."""
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    stickiness = {"Enabled": True, "DurationSeconds": sticky} if sticky else {"Enabled": False}
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": stickiness}
    alone = {"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {}
    return {"Type": "forward", "Order": order, "ForwardConfig": config, **alone}


def weights_of(actions: Actions) -> dict[str, int]:
    """By ARN, of what forwards."""
    return {
        each["TargetGroupArn"]: each["Weight"]
        for action in actions
        if action["Type"] == "forward"
        for each in action["ForwardConfig"]["TargetGroups"]
    }


def cookie_of(actions: Actions) -> int:
    """Seconds for which who has come is bound to a group; 0: nobody is."""
    for action in actions:
        stickiness = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {})
        if stickiness.get("Enabled"):
            return int(stickiness.get("DurationSeconds", 3600))
    return 0
