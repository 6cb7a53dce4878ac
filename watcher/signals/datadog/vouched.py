"""Whether what is good of an SLO by counts is sent at all, with the tags that it is narrowed by.

Its silence is the one that looks bad: of a release whose requests all fail, and of one whose good requests are counted without
the tags that all of them have. The first must be found, for the second nothing may be rolled back. So silence is believed where
the same was heard before with a tag of any release: in this reading, in one of the last day, or in the last hour by Datadog itself.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import About
from rules.model import Indicator
from rules.sample import Invalid, Reading, Unavailable, Who
from watcher.signals.datadog.answer import Trouble
from watcher.signals.datadog.count import Asked
from watcher.signals.datadog.fetch import Found
from watcher.signals.datadog.names import Look, release_tags, values_of
from watcher.signals.datadog.plan import Family, Pair, Sums, Unit
from watcher.signals.datadog.server import Server
from watcher.signals.unknown import Unknown

HEARD_FOR = timedelta(days=1)
AGAIN = timedelta(minutes=5)  # before what was not there is looked for again
MOST = 4096  # that are remembered
MOST_LOOKS = 4  # in one reading: each is a call or two


@dataclass(frozen=True, slots=True)
class _Key:
    """What is sent, whichever the release. *tags*: those that tell releases apart; *others*: with their values."""

    family: Family
    tags: tuple[str, ...]
    others: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What Datadog says of its last hour: it is sent so; or it *lacks* a tag; or neither: nothing was sent."""

    is_sent: bool = False
    lacks: str | None = None


