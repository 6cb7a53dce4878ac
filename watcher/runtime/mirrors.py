"""Keeps the mirrors of the ledger up to date: parameters, tags of images.

Level-triggered: what a mirror is to say follows from the ledger alone, and a mirror is written where it says something else. In
shadow nothing is written. What cannot be written at several tries is told to the team once a day, with its remedy, and holds
up nothing.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from deploy.mirrors.mirror import Mirror
from deploy.model import Standing
from deploy.tags import best
from watcher.core.service import Mode, Service
from watcher.core.watch import Message, Notice
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.runtime.rounds import Boundary
from watcher.store.store import Store

AT_ONCE = 4
PATIENCE = timedelta(seconds=30)  # a few calls of at most 6 s
FIRST_PAUSE, MOST_DOUBLINGS = timedelta(minutes=1), 5
TOLD_AT = 3  # tries in a row, after some 3 minutes: a platform that takes a few writes a second refuses the first of many
Where = tuple[str, str, str, str]  # service, environment, part, mirror
log = structlog.stdlib.get_logger("rollbackd.mirrors")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """How often in a row it could not be written, when it is tried again, and why it could not."""

    tries: int
    again_at: datetime


@dataclass
class Mirrors:
    """The loop that writes them."""

    store: Store
    current: Current
    bells: Bells
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    _written: dict[Where, Standing] = field(default_factory=dict)
    _troubles: dict[Where, _Trouble] = field(default_factory=dict)

    async def go_round(self) -> bool:
        """Write what differs, of all services."""
        gate = asyncio.Semaphore(AT_ONCE)
        works = {
            "/".join((*service.key, part)): self._each(service, part, gate)
            for service in self.current.services.values()
            if service.policy.mode is not Mode.SHADOW
            for part, mirrors in self.current.mirrors(service.key).items()
            if mirrors
        }
        await self.boundary.each(works)
        return False

    async def _each(self, service: Service, part: str, gate: asyncio.Semaphore) -> None:
        async with gate:
            ledger = await self.store.ledger(*service.key, part)
            known_good = best(ledger, service.policy.known_good.served_after, self.now())
            if known_good is None:
                return
            for mirror in self.current.mirrors(service.key).get(part, ()):
                await self._write(service, part, mirror, known_good)

    async def _write(self, service: Service, part: str, mirror: Mirror, known_good: Standing) -> None:
        where, now = (*service.key, part, mirror.name), self.now()
        trouble = self._troubles.get(where)
        if self._written.get(where) == known_good or (trouble is not None and now < trouble.again_at):
            return
        tries = trouble.tries if trouble else 0
        pause = FIRST_PAUSE * 2 ** min(tries, MOST_DOUBLINGS)
        self._troubles[where] = _Trouble(tries + 1, now + pause)  # also after a bug
        words = await _within(mirror, known_good)
        if words:
            await self._cannot(service, part, mirror, words, tries + 1)
            return
        self._written[where] = known_good
        del self._troubles[where]
        name, environment = service.key
        log.info(
            "mirror.written",
            service=name,
            environment=environment,
            part=part,
            mirror=mirror.name,
            tag=known_good.release.tag,
        )

    async def _cannot(self, service: Service, part: str, mirror: Mirror, words: str, tries: int) -> None:
        name, environment = service.key
        if tries == 1:
            log.warning(
                "mirror.unwritten",
                service=name,
                environment=environment,
                part=part,
                mirror=mirror.name,
                words=words,
            )
        if tries < TOLD_AT:
            return
        now = self.now()
        notice = Notice(
            f"{name} · {environment}: the mirror {mirror.name} could not be written: {words}",
            ("Rollbacks do not need it. It is tried again by itself",),
            event="mirror.unwritten",
            service=name,
            environment=environment,
            at=now,
        )
        digest = hashlib.sha256(words.encode()).hexdigest()[:16]
        once = f"mirror {name}/{environment}/{part} {mirror.name} {now.date().isoformat()} {digest}"
        first = self.new_id("m", now)
        channels = [channel for channel in service.team.tell if channel not in service.team.boards]
        messages = [
            Message(f"{first}.{place}", "append", channel, notice) for place, channel in enumerate(channels)
        ]
        if await self.store.tell_once(once, messages, now):
            self.bells.after_step()


async def _within(mirror: Mirror, known_good: Standing) -> str:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await mirror.write(known_good)
    except TimeoutError:
        return f"no answer within {PATIENCE.total_seconds():.0f} s"
