"""The life of one deployment under observation, as values: what is stored, and what a step of it may cause.

A `Watch` changes only by a `Step`, made by ``watcher.core.lifecycle`` or ``watcher.core.intake`` from facts, and saved
by the store in one transaction together with the actions and messages that it causes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from deploy.model import Answer, Deployment, Pause, Release, RollbackPlan, Shift
from deploy.tags import Back
from rules.recovery import Level
from rules.verdict import Judgement, Outcome
from watcher.core.freeze import Frozen
from watcher.core.service import Mode, Policy, Stage


class State(StrEnum):
    """Where a watch is. See the table in ``lifecycle``."""

    WATCHING = "watching"
    COUNTING_DOWN = "counting_down"
    ASKING = "asking"
    HELD = "held"
    ROLLING_BACK = "rolling_back"
    STUCK = "stuck"
    RECOVERING = "recovering"
    PASSED = "passed"
    UNPROVEN = "unproven"
    ROLLED_BACK = "rolled_back"
    KEPT = "kept"
    SUPERSEDED = "superseded"

    @property
    def is_final(self) -> bool:
        """Nothing follows."""
        return self in FINAL

    @property
    def words(self) -> str:
        """For people."""
        return self.value.replace("_", " ")


GOING_BACK = frozenset({State.ROLLING_BACK, State.STUCK, State.RECOVERING})
FINAL = frozenset({State.PASSED, State.UNPROVEN, State.ROLLED_BACK, State.KEPT, State.SUPERSEDED})


class OrderKind(StrEnum):
    """What a person can say."""

    HOLD = "hold"
    RESUME = "resume"
    PASS = "pass"
    KEEP = "keep"
    ROLL_BACK = "roll_back"
    ASK_AGAIN = "ask_again"
    ADVANCE = "advance"
    START = "start"
    DISARM = "disarm"
    ARM = "arm"
    ALLOW = "allow"
    DISTRUST = "distrust"
    APPROVE = "approve"
    REFUSE = "refuse"
    HOTFIX = "hotfix"


TO_A_WATCH = frozenset(
    {
        OrderKind.HOLD,
        OrderKind.RESUME,
        OrderKind.PASS,
        OrderKind.KEEP,
        OrderKind.ROLL_BACK,
        OrderKind.ASK_AGAIN,
        OrderKind.ADVANCE,
    }
)
TO_A_SERVICE = frozenset({OrderKind.ROLL_BACK, OrderKind.START, OrderKind.DISARM, OrderKind.ARM})
TO_A_RELEASE = frozenset({OrderKind.ALLOW, OrderKind.DISTRUST})
TO_A_GATE = frozenset({OrderKind.APPROVE, OrderKind.REFUSE, OrderKind.HOTFIX})


@dataclass(frozen=True, slots=True)
class Order:
    """What a person said: by whom, why, and what it needs (``to`` a tag, ``lasting`` for hold, ask again, disarm)."""

    kind: OrderKind
    by: str
    reason: str = ""
    to: str | None = None
    lasting: timedelta | None = None


class Doubtful(StrEnum):
    """Why a person is asked instead of the rollback being started."""

    MODE = "mode"
    OBSTACLE = "obstacle"
    RULE = "rule"
    BLIND = "blind"
    DISARMED = "disarmed"
    FLOOR = "floor"
    TOO_FAR = "too_far"
    NO_WAY_BACK = "no_way_back"
    CONTROL = "control"
    ALIKE = "alike"
    LATE_ONSET = "late_onset"
    SOON_ONSET = "soon_onset"
    CEILING_DEPLOYMENT = "ceiling_deployment"
    CEILING_SERVICE = "ceiling_service"
    CEILING_FLEET = "ceiling_fleet"
    QUARANTINED = "quarantined"
    TARGET_BUSY = "target_busy"
    # why a rollout does not go forward by itself
    STAGE_MODE = "stage_mode"
    STAGE_UNSEEN = "stage_unseen"
    STAGE_UNDECIDED = "stage_undecided"
    STAGE_FAILED = "stage_failed"
    STAGE_MOVED = "stage_moved"
    STAGE_DISARMED = "stage_disarmed"
    STAGE_FROZEN = "stage_frozen"


OF_A_STAGE = frozenset(
    {
        Doubtful.STAGE_MODE,
        Doubtful.STAGE_UNSEEN,
        Doubtful.STAGE_UNDECIDED,
        Doubtful.STAGE_FAILED,
        Doubtful.STAGE_MOVED,
        Doubtful.STAGE_DISARMED,
        Doubtful.STAGE_FROZEN,
    }
)


@dataclass(frozen=True, slots=True)
class Breach:
    """The first breach, latched: what was known when it was decided."""

    at: datetime
    judgement: Judgement


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, since when, and until when."""

    because: tuple[Doubtful, ...]
    words: str
    asked_at: datetime
    expires_at: datetime
    again_at: datetime | None = None  # when it is asked once more, because somebody said so

    @property
    def is_of_the_blind(self) -> bool:
        """It is asked because nothing can be seen, not because something is wrong."""
        return Doubtful.BLIND in self.because

    @property
    def is_of_a_stage(self) -> bool:
        """It is asked whether a rollout may go on."""
        return bool(OF_A_STAGE & set(self.because))

    @property
    def is_of_no_breach(self) -> bool:
        """Nothing is known to be wrong: who lets it be has not kept a bad release, and nothing was proven."""
        return self.is_of_the_blind or self.is_of_a_stage


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause that a person ordered; it ends by itself."""

    by: str
    reason: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Warmth:
    """How far a release is warmed up, by its probe.

    Attributes:
        good: So many rounds in a row were good, up to *until*.
        until: The end of the last round that was looked at.
        words: Why the last one was not good; empty if it was.
    """

    good: int = 0
    until: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class AtStage:
    """Where a rollout stands that the daemon moves forward: at which of its stages, and what is done there.

    Attributes:
        since: Since when the stage's share was seen, or the rollout is known to wait at its hook.
        pause: The hook that it waits at; ``None``: it has its share, and nothing waits.
        part: Of the service, which waits or is shared out.
        share: Of the traffic, which the release has there (0..1); 0 without a pause: it was ordered to begin, and has not begun.
        before: What serves beside it; ``None`` at a hook.
        action: What moves it on, if that is under way; since when, and by whose order, if by a person's. Who ordered it to begin
            is known until it has.
        is_over: It was moved on, and has not been seen anywhere else yet.
        said: It was said once what would have been done, or what keeps it here.
        warmth: What its probe has answered, before its first stage.
    """

    since: datetime
    part: str
    share: float = 0.0
    pause: Pause | None = None
    before: Release | None = None
    action: str | None = None
    acted_at: datetime | None = None
    ordered_by: str | None = None
    is_over: bool = False
    said: bool = False
    warmth: Warmth = Warmth()

    @property
    def is_before(self) -> bool:
        """It stands before its first stage: it was ordered to begin, and its release has no traffic yet."""
        return self.pause is None and self.share <= 0


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A rollback of an earlier watch that was left under way: it may still arrive, and is known by its key then."""

    action: str
    plan: RollbackPlan
    since: datetime


