"""A deployment and its group as CodeDeploy tells them, in our words.

What is unknown here is passed on as text, never refused: AWS adds values as it likes.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentGroupInfo.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.model import Release
from deploy.targets.codedeploy.revision import Revision, revision_of

SUCCEEDED = "Succeeded"
NOT_BEGUN = frozenset({"Created", "Queued"})  # nothing was done yet
BROKEN_OFF = frozenset({"Failed", "Stopped"})
ENDED = BROKEN_OFF | {SUCCEEDED}
SHIFTING = frozenset({"ECS", "Lambda"})
READY = "Ready"  # it waits to be given the traffic
BY_ITSELF = "codeDeployRollback"
# Made for instances that came or went, and no deployment of the group.
OF_THE_FLEET = frozenset({"autoscaling", "autoscalingTermination", "CodeDeployAutoUpdate"})
_EVER = datetime.min.replace(tzinfo=UTC)
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(?P<account>\d{12}):role/.+")


@dataclass(frozen=True, slots=True)
class Counts:
    """On how many instances a deployment stands how."""

    pending: int = 0
    in_progress: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.pending + self.in_progress + self.succeeded + self.failed + self.skipped

    @property
    def touched(self) -> int:
        """Those to which something was done."""
        return self.in_progress + self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment to a group.

    Attributes:
        status: ``Created``, ``Queued``, ``InProgress``, ``Baking``, ``Ready``, ``Succeeded``, ``Failed``, ``Stopped``.
        creator: ``user``, ``codeDeployRollback``, ``autoscaling``, …
        undoes: The deployment that CodeDeploy takes back by this one.
        undone_by: The deployment by which CodeDeploy took this one back.
        platform: ``Server``, ``Lambda``, ``ECS``.
        retains: Files that lay on an instance were kept, where the release has some of the same name.
        moved: All the traffic is on the new instances, and those of before wait for their end (blue-green on EC2).
        goes_back_by_itself: CodeDeploy is to take it back by itself, should it fail or be stopped: on which events.
    """

    id: str
    application: str
    group: str
    status: str
    revision: Revision | None
    created: datetime
    started: datetime | None = None
    completed: datetime | None = None
    creator: str = "user"
    description: str = ""
    counts: Counts = field(default_factory=Counts)
    error: tuple[str, str] = ("", "")
    undoes: str | None = None
    undone_by: str | None = None
    retains: bool = False
    platform: str = "Server"
    moved: bool = False
    goes_back_by_itself: frozenset[str] = frozenset()

    @property
    def release(self) -> Release | None:
        """What it deploys."""
        return self.revision.release if self.revision else None

    @property
    def is_in_flight(self) -> bool:
        """It has not come to its end."""
        return self.status not in ENDED

    @property
    def is_of_the_fleet(self) -> bool:
        """Made for instances that came or went."""
        return self.creator in OF_THE_FLEET

    @property
    def is_of_the_group(self) -> bool:
        """It brings a release to the group. A restart brings none, and tells no revision."""
        return not self.is_of_the_fleet and self.release is not None

    @property
    def is_half_done(self) -> bool:
        """It was broken off, and did something to some instances: they run it, or what is left of it."""
        return self.status in BROKEN_OFF and self.counts.touched > 0


@dataclass(frozen=True, slots=True)
class Group:
    """A deployment group.

    Attributes:
        platform: ``Server``, ``Lambda``, ``ECS``.
        style: ``IN_PLACE`` or ``BLUE_GREEN``.
        copies: New instances are made for each deployment, as the Auto Scaling group has them; else somebody chooses them.
        config: The name of the deployment configuration: how many instances may be away.
        is_behind: CodeDeploy takes an instance out of its balancer while it works on it.
        alarms: Names of the alarms that stop its deployments.
        last, succeeded: Ids of the deployments that were tried last, and that succeeded last.
        account: Twelve digits, as its service role tells.
        waits: For how long a deployment that is ready waits to be given the traffic, before it is stopped; ``None``: it does not.
        keeps: For how long what served is kept once the traffic has moved; ``None``: nobody says when it is taken away.
        listeners: ARNs of those whose traffic it moves, of ECS.
    """

    application: str
    name: str
    platform: str = "Server"
    style: str = "IN_PLACE"
    copies: bool = False
    config: str = ""
    is_behind: bool = False
    alarms: tuple[str, ...] = ()
    last: str | None = None
    succeeded: str | None = None
    account: str | None = None
    waits: timedelta | None = None
    keeps: timedelta | None = None
    listeners: tuple[str, ...] = ()

    @property
    def shifts(self) -> bool:
        """Its traffic is moved by weights: of ECS and Lambda."""
        return self.platform in SHIFTING

    @property
    def replaces(self) -> bool:
        """New instances take the place of those that serve: the traffic is moved to them, and those of before are ended later."""
        return self.platform == "Server" and self.style == "BLUE_GREEN"

    @property
    def is_beside(self) -> bool:
        """What is new stands beside what serves: a way back takes nothing away before it is there."""
        return self.shifts or self.replaces


