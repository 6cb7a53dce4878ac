"""Releases, deployments, and what going back means. Plain values.

A release is identified by its *fingerprint* (its content); tags are its names in one registry. Everything that is done to
a service is done by tag; everything that is remembered of it is remembered by fingerprint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

WHOLE = "service"  # the part of a service that has only one

# What may stand in a name, whole (anchored by whoever matches). They end up in the arguments of programs and in paths:
# none begins like an option, none climbs (``..``). The lengths are those of the registries (128: an image's tag).
TAG = r"(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,127}"
FINGERPRINT = r"(?!.*(?:^|/)\.\.(?:/|$))[A-Za-z0-9_][A-Za-z0-9_.:/@+=-]{0,255}"
SERVICE = r"[a-z][a-z0-9_-]{0,62}"  # services, environments and parts
NAME = r"[A-Za-z0-9._:/@+-]{1,128}"  # what a signal system calls a release
KEY = r"[!-~]{1,200}"  # by which a sender knows its own message again; a header may carry it

TAG_WORDS = "letters, digits and _ . : / @ + -, at most 128, a letter, a digit or _ first, and no step `..`"
FINGERPRINT_WORDS = (
    "letters, digits and _ . : / @ + = -, at most 256, a letter, a digit or _ first, and no step `..`"
)
SERVICE_WORDS = "a small letter, then small letters, digits, - and _, at most 63"
NAME_WORDS = "letters, digits and . _ : / @ + -, at most 128"
KEY_WORDS = "at most 200 printable ASCII characters, without blanks"

SAME_SHARE = 0.0006  # half of a weight of a thousand, and what floating point adds

UNREAD = "tag:"  # a fingerprint that begins so is only the tag: the platform knows no better


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a part of a service.

    Attributes:
        fingerprint: Its content: digests, hashes. Where the platform knows none, the tag itself with the prefix ``tag:``.
        tag: Its name in the registry that the target moves.
        names: Its names elsewhere (``version``, ``digest``, ``sentry``, ``target_group``), for queries and for people.
        reversible: ``False`` makes it a floor: going back past it asks.
    """

    fingerprint: str
    tag: str
    names: Mapping[str, str] = field(default_factory=dict)
    reversible: bool = True

    @classmethod
    def of_tag(cls, tag: str) -> Self:
        """A release of which nothing is known but its tag."""
        return cls(fingerprint=f"{UNREAD}{tag}", tag=tag)

    @property
    def is_only_a_tag(self) -> bool:
        """Its content is not known."""
        return self.fingerprint.startswith(UNREAD)

    def is_same_as(self, other: "Release") -> bool:
        """Both are one release: by content, and by tag only where the content of one of them is not known."""
        if self.is_only_a_tag or other.is_only_a_tag:
            return self.tag == other.tag
        return self.fingerprint == other.fingerprint


@dataclass(frozen=True, slots=True)
class PartChange:
    """One part of a service that went from one release to another. ``before`` is None where nothing was known to serve."""

    part: str
    before: Release | None
    after: Release


@dataclass(frozen=True, slots=True)
class Deployment:
    """One change of the running release, however it was heard of."""

    service: str
    environment: str
    parts: tuple[PartChange, ...]
    heard_at: datetime
    source: str
    platform_ids: tuple[
        str, ...
    ] = ()  # by which other news of the same deployment, and our own moves, are recognised
    author: str | None = None

    @property
    def fingerprint(self) -> str:
        """The identity of what was deployed: the fingerprints of its parts, joined."""
        return "+".join(change.after.fingerprint for change in self.parts)


class Phase(StrEnum):
    """How far a deployment is, as a source tells it."""

    STARTED = "started"
    SHIFTED = "shifted"  # the new release takes traffic
    PAUSED = "paused"  # it waits for somebody to answer: at a hook of the platform
    COMPLETE = "complete"  # it has all the traffic that it will get
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pause:
    """A rollout that waits at a hook of its platform for somebody's word.

    Attributes:
        hook: The platform's id of this very pause; empty where the source knows none.
        stage: Where in the rollout, as the platform calls it; empty where it is not told.
        until: When the platform goes on by itself; ``None``: it is not told.
        otherwise: What it does then, in words.
        go_on: What a person runs to let it go on.
        go_back: What a person runs to have it broken off.
    """

    hook: str = ""
    stage: str = ""
    until: datetime | None = None
    otherwise: str = ""
    go_on: str = ""
    go_back: str = ""

    def is_same_as(self, other: "Pause") -> bool:
        """Both are one wait: by the id of the hook, and by the stage alone where none is told."""
        return (self.hook, self.stage) == (other.hook, other.stage)


