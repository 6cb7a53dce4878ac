"""What stands in an answer: our values, as people and pipelines read them. Times are UTC, ISO 8601; durations ``1h30m``.

What is opaque stays out: the evidence, the briefs, the policy's rules; but for `Recorded`, which is for `rollbackd replay`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from deploy.model import Foretold, Pause, Release
from deploy.tags import Back, Grade
from rules.verdict import Judgement, Outcome
from watcher.core.change import ChangeKind
from watcher.core.gate import Answer, Because, Passing
from watcher.core.service import Hooks, Mode
from watcher.core.watch import ActionState, Ending, Hold, Question, State


class Told(BaseModel):
    """Part of an answer."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)


class PartMoved(Told):
    """One part of a service that goes from one release to another."""

    part: str
    from_: Release | None = Field(alias="from")
    to: Release


class Times(Told):
    """When it was opened, took traffic, had all of it, was decided, was back, ended; what comes next, and when."""

    opened_at: datetime
    since: datetime
    traffic_at: datetime | None
    complete_at: datetime | None
    countdown_until: datetime | None
    decided_at: datetime | None
    back_at: datetime | None
    ended_at: datetime | None


class Summary(Told):
    """A watch on one line. *from* and *to* are tags, joined with ``+`` where a service has several parts."""

    id: str
    revision: int
    service: str
    environment: str
    state: State
    mode: str
    from_: str | None = Field(alias="from")
    to: str
    headline: str
    times: Times
    links: Mapping[str, str]


class ActionTold(Told):
    """What the daemon does, or did, to the service."""

    id: str
    kind: str
    state: ActionState
    words: str
    attempts: int
    ordered_by: str | None
    queued_at: datetime
    moves: Sequence[PartMoved]


class NoteTold(Told):
    """What a person said of a watch."""

    by: str
    at: datetime
    call: str
    words: str


class Sees(Told):
    """What a rule can still see of a defect that was there from the switch on, by the traffic so far.

    *smallest*: the least share of bad requests that would be found *within* what remains of the watch; of a rule about traffic,
    the part of it that is lost; ``null``: none would. *useful*: what the rule must be able to see would be found.
    """

    rule: str
    bound: float | None
    smallest: float | None
    within: timedelta
    useful: bool
    words: str


class ChangeTold(Told):
    """Something else that moved: *kind* is the sort of thing, *name* what its system calls it, *told_by* who said so.

    Without a *service* it is everybody's who runs where it moved.
    """

    at: datetime
    what: str
    kind: ChangeKind
    name: str
    service: str | None
    environment: str | None
    account: str | None
    region: str | None
    told_by: str | None


class FiresTold(Told):
    """An alert that fires, and that a rule of the watch means. *link* and *runbook* are addresses of its system, or empty."""

    source: str
    called: str
    since: datetime | None
    words: str
    link: str
    runbook: str


class Changes(Told):
    """What else moved, newest first."""

    changes: Sequence[ChangeTold]


class ChangeKept(ChangeTold):
    """It is kept. *duplicate*: it was before, under the same ``Idempotency-Key``."""

    duplicate: bool


class StageTold(Told):
    """A stage of a rollout: a *share* of the traffic (0..1), or the hook (*gate*) at which it was stopped with that share.

    It has to be seen well for *bake*; if that takes longer than *at_most*, a person is asked.
    """

    share: float
    gate: str | None
    bake: timedelta
    at_most: timedelta


class WatchTold(Summary):
    """A watch, whole. *changes* is what else moved around it, *fires* what of pushed alerts fires now, while it lives.

    *stages* are those of its rollout, *stage* is the number of the one that it is in, from 0; *share* is what it has there, while
    the daemon or a person is to move it on.
    """

    story: Sequence[str]
    parts: Sequence[PartMoved]
    author: str | None
    judgement: Judgement | None
    can_see: Sequence[Sees]
    breached_at: datetime | None
    way_back: Back | None
    would_have: datetime | None
    obstacles: Sequence[str]
    pauses: Sequence[Pause]
    stages: Sequence[StageTold]
    stage: int
    share: float | None
    question: Question | None
    hold: Hold | None
    ending: Ending | None
    stuck_words: str
    superseded_by: str | None
    changes: Sequence[ChangeTold]
    fires: Sequence[FiresTold]
    orders_allowed: Sequence[str]
    actions: Sequence[ActionTold]
    notes: Sequence[NoteTold]


