"""What CloudTrail tells of Elastic Load Balancing: the actions of a rule, or of a listener, were changed.

    eventName                     means
    ModifyRule, ModifyListener    other weights: a hint of when

Which releases these are, the events do not tell, and they come late: by then other weights may hold. So what has how much of
the traffic is read, with the tags of the target groups. What changes a rule's conditions alone, or a listener's certificate,
moves nothing.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/logging-using-cloudtrail.html
"""

import re
from collections.abc import Mapping
from datetime import datetime

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
    if not call.asked.get(acts):
        return unconcerned(event, call)
    address = f"load_balancer:{arn}"
    return announced(call, (address, address), Phase.STARTED, {}, opening)
