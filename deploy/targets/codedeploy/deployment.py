"""A deployment and its group as CodeDeploy tells them, in our words.

What is unknown here is passed on as text, never refused: AWS adds values as it likes.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentInfo.html
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentGroupInfo.html
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentTarget.html
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.model import Release
from deploy.targets.codedeploy.revision import Revision, revision_of

SUCCEEDED = "Succeeded"
BROKEN_OFF = frozenset({"Failed", "Stopped"})
ENDED = BROKEN_OFF | {SUCCEEDED}
SHIFTING = frozenset({"ECS", "Lambda"})
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
        config: The name of the deployment configuration: how many instances may be away.
        is_behind: CodeDeploy takes an instance out of its balancer while it works on it.
        alarms: Names of the alarms that stop its deployments.
        last, succeeded: Ids of the deployments that were tried last, and that succeeded last.
        account: Twelve digits, as its service role tells.
    """

    application: str
    name: str
    platform: str = "Server"
    style: str = "IN_PLACE"
    config: str = ""
    is_behind: bool = False
    alarms: tuple[str, ...] = ()
    last: str | None = None
    succeeded: str | None = None
    account: str | None = None

    @property
    def shifts(self) -> bool:
        """Traffic is moved to what stands beside what serves: a way back takes nothing away before it is there."""
        return self.platform in SHIFTING


@dataclass(frozen=True, slots=True)
class OnInstance:
    """How a deployment stands on an instance that failed, or is being worked on.

    Attributes:
        event: The lifecycle event that failed; empty if none did.
        words: What its script said last.
    """

    instance: str
    status: str
    event: str = ""
    words: str = ""


def group_of(told: Mapping[str, Any]) -> Group:
    """A ``DeploymentGroupInfo``."""
    style, alarms = told.get("deploymentStyle", {}), told.get("alarmConfiguration", {})
    role = _ROLE.fullmatch(str(told.get("serviceRoleArn", "")))
    return Group(
        application=str(told.get("applicationName", "")),
        name=str(told.get("deploymentGroupName", "")),
        platform=str(told.get("computePlatform") or "Server"),
        style=str(style.get("deploymentType") or "IN_PLACE"),
        config=str(told.get("deploymentConfigName", "")),
        is_behind=style.get("deploymentOption") == "WITH_TRAFFIC_CONTROL",
        alarms=tuple(str(each.get("name", "")) for each in alarms.get("alarms", ()) if alarms.get("enabled")),
        last=told.get("lastAttemptedDeployment", {}).get("deploymentId"),
        succeeded=told.get("lastSuccessfulDeployment", {}).get("deploymentId"),
        account=role["account"] if role else None,
    )


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
        created=_time(told.get("createTime")) or _EVER,
        started=_time(told.get("startTime")),
        completed=_time(told.get("completeTime")),
        creator=str(told.get("creator", "user")),
        description=str(told.get("description", "")),
        counts=_counts(told.get("deploymentOverview", {})),
        error=(str(error.get("code", "")), str(error.get("message", ""))),
        undoes=back.get("rollbackTriggeringDeploymentId"),
        undone_by=back.get("rollbackDeploymentId"),
        retains=told.get("fileExistsBehavior") == "RETAIN",
        platform=str(told.get("computePlatform") or "Server"),
        goes_back_by_itself=frozenset(map(str, own.get("events", ()))) if own.get("enabled") else frozenset(),
    )


def target_of(told: Mapping[str, Any]) -> OnInstance:
    """A ``DeploymentTarget``: an instance; of ECS a service, of Lambda a function."""
    target = _target(told)
    events: Sequence[Mapping[str, Any]] = target.get("lifecycleEvents", ())
    failed: Mapping[str, Any] = next((each for each in events if each.get("status") == "Failed"), {})
    said = failed.get("diagnostics", {})
    return OnInstance(
        instance=str(target.get("targetId", "")),
        status=str(target.get("status", "")),
        event=str(failed.get("lifecycleEventName", "")),
        words=str(said.get("logTail") or said.get("message") or ""),
    )


def weight_of(told: Mapping[str, Any]) -> float | None:
    """The share (0..1) of the traffic that a deployment has moved, as its ``DeploymentTarget`` tells it; ``None``: it does not."""
    target = _target(told)
    function = target.get("lambdaFunctionInfo", {})
    if "targetVersionWeight" in function:
        return float(function["targetVersionWeight"]) / 100
    green = [each for each in target.get("taskSetsInfo", ()) if each.get("taskSetLabel") == "Green"]
    weights = [float(each["trafficWeight"]) for each in green if "trafficWeight" in each]
    return weights[0] / 100 if weights else None


def _target(told: Mapping[str, Any]) -> Mapping[str, Any]:
    kinds = ("instanceTarget", "ecsTarget", "lambdaTarget")
    found: Mapping[str, Any] = next((told[kind] for kind in kinds if kind in told), {})
    return found


def _counts(told: Mapping[str, Any]) -> Counts:
    def of(name: str) -> int:
        return int(told.get(name, 0))

    return Counts(of("Pending"), of("InProgress") + of("Ready"), of("Succeeded"), of("Failed"), of("Skipped"))


def _time(told: object) -> datetime | None:
    return told if isinstance(told, datetime) else None
