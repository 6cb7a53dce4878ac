"""Reads what is live on every target, on a steady beat: events are hints, reading the world is truth.

A release that serves and was not announced is a deployment all the same: it goes into the inbox like any other news, so
that hand deployments are found and nothing that was missed stays missed. The first release ever read of a part is adopted,
unless its platform remembers more than that (see `recollection`).
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from deploy.model import BETWEEN_PARTS, Announcement, Live, Phase, Release, Unreadable
from deploy.tags import Ledger, Span
from watcher.core.intake import READING, STALE
from watcher.core.lifecycle import put_back
from watcher.core.service import Service
from watcher.core.watch import State, Watch
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
SHOWN_LATE = timedelta(minutes=1)  # platforms tell of what was moved late by seconds; a guess
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
        living = await self.store.living(*service.key)
        back = await self._put_back(living, seen) if living else {}
        if living and back:
            await self._announce_together(service, seen, back, f"{living.id} put back")
        others = {part: live for part, live in seen.items() if part not in back}
        as_known = {part for part, live in others.items() if await self._compare(service, part, live)}
        if living is None:
            return
        if await self._following.follow(living, seen, as_known):
            await self._announce_back(service, seen, living)
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
        await self._put(news, running)

    async def _put(self, news: Announcement, running: Release) -> None:
        """*news*, that *running* serves or is on its way; of a part, or of several of which it is the first's."""
        now = self.now()
        accepted = await self._accept(news)
        while accepted.duplicate and (over := await self._undone_before(accepted.id, running)):
            news = replace(news, dedup_key=f"{news.dedup_key} after {over}")
            accepted = await self._accept(news)
        if accepted.duplicate and (again := await self._came_to_nothing(accepted.id)):
            accepted = await self._accept(replace(news, dedup_key=f"{news.dedup_key} still, {now:{again}}"))
        if not accepted.duplicate:
            log.info(
                "release.changed",
                service=news.service,
                environment=news.environment,
                part=news.hints["part"],
                tag=running.tag,
            )
            self.bells.inbox.set()

    async def _accept(self, news: Announcement) -> Accepted:
        """What served before, since when, is part of the key: so each change is one announcement."""
        key, now = news.dedup_key, self.now()
        return await self.store.accept(
            self.new_id("a", now), news, key.encode(), READING, now, (READING, key)
        )

    async def _undone_before(self, announcement: str, running: Release) -> str:
        """The watch of *running* that came of it, if that was undone meanwhile, by us or another: the same change is then made once more."""
        item = await self.store.announcement(announcement)
        watch = (
            await self.store.get(item.closing.watch) if item and item.closing and item.closing.watch else None
        )
        if watch is None or not (watch.was_taken_back or self._is_back(watch)):
            return ""
        return watch.id if any(each.after.is_same_as(running) for each in watch.deployment.parts) else ""

    def _is_back(self, watch: Watch) -> bool:
        """We have put back what served before *watch*, and no platform shows its release still for being late."""
        if watch.state is State.RECOVERING:
            return watch.back_at is not None and self.now() - watch.back_at >= SHOWN_LATE
        return watch.state is State.ROLLED_BACK

    async def _put_back(self, living: Watch, seen: Mapping[str, Live]) -> Mapping[str, Release]:
        """What another hand has put back of *living* since a part of it was complete, if it is all of its several parts; else nothing.

        What is put back part by part is news part by part.
        """
        back = put_back(living, seen)
        served: set[str] = (
            set()
        )  # parts that were complete; of another nothing else than what is back has served
        for change in living.deployment.parts if back else ():
            known = open_span(await self.store.ledger(*living.key, change.part))
            if known is None or known.fingerprint not in {
                change.after.fingerprint,
                back[change.part].fingerprint,
            }:
                return {}
            if known.fingerprint == change.after.fingerprint:
                served.add(change.part)
        return back if served else {}

    async def _announce_back(self, service: Service, seen: Mapping[str, Live], living: Watch) -> None:
        """What another hand has put back, in the middle of the rollout of *living*."""
        served = {each.part: seen[each.part].release for each in living.deployment.parts}
        back = {part: release for part, release in served.items() if release is not None}
        before = f"{living.id} taken back"
        if len(back) > 1:
            await self._announce_together(service, seen, back, before)
            return
        for part, release in back.items():
            await self._announce(service, part, seen[part], release, before)

    async def _announce_together(
        self, service: Service, seen: Mapping[str, Live], back: Mapping[str, Release], before: str
    ) -> None:
        """Several parts that went out as one and came back as one are one announcement.

        Of one for each, all but the last would open a watch of a release that nobody ever deployed. What serves in each is read when it
        is resolved.
        """
        now, parts = self.now(), BETWEEN_PARTS.join(back)
        phase = min((_phase(seen[part], release) for part, release in back.items()), key=_HOW_FAR.index)
        news = Announcement(
            source=READING,
            dedup_key=f"{'/'.join(service.key)}/{parts}: {before} ({phase.value})",
            service=service.name,
            environment=service.environment,
            phase=phase,
            at=max(_since(seen[part], now) for part in back),
            hints={"part": parts},
            platform_ids=tuple(key for part in back if (key := seen[part].key)),
        )
        await self._put(news, next(iter(back.values())))

    async def _came_to_nothing(self, announcement: str) -> str:
        """It was closed a while ago, and what serves still is not what the ledger says: it could not be read then, or was misjudged.

        Returns:
            How long it is not made again then, as the format of a time: an hour. News of several parts, which a replica of an older
            version rejects, for it takes their names for that of one, are made again each minute. Empty: it stands.
        """
        item = await self.store.announcement(announcement)
        if item is None or item.closing is None:
            return ""
        together = item.announcement is not None and BETWEEN_PARTS in item.announcement.hints.get("part", "")
        if together and item.closing.state == "rejected":
            return _MINUTE
        return _HOUR if self.now() - item.received_at >= AGAIN_AFTER else ""


_HOUR, _MINUTE = "%Y-%m-%d %H", "%Y-%m-%d %H:%M"
_HOW_FAR = (Phase.STARTED, Phase.SHIFTED, Phase.COMPLETE)


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
