"""All that is read of load balancers, for every rule of one account: in few calls.

What runs is told by two calls for up to twenty rules: their actions, and the tags of the target groups. Every function may
raise `AwsRefused`; none changes anything.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from deploy.targets.aws.batching import Batch, together
from deploy.targets.load_balancer.forward import Actions

MOST = 20  # resources a call of DescribeTags, by AWS; rules and listeners a call, by us
_GONE = frozenset({"RuleNotFound", "ListenerNotFound", "TargetGroupNotFound"})
# Where no health is known nothing speaks against a target: its checks are off.
_USABLE = frozenset({"healthy", "unavailable"})


@dataclass(frozen=True, slots=True)
class Health:
    """How the targets of a group are.

    Attributes:
        healthy: How many can take requests.
        registered: How many there are, without those that are leaving.
        why: Of one that cannot, in AWS's words.
    """

    healthy: int
    registered: int
    why: str = ""


@dataclass
class Reader:
    """Reads one account in one region.

    Args:
        call: Reads, in the account *scope*.
    """

    scope: str
    call: AwsCall

    def __post_init__(self) -> None:
        self._rules: Batch[str, Actions] = Batch(MOST, partial(self._each, self._describe_rules))
        self._listeners: Batch[str, Actions] = Batch(MOST, partial(self._each, self._describe_listeners))
        self._tags: Batch[str, Mapping[str, str]] = Batch(MOST, partial(self._each, self._describe_tags))

    async def actions(self, arn: str) -> Actions | None:
        """Of a rule, or of a listener by default, now; ``None``: there is none such."""
        asked = self._rules if ":listener-rule/" in arn else self._listeners
        return await asked.ask(arn)

    async def tags(self, arns: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """By ARN; what is there no more has none."""
        found = await together(*(self._tags.ask(arn) for arn in arns))
        return {arn: tags or {} for arn, tags in zip(arns, found, strict=True)}

    async def health(self, group: str) -> Health:
        """Of the targets of a group, now."""
        told = await self._elb("describe_target_health", TargetGroupArn=group)
        states = [each.get("TargetHealth", {}) for each in told.get("TargetHealthDescriptions", ())]
        staying = [each for each in states if "draining" not in str(each.get("State", ""))]
        usable = [each for each in staying if each.get("State") in _USABLE]
        sick: Mapping[str, Any] = next((each for each in staying if each.get("State") not in _USABLE), {})
        words = f"{sick.get('State', '')} {sick.get('Reason', '')} {sick.get('Description', '')}".strip()
        return Health(len(usable), len(staying), words)

    # --------------------------------------------------------------------------------------------------------- calls

    async def _elb(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return await self.call(self.scope, "elbv2", operation, **parameters)

    async def _each(self, describe: Any, arns: Sequence[str]) -> Mapping[str, Any]:
        """What *describe* tells of all; where one is not there AWS refuses them all, and each is asked for alone."""
        try:
            found: Mapping[str, Any] = await describe(arns)
        except AwsRefused as refused:
            if refused.code not in _GONE:
                raise
            if len(arns) == 1:
                return {}
            alone = await together(*(self._each(describe, [arn]) for arn in arns))
            return {arn: told for some in alone for arn, told in some.items()}
        return found

    async def _describe_rules(self, arns: Sequence[str]) -> Mapping[str, Actions]:
        told = await self._elb("describe_rules", RuleArns=list(arns))
        return {str(each.get("RuleArn", "")): each.get("Actions", ()) for each in told.get("Rules", ())}

    async def _describe_listeners(self, arns: Sequence[str]) -> Mapping[str, Actions]:
        told = await self._elb("describe_listeners", ListenerArns=list(arns))
        found = told.get("Listeners", ())
        return {str(each.get("ListenerArn", "")): each.get("DefaultActions", ()) for each in found}

    async def _describe_tags(self, arns: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        told = await self._elb("describe_tags", ResourceArns=list(arns))
        return {
            str(each.get("ResourceArn", "")): {
                str(tag["Key"]): str(tag.get("Value", "")) for tag in each.get("Tags", ())
            }
            for each in told.get("TagDescriptions", ())
        }
