"""An environment, and its instances, as Beanstalk tells them. Plain values.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_EnvironmentDescription.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_Deployment.html: a deployment's number grows by one with each
    deployment, and with each change of the instances' settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

READY = "Ready"
MOVING = frozenset({"Updating", "Aborting"})
ENDED = frozenset({"Terminating", "Terminated"})
IN_PROGRESS = "In Progress"
_EVER = datetime.min.replace(tzinfo=UTC)
# Below these an instance may have another version than it should: "Incorrect application version" is a cause of Warning [C].
_WELL = frozenset({"Ok", "Info"})


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment.

    Attributes:
        label: Of the version that it is told to run; empty: none.
        status: ``Ready``, or what is done to it.
        abortable: What is done to it can be broken off.
        health: ``Ok``, ``Degraded``…; empty where health reporting is basic.
        color: ``Green``, ``Yellow``, ``Red``; ``Grey``: nobody can say.
        cname: The name of DNS that leads to it, in small letters.
        updated: When it was changed last, whatever was.
    """

    name: str
    application: str
    label: str
    status: str
    abortable: bool = False
    health: str = ""
    updated: datetime = _EVER
    arn: str = ""
    color: str = ""
    cname: str = ""

    @property
    def is_enhanced(self) -> bool:
        """Its instances say what they run."""
        return self.health != ""

    @property
    def is_quiet(self) -> bool:
        """Nothing is done to it, and nothing is wrong with it."""
        return self.status == READY and self.health in _WELL


@dataclass(frozen=True, slots=True)
class Instance:
    """What one instance says of the last deployment to it.

    Attributes:
        deployment: Its number; the higher the newer.
        status: ``In Progress``, ``Deployed``, ``Failed``.
        at: When it began, while it is in progress; else when it ended.
    """

    id: str
    label: str
    deployment: int
    status: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of an environment."""

    at: datetime
    severity: str
    message: str
    label: str = ""


def environment_of(told: Mapping[str, Any]) -> Environment:
    """One of DescribeEnvironments."""
    return Environment(
        name=str(told.get("EnvironmentName", "")),
        application=str(told.get("ApplicationName", "")),
        label=str(told.get("VersionLabel", "")),
        status=str(told.get("Status", "")),
        abortable=told.get("AbortableOperationInProgress") is True,
        health=str(told.get("HealthStatus", "")),
        updated=moment(told.get("DateUpdated")) or _EVER,
        arn=str(told.get("EnvironmentArn", "")),
        color=str(told.get("Health", "")),
        cname=str(told.get("CNAME", "")).lower(),
    )


def instance_of(told: Mapping[str, Any]) -> Instance:
    """One of DescribeInstancesHealth; one that has no deployment yet says no label."""
    deployment = told.get("Deployment", {})
    return Instance(
        id=str(told.get("InstanceId", "")),
        label=str(deployment.get("VersionLabel", "")),
        deployment=int(deployment.get("DeploymentId", 0)),
        status=str(deployment.get("Status", "")),
        at=moment(deployment.get("DeploymentTime")),
    )


def happened(told: Mapping[str, Any]) -> Happened:
    """One of DescribeEvents."""
    return Happened(
        at=moment(told.get("EventDate")) or _EVER,
        severity=str(told.get("Severity", "")),
        message=str(told.get("Message", "")),
        label=str(told.get("VersionLabel", "")),
    )


def moment(told: object) -> datetime | None:
    """A time as boto3 gives it (in the zone of this machine), in UTC; ``None``: none is told."""
    return told.astimezone(UTC) if isinstance(told, datetime) else None


def labels_of(instances: Sequence[Instance]) -> tuple[str, ...]:
    """The labels that *instances* say, the newest deployment last."""
    newest: dict[str, int] = {}
    for each in instances:
        if each.label:
            newest[each.label] = max(each.deployment, newest.get(each.label, 0))
    return tuple(sorted(newest, key=lambda label: newest[label]))
