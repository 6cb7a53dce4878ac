"""A service that we know, and the policy that a watch of it is opened with.

The configuration builds these and the app passes them down; nobody below the app reads the configuration.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from rules.brief import PassEarly
from rules.model import RuleSet
from watcher.core.freeze import Window


class Mode(StrEnum):
    """What may happen by itself. It can only soften what the rules say."""

    SHADOW = "shadow"
    ASK = "ask"
    AUTO = "auto"


class Then(StrEnum):
    """What happens when nobody answers."""

    KEEP = "keep"
    ROLL_BACK = "roll_back"


class Speak(StrEnum):
    """How much people are told."""

    PROBLEMS = "problems"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Bake:
    """How long a watch observes: until enough was seen, at least and at most this long; or this many runs.

    Attributes:
        pass_early: It may end before `at_least`, once this is proven of the release; ``None``: it never does.
    """

    at_least: timedelta = timedelta(minutes=30)
    at_most: timedelta = timedelta(hours=24)
    runs: int | None = None
    pass_early: PassEarly | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """How long a question stands, and what happens then.

    Attributes:
        lasting: Written `for:`.
        then: What becomes of a release about which nobody has answered.
        stuck: How long a rollback that did not finish waits for a person; then its watch ends, and whatever runs stays.
    """

    lasting: timedelta = timedelta(hours=1)
    then: Then = Then.KEEP
    stuck: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who is told besides where nobody has answered, and after how long."""

    after: timedelta
    to: tuple[str, ...]  # as `Team.tell`


@dataclass(frozen=True, slots=True)
class KnownGood:
    """When a release that is unproven may still be gone back to, and how far back a rollback goes by itself."""

    served_after: timedelta = timedelta(hours=24)
    may_cross: int = 3


@dataclass(frozen=True, slots=True)
class Ceilings:
    """How many rollbacks may happen by themselves."""

    service_per_day: int = 2
    fleet_per_hour: int = 3


class Hooks(StrEnum):
    """What becomes of a rollout that its platform stops at a hook."""

    LEAVE = "leave"  # people are told that it waits: they answer, or their pipeline does
    ANSWER = "answer"


