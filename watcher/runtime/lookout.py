"""Reads what is live on every target, on a steady beat: events are hints, reading the world is truth.

A release that serves and was not announced is a deployment all the same: it goes into the inbox like any other news, so
that hand deployments are found and nothing that was missed stays missed. The first release ever read of a part is adopted.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from deploy.model import Announcement, Live, Phase, Release, Unreadable
from deploy.tags import Ledger, Span
from watcher.core.lifecycle import seen_live
from watcher.core.service import Service
from watcher.core.watch import State, Watch
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current, Key
from watcher.runtime.rounds import Boundary
from watcher.store.facts import Lookup
from watcher.store.stepping import change
from watcher.store.store import Accepted, Store

SOURCE = "live"  # the name under which our own reading stands in the inbox
AGAIN_AFTER = timedelta(hours=1)  # longer than any announcement is tried, and than a rollout may take
AT_ONCE = 20  # targets that are read at the same time; a guess that keeps a small machine and a platform's limits at ease
log = structlog.stdlib.get_logger("rollbackd.lookout")


@dataclass
class Lookout:
    """The loop that reads what is live."""

    store: Store
    lookup: Lookup
    current: Current
    bells: Bells
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    _due: dict[Key, datetime] = field(default_factory=dict)
    _unreadable: set[tuple[Key, str]] = field(default_factory=set)

    async def go_round(self) -> bool:
        """Read every service that is due."""
        now = self.now()
        due = [service for key, service in self.current.services.items() if self._due.get(key, now) <= now]
        self._due |= {service.key: now + service.reads_live for service in due}
        gate = asyncio.Semaphore(AT_ONCE)
        await self.boundary.each({"/".join(service.key): self._read(service, gate) for service in due})
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
        for part, live in seen.items():
            await self._compare(service, part, live)
        await self._look_after_stuck(service, seen)

    def _say(self, key: Key, part: str, live: Live | Unreadable) -> None:
        """Say that a target cannot be read, and that it can again, once each."""
        where = (key, part)
        match live:
            case Unreadable(words) if where not in self._unreadable:
                self._unreadable.add(where)
                log.warning("target.unreadable", service=key[0], environment=key[1], part=part, words=words)
            case Live() if where in self._unreadable:
                self._unreadable.discard(where)
                log.info("target.recovered", service=key[0], environment=key[1], part=part)

    async def _compare(self, service: Service, part: str, live: Live) -> None:
        running = live.in_flight or live.release
        if running is None:
            return
        ledger = await self.store.ledger(service.name, service.environment, part)
        known = open_span(ledger)
        if known is None and live.in_flight is None:
            await self._adopt(service, part, running)
        elif known is None or known.fingerprint != running.fingerprint:
            await self._announce(service, part, live, running, known)

    async def _look_after_stuck(self, service: Service, seen: Mapping[str, Live]) -> None:
        """A rollback that did not finish may have been finished by hand: that is seen by all parts together, not by news of one."""
        living = await self.store.living(*service.key)
        if living is None or living.state is not State.STUCK:
            return
        now = self.now()
        facts = await self.lookup.facts(living, now)
        after = await change(self.store, living.id, lambda watch: seen_live(watch, seen, now, facts), now)
        if isinstance(after, Watch) and after.revision > living.revision:
            log.info("watch.went_back_by_hand", watch=after.id, service=service.name, state=after.state.value)
            self.bells.after_step()

    async def _adopt(self, service: Service, part: str, release: Release) -> None:
        await self.store.adopt(service.name, service.environment, part, release, self.now(), adopted=True)
        log.info(
            "release.adopted",
            service=service.name,
            environment=service.environment,
            part=part,
            tag=release.tag,
        )

    async def _announce(
        self, service: Service, part: str, live: Live, running: Release, known: Span | None
    ) -> None:
        """Put the change into the inbox: once, and again each hour in which it is still so although nothing came of it."""
        phase = Phase.STARTED if live.in_flight is not None else Phase.COMPLETE
        before = f"{known.fingerprint}@{known.start.timestamp():.3f}" if known else "nothing"
        now = self.now()
        news = Announcement(
            source=SOURCE,
            dedup_key=f"{'/'.join(service.key)}/{part}: {before} -> {running.fingerprint} ({phase.value})",
            service=service.name,
            environment=service.environment,
            phase=phase,
            at=now,
            hints={"part": part, "tag": running.tag, "fingerprint": running.fingerprint},
            platform_ids=(live.key,) if live.key else (),
        )
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
        key = news.dedup_key
        return await self.store.accept(
            self.new_id("a", news.at), news, key.encode(), SOURCE, news.at, (SOURCE, key)
        )

    async def _came_to_nothing(self, announcement: str) -> bool:
        """It was closed a while ago, and what serves still is not what the ledger says: it could not be read then, or was misjudged."""
        item = await self.store.announcement(announcement)
        return item is not None and item.closing is not None and self.now() - item.received_at >= AGAIN_AFTER


def open_span(ledger: Ledger) -> Span | None:
    """What serves, as far as the ledger knows."""
    return next((span for span in reversed(ledger.spans) if span.end is None), None)
