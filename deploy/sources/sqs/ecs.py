"""What an event of ECS means: a service deployment that began, is done, has failed, or waits at a hook.

The events name neither a task definition nor a tag: they are hints of *when*, and the platform is read for *what*.

    detail-type                    eventName                        means
    ECS Deployment State Change    SERVICE_DEPLOYMENT_IN_PROGRESS   started (a rollback by ECS too: told apart by reading)
                                   SERVICE_DEPLOYMENT_COMPLETED     complete
                                   SERVICE_DEPLOYMENT_FAILED        failed (only with a circuit breaker, or alarms)
    ECS Hook State Change          HOOK_AWAITING_ACTION             paused, where it waits for a person (hookType PAUSE)

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html
"""

import re
from dataclasses import dataclass
from datetime import datetime

from deploy.model import Announcement, Pause, Phase
from deploy.source import Directory, Event, Ignored, Opening, Rejected, Whose
from deploy.sources.sqs.directory import part_of, whose
from deploy.sources.sqs.envelope import moment, shown

DEPLOYMENT = "ECS Deployment State Change"
HOOK = "ECS Hook State Change"
PHASES = {
    "SERVICE_DEPLOYMENT_IN_PROGRESS": Phase.STARTED,
    "SERVICE_DEPLOYMENT_COMPLETED": Phase.COMPLETE,
    "SERVICE_DEPLOYMENT_FAILED": Phase.FAILED,
}
AWAITS = "HOOK_AWAITING_ACTION"
OTHERWISE = "ECS rolls the deployment back, unless the time-out of the hook is set to CONTINUE"

_NAME = r"[A-Za-z0-9_-]{1,255}"
_ARN = r"arn:aws[a-z-]{0,16}:ecs:(?P<region>[a-z0-9-]{1,32}):(?P<account>[0-9]{12}):"
_SERVICE = re.compile(rf"{_ARN}service/(?P<cluster>{_NAME})/(?P<service>{_NAME})")
_SHORT = re.compile(rf"{_ARN}service/{_NAME}")
_ROLLOUT = re.compile(rf"{_ARN}service-deployment/(?P<cluster>{_NAME})/(?P<service>{_NAME})/{_NAME}")
_ID = re.compile(
    r"[A-Za-z0-9_./:-]{1,128}"
)  # of a deployment (ecs-svc/123), of a hook: it goes into a command to be copied
_WORD = re.compile(r"[A-Z_]{1,64}")

Meaning = Announcement | Ignored | Rejected


@dataclass(frozen=True, slots=True)
class Place:
    """A service of ECS, by its ARN."""

    region: str
    account: str
    cluster: str
    service: str

    @classmethod
    def of(cls, arn: object) -> "Place | None":
        """The place that *arn* names; ``None``: it names no service, or not its cluster."""
        found = _SERVICE.fullmatch(arn) if isinstance(arn, str) else None
        return found and cls(found["region"], found["account"], found["cluster"], found["service"])

    def addresses(self) -> tuple[str, str]:
        """As `Opening.directory` knows it: exactly, and where the configuration does not tell the account's id."""
        at = f"{self.cluster}/{self.service}"
        return f"ecs:{self.region}:{self.account}:{at}", f"ecs:{self.region}:*:{at}"


def deployment(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a change of a service deployment means.

    Args:
        event: Of the type `DEPLOYMENT`.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the service is.
    """
    name = event.detail.get("eventName")
    phase = PHASES.get(name) if isinstance(name, str) else None
    if phase is None:
        return Ignored(f"{DEPLOYMENT}: {shown(name)} is not known to this version")
    rollout = event.detail.get("deploymentId")
    if not isinstance(rollout, str) or not _ID.fullmatch(rollout):
        return Rejected(
            f"{shown(rollout)} is no deployment's id", "send the event as ECS wrote it", "detail.deploymentId"
        )
    found = _found(event, event.resources[0] if event.resources else None, "resources.0", opening.directory)
    if not isinstance(found, Whose):
        return found
    return Announcement(
        source=opening.name,
        dedup_key=f"{event.id}:{rollout}:{name}",
        service=found.service,
        environment=found.environment,
        phase=phase,
        at=_at(event, arrived),
        hints={"deployment": rollout, **part_of(found)},
        platform_ids=(rollout,),
    )


def hook(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a change of a hook means. A hook that is a program's answers by itself, and is no matter of ours."""
    name, kind = event.detail.get("eventName"), event.detail.get("hookType")
    if name != AWAITS or kind != "PAUSE":
        return Ignored(f"{HOOK}: {shown(name)} of a hook of the type {shown(kind)} waits for nobody")
    found = _found(event, event.detail.get("serviceArn"), "detail.serviceArn", opening.directory)
    if not isinstance(found, Whose):
        return found
    rollout, waits = event.detail.get("serviceDeploymentArn"), event.detail.get("hookId")
    if not isinstance(rollout, str) or not _is_of(rollout, event.detail["serviceArn"]):
        return Rejected(
            f"{shown(rollout)} is no deployment of the service",
            "send the event as ECS wrote it",
            "detail.serviceDeploymentArn",
        )
    if not isinstance(waits, str) or not _ID.fullmatch(waits):
        return Rejected(f"{shown(waits)} is no hook's id", "send the event as ECS wrote it", "detail.hookId")
    return Announcement(
        source=opening.name,
        dedup_key=f"{event.id}:{waits}:{name}",
        service=found.service,
        environment=found.environment,
        phase=Phase.PAUSED,
        at=_at(event, arrived),
        hints=part_of(found),
        platform_ids=(rollout,),
        pause=_pause(event, rollout, waits),
    )


def _pause(event: Event, rollout: str, waits: str) -> Pause:
    stage = event.detail.get("lifecycleStage")
    command = (
        f"aws ecs continue-service-deployment --region {event.region}"
        f" --service-deployment-arn {rollout} --hook-id {waits} --action"
    )
    return Pause(
        hook=waits,
        stage=stage if isinstance(stage, str) and _WORD.fullmatch(stage) else "",
        until=moment(event.detail.get("expiresAt")),
        otherwise=OTHERWISE,
        go_on=f"{command} CONTINUE",
        go_back=f"{command} ROLLBACK",
    )


def _at(event: Event, arrived: datetime) -> datetime:
    return moment(event.detail.get("updatedAt")) or event.at or arrived


# ------------------------------------------------------------------------------------------------------------- whose it is


def _found(event: Event, arn: object, where: str, directory: Directory) -> Whose | Ignored | Rejected:
    """Whose the service with *arn* is."""
    place = _place(event, arn, where)
    if not isinstance(place, Place):
        return place
    return whose(*place.addresses(), directory)


def _place(event: Event, arn: object, where: str) -> Place | Ignored | Rejected:
    """The service; that the event is of the account and the region of its ARN is part of what makes it one."""
    place = Place.of(arn)
    if place is None and isinstance(arn, str) and _SHORT.fullmatch(arn):
        return Ignored(f"{arn} does not name its cluster; what is live is read anyway")
    if place is None:
        return Rejected(f"{shown(arn)} is no service of ECS", "send the event as ECS wrote it", where)
    if (place.region, place.account) != (event.region, event.account):
        return Rejected(
            f"an event of {event.account} in {event.region} cannot be about {arn}",
            "send the event as ECS wrote it",
            where,
        )
    return place


def _is_of(rollout: str, service: str) -> bool:
    of, its = _ROLLOUT.fullmatch(rollout), _SERVICE.fullmatch(service)
    return of is not None and its is not None and of.groupdict() == its.groupdict()