class Vouched:
    """Of one site.

    Args:
        server: Who is asked.
        now: The clock, aware UTC.
        most: How many are remembered of what was heard, and of what is missing.
    """

    def __init__(self, server: Server, now: Callable[[], datetime], most: int = MOST) -> None:
        self._server = server
        self._most = most
        self._now = now
        self._heard: dict[_Key, datetime] = {}
        self._missing: dict[_Key, tuple[_Told, datetime]] = {}

    async def of(
        self,
        asked: Mapping[str, Asked],
        readings: Mapping[str, Reading],
        found: Found,
        may_look: Callable[[], bool],
        patience: timedelta,
    ) -> dict[str, Reading]:
        """Instead of the readings of SLOs that nobody vouches for: why they are none.

        Args:
            asked: By question.
            readings: Of the same.
            found: What they were made of.
            may_look: There is still time for it in this reading. If not, it is looked for in the next.
            patience: For one look.
        """
        read = {
            name: each
            for name, each in asked.items()
            if each.canary[0].sums is not None and isinstance(readings[name], tuple)
        }
        for each in read.values():
            tags = release_tags(each.indicator)
            for sums in _sums(each):
                self._hear(_key(unit, tags) for unit in sums.owed if found[unit])
        left = MOST_LOOKS
        troubles: dict[str, Reading] = {}
        for name, each in read.items():
            owed = _owed(each, found)
            for key in owed:
                if left > 0 and key not in self._heard and key not in self._missing and may_look():
                    left -= 1
                    await self._look(key, patience)
            tags = release_tags(each.indicator)
            trouble = self._trouble(owed, [key for sums in _sums(each) for key in _good(sums, tags)])
            if trouble is not None:
                troubles[name] = trouble
        return troubles

    async def unknown(
        self, indicator: Indicator, arm: tuple[Pair, ...], patience: timedelta
    ) -> Unknown | None:
        """What of the SLO that *arm* counts is not sent so; ``None``: all is, or it is no SLO, or nobody says."""
        sums, tags = arm[0].sums, release_tags(indicator)
        if sums is None:
            return None
        owed = [_key(unit, tags) for unit in sums.owed]
        keys = dict.fromkeys([*owed, *(_key(unit, tags) for unit in arm[0].units)])
        async with asyncio.TaskGroup() as tasks:
            for key in keys:
                tasks.create_task(self._look(key, patience))
        missing = {key: self._missing[key][0].lacks for key in keys if key in self._missing}
        trouble = self._trouble([key for key in owed if key in missing], _good(sums, tags))
        if isinstance(trouble, Invalid):
            return Unknown(About.TAG, trouble.words)
        # Of what is bad silence is none; but without the tag it would be none of every release.
        lacks = next(
            (f"{key.family.metric} has no series with the tag {tag}" for key, tag in missing.items() if tag),
            "",
        )
        return Unknown(About.TAG, f"{lacks}: of every release it would look like none") if lacks else None

    def _hear(self, keys: Iterable[_Key]) -> None:
        for key in keys:
            self._heard.pop(key, None)  # so that the oldest is the first
            self._heard[key] = self._now()
            self._missing.pop(key, None)
        self._forget()

    def _forget(self) -> None:
        """What is too old, or too much: the oldest."""
        now = self._now()
        while self._heard and (
            len(self._heard) > self._most or now - next(iter(self._heard.values())) > HEARD_FOR
        ):
            del self._heard[next(iter(self._heard))]
        while self._missing and (
            len(self._missing) > self._most or now - next(iter(self._missing.values()))[1] >= AGAIN
        ):
            del self._missing[next(iter(self._missing))]

    async def _look(self, key: _Key, patience: timedelta) -> None:
        """Ask Datadog of the last hour; where it does not say, nothing is known."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                told = await self._told(key, patience)
        except TimeoutError:
            return
        if told is not None and told.is_sent:
            self._hear([key])
        elif told is not None:
            self._missing.pop(key, None)  # so that the oldest is the first
            self._missing[key] = told, self._now()
            self._forget()

    async def _told(self, key: _Key, patience: timedelta) -> _Told | None:
        look = Look(self._server, key.family, self._now(), patience)
        seen = await look.at(key.others, key.tags)
        if seen is None:
            return None
        if any(all(values_of([row], tag) for tag in key.tags) for row in seen.groups):
            return _Told(is_sent=True)
        if not key.tags:
            return _Told()
        alone = await look.at(key.others, [])
        if alone is None:
            return None
        lacks = next((tag for tag in key.tags if not values_of(seen.groups, tag)), key.tags[0])
        return _Told(lacks=lacks if alone.groups else None)

    def _trouble(self, owed: Iterable[_Key], good: Sequence[_Key]) -> Trouble | None:
        """Why a reading without *owed* is none. What was not sent at all is nothing, as long as something else that is *good* was."""
        absent: list[_Key] = []
        for key in owed:
            if key in self._heard:
                continue
            if key not in self._missing:
                return self._not_known(key)
            lacks = self._missing[key][0].lacks
            if lacks is not None:
                words = f"{key.family.metric} counts what is good, and has no series with the tag {lacks}: by it no release would be good"
                return Invalid(Who.AUTHOR, words)
            absent.append(key)
        if not absent or any(key in self._heard for key in good):
            return None
        family = absent[0].family
        of = ", ".join(
            [*(f"{tag}:{value}" for tag, value in absent[0].others), *family.fixed, *absent[0].tags]
        )
        return Invalid(
            Who.AUTHOR,
            f"nothing was good in the last hour by {family.metric}, of any release: has it the tags {of}, as all of them have?",
        )

    def _not_known(self, key: _Key) -> Unavailable:
        words = f"nothing is good by {key.family.metric}, and {self._server.where} has not said yet whether it ever was"
        return Unavailable(Who.PROVIDER, words)


def _sums(asked: Asked) -> Iterable[Sums]:
    return (pair.sums for pair in (*asked.canary, *asked.baseline) if pair.sums is not None)


def _owed(asked: Asked, found: Found) -> Collection[_Key]:
    """What has no point of a release that something has points of."""
    tags = release_tags(asked.indicator)
    return dict.fromkeys(
        _key(unit, tags)
        for sums in _sums(asked)
        if any(found[unit] for unit, _ in sums.total)
        for unit in sums.owed
        if not found[unit]
    )


def _good(sums: Sums, tags: frozenset[str]) -> Sequence[_Key]:
    return [_key(unit, tags) for unit, factor in sums.good if factor > 0]


def _key(unit: Unit, tags: frozenset[str]) -> _Key:
    pairs = list(zip(unit.family.tags, unit.values, strict=True))
    return _Key(
        unit.family,
        tuple(tag for tag, _ in pairs if tag in tags),
        tuple(pair for pair in pairs if pair[0] not in tags),
    )
