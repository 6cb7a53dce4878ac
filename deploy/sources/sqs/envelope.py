"""What is in a message: an event of EventBridge or an alarm of CloudWatch, plain or through SNS; a pipeline's announcement.

Everything is bounded before it is looked at: a message may have a mebibyte, an event of EventBridge has 256 KiB, and
what is nested deeper than any event is not read at all.

Source:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import from_json

from deploy.source import Event, Ignored, Rejected

MOST_BYTES = 256 * 1024  # of an event of EventBridge
MOST_RESOURCES = 100  # a guess: those of deployments have one or two
SHOWN = 80  # characters of somebody else's text that are repeated in words of ours

# The type of an alarm that came by way of SNS, which gives it none. Its detail is the alarm as SNS carried it, which is not how
# EventBridge tells of it.
ALARM = "CloudWatch alarm told by SNS"
REMEDY = "send events of EventBridge (directly, or through SNS), or the body of POST /v1/deployments"


@dataclass(frozen=True, slots=True)
class Announced:
    """What a pipeline put into the queue itself: the bytes that it would have sent to the HTTP door."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Triggered:
    """A notification that a deployment group of CodeDeploy sends by SNS itself; not checked yet."""

    said: Mapping[str, Any]


Contents = Event | Announced | Triggered | Ignored | Rejected


def opened(body: bytes) -> Contents:
    """What is in a message with *body*."""
    if len(body) > MOST_BYTES:
        return Rejected(f"{len(body)} bytes are too many", f"at most {MOST_BYTES}: {REMEDY}")
    said = _object(body)
    if isinstance(said, Rejected):
        return said
    return _unwrapped(said) if said.get("Type") in _OF_SNS else _meant(said, body)


# ------------------------------------------------------------------------------------------------------------------ SNS

_NOTIFICATION = "Notification"
# No set: what stands as a type may be a list, which no set can be asked for.
_OF_SNS = (_NOTIFICATION, "SubscriptionConfirmation", "UnsubscribeConfirmation")


def _unwrapped(said: Mapping[str, Any]) -> Contents:
    """What SNS carries: once, for a notification in a notification is nobody's."""
    if said["Type"] != _NOTIFICATION:
        return Ignored(
            f"SNS says {said['Type']}: whether it may fill this queue is confirmed at SNS, and not from here"
        )
    message = said.get("Message")
    if not isinstance(message, str):
        return Rejected("a notification of SNS without a message", REMEDY, "Message")
    body = message.encode(errors="replace")
    inside = _object(body)
    if isinstance(inside, Rejected):
        return Rejected(f"in a notification of SNS: {inside.why}", REMEDY, "Message")
    if inside.get("Type") in _OF_SNS:
        return Rejected("a notification of SNS within another", "subscribe the queue to one topic", "Message")
    return _meant(inside, body)


# ----------------------------------------------------------------------------------------------------- what is in there


def _meant(said: Mapping[str, Any], body: bytes) -> Contents:
    """Told apart by the keys that no other has."""
    if "detail-type" in said:
        return _event(said)
    if "eventTriggerName" in said:
        return Triggered(said)
    if "AlarmName" in said and "NewStateValue" in said:
        return _alarm(said, body)
    if "service" in said:
        return Announced(body)
    return Rejected("neither an event of EventBridge nor an announcement", REMEDY)


_Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,128}\Z")]


class _Written(BaseModel):
    """An event, as it is written. What AWS adds to it some day is not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, regex_engine="python-re")

    id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}\Z")]
    kind: _Name = Field(alias="detail-type")
    source: _Name
    account: Annotated[str, StringConstraints(pattern=r"^[0-9]{12}\Z")]
    region: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}\Z")]
    time: Any = None
    resources: Annotated[
        list[Annotated[str, StringConstraints(max_length=2048)]], Field(max_length=MOST_RESOURCES)
    ] = Field(default_factory=list)
    detail: dict[str, Any]


def _event(said: Mapping[str, Any]) -> Event | Rejected:
    try:
        written = _Written.model_validate(said)
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step)[:SHOWN] for step in mistake["loc"])
        return Rejected(f"not an event of EventBridge: {where}: {mistake['msg']}", REMEDY, where)
    return Event(
        id=written.id,
        kind=written.kind,
        source=written.source,
        account=written.account,
        region=written.region,
        at=moment(written.time),
        resources=written.resources,
        detail=written.detail,
    )


_ALARM_ARN = re.compile(
    r"arn:aws[a-z-]{0,16}:cloudwatch:(?P<region>[a-z0-9-]{1,32}):(?P<account>[0-9]{12}):alarm:[^\x00-\x1f\x7f]{1,255}"
)


def _alarm(said: Mapping[str, Any], body: bytes) -> Event | Rejected:
    """An alarm is known again by what is said of it: a topic that repeats itself says the same bytes."""
    arn = said.get("AlarmArn")
    found = _ALARM_ARN.fullmatch(arn) if isinstance(arn, str) else None
    if found is None:
        return Rejected(
            f"{shown(arn)} is no alarm of CloudWatch",
            "send the notification as CloudWatch wrote it",
            "AlarmArn",
        )
    return Event(
        id=hashlib.sha256(body).hexdigest(),
        kind=ALARM,
        source="aws.cloudwatch",
        account=found["account"],
        region=found["region"],
        at=moment(said.get("StateChangeTime")),
        resources=(found[0],),
        detail=said,
    )


def _object(body: bytes) -> Mapping[str, Any] | Rejected:
    """A JSON object. The reader has a limit of its own for what is nested (some 200 levels), and refuses beyond."""
    try:
        said = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        return Rejected(f"not JSON: {str(error)[:SHOWN]}", REMEDY)
    if not isinstance(said, dict):
        return Rejected("not a JSON object", REMEDY)
    return said


def moment(written: object) -> datetime | None:
    """A time with its zone, to the microsecond (AWS writes up to nanoseconds); ``None`` where it is not one."""
    try:
        at = datetime.fromisoformat(written) if isinstance(written, str) and len(written) <= SHOWN else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def shown(text: object) -> str:
    """Somebody else's text, in words of ours."""
    return repr(text if isinstance(text, str) else type(text).__name__)[: SHOWN + 2]
