"""Alerts that are pushed: believed, remembered, and the watches that they concern looked at, at once.

What was heard is durable before whoever sent it is told so, and in the same transaction its watches are due: whatever is
killed in between, they are looked at. A push decides nothing here. Deliveries that come while others are being written down
are written down together, so that a thousand of them are a few transactions, and nobody who acts waits behind them.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from deploy.source import Aside, Ignored, Received, Rejected
from watcher.core.alerts import Mood, Pushed, Remembered, is_way
from watcher.core.service import Service
from watcher.errors import StoreUnavailable
from watcher.http import Http
from watcher.runtime.bells import Bells
from watcher.runtime.feeder import Asides, unwanted
from watcher.signals.alert.pushed import Meaning, Told
from watcher.signals.alert.query import PROVIDER, Query, labels_of, may_mean, parsed, sure_label
from watcher.signals.alert.senders import cloudwatch
from watcher.signals.alert.senders.door import heard as heard_at_the_door
from watcher.signals.alert.senders.sender import Sender, Unproven
from watcher.signals.provider import AskAlerts
from watcher.store.besides import Deaf
from watcher.store.store import Concerned, Heard, Store
from watcher.telemetry.metrics import Metrics

TOGETHER = 2000  # alerts in one transaction, and those of the last delivery: some tens of milliseconds
SAID_AGAIN = timedelta(minutes=1)  # before another reason is said why a sender is not believed
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
    _unproven: dict[str, tuple[str, datetime]] = field(default_factory=dict)
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
        if not isinstance(meaning, Unproven) and name in self._unproven:
            self._unproven[name] = ("", self._unproven[name][1])
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
        """Said once, until it is proven again or the reason is another; and at most once in `SAID_AGAIN`.

        Whoever forges may make the reasons (a topic, a time), and must not fill the log.
        """
        now = self.now()
        known, said_at = self._unproven.get(name, ("", None))
        if why != known and (said_at is None or now - said_at >= SAID_AGAIN):
            self._unproven[name] = (why, now)
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
            found = await self._write(name, batch.told)
            self._say(name, found, self.now())
            if found.changed:
                self._say_of_ways(name, batch.told)
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

    def _say_of_ways(self, name: str, tellings: Iterable[Told]) -> None:
        """That nothing will come by one any more is for whoever runs this: once, for SNS says the same again by the same id."""
        for each in (alert for told in tellings for alert in told.alerts if is_way(alert)):
            self.metrics.alerts_unsubscribed.labels(name).set(each.mood is Mood.UNKNOWN)
            if each.mood is Mood.UNKNOWN:
                remedy = f"subscribe /v1/alerts/{name} to it again; or take the topic and its rules out of the configuration"
                log.warning("alerts.unsubscribed", sender=name, topic=each.name, remedy=remedy)

    def _count(self, name: str, outcome: str, many: int = 1) -> None:
        if many:
            self.metrics.alerts.labels(name, outcome).inc(many)


def remembered(store: Store, deaf: Deaf, now: Callable[[], datetime]) -> AskAlerts:
    """What is remembered of a sender; and of a queue, whether it answers."""

    async def of(sender: str, known: Remembered | None) -> Remembered:
        return replace(await store.alerts(sender, known), is_deaf=deaf(sender, now()))

    return of


def whom(services: Services, source: str, pushed: Iterable[Pushed]) -> Concerned:
    """The services whose rules mean one of these alerts, by the alert's key."""
    by_label: dict[tuple[str, str] | None, list[tuple[tuple[str, str], Query]]] = {}
    for key, query in _queries(services, source):
        by_label.setdefault(sure_label(query), []).append((key, query))
    found: dict[str, list[tuple[str, str]]] = {}
    for alert in pushed:
        if is_way(alert):  # of whatever came by it nothing more is known
            found.setdefault(alert.key, []).extend(
                dict.fromkeys(key for key, _ in _queries(services, source))
            )
            continue
        labels = labels_of(alert.name, alert.labels)
        asked = [each for label in (*labels.items(), None) for each in by_label.get(label, ())]
        meant = {key: None for key, query in asked if may_mean(query, labels)}
        found.setdefault(alert.key, []).extend(meant)
    return found


def _queries(services: Services, source: str) -> Iterator[tuple[tuple[str, str], Query]]:
    """What rules ask of *source*, and whose they are."""
    for key, service in services.items():
        for indicator in service.policy.rules.indicators:
            if indicator.provider == PROVIDER and (query := parsed(indicator.query)).source == source:
                yield key, query
