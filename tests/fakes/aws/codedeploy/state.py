"""What is, in CodeDeploy: groups, instances with what is installed on them, and deployments. Values, replaced as time goes on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

NOTHING: Mapping[str, Any] = MappingProxyType({})
IN_FLIGHT = frozenset({"Created", "Queued", "InProgress", "Baking", "Ready"})
OF_THE_FLEET = frozenset({"autoscaling", "autoscalingTermination", "CodeDeployAutoUpdate"})


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a revision behaves on each instance.

    Attributes:
        takes: From the first lifecycle event on an instance to the last.
        fails_at: The lifecycle event whose script fails; of the next deployment, if it is ``ApplicationStop``, for that is run
            from the revision that is installed [D].
        log: The end of what the script has said.
        fails_on: Only on these instances; all, if none is named.
        litters: Its scripts leave files where those of other revisions are to lie: no cleanup file names them [D].
    """

    takes: timedelta = timedelta(seconds=30)
    fails_at: str | None = None
    log: str = "exit status 1"
    fails_on: tuple[str, ...] = ()
    litters: bool = False

    def fails(self, event: str, instance: str) -> bool:
        """The script of *event* fails there."""
        return self.fails_at == event and (not self.fails_on or instance in self.fails_on)


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of a group.

    Attributes:
        runs: The revision that serves; none: it is being deployed to, or what was installed is broken.
        installed: The last that was installed wholly: its ``ApplicationStop`` is run before the next one.
        leftovers: Files lie there that no cleanup file names [D].
    """

    id: str
    runs: str | None = None
    installed: str | None = None
    leftovers: bool = False


@dataclass(frozen=True, slots=True)
class OnInstance:
    """How a deployment stands on one instance.

    Attributes:
        failed_at: The lifecycle event that failed, and the end of its script's words.
    """

    instance: str
    status: str = "Pending"
    begun: datetime | None = None
    ends: datetime | None = None
    failed_at: str | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment.

    Attributes:
        asked: What ``CreateDeployment`` was given, but for what has a place of its own here.
        wakes: When it does something next.
        undoes: The deployment that it takes back, where CodeDeploy made it.
        undone_by: The deployment that took it back.
        stops: When a stop that was asked for takes effect, and whether CodeDeploy goes back then.
        step: Of ECS and Lambda: how many of its steps it has gone (`shifting.steps`).
        moved: On EC2, blue-green: the traffic is on the new instances.
        waits: The lifecycle hook whose function has not answered, and the id of its execution.
        begun: Since when it waits.
        events: The lifecycle events that have ended, in their order: name, status, when.
    """

    id: str
    application: str
    group: str
    revision: Mapping[str, Any]
    created: datetime
    creator: str = "user"
    status: str = "Created"
    started: datetime | None = None
    completed: datetime | None = None
    description: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    previous: Mapping[str, Any] = field(default_factory=dict)
    on: tuple[OnInstance, ...] = ()
    error: tuple[str, str] | None = None
    undoes: str | None = None
    undone_by: str | None = None
    wakes: datetime | None = None
    stops: tuple[datetime, bool] | None = None
    step: int = 0
    moved: bool = False
    waits: tuple[str, str] | None = None
    begun: datetime | None = None
    events: tuple[tuple[str, str, datetime], ...] = ()

    @property
    def is_in_flight(self) -> bool:
        """It has not come to its end."""
        return self.status in IN_FLIGHT

    @property
    def is_of_the_fleet(self) -> bool:
        """Made for instances that came, not for the group."""
        return self.creator in OF_THE_FLEET

    @property
    def behaviour(self) -> str:
        """The revision that it installs, by the key of its bundle or its commit."""
        return key_of(self.revision)

    def count(self, *statuses: str) -> int:
        """On how many instances it stands so."""
        return sum(each.status in statuses for each in self.on)

    def with_(self, changed: OnInstance) -> "Deployment":
        """The same, where *changed* stands so on its instance."""
        on = tuple(changed if each.instance == changed.instance else each for each in self.on)
        return replace(self, on=on)


@dataclass(frozen=True, slots=True)
class Group:
    """A deployment group.

    Attributes:
        minimum: Healthy instances that a deployment keeps, by the group's configuration (``HOST_COUNT`` or ``FLEET_PERCENT``).
        alarming: An alarm of the group is in ALARM.
        more: Other members of ``DeploymentGroupInfo``, laid over.
        traffic: Of ECS and Lambda: the share of each revision.
    """

    application: str
    name: str
    instances: tuple[Instance, ...]
    config: str
    minimum: tuple[str, int]
    auto_rollback: tuple[str, ...] = ()
    alarming: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    traffic: Mapping[str, float] = field(default_factory=dict)
    deployments: tuple[str, ...] = ()

    @property
    def platform(self) -> str:
        """``Server``, ``ECS``, ``Lambda``."""
        return str(self.more.get("computePlatform", "Server"))

    @property
    def is_shifted(self) -> bool:
        """Traffic is moved from what serves to what is new, which stands beside it."""
        return self.platform in {"ECS", "Lambda"}

    @property
    def is_replaced(self) -> bool:
        """New instances take the place of those that serve."""
        style = self.more.get("deploymentStyle", {})
        return self.platform == "Server" and style.get("deploymentType") == "BLUE_GREEN"

    @property
    def ready_wait(self) -> timedelta | None:
        """For how long a deployment waits to be given the traffic, before it is stopped; ``None``: it does not wait."""
        option = self.more.get("blueGreenDeploymentConfiguration", {}).get("deploymentReadyOption", {})
        if option.get("actionOnTimeout") != "STOP_DEPLOYMENT":
            return None
        return timedelta(minutes=option.get("waitTimeInMinutes", 0))

    @property
    def termination_wait(self) -> timedelta | None:
        """For how long what served is kept after the traffic has moved; ``None``: nobody says."""
        told = self.more.get("blueGreenDeploymentConfiguration", {}).get(
            "terminateBlueInstancesOnDeploymentSuccess", {}
        )
        return timedelta(minutes=told["terminationWaitTimeInMinutes"]) if told else None

    def instance(self, id: str) -> Instance:
        """One of its instances."""
        return next(each for each in self.instances if each.id == id)

    def with_(self, changed: Instance) -> "Group":
        """The same, where *changed* is so."""
        return replace(
            self, instances=tuple(changed if each.id == changed.id else each for each in self.instances)
        )

    @property
    def kept(self) -> int:
        """How many of its instances a deployment keeps healthy. [D] A percentage is rounded up."""
        kind, value = self.minimum
        return value if kind == "HOST_COUNT" else -(-len(self.instances) * value // 100)


def key_of(revision: Mapping[str, Any]) -> str:
    """The key of a bundle, a commit, or the hash of an AppSpec: what tests call a revision by."""
    if "appSpecContent" in revision:
        return sha_of(revision)
    found = revision.get("s3Location", {}).get("key") or revision.get("gitHubLocation", {}).get("commitId")
    return str(found)


def sha_of(revision: Mapping[str, Any]) -> str:
    """The hash of an AppSpec."""
    told = revision["appSpecContent"]
    return str(told.get("sha256") or hashlib.sha256(str(told["content"]).encode()).hexdigest())
