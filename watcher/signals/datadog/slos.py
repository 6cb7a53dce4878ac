"""SLOs: what each is, read every ten minutes; and how it stands, read once a minute at most, however many watches ask."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeVar

from rules.sample import Invalid, Unavailable, Who
from watcher.signals.datadog.answer import Failed, Trouble
from watcher.signals.datadog.server import Server
from watcher.signals.datadog.slo import COUNTS, Defined, Definition, plain
from watcher.signals.datadog.slo_history import History, Stood, stood
from watcher.signals.provider import Promise

PATH, HISTORY, SCOPE = "/api/v1/slo", "/api/v1/slo/history", "slos_read"
DEFINED_FOR = timedelta(minutes=10)  # somebody may change it; and it is read again at once by nobody
BEFORE = timedelta(hours=1)  # what is asked for before a window, so that its first minute has a state
KEPT = timedelta(hours=6)  # of a past that somebody has asked for
_FORGOTTEN = timedelta(
    hours=1
)  # what nobody asked for since then; what was known so long may go on, if it cannot be read
_NOW = timedelta(seconds=10)  # longer than a reading takes
_STATELESS = "the SLO {} is made of counts, and has no states: read it as a `ratio`"
_DAYS = re.compile(r"[0-9]{1,2}d")
AGAIN = timedelta(
    seconds=2
)  # for what is known and read again: the numbers have to be asked for in the same reading
T = TypeVar("T")


class Slos:
    """All that are asked for at one site."""

    def __init__(self, server: Server, now: Callable[[], datetime]) -> None:
        self._server = server
        self._now = now
        self._definitions: dict[str, tuple[Definition, datetime]] = {}
        self._stood: dict[str, Stood] = {}
        self._wanted: dict[str, datetime] = {}
        self._defining, self._asking = asyncio.Lock(), asyncio.Lock()

    async def defined(self, ids: Collection[str], patience: timedelta) -> Mapping[str, Definition | Trouble]:
        """What those called *ids* are. One that cannot be read now is as it was, for an hour.

        Args:
            ids: Any number.
            patience: After which what is not answered yet is unavailable.
        """
        self._want(ids)
        if all(isinstance(self._latest(name, None), Definition) for name in ids):
            patience = min(patience, AGAIN)
        told = await self._in_time(
            self._defining, ids, self._is_old, lambda name: self.define(name, patience), patience
        )
        return {name: self._latest(name, told.get(name)) for name in ids}

    def _is_old(self, name: str) -> bool:
        _, at = self._definitions.get(name, (None, None))
        return at is None or self._now() - at >= DEFINED_FOR

    def _latest(self, name: str, told: Definition | Trouble | None) -> Definition | Trouble:
        known, at = self._definitions.get(name, (None, None))
        is_young = at is not None and self._now() - at < _FORGOTTEN
        if known is not None and is_young and not isinstance(told, Invalid):
            return known
        return told or Unavailable(Who.PROVIDER, self._late)

    async def define(self, name: str, patience: timedelta) -> Definition | Trouble:
        """What the one called *name* is, now."""
        self._want([name])
        told = await self._server.get(f"{PATH}/{name}", {}, Defined, SCOPE, patience, way=PATH)
        if isinstance(told, Failed):
            return self._trouble(name, told)
        self._definitions[name] = told.data, self._now()
        return told.data

    def is_known(self, name: str) -> bool:
        """What the one called *name* is, need not be asked now."""
        return not self._is_old(name)

    def known(self, name: str) -> Definition | None:
        """The one called *name*, as it was last read; ``None``: it was not."""
        return self._definitions.get(name, (None, None))[0]

    async def stood(
        self, since: Mapping[str, datetime], end: datetime, patience: timedelta
    ) -> Mapping[str, tuple[Definition, Stood] | Trouble]:
        """How each SLO stood from the moment *since* on that it is given with, until *end*.

        Args:
            since: By the id.
            end: Of the window; a reading that is older is made again.
            patience: After which what is not answered yet is unavailable.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience.total_seconds()
        definitions = await self.defined(since, patience)
        wanted = {
            name: told
            for name, told in definitions.items()
            if isinstance(told, Definition) and told.type != COUNTS
        }
        left = timedelta(seconds=until - loop.time())
        told = await self._in_time(
            self._asking,
            wanted,
            lambda name: not self._covers(name, since[name], end),
            lambda name: self.ask(name, self._from(name, since[name]), self._now(), left),
            left,
        )
        found: dict[str, tuple[Definition, Stood] | Trouble] = {}
        for name, definition in definitions.items():
            if not isinstance(definition, Definition):
                found[name] = definition
            elif definition.type == COUNTS:
                found[name] = Invalid(Who.AUTHOR, _STATELESS.format(definition.title))
            elif self._covers(name, since[name], end):
                found[name] = definition, self._stood[name]
            else:
                answer = told.get(name)
                late = Unavailable(Who.PROVIDER, self._late)
                found[name] = late if answer is None or isinstance(answer, Stood) else answer
        return found

    def _from(self, name: str, start: datetime) -> datetime:
        """From when on to ask, so that whoever asked for more a minute ago finds it too."""
        known = self._stood.get(name)
        wanted = start - BEFORE
        return known.start if known is not None and timedelta(0) < wanted - known.start < KEPT else wanted

    def _covers(self, name: str, start: datetime, end: datetime) -> bool:
        """It was read when all until *end* was final; or a moment ago, where it is not yet."""
        known = self._stood.get(name)
        final, now = end + self._server.settings.settle, self._now()
        wanted = final if final <= now else now - _NOW
        return known is not None and known.read_at >= wanted and known.start <= start

    async def ask(self, name: str, start: datetime, end: datetime, patience: timedelta) -> Stood | Trouble:
        """How the one called *name* stood from *start* to *end*, now."""
        parameters = {"from_ts": f"{start.timestamp():.0f}", "to_ts": f"{end.timestamp():.0f}"}
        told = await self._server.get(
            f"{PATH}/{name}/history", parameters, History, SCOPE, patience, way=HISTORY
        )
        if isinstance(told, Failed):
            return self._trouble(name, told)
        definition = self.known(name)
        try:
            found = stood(told, definition.title if definition else name, start, self._now())
        except ValueError as error:
            return Unavailable(Who.PROVIDER, f"{self._server.where} answers of the SLO {name} {error}")
        self._stood[name] = found
        return found

    async def promise(self, name: str, patience: timedelta) -> Promise | None:
        """What the one called *name* promises, and how it stands in the shortest time that it promises it for; ``None``: nobody says."""
        definition = await self.define(name, patience)
        if not isinstance(definition, Definition):
            return None
        objectives = {plain(each.timeframe): round(each.target / 100, 9) for each in definition.thresholds}
        words = f"the SLO {definition.title} ({definition.type})"
        days = min((int(of[:-1]) for of in objectives if _DAYS.fullmatch(of)), default=None)
        if days is not None:
            now = self._now()
            found = await self.ask(name, now - timedelta(days=days), now, patience)
            if isinstance(found, Stood) and found.sli is not None:
                words += f": {found.sli:.6g}% over the last {days} days"
        return Promise(words, objectives)

    async def _in_time(
        self,
        lock: asyncio.Lock,
        names: Collection[str],
        is_needed: Callable[[str], bool],
        ask: Callable[[str], Awaitable[T | Trouble]],
        patience: timedelta,
    ) -> Mapping[str, T | Trouble]:
        """What those that are needed are told; one after another comes who asks, and finds what others have read."""
        found: dict[str, T | Trouble] = {}

        async def one(name: str) -> None:
            found[name] = await ask(name)

        with contextlib.suppress(TimeoutError):  # what is not found then is told as late
            async with (
                asyncio.timeout(max(patience.total_seconds(), 0.0)),
                lock,
                asyncio.TaskGroup() as tasks,
            ):
                for name in filter(is_needed, names):
                    tasks.create_task(one(name))
        return found

    def _trouble(self, name: str, failed: Failed) -> Trouble:
        if failed.status == HTTPStatus.NOT_FOUND:
            return Invalid(
                Who.AUTHOR,
                f"{self._server.where} knows no SLO {name}: was it deleted, or is it of another organisation?",
            )
        return failed.trouble

    @property
    def _late(self) -> str:
        return f"{self._server.where} gave no answer in time"

    def _want(self, ids: Collection[str]) -> None:
        now = self._now()
        self._wanted |= dict.fromkeys(ids, now)
        for name in [name for name, at in self._wanted.items() if now - at > _FORGOTTEN]:
            del self._wanted[name]
            self._definitions.pop(name, None)
            self._stood.pop(name, None)
