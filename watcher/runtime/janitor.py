"""The janitor: forgets what is no longer needed, proves that the store can be written, and counts what waits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from watcher.core.alerts import Remembered, closed
from watcher.core.watch import FINAL, State
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

PRUNE_EVERY = timedelta(minutes=10)
LOOK_EVERY = timedelta(minutes=1)
LIVING = tuple(state for state in State if state not in FINAL)
log = structlog.stdlib.get_logger("rollbackd.janitor")


@dataclass
class Janitor:
    """The loop that keeps house.

    Attributes:
        senders: Who tells of alerts, by name: of those it is shown whether a topic was taken from them. Whichever replica was told
            of that, and whether it has started anew since.
    """

    store: Store
    metrics: Metrics
    now: Callable[[], datetime]
    senders: Callable[[], Iterable[str]] = tuple
    checked_at: datetime | None = None
    _pruned_at: datetime | None = field(default=None)
    _looked_at: datetime | None = field(default=None)
    _remembered: dict[str, Remembered] = field(default_factory=dict)

    async def go_round(self) -> bool:
        """Check, count, and prune when it is time."""
        await self.store.check()
        self.checked_at = self.now()
        self.metrics.store_checked.set(self.checked_at.timestamp())
        await self._count(self.checked_at)
        if self._pruned_at is None or self.checked_at - self._pruned_at >= PRUNE_EVERY:
            self._pruned_at = self.checked_at
            rows = await self.store.prune(self.checked_at)
            if rows:
                log.info("store.pruned", rows=rows)
        return False

    async def _count(self, now: datetime) -> None:
        counts = await self.store.counts(now)
        watches = counts.get("watches", {})
        for state in LIVING:
            self.metrics.watches.labels(state.value).set(watches.get(state.value, 0))
        if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            await self._look(now, int(watches.get(State.ASKING.value, 0)))
            await self._look_at_senders()
        self.metrics.overdue.set(counts["overdue"]["watches"])
        self.metrics.disarmed.set(len(await self.store.disarmed(now)))
        held = [each for each in await self.store.freezes(now) if each.start <= now]
        self.metrics.freezes.set(len(held))
        self.metrics.gates_open.set(counts["gates"]["open"])
        self.metrics.gates_age.set(counts["gates"]["oldest_seconds"])
        self.metrics.inbox_pending.set(counts["inbox"]["pending"])
        self.metrics.action_age.set(counts["actions"]["oldest_seconds"])
        self.metrics.outbox_pending.clear()  # a channel that waits for nothing any more is not in the counts
        self.metrics.outbox_age.clear()
        for channel, pending in counts["messages"].items():
            self.metrics.outbox_pending.labels(channel).set(pending)
            self.metrics.outbox_age.labels(channel).set(counts["messages_oldest_seconds"][channel])

    async def _look(self, now: datetime, asking: int) -> None:
        """How long nobody has answered, of the *asking* that ask."""
        watches = await self.store.list(states=(State.ASKING,), limit=asking) if asking else ()
        unanswered = (
            now - watch.question.asked_at
            for watch in watches
            if watch.question and watch.question.again_at is None
        )
        self.metrics.asking_age.set(max(unanswered, default=timedelta(0)).total_seconds())

    async def _look_at_senders(self) -> None:
        names = tuple(self.senders())
        self._remembered = {name: await self.store.alerts(name, self._remembered.get(name)) for name in names}
        self.metrics.alerts_unsubscribed.clear()  # whoever is no more in the configuration is not shown
        for name, known in self._remembered.items():
            self.metrics.alerts_unsubscribed.labels(name).set(bool(closed(known.alerts)))