BETWEEN_PARTS = ","  # which no part has in its name


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a source says of a deployment, before anything was looked up: hints, never orders.

    Attributes:
        source: The source's name in the configuration.
        dedup_key: The sender's own id of this message; one (source, key) is accepted once.
        hints: What the source knows: ``tag``, ``fingerprint``, ``part`` (of several, with `BETWEEN_PARTS` between), ``version``,
            ``author``, ``reversible``...
        at: When it happened, by the sender's clock; a stale one (24 h) is recorded, never acted on.
        pause: With the phase ``PAUSED``: at what it waits, as far as the source knows.
    """

    source: str
    dedup_key: str
    service: str
    environment: str
    phase: Phase
    at: datetime
    hints: Mapping[str, str] = field(default_factory=dict)
    platform_ids: tuple[str, ...] = ()
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """What the platform says is running of one part.

    Attributes:
        release: What serves; during a move, what serves most or first. ``None``: nothing serves.
        in_flight: The release that is being moved to, if one is.
        shares: The share of the traffic by fingerprint, where the platform tells it.
        key: The idempotency key of the last move, where the platform keeps it: how our own move is recognised.
        since: Since when what is ahead (in flight, else serving) is being deployed, by the platform's clock, where it
            tells it. What was begun before the daemon arrived is watched from then on.
        obstacles: What forbids that the machine moves it by itself: one sentence each, with its remedy.
        broken_off: Nothing brings what is in flight any further: its rollout was broken off, and is left half done.
        pause: Where what is in flight waits for somebody's word, if it does (see `deploy.target.Hooked`).
        undoes: A move that is made twice is undone here: one that may have been sent is followed, and never decided like a new one.
    """

    release: Release | None
    in_flight: Release | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    key: str | None = None
    since: datetime | None = None
    obstacles: tuple[str, ...] = ()
    broken_off: bool = False
    pause: Pause | None = None
    undoes: bool = False

    def share_of(self, release: Release) -> float:
        """Of the traffic, what *release* has; where none is told, all of it or nothing, by what serves."""
        seen = (each for each in (self.in_flight, self.release) if each is not None)
        known = next((each for each in seen if each.is_same_as(release)), release)
        told = self.shares.get(known.fingerprint)
        if told is not None:
            return told
        alone = self.in_flight is None and self.release is not None and self.release.is_same_as(release)
        return 1.0 if alone and not self.shares else 0.0


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The platform could not be read, in its own words. *awaited*: nothing is wrong, it will be known in a moment."""

    words: str
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """What was announced is over and replaced: there is nothing to resolve any more, and asking again will not help."""

    words: str


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the platform itself remembers of one part: the ledger of a store that was lost, as far as it goes.

    Attributes:
        served: Which release served from when, oldest first; the last one is what serves now. What is being watched (in
            flight, or too young to be more than a deployment) is not among them.
        proven: Fingerprints that our mark calls proven, and since when.
        quarantined: Fingerprints that our mark calls quarantined (or that our own rollback left), when, and why.
        others: Releases that are marked and never served alone, so that they are known by their tags too.
    """

    served: tuple[tuple[Release, datetime], ...] = ()
    proven: Mapping[str, datetime] = field(default_factory=dict)
    quarantined: Mapping[str, tuple[datetime, str]] = field(default_factory=dict)
    others: tuple[Release, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a release stands in the ledger, for the mark that people and pipelines can read on the platform.

    Attributes:
        grade: ``proven``, ``served``, ``adopted``, or ``quarantined``; ``unknown`` takes back what an older mark says.
        since: Since when.
        why: Of a quarantine; empty elsewhere.
    """

    release: Release
    grade: str
    since: datetime
    why: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One part from one explicit release to another: never "previous", never "all"."""

    part: str
    expect: Release
    to: Release


class Word(StrEnum):
    """What a rollout is told that waits at a hook of its platform."""

    GO_ON = "go on"
    GO_BACK = "go back"


@dataclass(frozen=True, slots=True)
class Shift:
    """How the traffic of one part is to be shared out: *after* gets *share* of it (0 to 1), *before* the rest.

    Attributes:
        expect: The share that *after* has now. With any other, somebody else has moved it, and it is left alone.
        ready_by: Until then its platform has to say that *after* is ready, before it is given anything; ``None``: that is not asked.
    """

    part: str
    before: Release
    after: Release
    share: float
    expect: float = 0.0
    ready_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to the rollout of *after* that waits at *pause*."""

    part: str
    after: Release
    pause: Pause
    word: Word = Word.GO_ON


def is_about(share: float, other: float) -> bool:
    """Two shares are one, as far as platforms with whole weights can tell them apart."""
    return abs(share - other) < SAME_SHARE


def percent(share: float) -> str:
    """A share (0..1) as people write it: ``5 %``, ``0.1 %``."""
    return f"{100 * share:.4g} %"


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """The moves that undo a deployment, in the order in which they are made."""

    service: str
    environment: str
    moves: tuple[Move, ...]


