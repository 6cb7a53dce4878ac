"""What CloudTrail tells of AWS Lambda: an alias was moved, or what is called without one was changed.

    eventName                          means
    UpdateAlias20150331                the alias gives calls to another version: shifted while two have some, else complete;
                                       a hint of when, where it does not tell which versions have how much
    UpdateFunctionCode20150331v2,
    UpdateFunctionConfiguration20150331v2   another content of ``$LATEST``: complete

Source:
    https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
"""

import re
from collections.abc import Mapping
from datetime import datetime

from deploy.model import Phase
from deploy.source import Event, Ignored, Opening, Rejected
from deploy.sources.sqs.envelope import shown
from deploy.sources.sqs.trail import AS_WRITTEN, Called, Meaning, announced, called, unconcerned

LATEST = "$LATEST"
_CHANGES = frozenset({"UpdateFunctionCode", "UpdateFunctionConfiguration"})
# A name, part of an ARN, or all of one; with a qualifier, or without.
_FUNCTION = re.compile(
    r"(?:(?:arn:aws[a-z-]{0,16}:lambda:(?P<region>[a-z0-9-]{1,32}):)?(?P<account>[0-9]{12}):function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?:\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)
_ALIAS = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VERSION = re.compile(r"[0-9]{1,10}")


def changed(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a call of Lambda's API means.

    Args:
        event: Of the trail.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the alias is.
    """
    call = called(event, arrived)
    if not isinstance(call, Called):
        return call
    if call.name in _CHANGES:
        return _at(event, call, LATEST, Phase.COMPLETE, {}, opening)
    if call.name != "UpdateAlias":
        return unconcerned(event, call)
    alias = call.asked.get("name")
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
        return Rejected(f"{shown(alias)} is no alias", AS_WRITTEN, "detail.requestParameters.name")
    if call.asked.get("functionVersion") is None and call.asked.get("routingConfig") is None:
        return unconcerned(event, call)  # its description
    weights, hints = _weights(call), _newest(call)
    phase = Phase.SHIFTED if any(0 < share < 1 for share in weights.values()) else Phase.COMPLETE
    return _at(event, call, alias, phase if hints and _tells_weights(call) else Phase.STARTED, hints, opening)


def _at(
    event: Event, call: Called, alias: str, phase: Phase, hints: Mapping[str, str], opening: Opening
) -> Meaning:
    written = call.asked.get("functionName")
    found = _FUNCTION.fullmatch(written) if isinstance(written, str) else None
    where = "detail.requestParameters.functionName"
    if found is None:
        return Rejected(f"{shown(written)} is no function", AS_WRITTEN, where)
    if found["region"] not in {None, event.region} or found["account"] not in {None, event.account}:
        # [D] A function of another account may be called by who works in this one: its own trail tells of it there.
        return Ignored(f"{shown(written)} is not a function of {event.account} in {event.region}")
    at = f"{found['name']}:{alias}"
    addresses = (f"lambda:{event.region}:{event.account}:{at}", f"lambda:{event.region}:*:{at}")
    return announced(call, addresses, phase, hints, opening)


def _weights(call: Called) -> Mapping[str, float]:
    """Versions besides the alias's own, with their shares; what is not written as one is none."""
    routing = call.asked.get("routingConfig") or call.answered.get("routingConfig")
    told = routing.get("additionalVersionWeights") if isinstance(routing, Mapping) else None
    if not isinstance(told, Mapping):
        return {}
    return {
        str(version): float(share)
        for version, share in told.items()
        if _VERSION.fullmatch(str(version)) and isinstance(share, int | float)
    }


def _tells_weights(call: Called) -> bool:
    """A call that was given none leaves them as they were; the answer tells them, where the trail has one."""
    return call.asked.get("routingConfig") is not None or "functionVersion" in call.answered


def _newest(call: Called) -> Mapping[str, str]:
    """The newest version that has calls from then on, as far as the trail tells it: numbers are never given twice."""
    weights = _weights(call)
    own = call.asked.get("functionVersion") or call.answered.get("functionVersion")
    found = [version for version, share in weights.items() if share > 0]
    if isinstance(own, str) and _VERSION.fullmatch(own) and sum(weights.values()) < 1:
        found.append(own)
    return {"tag": max(found, key=int)} if found else {}