@dataclass(frozen=True, slots=True)
class Missing:
    """A known-good release of one part that is not there any more: its image, bundle, version or assets. *words*: which."""

    part: str
    release: Release
    words: str


@dataclass(frozen=True, slots=True)
class Arms:
    """The names of both releases, resolved at opening and frozen; `baseline` is None where nothing serves beside."""

    canary: Mapping[str, str]
    baseline: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, in words; by whom, if a person ended it; whether the signals recovered, after a rollback."""

    words: str
    by: str | None = None
    recovered: bool | None = None
    would_have: datetime | None = None  # shadow: when it would have gone back
    taken_back: bool = False  # by another hand than ours, before its release was complete


@dataclass(frozen=True, slots=True)
class Watch:
    """One deployment under observation.

    Attributes:
        revision: Grows by one with every step; the store refuses a step that was made from another revision.
        due_at: When it has to be looked at again; ``None`` once final.
        traffic_at: From when the new release takes traffic; arms count from here.
        complete_at: From when it has all the traffic that it will get; the bake counts from here.
        brief: The judges' frozen cases, encoded by ``rules.evidence``; ``None`` until the first round prepared them.
        evidence: What the judges remember, encoded; opaque to the store.
        action: The id of the rollback under way, or the last one made; kept for ever: our own deployment is known by it.
        stages: One, where nothing is staged; else those of the policy, and one more for each hook that it came to.
        stage: In which of them it is.
        at: Since when, and what is done there; ``None`` where the daemon does not move it, or it is between two stages.
        staged_at: When the daemon moved it last.
        plan: Of the rollback under way, or the last one made: to which release each part goes.
        spoken: People were told of this watch, so they are told of each visible change from now on.
        frozen: Under which freeze it was deployed, past the gate or as a hotfix; ``None``: under none.
        returning: Why the release was quarantined when the watch opened; empty if it was not.
        blind_since: Since when a rule that asks when it is blind has been blind, with all the traffic there.
        level: While recovering, what the last round saw.
        unfinished: Rollbacks of earlier watches that may still arrive.
        would_have_asked: In shadow: why a person would have been asked; empty if it would have gone back.
        obstacles: What forbids that the machine moves the service by itself, as the platform told it (see `Live`): one
            sentence each. What was seen once holds until the watch ends: a mode can only soften.
        shares: Which share of the traffic the release has had, and since when it was seen to have it; the newest last. Only
            where a rule looks at it.
        pauses: Where the rollout waited for somebody's word, and people were told so.
        incomplete: Its rollout was broken off, or is not to be seen when its time is over; and it was not complete since. It does
            not pass by itself: what was seen meanwhile may be the old release.
        seen_at: When reading first showed its release to run, or to be on its way: from then on its absence says something.
        missing: Known-good releases that were looked for and are not there any more: the way back goes past them.
        escalated_at: When those were called whom the team names for it. From then on they hear what everybody hears.
    """

    id: str
    revision: int
    service: str
    environment: str
    deployment: Deployment
    policy: Policy
    arms: Arms
    state: State
    opened_at: datetime
    since: datetime  # in this state
    due_at: datetime | None
    stages: tuple[Stage, ...] = (Stage(),)
    stage: int = 0
    at: AtStage | None = None
    staged_at: datetime | None = None
    traffic_at: datetime | None = None
    complete_at: datetime | None = None
    brief: str | None = None
    evidence: str | None = None
    judgement: Judgement | None = None
    breach: Breach | None = None
    would_have: datetime | None = None
    way_back: Back | None = None
    countdown_until: datetime | None = None
    question: Question | None = None
    hold: Hold | None = None
    action: str | None = None
    ordered_by: str | None = None  # who ordered the rollback; None when the machine did
    decided_at: datetime | None = None
    back_at: datetime | None = None
    stuck_words: str = ""
    ended_at: datetime | None = None
    ending: Ending | None = None
    superseded_by: str | None = None
    plan: RollbackPlan | None = None
    spoken: bool = False
    returning: str = ""
    frozen: Frozen | None = None
    blind_since: datetime | None = None
    level: Level | None = None
    would_have_asked: str = ""
    unfinished: tuple[Unfinished, ...] = ()
    obstacles: tuple[str, ...] = ()
    pauses: tuple[Pause, ...] = ()
    shares: tuple[tuple[datetime, float], ...] = ()
    incomplete: bool = False
    escalated_at: datetime | None = None
    seen_at: datetime | None = None
    missing: tuple[Missing, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """(service, environment)."""
        return self.service, self.environment

    @property
    def mode(self) -> Mode:
        """What may happen by itself: as it is configured, softened where something forbids it."""
        return Mode.ASK if self.obstacles and self.policy.mode is Mode.AUTO else self.policy.mode

    @property
    def goes_forward(self) -> Mode:
        """What its rollout may do by itself."""
        if self.policy.mode is Mode.SHADOW:
            return Mode.SHADOW
        return Mode.ASK if self.obstacles else self.policy.rollout.forward or self.policy.mode

    @property
    def complete_by(self) -> datetime:
        """When its clocks start for want of news; each move of the daemon puts that off."""
        return (self.staged_at or self.opened_at) + self.policy.rollout_timeout

    @property
    def tag(self) -> str:
        """What was deployed, for people; several parts joined."""
        return " + ".join(change.after.tag for change in self.deployment.parts)

    @property
    def goes_to(self) -> str | None:
        """What a rollback goes, or went, back to, for people."""
        if self.plan is not None:
            return " + ".join(move.to.tag for move in self.plan.moves)
        return self.way_back.release.tag if self.way_back else None

    @property
    def left_under_way(self) -> tuple[Unfinished, ...]:
        """All rollbacks that may still arrive: taken over from earlier watches, and the last of its own."""
        if self.action is None or self.plan is None or self.decided_at is None or self.back_at is not None:
            return self.unfinished
        return (*self.unfinished, Unfinished(self.action, self.plan, self.decided_at))

    @property
    def was_taken_back(self) -> bool:
        """It ended because another hand took its rollout back."""
        return self.ending is not None and self.ending.taken_back

    @property
    def switched_at(self) -> datetime:
        """From when the release under watch serves, as well as that is known: what begins long after is hardly its doing."""
        return self.complete_at or self.traffic_at or self.opened_at

    @property
    def escalates_at(self) -> datetime | None:
        """When more people are called, if nobody has answered until then; a question that was put off is no open one."""
        escalation, question = self.policy.escalation, self.question
        if escalation is None or self.escalated_at is not None:
            return None
        if self.state is State.STUCK:
            return self.since + escalation.after
        is_open = self.state is State.ASKING and question is not None and question.again_at is None
        return question.asked_at + escalation.after if is_open and question is not None else None

    @property
    def called_in(self) -> tuple[str, ...]:
        """Who is told besides the team, because nobody had answered."""
        escalation = self.policy.escalation
        return escalation.to if escalation is not None and self.escalated_at is not None else ()

    @property
    def breaching(self) -> Judgement | None:
        """The newest judgement that says breached: a breach does not go away because nothing can be seen now."""
        if self.judgement is not None and self.judgement.outcome is Outcome.BREACHED:
            return self.judgement
        return self.breach.judgement if self.breach else None


class ActionKind(StrEnum):
    """What the performer can be told to do."""

    ROLL_BACK = "roll_back"
    MOVE_TO_STAGE = "move_to_stage"
    ANSWER_HOOK = "answer_hook"


class ActionState(StrEnum):
    """How far an action is."""

    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


OPEN_ACTIONS = frozenset({ActionState.PLANNED, ActionState.BEGUN, ActionState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Action:
    """Something to be done in the world, once. The id (``{watch}.{revision}.{n}``) is also the key towards the platform.

    Valid only while its watch is in the state that queued it.

    Attributes:
        plan: Of a rollback; without moves for what goes forward.
        forward: What a rollout is moved on by.
        bound: By levers, freezes and marks until it is sent: the machine's, and the order to begin. A person's word is not.
    """

    id: str
    watch: str
    service: str
    environment: str
    kind: ActionKind
    plan: RollbackPlan
    queued_at: datetime
    deadline: datetime
    ordered_by: str | None = None
    valid_in: State = State.ROLLING_BACK
    forward: Shift | Answer | None = None
    bound: bool = False


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What came of an action; written in the transaction of the step that it causes."""

    action: str
    state: ActionState
    words: str = ""
    third_tag: str | None = None
    by_hand: str = ""


