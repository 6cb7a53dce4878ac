"""Alerts that are pushed: believed, remembered, and the watches that they concern looked at, at once.

What was heard is durable before whoever sent it is told so, and in the same transaction its watches are due: whatever is
killed in between, they are looked at. A push decides nothing here. Deliveries that come while others are being written down
are written down together, so that a thousand of them are a few transactions, and nobody who acts waits behind them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from deploy.source import Aside, Ignored, Received, Rejected
from watcher.core.alerts import Pushed
from watcher.core.service import Service
from watcher.errors import StoreUnavailable
from watcher.http import Http
from watcher.runtime.bells import Bells
from watcher.runtime.feeder import Asides, unwanted
from watcher.signals.alert.pushed import Meaning, Told
from watcher.signals.alert.query import may_mean, parsed
from watcher.signals.alert.senders import cloudwatch
from watcher.signals.alert.senders.door import heard as heard_at_the_door
from watcher.signals.alert.senders.sender import Sender, Unproven
from watcher.store.store import Concerned, Heard, Store
from watcher.telemetry.metrics import Metrics

PROVIDER = "alert"
TOGETHER = 2000  # alerts in one transaction, and those of the last delivery: some tens of milliseconds
QUEUED = "an alarm: remembered, for rules that name this source"
Services = Mapping[tuple[str, str], Service]
log = structlog.stdlib.get_logger("rollbackd.alerts")


@dataclass
class _Batch:
    """Deliveries of one sender that are written down together."""

    told: list[Told] = field(default_factory=list)
    ended: bool = False
    failed: StoreUnavailable | None = None

    @property
    def is_full(self) -> bool:
        """It holds as many alerts as one transaction may."""
        return sum(len(told.alerts) for told in self.told) >= TOGETHER


@dataclass
class Alerts:
    """Who hears what is pushed.

    Attributes:
        senders: Those of the configuration in force, by name.
        kinds: The kinds of all that may be heard, queues among them, by name.
        services: Those that are configured: what their rules name is whom an alert concerns.
        others: Who may want an event that is no alarm.
    """

    store: Store
    senders: Callable[[], Mapping[str, Sender]]
    kinds: Callable[[], Mapping[str, str]]
    services: Callable[[], Services]
    http: Http
    bells: Bells
    metrics: Metrics
    now: Callable[[], datetime]
    others: Asides = unwanted
    _unproven: dict[str, str] = field(default_factory=dict)
    _waiting: dict[str, _Batch] = field(default_factory=dict)
    _turns: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def hear(self, name: str, received: Received) -> Meaning | Unproven:
        """Take what came for the sender called *name*; what it said is durable when this returns.

        Raises:
            StoreUnavailable: It could not be written down: it has to be sent again.
        """
        sender = self.senders().get(name)
        if sender is None:
            return Unproven("nobody of that name is configured")
        meaning = await heard_at_the_door(sender, self.http, received)
        if not isinstance(meaning, Unproven):
            self._unproven.pop(name, None)
        match meaning:
            case Told():
                await self._hear(name, meaning)
                if meaning.aside is not None:
                    await self.others(meaning.aside, received.at)
            case Ignored():
                await self._hear(name, Told())
                self._count(name, "ignored")
            case Rejected():
                self._count(name, "rejected")
                log.warning("alerts.rejected", sender=name, why=meaning.why, where=meaning.where)
            case Unproven(why):
                self._doubt(name, why)
        return meaning

    async def aside(self, aside: Aside, now: datetime) -> str | None:
        """The same, of an event that came by a queue: see `Asides`. Whoever may send to the queue is believed."""
        if not cloudwatch.is_alarm(aside.event):
            return None
        meaning = cloudwatch.read(aside.event, now)
        if isinstance(meaning, Told):
            await self._hear(aside.via, meaning)
            return QUEUED
        self._count(aside.via, "rejected")
        return None

    def _doubt(self, name: str, why: str) -> None:
        """Said once, until it is proven again: whoever forges must not fill the log."""
        if self._unproven.get(name) != why:
            self._unproven[name] = why
            log.warning("alerts.unproven", sender=name, why=why)

    async def _hear(self, name: str, told: Told) -> None:
        """Write *told* down with whatever comes until its turn."""
        batch = self._waiting.get(name)
        if batch is None or batch.is_full:
            batch = self._waiting[name] = _Batch()
        batch.told.append(told)
        async with self._turns[name]:
            if not batch.ended:
                if self._waiting.get(name) is batch:
                    del self._waiting[name]  # who comes from now on waits for the next turn
                await self._end(name, batch)
        if batch.failed is not None:
            raise batch.failed

    async def _end(self, name: str, batch: _Batch) -> None:
        """One try for all of them: a store that does not answer makes nobody wait twice."""
        try:
            self._say(name, await self._write(name, batch.told), self.now())
        except StoreUnavailable as error:
            batch.failed = error
        batch.ended = True

    async def _write(self, name: str, tellings: Collection[Told]) -> Heard:
        pushed = [alert for told in tellings for alert in told.alerts]
        incomplete = any(told.incomplete for told in tellings)
        concerned = whom(self.services(), name, pushed)
        return await self.store.hear_alerts(name, pushed, self.now(), concerned, incomplete=incomplete)

    def _say(self, name: str, found: Heard, now: datetime) -> None:
        if found.hurried:
            self.bells.watches.set()
        for outcome in ("changed", "repeated", "outdated", "dropped"):
            self._count(name, outcome, getattr(found, outcome))
        self.metrics.alerts_last_heard.labels(name).set(now.timestamp())
        if found.changed:
            log.info("alerts.heard", sender=name, changed=found.changed, hurried=sorted(found.hurried))
        if found.dropped:
            log.warning("alerts.dropped", sender=name, dropped=found.dropped)

    def _count(self, name: str, outcome: str, many: int = 1) -> None:
        if many:
            self.metrics.alerts.labels(name, outcome).inc(many)


def whom(services: Services, source: str, pushed: Iterable[Pushed]) -> Concerned:
    """The services whose rules mean one of these alerts, by the alert's key."""
    queries = [
        (key, query)
        for key, service in services.items()
        for indicator in service.policy.rules.indicators
        if indicator.provider == PROVIDER and (query := parsed(indicator.query)).source == source
    ]
    found: dict[str, list[tuple[str, str]]] = {}
    for alert in pushed:
        meant = {key: None for key, query in queries if may_mean(query, alert.name, alert.labels)}
        found.setdefault(alert.key, []).extend(meant)
    return found