# What came of asking a platform to move.


@dataclass(frozen=True, slots=True)
class Begun:
    """The platform took the order. *platform_id* names it there."""

    platform_id: str | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """The part serves the wanted release already; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed: the platform said no, or what runs is not what the plan expects."""

    words: str
    third_tag: str | None = None  # another release runs: somebody else has moved it
    again_in: timedelta | None = None  # it only said "not now": ask again, after this long


@dataclass(frozen=True, slots=True)
class Unclear:
    """The answer was lost. It may have happened: read, and do not send again."""

    words: str


Beginning = Begun | AlreadyThere | Refused | Unclear


@dataclass(frozen=True, slots=True)
class Moving:
    """On its way."""

    words: str = ""


@dataclass(frozen=True, slots=True)
class Serving:
    """The wanted release serves, and nothing else is in flight."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The platform gave up, in its own words; *by_hand* is what a person can run."""

    words: str
    by_hand: str = ""


@dataclass(frozen=True, slots=True)
class Drifted:
    """Something else runs, or is on its way: another hand."""

    words: str
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The move needs another call: `begin` it again, with the same key. Nobody else has moved the part meanwhile."""

    words: str


Progress = Moving | Serving | Failed | Drifted | Unfinished


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether who acts may make a call, as a dry run of the policies says; nothing was tried.

    Attributes:
        action: ``ecs:UpdateService``; empty: no dry run tells of this target.
        allowed: ``None``: it is not known.
        words: All of it for a person, with the reason where it is not known.
    """

    action: str
    allowed: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Foretold:
    """What a move would do: the calls in order, how long, at what capacity, and how a person does it.

    Attributes:
        capacity: What is taken away, or stands beside, while it moves.
        obstacles: What stands in its way: one sentence each.
        gone: Those of them by which the wanted release is not there any more, or cannot serve: its image, bundle, version or
            assets. A rollback to it would fail, whoever orders it.
        unread: Something that would tell could not be read: that nothing is *gone* is not known then.
        sessions: What becomes of those who are in the middle of something.
        not_undone: What stays as the release that is left has made it (see `deploy.target.Kind`); no target says it itself.
        permissions: Whether each of its calls would be let through; no target says it itself.
    """

    calls: tuple[str, ...]
    takes: str = ""
    capacity: str = ""
    by_hand: str = ""
    obstacles: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    unread: bool = False
    sessions: str = ""
    not_undone: str = ""
    permissions: tuple[Permission, ...] = ()


class Level(StrEnum):
    """How bad it is what an examination found."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class About(StrEnum):
    """What a finding is about: said by whoever found it, and read from no words. The value is the head of its row, for people.

    Of a system, and of the way to it; of what a rule asks of one; of a service.
    """

    ACCESS = "access"
    KEY = "key"
    SCOPE = "scope"
    SITE = "site"  # the vendor's region, or a server of one's own
    CLOCK = "clock"
    ACCOUNT = "account"
    ORGANIZATION = "organization"
    TENANT = "tenant"
    ADDRESS = "address"
    SECRET = "secret"  # noqa: S105 - what is looked at, and none itself
    TELLING = "may tell"
    HEARING = "hears people"
    CHANNEL = "channel"
    REPOSITORY = "repository"
    SUBSCRIBERS = "subscribers"
    HEARD = "who is heard"
    TOLD = "who is told"
    CALLERS = "who may call"
    HEARTBEAT = "heartbeat"
    RELAY = "who this is"
    DAEMON = "central daemon"
    QUEUE = "queue"
    FEED = "what it reads"
    GATE = "gate"
    STORE = "store"
    READING = "role to read"
    ACTING = "role to act"

    METRIC = "metric"
    TAG = "tag"  # a label, an attribute or a dimension that does not tell the release
    VERSION_TAG = "version tag"  # one that does
    RELEASE = "release name"
    PROJECT = "project"
    MONITOR = "monitor"  # or alarm
    SLO = "SLO"
    LOG_GROUP = "log group"
    QUERY = "query"
    RULES = "rules"
    PROMISE = "promises"
    DATA = "data"
    HEALTH = "health"
    LATENESS = "lateness"
    COST = "cost of a watch"
    SIGHT = "what it sees"

    LIVE = "what is live"
    DEPLOYING = "how it is deployed"
    KEPT = "what is kept"
    WAITS = "times it waits"
    WAY_BACK = "way back"
    OWNER = "who moves it"
    MIRROR = "mirror"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found by looking at one thing before it is needed, and what to do about it.

    Attributes:
        about: Which question it answers; ``None``: the one that the check is named after.
        untold: Whether it is well could not be told: nobody answered, or nobody may ask. It is never ok then.
    """

    level: Level
    words: str
    remedy: str = ""
    about: About | None = None
    untold: bool = False
