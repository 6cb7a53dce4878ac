"""What an environment is, at one moment or at all of them; and what an update makes of it, step by step.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.rolling-version-deploy.html [D]
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.timeline import Timeline

ABORTS = timedelta(seconds=40)  # from the request until the environment is Ready [U]
IN_PROGRESS, DEPLOYED, FAILED = "In Progress", "Deployed", "Failed"
NEW_INSTANCES = ("Immutable", "TrafficSplitting")


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance, and the last deployment to it."""

    id: str
    label: str
    deployment: int
    status: str
    at: datetime

    def told(self) -> dict[str, Any]:
        """As DescribeInstancesHealth tells it."""
        return {
            "InstanceId": self.id,
            "HealthStatus": "Ok" if self.status == DEPLOYED else "Info",
            "Color": "Green",
            "Causes": [],
            "Deployment": {
                "VersionLabel": self.label,
                "DeploymentId": self.deployment,
                "Status": self.status,
                "DeploymentTime": self.at,
            },
        }


@dataclass(frozen=True, slots=True)
class State:
    """An environment at one moment.

    Attributes:
        label: What it is told to run.
        before: What it was told before the update that is under way.
        deployment: The number of the last one.
        cname: The name that leads to it.
    """

    label: str
    status: str
    updated: datetime
    instances: tuple[Instance, ...] = ()
    before: str = ""
    deployment: int = 1
    cname: str = ""

    @property
    def health(self) -> str:
        """[C] An instance with another version than it should have is a warning."""
        if self.status != "Ready":
            return "Info"
        return "Ok" if all(each.label == self.label for each in self.instances) else "Degraded"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened; *told*: as EventBridge calls it, if it does; *readable*: from when on, if not at once."""

    at: datetime
    severity: str
    message: str
    label: str
    told: str = ""
    readable: datetime | None = None


Step = tuple[datetime, Callable[[State], State], str]  # when, what, and what EventBridge is told


@dataclass
class Environment:
    """An environment.

    Attributes:
        options: Its settings, by namespace and name.
        starts: How long until the first instance is worked on [U].
        takes: How long a batch of instances is deployed to.
        bad: Labels whose deployment fails on the instances.
        reverts: A label is taken back where a rolling update is broken off or fails [U].
        ill: It is not well: its color and its health.
        steps: What is still to happen.
    """

    name: str
    application: str
    arn: str
    enhanced: bool = True
    options: dict[tuple[str, str], str] = field(default_factory=dict)
    starts: timedelta = timedelta(seconds=10)
    takes: timedelta = timedelta(seconds=60)
    bad: set[str] = field(default_factory=set)
    reverts: bool = False
    ill: tuple[str, str] | None = None
    states: Timeline[State] = field(default_factory=Timeline)
    steps: list[Step] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    made: int = 0

    @property
    def policy(self) -> str:
        """How it takes a new version."""
        return self.options.get(("aws:elasticbeanstalk:command", "DeploymentPolicy"), "AllAtOnce")

    def batches(self, state: State) -> Iterator[tuple[str, ...]]:
        """The instances that are deployed to together."""
        ids = [each.id for each in state.instances]
        size = int(self.options.get(("aws:elasticbeanstalk:command", "BatchSize"), "1"))
        size = max(1, len(ids) if self.policy == "AllAtOnce" else size)
        return (tuple(ids[start : start + size]) for start in range(0, len(ids), size))

    def put(self, state: State, at: datetime) -> None:
        """It is so from then on."""
        self.states.put(at, state)

    def happens(
        self, at: datetime, severity: str, message: str, told: str = "", readable: datetime | None = None
    ) -> None:
        """It is written down."""
        self.events.append(Event(at, severity, message, self.states.latest.label, told, readable))

    def goes_on(self, to: datetime) -> Iterator[Event]:
        """What was to happen until *to*; gives what EventBridge is told."""
        while self.steps and self.steps[0][0] <= to:
            at, step, told = self.steps.pop(0)
            self.put(step(self.states.latest), at)
            if told:
                severity, message = _SAYS[told]
                self.happens(at, severity, message, told)
                yield self.events[-1]

    def new_ids(self, count: int) -> list[str]:
        """Of instances that are launched."""
        self.made += count
        return [f"i-{number:017x}" for number in range(self.made - count + 1, self.made + 1)]


_SAYS = {
    "Environment update successful": ("INFO", "Environment update completed successfully."),  # [C]
    "Environment update failed": ("ERROR", "Failed to deploy application."),  # [C]
}


def update(environment: Environment, label: str, at: datetime) -> None:
    """*label* is deployed, as the policy says."""
    state = environment.states.latest
    number = state.deployment + 1
    environment.put(
        replace(state, label=label, before=state.label, status="Updating", updated=at, deployment=number), at
    )
    environment.happens(at, "INFO", "Environment update is starting.", "Environment update started")
    fails = label in environment.bad
    if environment.policy in NEW_INSTANCES:
        environment.steps = _beside(environment, label, number, at, fails=fails)
    else:
        environment.steps = _in_place(environment, label, number, at, fails=fails)


def _in_place(environment: Environment, label: str, number: int, at: datetime, *, fails: bool) -> list[Step]:
    steps: list[Step] = []
    time = at + environment.starts
    for batch in environment.batches(environment.states.latest):
        steps.append((time, _deployed(batch, label, number, IN_PROGRESS, time), ""))
        time += environment.takes
        steps.append((time, _deployed(batch, label, number, FAILED if fails else DEPLOYED, time), ""))
        if fails:
            return [*steps, (time, _ready(time, back=environment.reverts), "Environment update failed")]
    return [*steps, (time, _ready(time), "Environment update successful")]


def _beside(environment: Environment, label: str, number: int, at: datetime, *, fails: bool) -> list[Step]:
    """[D] As many new ones are started; those that fail are terminated, and the old ones were never touched."""
    new = environment.new_ids(len(environment.states.latest.instances))
    up, end = at + environment.takes, at + 2 * environment.takes

    def launched(state: State) -> State:
        status = FAILED if fails else DEPLOYED
        return replace(
            state, instances=(*state.instances, *(Instance(each, label, number, status, up) for each in new))
        )

    def left(state: State) -> State:
        kept = tuple(each for each in state.instances if (each.id in new) != fails)
        return replace(_ready(end, back=fails)(state), instances=kept)

    told = "Environment update failed" if fails else "Environment update successful"
    return [(up, launched, ""), (end, left, told)]


def abort(environment: Environment, at: datetime) -> None:
    """[D] Old instances that were not begun keep what they have; new ones go; a batch that was begun is done."""
    state = environment.states.latest
    environment.put(replace(state, status="Aborting", updated=at), at)
    environment.happens(at, "INFO", "The environment update is being aborted.")
    end = at + ABORTS
    beside = environment.policy in NEW_INSTANCES

    def left(state: State) -> State:
        if beside:
            kept = tuple(each for each in state.instances if each.deployment != state.deployment)
        else:
            kept = tuple(
                replace(each, status=DEPLOYED, at=end) if each.status == IN_PROGRESS else each
                for each in state.instances
            )
        return replace(_ready(end, back=beside or environment.reverts)(state), instances=kept)

    environment.steps = [(end, left, "Environment update failed")]


def _deployed(
    batch: tuple[str, ...], label: str, number: int, status: str, at: datetime
) -> Callable[[State], State]:
    def step(state: State) -> State:
        changed = (
            Instance(each.id, label, number, status, at) if each.id in batch else each
            for each in state.instances
        )
        return replace(state, instances=tuple(changed))

    return step


def _ready(at: datetime, *, back: bool = False) -> Callable[[State], State]:
    return lambda state: replace(
        state, status="Ready", updated=at, label=state.before if back and state.before else state.label
    )


def told(environment: Environment, at: datetime) -> Mapping[str, Any] | None:
    """As DescribeEnvironments tells it; ``None``: it was not there then."""
    state = environment.states.at(at)
    if state is None:
        return None
    color, health = environment.ill or ("Green", state.health)
    answer: dict[str, Any] = {
        "EnvironmentName": environment.name,
        "EnvironmentId": f"e-{environment.name[:10]}",
        "ApplicationName": environment.application,
        "Status": state.status,
        "AbortableOperationInProgress": state.status == "Updating",
        "Health": color,
        "DateCreated": environment.states.times[0],
        "DateUpdated": state.updated,
        "EnvironmentArn": environment.arn,
    }
    answer |= {"VersionLabel": state.label} if state.label else {}
    answer |= {"CNAME": state.cname} if state.cname else {}
    return answer | ({"HealthStatus": health} if environment.enhanced else {})
