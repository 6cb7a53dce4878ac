"""What CloudTrail tells of Elastic Load Balancing: the actions of a rule, or of a listener, were changed.

    eventName                     means
    ModifyRule, ModifyListener    other weights: shifted while several target groups have some, else complete

Which releases these are, the events do not tell: the tags of the target groups are read.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/logging-using-cloudtrail.html
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from deploy.model import Phase
from deploy.source import Event, Opening, Rejected
from deploy.sources.sqs.envelope import shown
from deploy.sources.sqs.trail import AS_WRITTEN, Called, Meaning, announced, called, unconcerned

# By the name of the call: where the ARN stands in what it was given, and where its actions do.
_CHANGES: Mapping[str, tuple[str, str]] = {
    "ModifyRule": ("ruleArn", "actions"),
    "ModifyListener": ("listenerArn", "defaultActions"),
}
_ARN = re.compile(r"arn:aws[a-z-]{0,16}:elasticloadbalancing:[a-z0-9-]{1,32}:[0-9]{12}:[A-Za-z0-9/-]{1,256}")


def changed(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a call of the API of load balancing means.

    Args:
        event: Of the trail.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the rule is.
    """
    call = called(event, arrived)
    if not isinstance(call, Called):
        return call
    if call.name not in _CHANGES:
        return unconcerned(event, call)
    names, acts = _CHANGES[call.name]
    arn = call.asked.get(names)
    if not isinstance(arn, str) or not _ARN.fullmatch(arn):
        where = f"detail.requestParameters.{names}"
        return Rejected(f"{shown(arn)} is no rule and no listener", AS_WRITTEN, where)
    phase = Phase.SHIFTED if len(_weighed(call.asked.get(acts))) > 1 else Phase.COMPLETE
    address = f"load_balancer:{arn}"
    return announced(call, (address, address), phase, {}, opening)


def _weighed(actions: object) -> Sequence[Any]:
    """The target groups that have some of the traffic from then on, as far as it is told."""
    return [
        group
        for action in _maps(actions)
        for group in _maps(_map(action.get("forwardConfig")).get("targetGroups"))
        if group.get("weight", 1) not in (0, None)
    ]


def _maps(told: object) -> Sequence[Mapping[str, Any]]:
    return [each for each in told if isinstance(each, Mapping)] if isinstance(told, list) else []


def _map(told: object) -> Mapping[str, Any]:
    return told if isinstance(told, Mapping) else {}
