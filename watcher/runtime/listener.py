"""The listener: resolves what was announced, and does what `core.intake` says that it means.

An announcement was written down before it was acknowledged; it stays in the inbox, and is tried again, until it is closed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from deploy.model import BETWEEN_PARTS, Announcement, Gone, Unreadable
from deploy.target import Target
from watcher.core.intake import Joined, Known, Meaning, Opened, Part, Recorded, Rejected, intake
from watcher.core.service import Service
from watcher.core.watch import Closing
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.runtime.recollection import Recollection
from watcher.runtime.rounds import Boundary, Bug
from watcher.store.facts import Lookup
from watcher.store.store import GuardFailed, InboxItem, Saved, Saving, Stale, Store

BATCH = 20
IN_A_MOMENT = 10  # tries, of some minutes: what should be known by then, and is not, is worth a warning
FIRST = 1  # the revision that opens a watch
GIVE_UP = 40  # tries, the later ones a minute apart: what nobody can make sense of for half an hour is recorded as such
log = structlog.stdlib.get_logger("rollbackd.listener")


@dataclass
class Listener:
    """The loop that hears."""

    store: Store
    lookup: Lookup
    current: Current
    bells: Bells
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    recollection: Recollection = field(default_factory=Recollection)

    async def go_round(self) -> bool:
        """Resolve all announcements that are due: those of one service oldest first, services side by side."""
        by_service: dict[str, list[InboxItem]] = {}
        for item in await self.store.take_inbox(BATCH, self.now()):
            by_service.setdefault(_whose(item), []).append(item)
        await self.boundary.each({name: self._resolve_all(items) for name, items in by_service.items()})
        return bool(by_service)

    async def _resolve_all(self, items: Sequence[InboxItem]) -> None:
        for item in items:
            outcome = await self.boundary.around(self._resolve(item), announcement=item.id)
            if isinstance(outcome, Bug) and item.attempts >= GIVE_UP:
                await self._close(Closing(item.id, "recorded", "a bug of rollbackd: its log says which"))

    async def _resolve(self, item: InboxItem) -> None:
        announcement = item.announcement
        if announcement is None:
            await self._close(Closing(item.id, "rejected", "it could not be read"))
            return
        service = self.current.services.get((announcement.service, announcement.environment))
        parts = await self._parts(announcement, service) if service else ()
        if isinstance(parts, Rejected):
            await self._close(Closing(item.id, "rejected", parts.why))
            return
        if isinstance(parts, Unreadable):
            await self._unreadable(item, announcement, parts)
            return
        if isinstance(parts, Gone):
            await self._close(Closing(item.id, "recorded", parts.words))
            return
        known = await self._known(service, min(announcement.at, self.now()))
        now = self.now()
        meaning = intake(announcement, parts, known, now, self.new_id("w", now), item.id)
        await self._obey(item, announcement, meaning)

    async def _unreadable(self, item: InboxItem, announcement: Announcement, unread: Unreadable) -> None:
        say = log.info if unread.awaited and item.attempts < IN_A_MOMENT else log.warning
        say("announcement.unresolved", announcement=item.id, service=announcement.service, words=unread.words)
        if item.attempts >= GIVE_UP:
            await self._close(
                Closing(item.id, "recorded", f"nobody could say what it deployed: {unread.words}")
            )

    # ---------------------------------------------------------------------------------------------------- looking up

    async def _parts(
        self, announcement: Announcement, service: Service
    ) -> tuple[Part, ...] | Unreadable | Gone | Rejected:
        """What is announced and what runs, of the parts that it speaks of."""
        targets = self.current.targets(service.key)
        told = announcement.hints.get("part")
        names = list(targets) if told is None else told.split(BETWEEN_PARTS)
        parts: list[Part] = []
        for name in names:
            if name not in targets:
                return Rejected(f"{service.name} has no part {name}; it has {', '.join(targets)}")
            part = await self._part(announcement, service, targets[name])
            if isinstance(part, Unreadable | Gone):
                return part
            parts.append(part)
        return tuple(parts)

    async def _part(
        self, announcement: Announcement, service: Service, target: Target
    ) -> Part | Unreadable | Gone:
        if await self._is_being_recalled(service, target.part):
            return Unreadable("what its platform remembers of it is read first")
        release = await target.resolve(announcement.hints)
        if isinstance(release, Unreadable | Gone):
            return release
        live = await target.observe()
        if isinstance(live, Unreadable):
            return live
        return Part(target.part, release, await self.store.ledger(*service.key, target.part), live)

    async def _is_being_recalled(self, service: Service, part: str) -> bool:
        keepers = self.current.keepers(service.key)
        if part not in keepers:
            return False
        return self.recollection.awaits(service.key, await self.store.ledger(*service.key, part), keepers)

    async def _known(self, service: Service | None, at: datetime) -> Known:
        if service is None:
            return Known(None)
        name, environment = service.key
        living = await self.store.living(name, environment)
        newest = await self.store.list(service=name, environment=environment, limit=2)
        last = next((watch for watch in newest if watch.state.is_final), None)
        ledgers = {part: await self.store.ledger(name, environment, part) for part in service.parts}
        beats = self.lookup.beats(living.policy.rules) if living else ()
        return Known(service, living, last, ledgers, beats, tuple(await self.store.freezes(at)))

    # -------------------------------------------------------------------------------------------------------- obeying

    async def _obey(self, item: InboxItem, announcement: Announcement, meaning: Meaning) -> None:
        now = self.now()
        match meaning:
            case Opened(step, supersedes):
                self._saved(item, await self.store.open(step, now, supersedes))
            case Joined(_, step, _) if step is not None:
                self._saved(item, await self.store.save(step, now))
            case Recorded(_, serves, closing):
                for each in serves:
                    key = announcement.service, announcement.environment
                    await self.store.adopt(*key, each.part, each.release, each.at, adopted=each.adopted)
                await self._close(closing)
            case Joined(_, _, closing) | Rejected(_, closing):
                await self._close(closing)

    def _saved(self, item: InboxItem, saving: Saving) -> None:
        match saving:
            case Saved(watch) if watch.revision == FIRST:
                where = {"service": watch.service, "environment": watch.environment}
                log.info("watch.opened", watch=watch.id, tag=watch.tag, announcement=item.id, **where)
                self.bells.watches.set()
                self.bells.after_step()
            case Saved(watch):
                log.info("watch.joined", watch=watch.id, announcement=item.id, state=watch.state.value)
                self.bells.watches.set()
                self.bells.after_step()
            case Stale() | GuardFailed():
                log.info("announcement.again", announcement=item.id)

    async def _close(self, closing: Closing | None) -> None:
        if closing is not None:
            await self.store.close_inbox(closing, self.now())
            log.info(
                "announcement.closed", announcement=closing.announcement, state=closing.state, why=closing.why
            )


def _whose(item: InboxItem) -> str:
    announcement = item.announcement
    return f"{announcement.service}/{announcement.environment}" if announcement else "nobody"
