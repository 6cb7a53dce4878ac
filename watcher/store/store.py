"""What the daemon remembers, as one protocol of domain operations. Each is one transaction, played whole.

There is no connection in sight and no CRUD: an operation is a thing that happens to a deployment. Audit rows are written
by the operations themselves, in the same transaction, never by callers. All times are aware UTC and are passed in as
*now*; leases alone go by the store's own clock, so that replicas need not agree on the time.

Two kinds of ownership, and they are not the same: the *revision* of a watch decides who may write it; a *lease* only
shares out the work and gates calls that change the world. A lease that ran out is taken over under a higher *fence*.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from deploy.model import Announcement, Recalled, Release
from deploy.tags import Ledger
from rules.sample import Series
from watcher.core.alerts import Pushed, Remembered
from watcher.core.change import Change
from watcher.core.freeze import Freeze
from watcher.core.gate import Passage, PassageStep, Passing
from watcher.core.relayed import MOST_INSTANCES, NotTaken, Relayed, Taken, Telling
from watcher.core.watch import Action, ActionState, Closing, Guard, Message, State, Step, Watch
from watcher.store.care import Care


@dataclass(frozen=True, slots=True)
class Accepted:
    """The announcement is written down. *duplicate*: it was before; *conflict*: under this key something else was."""

    id: str
    duplicate: bool = False
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One announcement that waits to be resolved, or what became of it."""

    id: str
    announcement: Announcement | None  # None: it could not be read
    received_at: datetime
    principal: str
    attempts: int = 0
    closing: Closing | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """The step is durable, with all that it causes."""

    watch: Watch


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody else wrote the watch first (or another watch lives on the service). Read again."""


@dataclass(frozen=True, slots=True)
class GuardFailed:
    """A guard does not hold: a fact for the next step. *words* say why, for people.

    Of several the first: the switch, the release, the target, then the ceilings from the deployment to the fleet.
    """

    guard: Guard
    words: str


Saving = Saved | Stale | GuardFailed


@dataclass(frozen=True, slots=True)
class Leased:
    """A watch that is claimed, under *fence*, until the lease runs out. *taken_from*: another owner, who did not leave it."""

    watch: Watch
    fence: int
    taken_from: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """An action that is claimed, under *fence*. *attempts*: how often a call was begun; *taken_from* as in `Leased`."""

    action: Action
    state: ActionState
    fence: int
    attempts: int
    words: str = ""
    moves_sent: int = (
        0  # how many of the plan's moves were sent and answered: ``deploy.rollback`` wants it back
    )
    taken_from: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be told, for the time *attempts* (the first is 1).

    *ref* is what this channel answered to a ``show`` of the same watch (a message id), for an ``append`` too: its thread.
    """

    message: Message
    attempts: int
    fence: int
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Disarmed:
    """The switch: of one service, or of all (service and environment ``*``). It expires by itself."""

    service: str
    environment: str
    by: str
    reason: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line of the audit: who did what to what, when, and why."""

    seq: int
    at: datetime
    by: str
    what: str  # `watch.opened`, `action.begun`, `release.allowed`...
    subject: str  # a watch, an announcement, service/environment or a fingerprint
    why: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Note:
    """What a person said of a watch: the right call, the wrong call, or anything else."""

    watch: str
    by: str
    at: datetime
    call: Literal["right", "wrong", "note"]
    words: str = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What an idempotency key answered the first time; or *conflict*, when it came with another body."""

    status: int
    body: bytes
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request with an idempotency key is answered, and by which *digest* the same request is known again."""

    principal: str
    key: str
    digest: bytes
    status: int
    body: bytes


# Whom an alert concerns, by its key: services with their environments.
Concerned = Mapping[str, Collection[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of alerts that were told: how many changed, stood as before, or were older than what is known.

    Attributes:
        dropped: How many alerts of the sender were forgotten, because it has told of more than are kept.
        hurried: The watches that are due because of it.
    """

    changed: int
    repeated: int
    outdated: int
    dropped: int = 0
    hurried: Collection[str] = ()


