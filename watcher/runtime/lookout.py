"""Reads what is live on every target, on a steady beat: events are hints, reading the world is truth.

A release that serves and was not announced is a deployment all the same: it goes into the inbox like any other news, so
that hand deployments are found and nothing that was missed stays missed. The first release ever read of a part is adopted,
unless its platform remembers more than that (see `recollection`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from deploy.model import Announcement, Live, Phase, Release, Unreadable
from deploy.tags import Ledger, Span
from watcher.core.intake import READING, STALE
from watcher.core.service import Service
from watcher.core.watch import Watch
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current, Key
from watcher.runtime.following import Following
from watcher.runtime.recollection import Recollection
from watcher.runtime.rounds import Boundary
from watcher.runtime.stock import Stock
from watcher.store.facts import Lookup
from watcher.store.store import Accepted, Store
from watcher.telemetry.metrics import Metrics

AGAIN_AFTER = timedelta(hours=1)  # longer than any announcement is tried, and than a rollout may take
LOOKS_BACK = STALE - timedelta(hours=1)  # older news are not acted on, and these may wait in the inbox
AT_ONCE = 20  # targets that are read at the same time; a guess that keeps a small machine and a platform's limits at ease
log = structlog.stdlib.get_logger("rollbackd.lookout")


@dataclass
class Lookout:
    """The loop that reads what is live."""

    store: Store
    lookup: Lookup
    current: Current
    bells: Bells
    metrics: Metrics
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    recollection: Recollection = field(default_factory=Recollection)
    _due: dict[Key, datetime] = field(default_factory=dict)
    _unreadable: set[tuple[Key, str]] = field(default_factory=set)
    _obstacles: dict[tuple[Key, str], tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._following = Following(self.store, self.lookup, self.bells, self.now)
        self._stock = Stock(self.store, self.lookup, self.bells, self.now)

    async def go_round(self) -> bool:
        """Read every service that is due."""
        now = self.now()
        for recalled in self.recollection.take_news():
            self._due.pop(recalled, None)
        due = [service for key, service in self.current.services.items() if self._due.get(key, now) <= now]
        self._due |= {service.key: now + service.reads_live for service in due}
        gate = asyncio.Semaphore(AT_ONCE)
        await self.boundary.each({"/".join(service.key): self._read(service, gate) for service in due})
        self._count_obstructed()
        return False

    async def _read(self, service: Service, gate: asyncio.Semaphore) -> None:
        async with gate:  # targets and store alike: a thousand services at once would fill the store's queue
            await self._read_all(service)

    async def _read_all(self, service: Service) -> None:
        seen: dict[str, Live] = {}
        for part, target in self.current.targets(service.key).items():
            live = await target.observe()
            self._say(service.key, part, live)
            if isinstance(live, Live):
                seen[part] = live
                self._say_obstacles(service, part, live.obstacles)
        as_known = {part for part, live in seen.items() if await self._compare(service, part, live)}
        living = await self.store.living(*service.key)
        if living is None:
            return
        if await self._following.follow(living, seen, as_known):
            for part in (each.part for each in living.deployment.parts):
                await self._announce_back(service, part, seen[part], living)
        await self._stock.look(living, self.current.targets(service.key))

    def _say(self, key: Key, part: str, live: Live | Unreadable) -> None:
        """Say that a target cannot be read, and that it can again, once each; not what is known in a moment."""
        where = (key, part)
        match live:
            case Unreadable(words, awaited=False) if where not in self._unreadable:
                self._unreadable.add(where)
                log.warning("target.unreadable", service=key[0], environment=key[1], part=part, words=words)
            case Live() if where in self._unreadable:
                self._unreadable.discard(where)
                log.info("target.recovered", service=key[0], environment=key[1], part=part)

    def _say_obstacles(self, service: Service, part: str, obstacles: tuple[str, ...]) -> None:
        """Say what forbids that a part is moved by itself, and that nothing does any more, once each."""
        where = (service.key, part)
        before = self._obstacles.pop(where, ())
        if obstacles:
            self._obstacles[where] = obstacles
        name, environment = service.key
        if obstacles and obstacles != before:
            mode = service.policy.mode.value
            log.warning(
                "target.obstructed",
                service=name,
                environment=environment,
                part=part,
                obstacles=list(obstacles),
                mode=mode,
            )
        elif before and not obstacles:
            log.info("target.unobstructed", service=name, environment=environment, part=part)

    def _count_obstructed(self) -> None:
        """Of what is configured now: a reload may take services away, and parts."""
        services, targets = self.current.services, self.current.targets
        self.metrics.obstructed.set(
            sum(key in services and part in targets(key) for key, part in self._obstacles)
        )

    async def _compare(self, service: Service, part: str, live: Live) -> bool:
        """Announce what runs, where it is not what the ledger knows; or else say that it runs alone."""
        running = live.in_flight or live.release
        if running is None:
            return False
        ledger = await self.store.ledger(service.name, service.environment, part)
        if self.recollection.awaits(service.key, ledger, self.current.keepers(service.key)):
            return False
        known = open_span(ledger)
        if known is None and live.in_flight is None:
            await self._adopt(service, part, running)
        elif known is None or known.fingerprint != running.fingerprint:
            before = f"{known.fingerprint}@{known.start.timestamp():.3f}" if known else "nothing"
            await self._announce(service, part, live, running, before)
        else:
            return live.in_flight is None
        return False

    async def _adopt(self, service: Service, part: str, release: Release) -> None:
        await self.store.adopt(service.name, service.environment, part, release, self.now(), adopted=True)
        log.info(
            "release.adopted",
            service=service.name,
            environment=service.environment,
            part=part,
            tag=release.tag,
        )

    async def _announce(self, service: Service, part: str, live: Live, running: Release, before: str) -> None:
        """Put the change into the inbox: once, and again each hour in which it is still so although nothing came of it."""
        phase = _phase(live, running)
        now = self.now()
        news = Announcement(
            source=READING,
            dedup_key=f"{'/'.join(service.key)}/{part}: {before} -> {running.fingerprint} ({phase.value})",
            service=service.name,
            environment=service.environment,
            phase=phase,
            at=_since(live, now),
            hints={"part": part, "tag": running.tag, "fingerprint": running.fingerprint},
            platform_ids=(live.key,) if live.key else (),
        )
        accepted = await self._accept(news)
        while accepted.duplicate and (over := await self._taken_back_before(accepted.id, running)):
            news = replace(news, dedup_key=f"{news.dedup_key} after {over}")
            accepted = await self._accept(news)
        if accepted.duplicate and await self._came_to_nothing(accepted.id):
            accepted = await self._accept(
                replace(news, dedup_key=f"{news.dedup_key} still, {now:%Y-%m-%d %H}")
            )
        if not accepted.duplicate:
            log.info(
                "release.changed",
                service=service.name,
                environment=service.environment,
                part=part,
                tag=running.tag,
            )
            self.bells.inbox.set()

    async def _accept(self, news: Announcement) -> Accepted:
        """What served before, since when, is part of the key: so each change is one announcement."""
        key, now = news.dedup_key, self.now()
        return await self.store.accept(
            self.new_id("a", now), news, key.encode(), READING, now, (READING, key)
        )

    async def _taken_back_before(self, announcement: str, running: Release) -> str:
        """The watch of *running* that came of it, if that was taken back meanwhile: the same change is then made once more."""
        item = await self.store.announcement(announcement)
        watch = (
            await self.store.get(item.closing.watch) if item and item.closing and item.closing.watch else None
        )
        if watch is None or not watch.was_taken_back:
            return ""
        return watch.id if any(each.after.is_same_as(running) for each in watch.deployment.parts) else ""

    async def _announce_back(self, service: Service, part: str, live: Live, living: Watch) -> None:
        """What another hand has put back, in the middle of the rollout of *living*."""
        if live.release is not None:
            await self._announce(service, part, live, live.release, f"{living.id} taken back")

    async def _came_to_nothing(self, announcement: str) -> bool:
        """It was closed a while ago, and what serves still is not what the ledger says: it could not be read then, or was misjudged."""
        item = await self.store.announcement(announcement)
        return item is not None and item.closing is not None and self.now() - item.received_at >= AGAIN_AFTER


def _phase(live: Live, running: Release) -> Phase:
    """How far it is. Where the platform tells since when, its clocks are to start then, with what traffic it may have had."""
    if live.in_flight is None:
        return Phase.COMPLETE
    has_traffic = live.shares.get(running.fingerprint, 1.0) > 0
    return Phase.SHIFTED if live.since is not None and has_traffic else Phase.STARTED


def _since(live: Live, now: datetime) -> datetime:
    """Since when it is being deployed; what began too long ago to be judged from its beginning is judged from then on."""
    return now if live.since is None else min(max(live.since, now - LOOKS_BACK), now)


def open_span(ledger: Ledger) -> Span | None:
    """What serves, as far as the ledger knows."""
    return next((span for span in reversed(ledger.spans) if span.end is None), None)