class Watches(Told):
    """A page of watches, newest first. *after* is to be given for the next one; ``null``: there is none."""

    watches: Sequence[Summary]
    after: str | None


class VerdictTold(Told):
    """What is known of a deployment so far. *decided*: it will not change any more."""

    watch: str
    revision: int
    service: str
    environment: str
    state: State
    decided: bool
    breached: bool
    outcome: Outcome | None
    words: str
    can_see: Sequence[Sees]
    links: Mapping[str, str]


class Announced(Told):
    """It is written down. Follow it under ``/v1/announcements/{announcement}``."""

    announcement: str
    duplicate: bool
    links: Mapping[str, str]


class AlertsHeard(Told):
    """They are written down, and what they concern is looked at. *alerts*: how many were told; none where it told of no alert."""

    alerts: int


class AlertSender(Told):
    """A system that tells of its alerts: its kind, when it was last heard, and how many of its alerts stand how.

    Without *heard_at* it was never heard. *lacking_at* is when it last told of more than it named, or than are kept.
    *unsubscribed* are the topics whose subscription was taken back: of what they would tell nothing is known.
    """

    name: str
    kind: str
    heard_at: datetime | None = None
    lacking_at: datetime | None = None
    moods: Mapping[str, int]
    unsubscribed: Sequence[str] = ()


class AlertKnown(Told):
    """What is known of one alert: the newest word of it.

    *mood* is firing, well or unknown, *since* when, by its system's clock. *rules* are those that may mean it, as
    ``SERVICE/ENVIRONMENT: RULE``: an alert that none means judges nothing.
    """

    name: str
    mood: str
    since: datetime | None
    heard_at: datetime
    words: str
    link: str
    runbook: str
    labels: Mapping[str, str]
    rules: Sequence[str]


class AlertsKnown(AlertSender):
    """A sender with its alerts, those that fire first. *more*: so many are left out."""

    alerts: Sequence[AlertKnown]
    more: int


class AlertSenders(Told):
    """All who tell of alerts."""

    senders: Sequence[AlertSender]


class AnnouncementTold(Told):
    """What became of an announcement: pending, watching, joined, recorded or rejected; of which watch, and why."""

    id: str
    state: str
    watch: str | None
    why: str
    received_at: datetime
    links: Mapping[str, str]


class Ordered(Told):
    """The order is in force. *warnings* are what one may not have thought of."""

    order: str
    watch: str | None = None
    state: State | None = None
    revision: int | None = None
    warnings: Sequence[str] = ()
    links: Mapping[str, str] = Field(default_factory=dict)


class RolloutTold(Told):
    """The rollout begins, or had begun before (*begun*). *first* is the share of the traffic (0..1) that it is given."""

    watch: str
    state: State
    revision: int
    tag: str
    fingerprint: str
    begun: bool
    first: float
    gate: str | None = None
    warnings: Sequence[str] = ()
    links: Mapping[str, str] = Field(default_factory=dict)


class Noted(Told):
    """It is kept with the watch."""

    watch: str
    call: str


class MarkTold(Told):
    """Who laid it on a release, when, and why."""

    at: datetime
    by: str
    why: str


class ReleaseTold(Told):
    """One release in the ledger."""

    tag: str
    fingerprint: str
    names: Mapping[str, str]
    reversible: bool
    grade: Grade
    live: bool
    first_seen: datetime
    quarantined: MarkTold | None
    distrusted: MarkTold | None


class PartTold(Told):
    """The ledger of one part: what serves, where a rollback would go, and all releases, newest first."""

    part: str
    live: str | None
    way_back: Back | None
    releases: Sequence[ReleaseTold]


class Tags(Told):
    """The ledger of a service."""

    service: str
    environment: str
    parts: Sequence[PartTold]


class MoveTold(Told):
    """One move of a rollback, and what the platform says that it would take."""

    part: str
    from_: Release = Field(alias="from")
    to: Release
    foretold: Foretold


class Plan(Told):
    """What a rollback would do. *asks*: why the daemon would not start it by itself.

    *stages* are those by which the next release goes forward, where the daemon moves the traffic, and *forward* how it does:
    by itself, by a person's word, or not at all; *hooks*: what becomes of the platform's own.
    *not_undone*: settings of the service's own that were seen to move since what is put back last served, and in the hour before, oldest
    first, the newest 100; *more*: others may have.
    """

    service: str
    environment: str
    grade: Grade
    crosses: int
    floor: bool
    moves: Sequence[MoveTold]
    not_undone: Sequence[ChangeTold]
    more: bool
    asks: Sequence[str]
    hooks: Hooks
    stages: Sequence[StageTold]
    forward: Mode