class Unseen(StrEnum):
    """What becomes of a rollout that waits at a hook before its release has any traffic: nothing can be seen there."""

    ASK = "ask"
    GO_ON = "go_on"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a rollout: a share of the traffic, and how long it bakes. A plain deployment has one.

    Attributes:
        share: Of the traffic (0..1); at a hook, what it had when it was stopped there.
        bake: How long it has to be seen well there; ``None``: as `Rollout.bake` says.
        at_most: How long it may take until that is seen; ``None``: the same.
        gate: At a hook: what the platform calls the stage.
    """

    share: float = 1.0
    bake: timedelta | None = None
    at_most: timedelta | None = None
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class WarmUp:
    """What a release has to show before it is given its first traffic, where a rollout is ordered to begin.

    Its platform says that it is ready: its targets are healthy, its environments are warm. Where *probe* is named, that probe
    has answered well too.

    Attributes:
        probe: The id of an indicator of the kind `probe`; ``None``: the platform's word is enough.
        answers: So many rounds in a row in which every answer is good.
        instances: So many of the release have to answer in each of them.
        within: How long both may take; then a person is asked.
    """

    probe: str | None = None
    answers: int = 10
    instances: int = 1
    within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a rollout goes forward, where the daemon is who moves it.

    Attributes:
        hooks: Whether hooks of the platform are answered.
        stages: The shares that the release goes through, the last of them all of the traffic; none: it is not shared out.
        at_least: How long a stage has to be seen well, where it says nothing itself.
        at_most: How long it may take until that is seen; then a person is asked.
        forward: How it goes forward; ``None``: as the mode says. It may be `auto` where the way back asks.
        before_traffic: What is said at a hook before the release has any traffic.
        warm_up: What the release has to show before its first stage; ``None``: nothing.
    """

    hooks: Hooks = Hooks.LEAVE
    stages: tuple[Stage, ...] = ()
    at_least: timedelta = timedelta(minutes=10)
    at_most: timedelta = timedelta(hours=2)
    forward: Mode | None = None
    before_traffic: Unseen = Unseen.ASK
    warm_up: WarmUp | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What is promised of one deployment. Frozen in its watch: a reload touches only new watches."""

    rules: RuleSet
    mode: Mode = Mode.SHADOW
    false_rollback_probability: float = 0.001
    bake: Bake = Bake()
    rollout_timeout: timedelta = timedelta(hours=1)
    move_timeout: timedelta = timedelta(minutes=30)
    countdown: timedelta = timedelta(0)
    asking: Asking = Asking()
    speak: Speak = Speak.PROBLEMS
    known_good: KnownGood = KnownGood()
    ceilings: Ceilings = Ceilings()
    escalation: Escalation | None = None  # of the team that answers for it
    rollout: Rollout = Rollout()
    lingers: bool = False  # who has a release keeps it for long after the traffic has moved


@dataclass(frozen=True, slots=True)
class Team:
    """Who is told, and who may order."""

    name: str
    tell: tuple[
        str, ...
    ] = ()  # names of notifiers, each a connection, with its narrowing as `name:narrowing`
    may_order: tuple[str, ...] = ()  # principals: `token:on-call`, `slack:S0ONCALL`
    boards: frozenset[str] = frozenset()  # those of `tell` that show how a watch stands, and disturb nobody
    escalation: Escalation | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """What is around a service, and may move beside it.

    Attributes:
        told_by: Names of the sources that tell of changes there; none: that nothing was told says nothing.
        own: Patterns (``*``, ``?``, ``[…]``) of the names of what is the service's own: parameters, secrets, flags, databases.
        places: The accounts of AWS that it runs in (twelve digits; ``None``: not known), each with its region.
        addresses: What its parts are called on their platforms (`deploy.target.Kind.addresses`).
    """

    told_by: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    places: frozenset[tuple[str | None, str]] = frozenset()
    addresses: frozenset[str] = frozenset()


class Approval(StrEnum):
    """Who lets a release pass the gate."""

    AUTOMATIC = "automatic"
    PERSON = "person"


class Returning(StrEnum):
    """What becomes of a quarantined release that asks to pass the gate."""

    REFUSE = "refuse"
    ASK = "ask"


class Look(StrEnum):
    """What looks at a release in an environment: a rule that can act on it."""

    SMOKE = "smoke"  # it is used: a smoke suite, or a probe of its health or its page
    TASKS = "tasks"  # its tasks live, where its platform has some


@dataclass(frozen=True, slots=True)
class Gating:
    """What must be so before a deployment, where a pipeline asks (``gate:``).

    Attributes:
        after: Environments in which the same content must have passed before.
        asking: How long a question stands; unanswered it ends refused.
        seen_within: How long what was never seen in an environment that comes before is waited for.
        waits: How long one may wait at the gate altogether.
        windows: Freezes that come again.
        passed_by: What must look at a release there, so that it passes here by itself once it has passed there.
        unlooked: What of that no rule of an environment of *after* does, by the rules that it has now.
    """

    after: tuple[str, ...] = ()
    approval: Approval = Approval.AUTOMATIC
    quarantined: Returning = Returning.REFUSE
    asking: timedelta = timedelta(hours=8)
    seen_within: timedelta = timedelta(minutes=15)
    waits: timedelta = timedelta(hours=24)
    windows: tuple[Window, ...] = ()
    passed_by: tuple[Look, ...] = (Look.SMOKE, Look.TASKS)
    unlooked: tuple[tuple[str, Look], ...] = ()


@dataclass(frozen=True, slots=True)
class Service:
    """One service in one environment.

    Attributes:
        parts: Names of its parts, in the order in which they move back; the targets are built by the app under these names.
        heard_from: Names of the sources whose announcements are believed; what is live is read anyway.
        names: Templates of its releases' names in signal systems (``{"sentry": "checkout@${image_tag}"}``).
        reads_live: How often what is live is read.
        around: What may move beside it.
        gate: What must be so before it is deployed.
    """

    name: str
    environment: str
    policy: Policy
    parts: tuple[str, ...]
    team: Team
    heard_from: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    reads_live: timedelta = timedelta(seconds=30)
    alone: bool = True
    around: Around = Around()
    gate: Gating = Gating()

    @property
    def key(self) -> tuple[str, str]:
        """(service, environment)."""
        return self.name, self.environment
