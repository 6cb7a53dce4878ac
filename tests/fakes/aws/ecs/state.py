"""What ECS knows of a service, as values: a change makes a new one, so the old one can still be told by a stale read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})
IN_FLIGHT = frozenset(
    {"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}
)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the tasks of a release behave. All durations are guesses that a test replaces by its own [U].

    Attributes:
        starts_in: From being created until it runs.
        healthy_in: Since it runs, until its health check passes; before that it does not count as running for a rollout.
        stops_in: From being told to stop until it is gone.
        fails_to_start: It never runs; why (``CannotPullContainerError: ...``).
        crashes_after: Since it runs.
        exit_code: Of the crash.
        out_of_memory: The crash is the kernel's doing: exit code 137, ``OutOfMemoryError``.
        unhealthy_after: Since it runs: its health check fails, and the scheduler replaces it.
    """

    starts_in: timedelta = timedelta(seconds=20)
    healthy_in: timedelta = timedelta(0)
    stops_in: timedelta = timedelta(seconds=10)
    fails_to_start: str | None = None
    crashes_after: timedelta | None = None
    exit_code: int = 1
    out_of_memory: bool = False
    unhealthy_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """One revision of a family.

    Attributes:
        content: What ``RegisterTaskDefinition`` was given, without the tags.
    """

    arn: str
    family: str
    revision: int
    content: Mapping[str, Any]
    registered_at: datetime
    status: str = "ACTIVE"


@dataclass(frozen=True, slots=True)
class Revision:
    """A service revision: what a service was told to run.

    Attributes:
        images: Digests by container, as the first task pulled them; empty until one has. [D]
    """

    arn: str
    task_definition: str
    images: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        deployment: The id (``ecs-svc/...``) that started it.
        status: PENDING, RUNNING, STOPPING or STOPPED.
        images: The digests that it pulled, by container.
        due: When it changes next by itself, and *then* what happens: run, fail, heal, crash, sicken, stop.
    """

    id: str
    arn: str
    deployment: str
    revision: str
    task_definition: str
    zone: str
    address: str
    created_at: datetime
    images: Mapping[str, str] = field(default_factory=dict)
    status: str = "PENDING"
    health: str = "UNKNOWN"
    started_at: datetime | None = None
    stopping_at: datetime | None = None
    stopped_at: datetime | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    container_reason: str | None = None
    due: datetime | None = None
    then: str = ""
    version: int = 1


@dataclass(frozen=True, slots=True)
class Deployment:
    """An entry of ``deployments``: a set of tasks. The first one of a service is PRIMARY, the others ACTIVE."""

    id: str
    revision: str
    task_definition: str
    created_at: datetime
    updated_at: datetime
    rollout_state: str = "IN_PROGRESS"
    reason: str = ""
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Hook:
    """A PAUSE hook that a service deployment has come to."""

    id: str
    stage: str
    expires_at: datetime
    on_timeout: str
    status: str = "AWAITING_ACTION"


@dataclass(frozen=True, slots=True)
class Rollback:
    """A service deployment goes back."""

    reason: str
    started_at: datetime
    revision: str


@dataclass(frozen=True, slots=True)
class ServiceDeployment:
    """One service deployment, kept for 90 days [M].

    Attributes:
        deployment: The id of the set of tasks that it brings.
        due: When it goes on by itself (from PENDING, from ROLLBACK_REQUESTED, from a step of traffic, from the bake).
        weight: Percent of the production traffic that what it brings has been given, where traffic is shifted.
    """

    arn: str
    deployment: str
    target: str
    sources: tuple[str, ...]
    configuration: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    status: str = "PENDING"
    status_reason: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    stopped_at: datetime | None = None
    stage: str = "RECONCILE_SERVICE"
    entered: bool = False
    hooks: tuple[Hook, ...] = ()
    rollback: Rollback | None = None
    failures: int = 0
    tripped: bool = False
    due: datetime | None = None
    weight: float = 0.0

    @property
    def in_flight(self) -> bool:
        """It has not ended."""
        return self.status in IN_FLIGHT

    @property
    def blue_green(self) -> bool:
        """New tasks stand beside the old ones until the clean-up."""
        return bool(self.configuration.get("strategy", "ROLLING") != "ROLLING")


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        more: What ``CreateService`` was given and nothing here depends on (load balancers, launch type).
        deployments: The primary first.
        history: Its service deployments, the newest first.
        messages: Its ``events``, the newest first: (id, at, text).
    """

    arn: str
    name: str
    cluster: str
    desired: int
    task_definition: str
    created_at: datetime
    controller: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    status: str = "ACTIVE"
    deployments: tuple[Deployment, ...] = ()
    history: tuple[ServiceDeployment, ...] = ()
    revisions: tuple[Revision, ...] = ()
    tasks: tuple[Task, ...] = ()
    messages: tuple[tuple[str, datetime, str], ...] = ()

    @property
    def primary(self) -> Deployment:
        """The set of tasks that is wanted."""
        return self.deployments[0]

    @property
    def current(self) -> ServiceDeployment | None:
        """The service deployment that has not ended."""
        return self.history[0] if self.history and self.history[0].in_flight else None

    @property
    def traffic(self) -> Mapping[str, float]:
        """The share of the traffic by task definition (``web:2``): by the weights while it is shifted, else by the tasks that run."""
        current = self.current
        running = [task for task in self.tasks if task.status == "RUNNING"]
        if current is not None and current.blue_green and current.rollback is None:
            new = current.weight / 100
            old = next((each for each in self.deployments[1:]), None)
            shares = {self.primary.task_definition: new, old.task_definition if old else "": 1 - new}
        elif current is not None and current.blue_green:
            shares = {self.primary.task_definition: 1.0}
        else:
            counts = Counter(task.task_definition for task in running)
            shares = {each: count / len(running) for each, count in counts.items()}
        return {each.rpartition("/")[2]: share for each, share in shares.items() if share > 0}

    def ready(self, deployment: str) -> list[Task]:
        """The tasks of a set that run and are healthy."""
        return [task for task in self.tasks_of(deployment, "RUNNING") if task.health == "HEALTHY"]

    def tasks_of(self, deployment: str, *statuses: str) -> list[Task]:
        """The tasks of a set that are in one of *statuses*."""
        return [task for task in self.tasks if task.deployment == deployment and task.status in statuses]

    def counted(self, *statuses: str) -> int:
        """How many tasks are in one of *statuses*."""
        return sum(task.status in statuses for task in self.tasks)

    @property
    def wakes_at(self) -> datetime | None:
        """When something happens next, if nobody does anything."""
        if self.status != "ACTIVE":
            return None
        times = [task.due for task in self.tasks if task.due]
        if self.current is not None:
            times += [self.current.due] if self.current.due else []
            times += [hook.expires_at for hook in self.current.hooks if hook.status == "AWAITING_ACTION"]
        return min(times, default=None)
