"""The keeper: marks on the platform how releases stand, and reads these marks where the ledger was lost.

People and pipelines can read the marks; and a store that is lost loses nothing that matters. What is marked follows from the
ledger alone, so whatever was missed is written on the next beat. In shadow nothing is ever written.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from deploy.model import Live, Recalled, Standing, Unreadable
from deploy.tags import standings
from deploy.target import Keeper as Platform
from watcher.core.service import Mode, Service
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.runtime.recollection import Recollection, Where
from watcher.runtime.rounds import Boundary
from watcher.store.store import Store

T = TypeVar("T")
N = TypeVar("N")
MARKED = 10  # releases of a part, those that served last: further back no rollback goes by itself
EVERY = timedelta(minutes=1)  # all services; one whose watch moves is looked at at once
AT_ONCE = 4  # platforms that are asked at the same time: they limit how often one may ask
PATIENCE = timedelta(seconds=70)  # longer than a platform may take that keeps its own time
LONGEST_PAUSE = timedelta(minutes=30)
MOST_DOUBLINGS = 5  # of a minute, to the longest pause
# Of our moves: the action's id, or that of a rollback past the daemon (`rollback --direct`); and which of its moves.
_OUR_KEY = re.compile(r"(?:w_[0-9a-f]{32}\.\d+\.\d+|direct_[0-9a-f]{32})(?:\.\d+)?")
_SILENCE = f"no answer within {PATIENCE.total_seconds():.0f} s"
log = structlog.stdlib.get_logger("rollbackd.keeper")


@dataclass(frozen=True, slots=True)
class _Trouble:
    """How often in a row marks could not be written, and when that is tried again."""

    tries: int
    again_at: datetime


@dataclass
class Keeper:
    """The loop that keeps the marks."""

    store: Store
    current: Current
    recollection: Recollection
    bells: Bells
    boundary: Boundary
    now: Callable[[], datetime]
    _written: dict[Where, dict[str, Standing]] = field(default_factory=dict)
    _troubles: dict[Where, _Trouble] = field(default_factory=dict)
    _beat: datetime | None = None

    async def go_round(self) -> bool:
        """Read what is waited for, and write what changed."""
        await self._recall_all()
        gate = asyncio.Semaphore(AT_ONCE)
        works = {
            "/".join((*service.key, part)): self._mark(service, part, platform, gate)
            for service in self._due()
            if service.policy.mode is not Mode.SHADOW
            for part, platform in self.current.keepers(service.key).items()
        }
        await self.boundary.each(works)
        return False

    def _due(self) -> Sequence[Service]:
        """All services on the beat; in between those that moved."""
        now, services = self.now(), self.current.services
        moved = self.bells.take_moved()
        if self._beat is not None and now < self._beat:
            return [services[key] for key in sorted(moved) if key in services]
        self._beat = now + EVERY
        return list(services.values())

    # ------------------------------------------------------------------------------------------------------- recalling

    async def _recall_all(self) -> None:
        gate = asyncio.Semaphore(AT_ONCE)
        due = self.recollection.take(self.now())
        await self.boundary.each(
            {"/".join((*key, part)): self._recall((key, part), gate) for key, part in due}
        )
        for where in due:
            if self.recollection.is_given_up(where):
                (service, environment), part = where
                log.warning("ledger.given_up", service=service, environment=environment, part=part)
                self.recollection.ends(where)

    async def _recall(self, where: Where, gate: asyncio.Semaphore) -> None:
        async with gate:
            found = await self._remembered(where)
        (service, environment), part = where
        if isinstance(found, Unreadable):
            log.warning(
                "ledger.unreadable", service=service, environment=environment, part=part, words=found.words
            )
            return
        if found != Recalled():
            await self.store.recall(service, environment, part, found, self.now())
        log.info(
            "ledger.recalled",
            service=service,
            environment=environment,
            part=part,
            served=len(found.served),
            proven=len(found.proven),
            quarantined=len(found.quarantined),
        )
        self.recollection.ends(where)

    async def _remembered(self, where: Where) -> Recalled | Unreadable:
        key, part = where
        platform = self.current.keepers(key).get(part)
        if platform is None:  # it was configured anew meanwhile, and runs elsewhere
            return Recalled()
        recalled = await _within(platform.recall(self.now()), Unreadable(_SILENCE))
        if isinstance(recalled, Unreadable):
            return recalled
        live = await self.current.targets(key)[part].observe()
        return live if isinstance(live, Unreadable) else with_our_own(recalled, live, self.now())

    # --------------------------------------------------------------------------------------------------------- marking

    async def _mark(self, service: Service, part: str, platform: Platform, gate: asyncio.Semaphore) -> None:
        async with gate:
            await self._mark_now(service, part, platform)

    async def _mark_now(self, service: Service, part: str, platform: Platform) -> None:
        now, where = self.now(), (service.key, part)
        trouble = self._troubles.get(where)
        if trouble is not None and now < trouble.again_at:
            return
        ledger = await self.store.ledger(*service.key, part)
        found = standings(ledger, service.policy.known_good.served_after, now, MARKED)
        before = self._written.get(where, {})
        changed = [each for each in found if before.get(each.release.fingerprint) != each]
        if not changed:
            return
        tries = trouble.tries if trouble else 0
        try:
            # One task definition may have had two contents: the mark that stays is the newest one's, so all of a tag go together.
            tags = {each.release.tag for each in changed}
            words = await _within(
                platform.mark([each for each in found if each.release.tag in tags]), _SILENCE
            )
        finally:  # also after a bug
            pause = min(EVERY * 2 ** min(tries, MOST_DOUBLINGS), LONGEST_PAUSE)
            self._troubles[where] = _Trouble(tries + 1, self.now() + pause)
        if not words:
            self._written[where] = {each.release.fingerprint: each for each in found}
            del self._troubles[where]
        self._say(where, words, tries)

    def _say(self, where: Where, words: str, tries: int) -> None:
        """Say that marks cannot be written, and that they can again, once each."""
        (service, environment), part = where
        if words and not tries:
            log.warning("marks.unwritten", service=service, environment=environment, part=part, words=words)
        elif tries and not words:
            log.info("marks.recovered", service=service, environment=environment, part=part)


def with_our_own(recalled: Recalled, live: Live, now: datetime) -> Recalled:
    """*recalled*; if our own rollback runs, whose watch is forgotten, that is what serves, and no deployment to be undone."""
    runs = live.in_flight or live.release
    last = recalled.served[-1] if recalled.served else None
    if runs is None or not is_ours(live.key):
        return recalled
    if last is not None and last[0].is_same_as(runs):
        return recalled
    since = min(live.since or now, now)
    return replace(recalled, served=(*recalled.served, (runs, max(since, last[1]) if last else since)))


def is_ours(key: str | None) -> bool:
    """The platform shows *key* with what runs, and it is one of our moves: a rollback put it there."""
    return key is not None and _OUR_KEY.fullmatch(key) is not None


async def _within(call: Awaitable[T], silence: N) -> T | N:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await call
    except TimeoutError:
        return silence