def group_of(told: Mapping[str, Any]) -> Group:
    """A ``DeploymentGroupInfo``."""
    style, alarms = told.get("deploymentStyle", {}), told.get("alarmConfiguration", {})
    role = _ROLE.fullmatch(str(told.get("serviceRoleArn", "")))
    beside = told.get("blueGreenDeploymentConfiguration", {})
    ready = beside.get("deploymentReadyOption", {})
    blue = beside.get("terminateBlueInstancesOnDeploymentSuccess", {})
    return Group(
        application=str(told.get("applicationName", "")),
        name=str(told.get("deploymentGroupName", "")),
        platform=str(told.get("computePlatform") or "Server"),
        style=str(style.get("deploymentType") or "IN_PLACE"),
        copies=beside.get("greenFleetProvisioningOption", {}).get("action") == "COPY_AUTO_SCALING_GROUP",
        config=str(told.get("deploymentConfigName", "")),
        is_behind=style.get("deploymentOption") == "WITH_TRAFFIC_CONTROL",
        alarms=tuple(str(each.get("name", "")) for each in alarms.get("alarms", ()) if alarms.get("enabled")),
        last=told.get("lastAttemptedDeployment", {}).get("deploymentId"),
        succeeded=told.get("lastSuccessfulDeployment", {}).get("deploymentId"),
        account=role["account"] if role else None,
        waits=_minutes(ready, "waitTimeInMinutes")
        if ready.get("actionOnTimeout") == "STOP_DEPLOYMENT"
        else None,
        keeps=_minutes(blue, "terminationWaitTimeInMinutes")
        if blue.get("action") != "KEEP_ALIVE" and blue
        else None,
        listeners=tuple(_listeners(told.get("loadBalancerInfo", {}))),
    )


def _listeners(told: Mapping[str, Any]) -> Iterator[str]:
    for pair in told.get("targetGroupPairInfoList", ()):
        for route in (pair.get("prodTrafficRoute", {}), pair.get("testTrafficRoute", {})):
            yield from map(str, route.get("listenerArns", ()))


def deployment_of(told: Mapping[str, Any]) -> Deployment:
    """A ``DeploymentInfo``."""
    error, back = told.get("errorInformation", {}), told.get("rollbackInfo", {})
    own = told.get("autoRollbackConfiguration", {})
    return Deployment(
        id=str(told.get("deploymentId", "")),
        application=str(told.get("applicationName", "")),
        group=str(told.get("deploymentGroupName", "")),
        status=str(told.get("status", "")),
        revision=revision_of(told.get("revision")),
        created=time_of(told.get("createTime")) or _EVER,
        started=time_of(told.get("startTime")),
        completed=time_of(told.get("completeTime")),
        creator=str(told.get("creator", "user")),
        description=str(told.get("description", "")),
        counts=_counts(told.get("deploymentOverview", {})),
        error=(str(error.get("code", "")), str(error.get("message", ""))),
        undoes=back.get("rollbackTriggeringDeploymentId"),
        undone_by=back.get("rollbackDeploymentId"),
        retains=told.get("fileExistsBehavior") == "RETAIN",
        platform=str(told.get("computePlatform") or "Server"),
        moved=told.get("instanceTerminationWaitTimeStarted") is True,
        goes_back_by_itself=frozenset(map(str, own.get("events", ()))) if own.get("enabled") else frozenset(),
    )


def _counts(told: Mapping[str, Any]) -> Counts:
    def of(name: str) -> int:
        return int(told.get(name, 0))

    return Counts(of("Pending"), of("InProgress") + of("Ready"), of("Succeeded"), of("Failed"), of("Skipped"))


def _minutes(told: Mapping[str, Any], name: str) -> timedelta:
    return timedelta(minutes=int(told.get(name) or 0))


def time_of(told: object) -> datetime | None:
    """A time as boto3 gives it; ``None``: none is told."""
    return told if isinstance(told, datetime) else None
