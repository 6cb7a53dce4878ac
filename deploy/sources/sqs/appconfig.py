"""What an event of AWS AppConfig means: a deployment of a configuration that began, or is over.

AppConfig sends them where its extension *deployment events to Amazon EventBridge* is associated with the application, the environment
or the profile. They are hints of *when*, and AppConfig is read for *what*.

    detail-type                  means
    On Deployment Start          started
    On Deployment Complete       complete
    On Deployment Rolled Back    complete too: over, with what clients had before; which that is, the event does not say. The list
                                 of EventBridge calls it On Deployment Rollback

Deliberately absent: ``On Deployment Step`` and ``On Deployment Baking``: how far it is, is read.

Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/working-with-appconfig-extensions-about-predefined-notification-eventbridge.html
    https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-appconfig.html
"""

import re
from collections.abc import Mapping
from datetime import datetime

from deploy.model import TAG, Announcement, Phase
from deploy.source import Event, Ignored, Opening, Rejected
from deploy.sources.sqs.directory import part_of, whose
from deploy.sources.sqs.envelope import shown

PHASES = {
    "On Deployment Start": Phase.STARTED,
    "On Deployment Complete": Phase.COMPLETE,
    "On Deployment Rolled Back": Phase.COMPLETE,
    "On Deployment Rollback": Phase.COMPLETE,
}
_FORWARD = frozenset({"On Deployment Start", "On Deployment Complete"})
_PLACES = ("Application", "Environment", "ConfigurationProfile")
_ID = re.compile(r"[a-z0-9]{4,7}")
_MOST = 10**9  # a number of a deployment; they are counted from one

Meaning = Announcement | Ignored | Rejected


def deployment(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a change of a deployment means.

    Args:
        event: Of one of the types `PHASES`.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the profile is.
    """
    ids = [_id(event.detail.get(place)) for place in _PLACES]
    if None in ids:  # a change it may still be, for whoever keeps those
        return Ignored(f"{event.kind}: it does not say whose configuration was deployed")
    number = event.detail.get("DeploymentNumber")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < _MOST:
        return Rejected(
            f"{shown(number)} is no number of a deployment",
            "send the event as AppConfig wrote it",
            "detail.DeploymentNumber",
        )
    at = "/".join(str(each) for each in ids)
    found = whose(
        f"appconfig:{event.region}:{event.account}:{at}",
        f"appconfig:{event.region}:*:{at}",
        opening.directory,
    )
    if isinstance(found, Ignored):
        return Ignored(f"{event.kind}: {found.why}")
    if isinstance(found, Rejected):
        return found
    application, environment, _ = ids
    made = f"{application}/{environment}/{number}"
    brought = {"deployment": made, **_version(event)} if event.kind in _FORWARD else {}
    return Announcement(
        source=opening.name,
        dedup_key=f"{event.id}:{made}:{event.kind}",
        service=found.service,
        environment=found.environment,
        phase=PHASES[event.kind],
        at=event.at or arrived,
        hints={**brought, **part_of(found)},
        platform_ids=(made,) if brought else (),
    )


def _id(told: object) -> str | None:
    found = told.get("Id") if isinstance(told, Mapping) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def _version(event: Event) -> Mapping[str, str]:
    told = event.detail.get("ConfigurationVersion")
    return {"tag": told} if isinstance(told, str) and re.fullmatch(TAG, told) else {}
