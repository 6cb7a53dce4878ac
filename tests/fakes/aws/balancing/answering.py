"""What load balancing answers, and what it refuses."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from tests.fakes.aws.balancing.state import Actions, Group, weights_of
from tests.fakes.aws.calls import Asked
from tests.fakes.aws.tagging import Tagging, in_pascal
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

_TAGGED = 20  # [D] resources a call of DescribeTags
_GROUPS, _WEIGHT = 5, 999  # [D] of one action; the greatest weight


class Surroundings(Protocol):
    """What the operations need of the rest of load balancing."""

    groups: dict[str, Group]
    rules: dict[str, Timeline[Actions | None]]

    def put_actions(self, rule: str, actions: Actions, at: datetime) -> None:
        """The rule does so from now on."""


class Answering:
    """The operations of Elastic Load Balancing."""

    def __init__(self, around: Surroundings, tagging: Tagging) -> None:
        self._around = around
        self._tagging = tagging

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What load balancing answers to."""
        return {
            "DescribeRules": self.describe_rules,
            "DescribeListeners": self.describe_listeners,
            "DescribeTags": self.describe_tags,
            "DescribeTargetHealth": self.describe_target_health,
            "DescribeTargetGroupAttributes": self.describe_target_group_attributes,
            "AddTags": self.add_tags,
            "ModifyRule": self.modify_rule,
            "ModifyListener": self.modify_listener,
        }

    def describe_rules(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeRules``, by ARN. One that is not there refuses them all."""
        found = [(arn, self._actions(arn, asked.seen_at)) for arn in asked["RuleArns"]]
        return {
            "Rules": [{"RuleArn": arn, "Priority": "1", "Actions": _told(actions)} for arn, actions in found]
        }

    def describe_listeners(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeListeners``, by ARN."""
        found = [(arn, self._actions(arn, asked.seen_at)) for arn in asked["ListenerArns"]]
        return {
            "Listeners": [{"ListenerArn": arn, "DefaultActions": _told(actions)} for arn, actions in found]
        }

    def describe_tags(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeTags``."""
        if len(asked["ResourceArns"]) > _TAGGED:
            raise AwsError("ValidationError", f"at most {_TAGGED} resources may be named")
        told = []
        for arn in asked["ResourceArns"]:
            self._existing(arn, asked.seen_at)
            tags = in_pascal(self._tagging.of(arn, asked.seen_at))
            told.append({"ResourceArn": arn, **({"Tags": tags} if tags else {})})
        return {"TagDescriptions": told}

    def describe_target_health(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeTargetHealth``. [D] A group that no rule names is not checked: ``unused``."""
        group = self._group(asked["TargetGroupArn"])
        named = any(group.arn in weights_of(each.latest or ()) for each in self._around.rules.values())
        told = []
        for target in group.targets.at(asked.seen_at) or ():
            health = {"State": target.state}
            health |= {"Reason": target.reason} if target.reason else {}
            health |= {"Description": target.description} if target.description else {}
            unused = {"State": "unused", "Reason": "Target.NotInUse"}
            told.append(
                {"Target": {"Id": target.id, "Port": 80}, "TargetHealth": health if named else unused}
            )
        return {"TargetHealthDescriptions": told}

    def describe_target_group_attributes(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeTargetGroupAttributes``."""
        attributes = self._group(asked["TargetGroupArn"]).attributes
        return {"Attributes": [{"Key": key, "Value": value} for key, value in attributes.items()]}

    def add_tags(self, asked: Asked) -> Mapping[str, Any]:
        """``AddTags``."""
        for arn in asked["ResourceArns"]:
            self._existing(arn, asked.now)
            self._tagging.put(arn, {each["Key"]: each.get("Value", "") for each in asked["Tags"]}, asked.now)
        return {}

    def modify_rule(self, asked: Asked) -> Mapping[str, Any]:
        """``ModifyRule``. [D] The list of actions is replaced as a whole."""
        arn = asked["RuleArn"]
        actions = self._replaced(arn, asked["Actions"], asked.now)
        return {"Rules": [{"RuleArn": arn, "Priority": "1", "Actions": _told(actions)}]}

    def modify_listener(self, asked: Asked) -> Mapping[str, Any]:
        """``ModifyListener``."""
        arn = asked["ListenerArn"]
        actions = self._replaced(arn, asked["DefaultActions"], asked.now)
        return {"Listeners": [{"ListenerArn": arn, "DefaultActions": _told(actions)}]}

    def _replaced(self, arn: str, wanted: Sequence[Mapping[str, Any]], at: datetime) -> Actions:
        before = self._actions(arn, at)
        secrets = {
            each["Type"]: each["AuthenticateOidcConfig"]
            for each in before
            if "AuthenticateOidcConfig" in each
        }
        actions = [self._taken(each, secrets) for each in wanted]
        if len({each.get("Order") for each in actions}) < len(actions):
            raise AwsError("ValidationError", "Each action must have an order of its own")
        self._around.put_actions(arn, actions, at)
        return actions

    def _taken(self, action: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
        if action["Type"] == "forward":
            return self._forwarding(action)
        login = action.get("AuthenticateOidcConfig")
        if login is None:
            return dict(action)
        if (
            not login.get("UseExistingClientSecret") and "ClientSecret" not in login
        ):  # [M] said by the model's words
            raise AwsError(
                "ValidationError", "ClientSecret must be specified unless UseExistingClientSecret is true"
            )
        kept = {name: value for name, value in login.items() if name != "UseExistingClientSecret"}
        secret = secrets.get(action["Type"], {}).get("ClientSecret", "")
        return {
            **action,
            "AuthenticateOidcConfig": {**kept, "ClientSecret": kept.get("ClientSecret", secret)},
        }

    def _forwarding(self, action: Mapping[str, Any]) -> dict[str, Any]:
        groups = action["ForwardConfig"]["TargetGroups"]
        if not 1 <= len(groups) <= _GROUPS:
            raise AwsError("ValidationError", f"between 1 and {_GROUPS} target groups may be named")
        for each in groups:
            self._group(each["TargetGroupArn"])
            if not 0 <= each.get("Weight", 1) <= _WEIGHT:
                raise AwsError("ValidationError", f"a weight is between 0 and {_WEIGHT}")
        weighed = [{**each, "Weight": each.get("Weight", 1)} for each in groups]
        sticky = action["ForwardConfig"].get("TargetGroupStickinessConfig", {"Enabled": False})
        config = {"TargetGroups": weighed, "TargetGroupStickinessConfig": sticky}
        alone = {"TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else {}
        return {**action, "ForwardConfig": config, **alone}

    def _actions(self, arn: str, at: datetime) -> Actions:
        timeline = self._around.rules.get(arn)
        found = timeline.at(at) if timeline else None
        if found is None:
            kind = "Listener" if ":listener/" in arn else "Rule"
            raise AwsError(f"{kind}NotFound", f"One or more {kind.lower()}s not found")
        return found

    def _group(self, arn: str) -> Group:
        if arn not in self._around.groups:
            raise AwsError("TargetGroupNotFound", f"Target groups '{arn}' not found")
        return self._around.groups[arn]

    def _existing(self, arn: str, at: datetime) -> None:
        if ":targetgroup/" in arn:
            self._group(arn)
        else:
            self._actions(arn, at)


def _told(actions: Actions) -> list[dict[str, Any]]:
    """As it is described: a secret never is [D]."""
    return [
        {
            **each,
            "AuthenticateOidcConfig": {
                k: v for k, v in each["AuthenticateOidcConfig"].items() if k != "ClientSecret"
            },
        }
        if "AuthenticateOidcConfig" in each
        else dict(each)
        for each in actions
    ]