class AuditTold(Told):
    """One line of the audit."""

    seq: int
    at: datetime
    by: str
    what: str
    subject: str
    why: str
    facts: Mapping[str, Any]


class Audit(Told):
    """A page of the audit, oldest first. *after* is to be given for the next one; ``null``: there is none."""

    rows: Sequence[AuditTold]
    after: int | None


class Switch(Told):
    """It is disarmed: by whom, why, and until when."""

    service: str
    environment: str
    by: str
    reason: str
    since: datetime
    until: datetime


class FrozenTold(Told):
    """Nothing passes the gate: by whom (a person, or ``window:NAME``), why, and until when."""

    by: str
    reason: str
    until: datetime


class FreezeTold(Told):
    """A freeze that somebody ordered: of which services, from when to when."""

    id: str
    service: str
    environment: str
    by: str
    reason: str
    from_: datetime = Field(alias="from")
    until: datetime
    in_force: bool


class WindowTold(Told):
    """A freeze that comes again: when it is, or will be next within two weeks, and for which services."""

    name: str
    reason: str
    from_: datetime = Field(alias="from")
    until: datetime
    in_force: bool
    services: Sequence[str]


class Freezes(Told):
    """The freezes that are not over, in their order."""

    freezes: Sequence[FreezeTold]
    windows: Sequence[WindowTold]


class ReasonTold(Told):
    """One thing that stands against it, and when that may be otherwise, at the earliest."""

    answer: Answer
    because: Because
    words: str
    until: datetime | None


class GateTold(Told):
    """What the gate would say. Nothing was asked."""

    service: str
    environment: str
    answer: Answer
    because: Because
    words: str
    until: datetime | None
    reasons: Sequence[ReasonTold]
    notes: Sequence[str]


class PassageTold(Told):
    """What asked to pass, and what came of it so far. *decided*: it will not change by itself any more."""

    gate: str
    revision: int
    service: str
    environment: str
    what: str
    state: Passing
    decided: bool
    answer: Answer
    because: Because
    words: str
    until: datetime | None
    notes: Sequence[str]
    by: str
    asked_at: datetime
    expires_at: datetime | None
    answered_by: str | None
    hotfix: str | None
    orders_allowed: Sequence[str]
    links: Mapping[str, str]


class Passages(Told):
    """A page of what asked to pass, newest first. *after* is to be given for the next one; ``null``: there is none."""

    gates: Sequence[PassageTold]
    after: str | None


class PassedIn(Told):
    """How a release stands in one environment of a service."""

    service: str
    environment: str
    part: str
    tag: str
    fingerprint: str
    grade: Grade
    live: bool
    quarantined: MarkTold | None
    last: str | None
    last_at: datetime | None


class ReleaseStands(Told):
    """Where a release (its content, or a name of it) is known, and whether it passed there."""

    release: str
    where: Sequence[PassedIn]


class ServiceTold(Told):
    """One service: what serves, what may happen by itself, and the watch that lives."""

    service: str
    environment: str
    mode: str
    armed: bool
    disarmed: Switch | None
    team: str
    live: Mapping[str, str | None]
    watch: str | None
    state: State | None
    frozen: FrozenTold | None = None


class Services(Told):
    """The services that the token may see."""

    services: Sequence[ServiceTold]


class SamplesTold(Told):
    """What became of samples: how many are new, how many were told before, and how many came too late to be kept.

    *unasked* says what is not kept because nobody asks for it so.
    """

    new: int
    known: int
    late: int
    unasked: Sequence[str] = ()


class Health(Told):
    """How the daemon is."""

    status: str
    words: Sequence[str] = ()


class Anything(Told):
    """An OpenAPI document."""

    model_config = ConfigDict(extra="allow", frozen=True)

    openapi: str


class RecordedSeries(Told):
    """The settled buckets of one series, as the store keeps them.

    Attributes:
        saved: Which of them were judged together with those of other series: how many were saved with which revision, in order.
    """

    indicator: str
    bound: float | None
    buckets: str
    saved: Sequence[tuple[int, int]]


class Recorded(Told):
    """All that one watch was judged by, so that it can be judged again: documents of the version that wrote them."""

    watch: str
    brief: str
    evidence: str
    series: Sequence[RecordedSeries]
