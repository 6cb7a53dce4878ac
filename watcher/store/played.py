"""The `Store` over an engine that plays operations: which of them write, and who is told that a watch has changed."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import GeneratorType
from typing import Literal, Protocol, TypeVar, cast
from weakref import WeakValueDictionary

from deploy.model import Announcement, Recalled, Release
from deploy.tags import Ledger
from rules.sample import Series
from watcher.core.alerts import Pushed, Remembered
from watcher.core.change import Change
from watcher.core.freeze import Freeze
from watcher.core.gate import Passage, PassageStep, Passing
from watcher.core.relayed import MOST_INSTANCES, NotTaken, Relayed, Taken, Telling
from watcher.core.watch import ActionState, Closing, Message, State, Step, Watch
from watcher.errors import StoreUnavailable
from watcher.store.sql import (
    actions,
    alerts,
    audit,
    changes,
    gates,
    inbox,
    ledger,
    messages,
    people,
    relayed,
    steps,
    switch,
    upkeep,
    watches,
)
from watcher.store.sql.operation import Operation, Rows, Statement
from watcher.store.store import (
    Accepted,
    Answered,
    AuditRow,
    Claimed,
    Concerned,
    Disarmed,
    Heard,
    InboxItem,
    Leased,
    Note,
    Outgoing,
    Replayed,
    Saved,
    Saving,
)

T = TypeVar("T")
LOOK_AGAIN = timedelta(
    seconds=2
)  # `changed` hears of steps in this process; those of others it finds by looking


Make = Callable[[], Operation[T]]  # makes an operation anew, for an engine that may have to play it twice


class Engine(Protocol):
    """Plays operations, each whole or not at all, whatever becomes of who waits for it."""

    async def write(self, operation: Make[T]) -> T:
        """Play an operation that writes; durable when it returns."""

    async def hold(self, operation: Make[T]) -> T:
        """The same for one that prolongs leases, and so must not wait behind others where that can be had."""

    async def read(self, operation: Make[T]) -> T:
        """Play an operation that only reads."""

    async def close(self) -> None:
        """Finish and close."""


class Played:
    """Every operation of the `Store`, played by *engine*. What each does and raises is said in the protocol."""

    def __init__(self, engine: Engine, failed: Callable[[str], None]) -> None:
        self._engine = engine
        self._failed = failed
        self._news: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    # -- announcements

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
        """See `Store`."""
        return await self._write(lambda: inbox.accept(id, announcement, body, principal, now, dedup, closing))

    async def take_inbox(self, limit: int, now: datetime) -> Sequence[InboxItem]:
        """See `Store`."""
        return await self._write(lambda: inbox.take(limit, now))

    async def close_inbox(self, closing: Closing, now: datetime) -> None:
        """See `Store`."""
        await self._write(lambda: inbox.close(closing, now))

    async def announcement(self, id: str) -> InboxItem | None:
        """See `Store`."""
        return await self._read(lambda: inbox.one(id))

    # -- watches

    async def open(
        self, step: Step, now: datetime, supersedes: Step | None = None, answered: Answered | None = None
    ) -> Saving:
        """See `Store`."""
        saving = await self._write(lambda: steps.open_watch(step, now, supersedes, answered))
        if isinstance(saving, Saved) and supersedes is not None:
            self._tell(supersedes.watch.id)
        return saving

    async def save(
        self,
        step: Step,
        now: datetime,
        buckets: Sequence[Series] = (),
        answered: Answered | None = None,
    ) -> Saving:
        """See `Store`."""
        saving = await self._write(lambda: steps.save_step(step, now, buckets, answered))
        if isinstance(saving, Saved):
            self._tell(step.watch.id)
        return saving

    async def get(self, watch: str) -> Watch | None:
        """See `Store`."""
        return await self._read(lambda: watches.one(watch))

    async def living(self, service: str, environment: str) -> Watch | None:
        """See `Store`."""
        return await self._read(lambda: watches.living(service, environment))

    async def list(
        self,
        *,
        service: str | None = None,
        environment: str | None = None,
        states: Sequence[State] = (),
        after: str | None = None,
        limit: int = 50,
    ) -> Sequence[Watch]:
        """See `Store`."""
        return await self._read(lambda: watches.page(service, environment, states, after, limit))

    async def buckets(self, watch: str) -> Sequence[Series]:
        """See `Store`."""
        return await self._read(lambda: watches.buckets(watch))

    async def buckets_as_saved(self, watch: str) -> Sequence[tuple[int, Series]]:
        """See `Store`."""
        return await self._read(lambda: watches.buckets_as_saved(watch))

    async def actions(self, watch: str) -> Sequence[Claimed]:
        """See `Store`."""
        return await self._read(lambda: actions.of_watch(watch))

    async def changed(self, watch: str, after: int, timeout: timedelta) -> Watch | None:
        """See `Store`."""
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                return await self._newer(watch, after)
        except TimeoutError:
            return await self.get(watch)

    async def _newer(self, watch: str, after: int) -> Watch | None:
        while True:
            news = self._news.setdefault(watch, asyncio.Event())  # before reading, lest a step comes between
            found = await self.get(watch)
            if found is None or found.revision > after:
                return found
            try:
                async with asyncio.timeout(LOOK_AGAIN.total_seconds()):
                    await news.wait()
            except TimeoutError:
                continue

    def _tell(self, watch: str) -> None:
        news = self._news.pop(watch, None)
        if news is not None:
            news.set()

    # -- shared work

    async def claim_due(
        self, now: datetime, limit: int, owner: str, lease: timedelta, grace: timedelta = timedelta(0)
    ) -> Sequence[Leased]:
        """See `Store`."""
        return await self._write(lambda: watches.claim_due(now, limit, owner, lease, grace))

    async def renew(self, held: Mapping[str, int], owner: str, lease: timedelta) -> frozenset[str]:
        """See `Store`."""
        return await self._hold(lambda: watches.renew(held, owner, lease))

    async def let_go(self, held: Mapping[str, int], owner: str) -> None:
        """See `Store`."""
        await self._write(lambda: watches.let_go(held, owner))

    async def rest(self, held: Mapping[str, int], owner: str) -> None:
        """See `Store`."""
        await self._write(lambda: watches.rest(held, owner))

    async def even_out(self, owner: str) -> int:
        """See `Store`."""
        return await self._write(lambda: watches.even_out(owner))

    async def leave(self, owner: str) -> None:
        """See `Store`."""
        await self._write(lambda: watches.leave(owner))

    async def hurry(self, watch: str, now: datetime) -> None:
        """See `Store`."""
        await self._write(lambda: watches.hurry(watch, now))

    async def claim_actions(
        self, now: datetime, limit: int, owner: str, lease: timedelta
    ) -> Sequence[Claimed]:
        """See `Store`."""
        return await self._write(lambda: actions.claim(now, limit, owner, lease))

    async def renew_actions(self, held: Mapping[str, int], owner: str, lease: timedelta) -> frozenset[str]:
        """See `Store`."""
        return await self._hold(lambda: actions.renew(held, owner, lease))

    async def begin(self, action: str, fence: int, now: datetime) -> bool:
        """See `Store`."""
        return await self._write(lambda: actions.begin(action, fence, now))

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
        """See `Store`."""
        return await self._write(
            lambda: actions.record(action, fence, state, words, not_before, now, moves_sent)
        )

    async def claim_messages(
        self, now: datetime, limit: int, owner: str, lease: timedelta
    ) -> Sequence[Outgoing]:
        """See `Store`."""
        return await self._write(lambda: messages.claim(now, limit, owner, lease))

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
        """See `Store`."""
        await self._write(lambda: messages.sent(message, fence, now, ref, again_at, words))

    async def message(self, id: str) -> Message | None:
        """See `Store`."""
        return await self._read(lambda: messages.get(id))

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
        """See `Store`."""
        return await self._write(lambda: alerts.hear(sender, pushed, now, concerned, incomplete=incomplete))

    async def alerts(self, sender: str, known: Remembered | None = None) -> Remembered:
        """See `Store`."""
        return await self._read(lambda: alerts.of(sender, known))

    async def alert_senders(self) -> Mapping[str, Remembered]:
        """See `Store`."""
        return await self._read(alerts.senders)

    # -- ledger

    async def ledger(self, service: str, environment: str, part: str) -> Ledger:
        """See `Store`."""
        return await self._read(lambda: ledger.read(service, environment, part))

    async def adopt(
        self,
        service: str,
        environment: str,
        part: str,
        release: Release,
        now: datetime,
        *,
        adopted: bool,
    ) -> None:
        """See `Store`."""
        await self._write(lambda: ledger.adopt(service, environment, part, release, now, adopted=adopted))

    async def recall(
        self, service: str, environment: str, part: str, recalled: Recalled, now: datetime
    ) -> bool:
        """See `Store`."""
        return await self._write(lambda: ledger.recall(service, environment, part, recalled, now))

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
        """See `Store`."""
        place = (service, environment, part, fingerprint)
        return await self._write(lambda: ledger.mark(place, mark, by, why, now))

    # -- the switch

    async def disarm(self, disarmed: Disarmed, now: datetime, announced: Sequence[Message] = ()) -> None:
        """See `Store`."""
        await self._write(lambda: switch.disarm(disarmed, now, announced))

    async def arm(
        self,
        service: str,
        environment: str,
        by: str,
        why: str,
        now: datetime,
        announced: Sequence[Message] = (),
    ) -> bool:
        """See `Store`."""
        return await self._write(lambda: switch.arm(service, environment, by, why, now, announced))

    async def disarmed(self, now: datetime) -> Sequence[Disarmed]:
        """See `Store`."""
        return await self._read(lambda: switch.in_force(now))

    # -- the gate

    async def freeze(self, freeze: Freeze, now: datetime, announced: Sequence[Message] = ()) -> None:
        """See `Store`."""
        await self._write(lambda: gates.freeze(freeze, now, announced))

    async def thaw(
        self, freeze: str, by: str, why: str, now: datetime, announced: Sequence[Message] = ()
    ) -> bool:
        """See `Store`."""
        return await self._write(lambda: gates.thaw(freeze, by, why, now, announced))

    async def freezes(self, now: datetime) -> Sequence[Freeze]:
        """See `Store`."""
        return await self._read(lambda: gates.freezes(now))

    async def save_passage(self, step: PassageStep, now: datetime, answered: Answered | None = None) -> bool:
        """See `Store`."""
        return await self._write(lambda: gates.save(step, now, answered))

    async def passage(self, id: str) -> Passage | None:
        """See `Store`."""
        return await self._read(lambda: gates.one(id))

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
        """See `Store`."""
        wanted = gates.Wanted(service, environment, state, candidate, answered, after, limit)
        return await self._read(lambda: gates.page(wanted))

    async def tell_once(self, what: str, announced: Sequence[Message], now: datetime) -> bool:
        """See `Store`."""
        return await self._write(lambda: gates.tell_once(what, announced, now))

    # -- the rest

    async def note(self, note: Note, now: datetime) -> bool:
        """See `Store`."""
        return await self._write(lambda: people.note(note, now))

    async def notes(self, watch: str) -> Sequence[Note]:
        """See `Store`."""
        return await self._read(lambda: people.notes(watch))

    async def add_change(self, change: Change, now: datetime) -> bool:
        """See `Store`."""
        return await self._write(lambda: changes.add(change, now))

    async def changes(
        self, since: datetime, until: datetime, near: datetime | None = None
    ) -> Sequence[Change]:
        """See `Store`."""
        return await self._read(lambda: changes.read(since, until, near or until))

    async def relay(
        self, telling: Telling, principal: str, now: datetime, most: int = MOST_INSTANCES
    ) -> Taken | NotTaken:
        """See `Store`."""
        return await self._write(lambda: relayed.relay(telling, principal, now, most))

    async def relayed(
        self,
        service: str,
        environment: str,
        indicators: Collection[str],
        since: datetime,
        until: datetime,
        now: datetime,
    ) -> Relayed:
        """See `Store`."""
        return await self._read(lambda: relayed.relayed(service, environment, indicators, since, until, now))

    async def once(self, principal: str, key: str, digest: bytes, now: datetime) -> Replayed | None:
        """See `Store`."""
        return await self._read(lambda: people.once(principal, key, digest, now))

    async def answered(self, answered: Answered, now: datetime) -> None:
        """See `Store`."""
        await self._write(lambda: people.answered(answered, now))

    async def audit(
        self, *, after: int = 0, subject: str | None = None, limit: int = 100
    ) -> Sequence[AuditRow]:
        """See `Store`."""
        return await self._read(lambda: audit.read(after, subject, limit))

    async def counts(self, now: datetime) -> Mapping[str, Mapping[str, float]]:
        """See `Store`."""
        return await self._read(lambda: upkeep.counts(now))

    async def prune(self, now: datetime) -> int:
        """See `Store`."""
        many = 0
        while rows := await self._write(lambda: upkeep.prune(now)):
            many += rows  # batch by batch: others have their turn in between
        return many

    async def check(self) -> None:
        """See `Store`."""
        await self._write(upkeep.beat)

    async def close(self) -> None:
        """See `Store`."""
        await self._engine.close()

    async def _write(self, operation: Make[T]) -> T:
        with self._counted(operation):
            return await self._engine.write(operation)

    async def _read(self, operation: Make[T]) -> T:
        with self._counted(operation):
            return await self._engine.read(operation)

    async def _hold(self, operation: Make[T]) -> T:
        with self._counted(operation):
            return await self._engine.hold(operation)

    @contextmanager
    def _counted(self, operation: Make[T]) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable:
            self._failed(_name(operation()))
            raise


def _name(operation: Operation[T]) -> str:
    """As operations are counted: ``messages.claim``."""
    code = cast("GeneratorType[Statement, Rows, T]", operation).gi_code
    return f"{Path(code.co_filename).stem}.{code.co_name}"
