"""Tells people: takes messages from the store and gives them to the notifiers.

A loop of its own, so that a channel that hangs delays no rollback. At least once: a crash between telling and writing it
down tells twice, with the same id.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from watcher.core.watch import FINAL, Message
from watcher.notify.notifier import Later, Never, Notifier, Telling, Told
from watcher.runtime.rounds import Boundary
from watcher.store.store import Outgoing, Store
from watcher.telemetry.metrics import Metrics

LEASE = timedelta(seconds=30)
TELL_TIMEOUT = timedelta(seconds=20)
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=5)
MOST_ATTEMPTS = 60  # nearly five hours of trying
MOST_AT_THE_END = 2016  # a week: how a deployment ended is told, however late
FINAL_STATES = frozenset(state.value for state in FINAL)
BATCH = 20
log = structlog.stdlib.get_logger("rollbackd.courier")


@dataclass
class Courier:
    """The loop that tells people."""

    store: Store
    notifiers: Callable[[], Mapping[str, Notifier]]
    metrics: Metrics
    boundary: Boundary
    owner: str
    now: Callable[[], datetime]

    async def go_round(self) -> bool:
        """Tell what is due, each message by itself."""
        outgoing = await self.store.claim_messages(self.now(), BATCH, self.owner, LEASE)
        await self.boundary.each({item.message.id: self._deliver(item) for item in outgoing})
        return bool(outgoing)

    async def _deliver(self, item: Outgoing) -> None:
        message, telling, now = item.message, await self._tell(item), self.now()
        match telling:
            case Told(ref):
                await self.store.sent(message.id, item.fence, now, ref=ref or "told")
            case Later(after, words) if item.attempts < most_attempts(message):
                again = now + max(after, growing(item.attempts))
                await self.store.sent(message.id, item.fence, now, again_at=again, words=words)
                log.warning("message.delayed", message=message.id, channel=message.channel, words=words)
            case Later(_, words) | Never(words):
                telling = Never(words)  # what was tried for hours is given up too, and counts as such
                await self.store.sent(message.id, item.fence, now, words=words)
                log.error("message.undeliverable", message=message.id, channel=message.channel, words=words)
        self.metrics.messages.labels(_connection(item), type(telling).__name__.lower()).inc()

    async def _tell(self, item: Outgoing) -> Telling:
        name, narrowing = _connection(item), item.message.channel.partition(":")[2]
        notifier = self.notifiers().get(name)
        if notifier is None:
            return Never(f"no connection is called {name!r} any more")
        try:
            async with asyncio.timeout(TELL_TIMEOUT.total_seconds()):
                return await notifier.tell(item.message, narrowing, item.ref)
        except TimeoutError:
            return Later(FIRST_PAUSE, f"no answer within {TELL_TIMEOUT.total_seconds():.0f} s")


def _connection(item: Outgoing) -> str:
    return item.message.channel.partition(":")[0]


def most_attempts(message: Message) -> int:
    """How often *message* is tried before it is given up."""
    return MOST_AT_THE_END if message.notice.facts.get("state") in FINAL_STATES else MOST_ATTEMPTS


def growing(attempts: int) -> timedelta:
    """A pause that doubles with each attempt."""
    return min(FIRST_PAUSE * 2.0 ** min(attempts, 10), LONGEST_PAUSE)
