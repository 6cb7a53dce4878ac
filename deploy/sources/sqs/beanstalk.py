"""What an event of Elastic Beanstalk means: an update of an environment that began, or is over; or a swap of names.

The events name no version, and an update may be one of settings alone: they are hints of *when*, and the platform is read for *what*.

    detail.Status                     means
    Environment update started        started
    Environment update successful     complete
    Environment update failed         complete too: over, with whatever the environment runs now. That may be what it ran before, where
                                      Beanstalk itself has taken the new version back; or some instances have the new one

    eventName, of CloudTrail
    SwapEnvironmentCNAMEs             the name by which people come leads to the other environment: a hint of when

EventBridge itself has nothing of a swap. The call comes minutes late, and names the environments or, where they were given so, only
their ids: what is live is read anyway.

Deliberately absent: ``Managed update status change``, which is the platform's and no release; ``Health status change``, which rules
read as a metric; ``Other resource status change``.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.eventbridge.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudtrail.html
"""

import re
from datetime import datetime

from deploy.model import Announcement, Phase
from deploy.source import Event, Ignored, Opening, Rejected, Whose
from deploy.sources.sqs.directory import part_of, whose
from deploy.sources.sqs.envelope import shown
from deploy.sources.sqs.trail import AS_WRITTEN, Called, announced, called, unconcerned

UPDATE = "Elastic Beanstalk resource status change"
PHASES = {
    "Environment update started": Phase.STARTED,
    "Environment update successful": Phase.COMPLETE,
    "Environment update failed": Phase.COMPLETE,
}

SWAP = "SwapEnvironmentCNAMEs"

_APPLICATION = re.compile(r"[^/\x00-\x1f\x7f]{1,100}")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9-]{4,40}")

Meaning = Announcement | Ignored | Rejected


def update(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a change of an environment means.

    Args:
        event: Of the type `UPDATE`.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the environment is.
    """
    status = event.detail.get("Status")
    phase = PHASES.get(status) if isinstance(status, str) else None
    if phase is None:
        return Ignored(f"{UPDATE}: {shown(status)} is no update of an environment")
    application, environment = event.detail.get("ApplicationName"), event.detail.get("EnvironmentName")
    if not isinstance(application, str) or not _APPLICATION.fullmatch(application):
        return _rejected(f"{shown(application)} is no application", "detail.ApplicationName")
    if not isinstance(environment, str) or not _ENVIRONMENT.fullmatch(environment):
        return _rejected(f"{shown(environment)} is no environment", "detail.EnvironmentName")
    at = f"{application}/{environment}"
    found = whose(
        f"beanstalk:{event.region}:{event.account}:{at}",
        f"beanstalk:{event.region}:*:{at}",
        opening.directory,
    )
    if not isinstance(found, Whose):
        return found
    return Announcement(
        source=opening.name,
        dedup_key=f"{event.id}:{status}",
        service=found.service,
        environment=found.environment,
        phase=phase,
        at=event.at or arrived,
        hints=part_of(found),
    )


def swapped(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a call of the API of Beanstalk means.

    Args:
        event: Of the trail.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the environments are.
    """
    call = called(event, arrived)
    if not isinstance(call, Called):
        return call
    if call.name != SWAP:
        return unconcerned(event, call)
    name = call.asked.get("sourceEnvironmentName")
    if name is None:
        return Ignored(
            f"{SWAP}: the call names its environments by their ids alone; what is live is read anyway"
        )
    if not isinstance(name, str) or not _ENVIRONMENT.fullmatch(name):
        where = "detail.requestParameters.sourceEnvironmentName"
        return Rejected(f"{shown(name)} is no environment", AS_WRITTEN, where)
    addresses = (
        f"beanstalk_swap:{event.region}:{event.account}:{name}",
        f"beanstalk_swap:{event.region}:*:{name}",
    )
    return announced(call, addresses, Phase.STARTED, {}, opening)


def _rejected(words: str, where: str) -> Rejected:
    return Rejected(words, "send the event as Elastic Beanstalk wrote it", where)