class Tone(StrEnum):
    """How loud a notice is."""

    QUIET = "quiet"  # a record; nobody is needed
    NOTE = "note"
    ALARM = "alarm"  # somebody is needed: people are mentioned


@dataclass(frozen=True, slots=True)
class Button:
    """Something that a person may say from the message: an order, or (*call*) whether the daemon was right, or (neither) a note."""

    label: str
    order: OrderKind | None = None
    to: str | None = None
    lasting: timedelta | None = None
    call: Literal["right", "wrong"] | None = None
    at_gate: Literal["approve", "refuse"] | None = (
        None  # of what is at the gate, by the notice's fact ``gate``
    )


@dataclass(frozen=True, slots=True)
class Link:
    """Where people may look at another system. The label names its host: nothing hides where it leads."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What people read. The headline is the phone's notification: service, environment, what is wrong with a number, what happens next."""

    headline: str
    lines: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    tone: Tone = Tone.NOTE
    event: str = ""  # `watch.opened`, `watch.breached`...: for machines
    watch: str = ""
    service: str = ""
    environment: str = ""
    at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell a channel. ``show`` is one row a watch and channel, the newest wins; ``append`` is told at least once."""

    id: str
    kind: Literal["show", "append"]
    channel: str
    notice: Notice


# Guards: what must hold, in the transaction, for a step to be saved.


@dataclass(frozen=True, slots=True)
class Armed:
    """Nobody has disarmed the service (or all of them)."""

    service: str
    environment: str


@dataclass(frozen=True, slots=True)
class Below:
    """Fewer than *most* rollbacks that the machine started by itself since *since*; of the service, or of the fleet."""

    most: int
    since: datetime
    service: str | None = None
    environment: str | None = None
    watch: str | None = None  # of one deployment


@dataclass(frozen=True, slots=True)
class NotQuarantined:
    """The release that is gone back to is not quarantined."""

    service: str
    environment: str
    part: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class NoOpenAction:
    """No other action is open on the service."""

    service: str
    environment: str


Guard = Armed | Below | NotQuarantined | NoOpenAction


# What a step writes into the ledger, in the same transaction.


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Lay a quarantine on a release (``lift=False``), or lift it."""

    part: str
    fingerprint: str
    why: str
    lift: bool = False


@dataclass(frozen=True, slots=True)
class Serves:
    """From *at* on, *release* serves *part*: closes the span of what served before, opens its own."""

    part: str
    release: Release
    at: datetime
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of an announcement in the inbox."""

    announcement: str
    state: Literal["watching", "joined", "recorded", "rejected"]
    why: str = ""
    watch: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one watch, with all that it causes. *before* is the revision that it was made from; 0 opens the watch."""

    watch: Watch
    before: int
    actions: tuple[Action, ...] = ()
    messages: tuple[Message, ...] = ()
    requires: frozenset[Guard] = frozenset()
    results: tuple[ActionResult, ...] = ()
    quarantines: tuple[Quarantine, ...] = ()
    serves: tuple[Serves, ...] = ()
    closes: tuple[Closing, ...] = ()
    by: str = "rollbackd"  # for the audit
    why: str = ""
