"""A service as DescribeServices tells it, in our words.

A *rollout* is what ECS calls a deployment of the service (``ecs-svc/…``), or a task set where something else deploys.
What is unknown here is passed on as text, never refused: AWS adds values as it likes.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.targets.ecs.strategy import Strategy, strategy_of

_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rollout:
    """One deployment of a service, as far as it still has a place there.

    Attributes:
        definition: The task definition's ARN.
        state: ``IN_PROGRESS``, ``COMPLETED``, ``FAILED``; ``None`` where ECS tells none.
        failed: Tasks that failed one after another, since one ran.
    """

    id: str
    status: str
    definition: str
    created: datetime
    desired: int = 0
    pending: int = 0
    running: int = 0
    failed: int = 0
    state: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """A target group that a container of the service's tasks is in."""

    container: str
    group: str


@dataclass(frozen=True, slots=True)
class Service:
    """What DescribeServices says of one service.

    Attributes:
        rollouts: The newest first.
        revisions: ARNs of the service revisions that have a part in it.
        deployment: ARN of the service deployment that is under way, or was last.
        events: When, and ECS's words; the newest first.
        behind: What stands before it.
        rules: ARNs of the rules and listeners by which ECS moves its traffic.
        least, most: Percent of the desired tasks that run during a deployment, as the service sets them.
    """

    name: str
    arn: str
    cluster: str
    status: str = "ACTIVE"
    controller: str = "ECS"
    strategy: Strategy = field(default_factory=Strategy)
    daemon: bool = False
    desired: int = 0
    rollouts: tuple[Rollout, ...] = ()
    revisions: tuple[str, ...] = ()
    deployment: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    events: tuple[tuple[datetime, str], ...] = ()
    least: int | None = None
    most: int | None = None
    behind: tuple[Behind, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """ECS itself deploys it, in a way that this version knows."""
        return self.controller == "ECS" and self.strategy.is_known

    @property
    def tells_more(self) -> bool:
        """Its deployment, under way, may have weights, or wait at a hook: what DescribeServices does not tell."""
        is_under_way = self.coming is not None and self.deployment is not None
        return self.is_ours and is_under_way and (self.strategy.shifts or bool(self.strategy.pauses))

    @property
    def primary(self) -> Rollout | None:
        """The newest."""
        return next((rollout for rollout in self.rollouts if rollout.status == "PRIMARY"), None)

    @property
    def coming(self) -> Rollout | None:
        """What is being rolled out: until it is complete, and nothing of what was before runs any more."""
        primary = self.primary
        if primary is None:
            return None
        if self.controller != "ECS":
            # PRIMARY is the task set that has the traffic; what is to have it is younger.
            younger = [
                each for each in self.rollouts if each.created > primary.created and each.status == "ACTIVE"
            ]
            return younger[0] if younger else None
        if primary.state is None:
            # Behind a Classic Load Balancer ECS tells no state: then the counts must do.
            return None if not self.before and primary.running >= primary.desired else primary
        return None if primary.state == "COMPLETED" and not self.before else primary

    @property
    def before(self) -> tuple[Rollout, ...]:
        """What ran before and still does."""
        return tuple(each for each in self.rollouts if each.status != "PRIMARY" and each.running > 0)

    @property
    def serving(self) -> Rollout | None:
        """What serves: while something is rolled out, what most tasks of before run."""
        primary = self.primary
        if primary is None or (self.desired == 0 and all(each.running == 0 for each in self.rollouts)):
            return None
        if self.controller != "ECS":
            return primary
        if self.before:
            return max(self.before, key=lambda each: (each.running, each.created))
        return primary if self.coming is None or primary.running > 0 else None


def service_of(told: Mapping[str, Any], cluster: str) -> Service:
    """One of the ``services`` of DescribeServices."""
    configuration = told.get("deploymentConfiguration", {})
    controller = told.get("deploymentController", {}).get("type", "ECS")
    rollouts = (
        [_rollout(each) for each in told.get("deployments", ())]
        if controller == "ECS"
        else [_task_set(each) for each in told.get("taskSets") or told.get("deployments", ())]
    )
    return Service(
        name=str(told.get("serviceName", "")),
        arn=str(told.get("serviceArn", "")),
        cluster=cluster,
        status=str(told.get("status", "ACTIVE")),
        controller=str(controller),
        strategy=strategy_of(configuration),
        daemon=told.get("schedulingStrategy") == "DAEMON",
        desired=int(told.get("desiredCount", 0)),
        rollouts=tuple(sorted((each for each in rollouts if each.status != "INACTIVE"), key=_newest_first)),
        revisions=tuple(
            str(each["arn"]) for each in told.get("currentServiceRevisions", ()) if "arn" in each
        ),
        deployment=told.get("currentServiceDeployment"),
        tags=tuple((str(tag.get("key", "")), str(tag.get("value", ""))) for tag in told.get("tags", ())),
        events=tuple((_time(each), str(each.get("message", ""))) for each in told.get("events", ())),
        least=configuration.get("minimumHealthyPercent"),
        most=configuration.get("maximumPercent"),
        behind=tuple(_behind(told.get("loadBalancers", ()))),
        rules=tuple(_rules(told.get("loadBalancers", ()))),
    )


def _behind(told: Iterable[Mapping[str, Any]]) -> Iterator[Behind]:
    """Those that a strategy moves the traffic between too. A Classic Load Balancer has no target group."""
    for each in told:
        groups = (
            each.get("targetGroupArn"),
            each.get("advancedConfiguration", {}).get("alternateTargetGroupArn"),
        )
        for group in groups:
            if group:
                yield Behind(str(each.get("containerName", "")), str(group))


def _rules(told: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for each in told:
        advanced = each.get("advancedConfiguration", {})
        for rule in (advanced.get("productionListenerRule"), advanced.get("testListenerRule")):
            if rule:
                yield str(rule)


def _rollout(told: Mapping[str, Any]) -> Rollout:
    return Rollout(
        id=str(told.get("id", "")),
        status=str(told.get("status", "")),
        definition=str(told.get("taskDefinition", "")),
        created=_time(told),
        desired=int(told.get("desiredCount", 0)),
        pending=int(told.get("pendingCount", 0)),
        running=int(told.get("runningCount", 0)),
        failed=int(told.get("failedTasks", 0)),
        state=told.get("rolloutState"),
        reason=str(told.get("rolloutStateReason", "")),
    )


def _task_set(told: Mapping[str, Any]) -> Rollout:
    return Rollout(
        id=str(told.get("id", "")),
        status=str(told.get("status", "")),
        definition=str(told.get("taskDefinition", "")),
        created=_time(told),
        desired=int(told.get("computedDesiredCount", 0)),
        pending=int(told.get("pendingCount", 0)),
        running=int(told.get("runningCount", 0)),
    )


def _time(told: Mapping[str, Any]) -> datetime:
    found = told.get("createdAt")
    return found if isinstance(found, datetime) else _EVER


def _newest_first(rollout: Rollout) -> tuple[bool, float]:
    return rollout.status != "PRIMARY", -rollout.created.timestamp() if rollout.created > _EVER else 0.0
