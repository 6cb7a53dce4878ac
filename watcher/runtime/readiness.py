"""Looks once a day whether each service could be put back, and tells teams of those that could not.

One replica does it, for all services. What is red and was red yesterday in the same words is not told again; what is well
again is told once. That is remembered as keys of what was told (`Store.tell_once`), and nowhere else.

A moment at which no daemon ran is made good when one is started, were it of several days the last alone. In a store that is new nothing was
missed: there is nothing to go back to yet, and to say so of every service would tell nobody anything.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog

from watcher.core.readiness import DAY, Daily, Readied, last_moment, told
from watcher.core.service import Service
from watcher.core.watch import Message
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.runtime.rounds import Boundary
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

Examine = Callable[[Service], Awaitable[Readied]]
AT_ONCE = 2  # services: what is looked at is never urgent, and platforms limit how often one may ask
EVERY = 60.0  # seconds between two looks at the clock
log = structlog.stdlib.get_logger("rollbackd.readiness")


@dataclass
class Readiness:
    """The loop that looks.

    Attributes:
        since: When this process began: a moment before that may have been missed.
        examine: What is found of one service, by reading alone.
    """

    store: Store
    current: Current
    bells: Bells
    metrics: Metrics
    boundary: Boundary
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    daily: Daily
    since: datetime
    examine: Examine
    _done: datetime | None = field(default=None)

    async def go_round(self) -> bool:
        """Look, if it is time, and no other replica does."""
        moment = last_moment(self.daily, self.now())
        if moment == self._done:
            return False
        self.metrics.unready.set(0)  # yesterday's; today another replica may be the one that tells
        if await self.store.tell_once(f"ready {moment.isoformat()}", (), self.now()):
            # Only who looks notes that it came by: else of two that begin in a new store each is taken for the one of before.
            is_old = await self._has_looked_before(moment)
            if moment > self.since or is_old:
                await self._look_at_all(moment)
        self._done = moment
        return False

    async def _has_looked_before(self, moment: datetime) -> bool:
        """This store is not new: some daemon came by this month or the last one. And it is noted down that one does now."""
        this = self._day(moment).replace(day=1)
        known = [
            not await self.store.tell_once(f"readied in {month:%Y-%m}", (), self.now())
            for month in (this, this - DAY)
        ]
        return any(known)

    async def _look_at_all(self, moment: datetime) -> None:
        services = list(self.current.services.values())
        found: list[Readied] = []
        gate = asyncio.Semaphore(AT_ONCE)

        async def look(service: Service) -> None:
            async with gate:
                found.append(await self.examine(service))

        await self.boundary.each({"/".join(service.key): look(service) for service in services})
        self.metrics.unready.set(sum(bool(each.reds) for each in found))
        for each in found:
            if each.reds:
                words = [finding.words for finding in each.reds]
                log.warning(
                    "service.unready", service=each.service, environment=each.environment, words=words
                )
        await self._tell(sorted(found, key=lambda each: each.key), moment)

    async def _tell(self, found: Sequence[Readied], moment: datetime) -> None:
        """One message a channel, of what changed since yesterday."""
        red = [each for each in found if each.reds and await self._is_news(each, moment)]
        green = [each for each in found if not each.reds and await self._was_red(each, moment)]
        now = self.now()
        for channel in self._channels([*red, *green]):
            here, again = ([each for each in some if channel in self._told(each)] for some in (red, green))
            message = Message(f"{self.new_id('m', now)}.0", "append", channel, told(here, again, now))
            await self.store.tell_once(f"ready {moment.isoformat()} {channel}", (message,), now)
        self.bells.after_step()

    async def _is_news(self, each: Readied, moment: datetime) -> bool:
        """It was not red yesterday, or for other reasons. And it is noted down for tomorrow."""
        words = "\n".join(finding.words for finding in each.reds)
        digest = hashlib.sha256(words.encode()).hexdigest()[:16]
        today = self._day(moment)
        await self._mark(each, today, "")
        await self._mark(each, today, digest)
        return await self._mark(each, today - DAY, digest)

    async def _was_red(self, each: Readied, moment: datetime) -> bool:
        return not await self._mark(each, self._day(moment) - DAY, "")

    def _day(self, moment: datetime) -> date:
        """By their clock, whose days are not all of 24 h."""
        return moment.astimezone(self.daily.zone).date()

    async def _mark(self, each: Readied, day: date, what: str) -> bool:
        """Note that it was red then, of *what*; ``False``: that is known. Nobody looks at a day before yesterday's."""
        key = f"red {'/'.join(each.key)} {day.isoformat()} {what}"
        return await self.store.tell_once(key, (), self.now())

    def _channels(self, found: Sequence[Readied]) -> Sequence[str]:
        return list(dict.fromkeys(channel for each in found for channel in self._told(each)))

    def _told(self, each: Readied) -> Sequence[str]:
        """Where its team is told; nowhere, if it is configured no more."""
        service = self.current.services.get(each.key)
        team = service.team if service else None
        return [channel for channel in team.tell if channel not in team.boards] if team else ()