class Store(Protocol):
    """The one place with compare-and-set.

    Every operation is played whole or not at all, also where whoever waits for it is cancelled; each raises
    `StoreUnavailable` where the store fails or does not answer in time, and then says whether it may have happened.
    """

    # -- announcements: accepted before they are acknowledged

    async def accept(
        self,
        id: str,
        announcement: Announcement | None,
        body: bytes,
        principal: str,
        now: datetime,
        dedup: tuple[str, str],
        closing: Closing | None = None,
    ) -> Accepted:
        """Write an announcement into the inbox, once for each *dedup* (source, key). Durable when it returns.

        One that could not be read is accepted with its *closing* (rejected, why), so that nothing is lost.
        """

    async def take_inbox(self, limit: int, now: datetime) -> Sequence[InboxItem]:
        """Announcements that are not closed yet and are due, oldest first.

        Each is counted as tried, and due again after 5, 10, 20, 40, then every 60 s.
        """

    async def close_inbox(self, closing: Closing, now: datetime) -> None:
        """Say what became of an announcement that causes no step (recorded, rejected). Twice is harmless."""

    async def announcement(self, id: str) -> InboxItem | None:
        """One announcement."""

    # -- watches

    async def open(
        self, step: Step, now: datetime, supersedes: Step | None = None, answered: Answered | None = None
    ) -> Saving:
        """Open the watch of *step* (``before == 0``), and in the same transaction save the step that ends the one it supersedes.

        *answered*: what whoever ordered it is answered, remembered in the same transaction too.
        Answers `Stale` where another live watch holds the service.
        """

    async def save(
        self,
        step: Step,
        now: datetime,
        buckets: Sequence[Series] = (),
        answered: Answered | None = None,
    ) -> Saving:
        """Save a step with all that it causes, *buckets* and what is *answered*, if its guards hold and nobody wrote first.

        The guards see what the step itself closes: its results, and open actions of the watch that its new state makes
        invalid, which become refused.
        """

    async def get(self, watch: str) -> Watch | None:
        """One watch."""

    async def living(self, service: str, environment: str) -> Watch | None:
        """The watch of a service that is not final, if one lives."""

    async def list(
        self,
        *,
        service: str | None = None,
        environment: str | None = None,
        states: Sequence[State] = (),
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Watch]:
        """Watches, newest first; *after* is the id of the last one of the page before."""

    async def buckets(self, watch: str) -> Sequence[Series]:
        """All settled buckets of a watch, in order."""

    async def buckets_as_saved(self, watch: str) -> Sequence[tuple[int, Series]]:
        """The same, not yet put together: what was saved with each step, with the step's revision, in the order of saving."""

    async def actions(self, watch: str) -> Sequence[Claimed]:
        """All actions of a watch, oldest first."""

    async def changed(self, watch: str, after: int, timeout: timedelta) -> Watch | None:
        """Wait until the watch's revision is greater than *after*, at most *timeout*; the watch as it is then."""

    # -- shared work

    async def claim_due(
        self, now: datetime, limit: int, owner: str, lease: timedelta, grace: timedelta = timedelta(0)
    ) -> Sequence[Leased]:
        """Take due watches that nobody holds. One that rests with another owner only once it is due for *grace*."""

    async def renew(self, held: Mapping[str, int], owner: str, lease: timedelta) -> frozenset[str]:
        """Prolong leases (watch id → fence); the ids that are still held. One that is missing is lost: stop at once."""

    async def let_go(self, held: Mapping[str, int], owner: str) -> None:
        """Give leases back."""

    async def rest(self, held: Mapping[str, int], owner: str) -> None:
        """Give leases back until the watches are due again: they are left to *owner* for a while then."""

    async def even_out(self, owner: str) -> int:
        """Let watches that rest with whoever has the most rest with *owner*, up to its share of all; how many."""

    async def leave(self, owner: str) -> None:
        """Give back everything that *owner* holds, or that is left to it: it goes away."""

    async def hurry(self, watch: str, now: datetime) -> None:
        """Make a watch due now; in the middle of a round: again after the round."""

    async def claim_actions(
        self, now: datetime, limit: int, owner: str, lease: timedelta
    ) -> Sequence[Claimed]:
        """Take open actions that are due, that nobody holds, and whose watch is in the state that they are valid in."""

    async def renew_actions(self, held: Mapping[str, int], owner: str, lease: timedelta) -> frozenset[str]:
        """The same as `renew`, of actions."""

    async def begin(self, action: str, fence: int, now: datetime) -> bool:
        """Write down that the call is about to be made. ``False``: the lease or the watch's state is lost; do not call."""

    async def record(
        self,
        action: str,
        fence: int,
        state: ActionState,
        words: str,
        not_before: datetime,
        now: datetime,
        moves_sent: int = 0,
    ) -> bool:
        """Write down how far an open action is (and how many moves were sent and answered), and let it go until *not_before*.

        Only for states that are open: how an action ends is written with the step that it causes (``Step.results``).
        """

    async def claim_messages(
        self, now: datetime, limit: int, owner: str, lease: timedelta
    ) -> Sequence[Outgoing]:
        """Take messages that are to be told.

        Those of one watch in one channel come one by one and in order, as long as telling does not fail.
        """

    async def sent(
        self,
        message: str,
        fence: int,
        now: datetime,
        *,
        ref: str | None = None,
        again_at: datetime | None = None,
        words: str = "",
    ) -> None:
        """A message was told, is to be tried again at *again_at*, or is given up (*words* alone). A newer ``show`` of the same row stays due."""

    async def message(self, id: str) -> Message | None:
        """One message; ``None`` where a newer ``show`` took its place (what it offered is out of date), or it was pruned."""

    # -- alerts that are pushed

    async def hear_alerts(
        self,
        sender: str,
        pushed: Sequence[Pushed],
        now: datetime,
        concerned: Concerned,
        *,
        incomplete: bool = False,
    ) -> Heard:
        """Remember how alerts stand, as *sender* tells, and make the watches of those that they concern due now: all or nothing.

        Of one alert the newest word stands, by the sender's own clock, in whatever order they come; a word that is heard twice
        changes nothing. Of one sender the 2,000 alerts are kept that fire, or were heard last. *incomplete*: it left some out.
        """

    async def alerts(self, sender: str, known: Remembered | None = None) -> Remembered:
        """What is remembered of a sender, its alerts in the order of their keys.

        *known*: what it answered before; the same again, without reading it, where the sender has told nothing since.
        """

    async def alert_senders(self) -> Mapping[str, Remembered]:
        """All that were ever heard, by name, without their alerts."""

    # -- ledger

    async def ledger(self, service: str, environment: str, part: str) -> Ledger:
        """What is remembered of a part: the 200 releases seen last, and all that a mark is on, with their newest tag and names."""

    async def adopt(
        self, service: str, environment: str, part: str, release: Release, now: datetime, *, adopted: bool
    ) -> None:
        """*release* was found live, outside of a deployment that is watched. Twice is harmless.

        *adopted*: by a daemon that has just arrived; it opens a span only where none is open. Otherwise it follows what served.
        """

    async def recall(
        self, service: str, environment: str, part: str, recalled: Recalled, now: datetime
    ) -> bool:
        """Write down what the platform remembers of a part, where nothing is known of it. ``False``: something is.

        The release that serves is adopted; one that is marked as proven is as good as one whose watch passed.
        """

    async def mark_release(
        self,
        service: str,
        environment: str,
        part: str,
        fingerprint: str,
        mark: Literal["allow", "distrust"],
        by: str,
        why: str,
        now: datetime,
    ) -> bool:
        """What a person says of a release. ``False``: nobody knows it.

        *allow* lifts quarantine and distrust, and is kept as a mark from its newest time on; *distrust* lifts that mark.
        """

    # -- the switch

    async def disarm(self, disarmed: Disarmed, now: datetime, announced: Sequence[Message] = ()) -> None:
        """No automatic start from now on; takes the same lock as the guard `Armed`."""

    async def arm(
        self,
        service: str,
        environment: str,
        by: str,
        why: str,
        now: datetime,
        announced: Sequence[Message] = (),
    ) -> bool:
        """Lift it. ``False``: it was not on."""

    async def disarmed(self, now: datetime) -> Sequence[Disarmed]:
        """The switches in force."""

    # -- the gate

    async def freeze(self, freeze: Freeze, now: datetime, announced: Sequence[Message] = ()) -> None:
        """Let nothing pass the gate from ``freeze.start`` to ``freeze.end``. Twice with one id is harmless."""

    async def thaw(
        self, freeze: str, by: str, why: str, now: datetime, announced: Sequence[Message] = ()
    ) -> bool:
        """End a freeze before its time. ``False``: it is not there, or over."""

    async def freezes(self, now: datetime) -> Sequence[Freeze]:
        """The freezes in force, and those that are to come, in their order."""

    async def save_passage(self, step: PassageStep, now: datetime, answered: Answered | None = None) -> bool:
        """Save one change of what is at the gate, with what people are told of it.

        ``False``: somebody wrote first, or (``before == 0``) the same asks already.
        """

    async def passage(self, id: str) -> Passage | None:
        """What asked to pass, by its id."""

    async def passages(
        self,
        *,
        service: str | None = None,
        environment: str | None = None,
        state: Passing | None = None,
        candidate: str | None = None,
        answered: bool = False,
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Passage]:
        """What asked to pass, newest first. *candidate*: its key; *answered*: only what a person said something of."""

    async def tell_once(self, what: str, announced: Sequence[Message], now: datetime) -> bool:
        """Queue what is *announced*, once for *what*, whoever asks first. ``False``: it was told. Remembered for 90 days."""

    # -- the rest

    async def note(self, note: Note, now: datetime) -> bool:
        """Keep what a person said of a watch. ``False``: there is no such watch."""

    async def notes(self, watch: str) -> Sequence[Note]:
        """What people said of a watch."""

    async def add_change(self, change: Change, now: datetime) -> bool:
        """Record something else that moved. ``False``: it is known by its key already."""

    async def changes(
        self, since: datetime, until: datetime, near: datetime | None = None
    ) -> Sequence[Change]:
        """What else moved in ``[since, until)``, oldest first, and what was deployed or went back meanwhile.

        At most some 1,000: where there is more, what is nearest to *near*, or to *until*.
        """

    async def relay(
        self, telling: Telling, principal: str, now: datetime, most: int = MOST_INSTANCES
    ) -> Taken | NotTaken:
        """Keep what a sidecar tells, each sample once for its instance and bucket. Twice is harmless, and counts nothing twice.

        *most* is how many instances of one service may live.
        """

    async def relayed(
        self,
        service: str,
        environment: str,
        indicators: Collection[str],
        since: datetime,
        until: datetime,
        now: datetime,
    ) -> Relayed:
        """What sidecars told of *indicators* in buckets that end in ``(since, until]``, and which of them were heard lately."""

    async def once(self, principal: str, key: str, digest: bytes, now: datetime) -> Replayed | None:
        """What this idempotency key answered before; ``None``: it is new (or the first request is not answered yet)."""

    async def answered(self, answered: Answered, now: datetime) -> None:
        """Remember an answer for 24 h; one that is remembered already stands."""

    async def audit(
        self, *, after: int = 0, subject: str | None = None, limit: int = 100
    ) -> Sequence[AuditRow]:
        """The audit, in order."""

    async def counts(self, now: datetime) -> Mapping[str, Mapping[str, float]]:
        """For metrics: live watches by state, those that were due a minute ago, inbox pending, messages pending by channel with the oldest age in seconds, open actions with the oldest age."""

    async def prune(self, now: datetime) -> int:
        """Forget what is no longer needed; how many rows. Watches, actions, the ledger and the audit stay.

        Buckets go 7 days after the end of their watch, keys after 24 h, announcements, messages and changes after 30 days,
        what sidecars told after half an hour; freezes that are over and what asked to pass the gate after 90 days.
        """

    async def check(self) -> None:
        """Write and read something; raises `StoreUnavailable`."""

    async def close(self) -> None:
        """Finish what is queued and close. Twice is harmless."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a store is opened with.

    Attributes:
        now: The clock that leases go by, where the store has none of its own (SQLite).
        threads: ``False`` plays everything in the event loop: for tests in virtual time, which know nothing of threads.
        failed: Hears the name of each operation that ended in `StoreUnavailable`, to be counted.
    """

    now: Callable[[], datetime]
    threads: bool = True
    failed: Callable[[str], None] = lambda _operation: None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of store, for the registry.

    Attributes:
        settings: As they stand under ``store: {kind: ...}``.
        open: Gives the store, for as long as the context lasts; closes it afterwards.
        care: What people do with it beside the daemon, by its settings and a clock; ``None`` where it ends with its process.
    """

    settings: type[BaseModel]
    open: Callable[[Any, Opening], AbstractAsyncContextManager[Store]]
    care: Callable[[Any, Callable[[], datetime]], Care] | None = None
