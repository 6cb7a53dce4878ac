"""What CloudTrail tells of a call of an API, where a platform has no events of its own: minutes late, or never.

A trail has to be there, and a rule of EventBridge for its events. So it is a hint like any other; what is live is read
every half a minute anyway, and more often than not that is sooner.

Source:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.model import Announcement, Phase
from deploy.source import Event, Ignored, Opening, Rejected, Whose
from deploy.sources.sqs.directory import part_of, whose
from deploy.sources.sqs.envelope import moment, shown

TRAIL = "AWS API Call via CloudTrail"
AS_WRITTEN = "send the event as CloudTrail wrote it"

_NAME = re.compile(r"(?P<name>[A-Z][A-Za-z]{1,62}?)(?:20\d{6})?(?:v\d)?")  # UpdateAlias20150331, …v2
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")

Meaning = Announcement | Ignored | Rejected


@dataclass(frozen=True, slots=True)
class Called:
    """One call that was done.

    Attributes:
        name: Of the operation, without the version of its API.
        asked: What it was given; not checked yet.
        answered: What was answered, where the trail tells it.
    """

    name: str
    id: str
    at: datetime
    asked: Mapping[str, Any]
    answered: Mapping[str, Any]


def called(event: Event, arrived: datetime) -> Called | Ignored | Rejected:
    """The call that *event* tells of; *arrived*: when the message was sent, for an event that tells no time."""
    told, named = event.detail.get("eventName"), event.detail.get("eventID")
    found = _NAME.fullmatch(told) if isinstance(told, str) else None
    if found is None:
        return Rejected(f"{shown(told)} is no name of a call", AS_WRITTEN, "detail.eventName")
    if event.detail.get("errorCode") is not None:
        return Ignored(f"{TRAIL}: {shown(event.source)} {shown(told)} was refused: nothing was changed by it")
    asked, answered = event.detail.get("requestParameters"), event.detail.get("responseElements")
    return Called(
        name=found["name"],
        id=named if isinstance(named, str) and _ID.fullmatch(named) else event.id,
        at=moment(event.detail.get("eventTime")) or event.at or arrived,
        asked=asked if isinstance(asked, Mapping) else {},
        answered=answered if isinstance(answered, Mapping) else {},
    )


def unconcerned(event: Event, call: Called) -> Ignored:
    """It moves nothing that runs somewhere."""
    return Ignored(
        f"{TRAIL}: {shown(event.source)} {shown(call.name)} moves nothing that is known to this version"
    )


def announced(
    call: Called, addresses: tuple[str, str], phase: Phase, hints: Mapping[str, str], opening: Opening
) -> Meaning:
    """That *call* has moved what runs at *addresses* (`deploy.sources.sqs.directory.whose`)."""
    found = whose(*addresses, opening.directory)
    if not isinstance(found, Whose):
        return found
    return Announcement(
        source=opening.name,
        dedup_key=f"{call.id}:{call.name}",
        service=found.service,
        environment=found.environment,
        phase=phase,
        at=call.at,
        hints={"deployment": call.id, **hints, **part_of(found)},
        platform_ids=(call.id,),
    )
