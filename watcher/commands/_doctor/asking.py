"""Asks for the newest of all indicators, by the names of what is live; once for all of them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from deploy.tags import Ledger
from rules.model import Indicator
from rules.sample import Reading
from watcher.commands._doctor.opened import Opened
from watcher.commands._doctor.services import Lives
from watcher.config.relaying import RELAY
from watcher.core.intake import Part, names_of
from watcher.core.intake.arms import named
from watcher.core.service import Service
from watcher.runtime.fleet import Key
from watcher.runtime.inquiry import connection_of
from watcher.signals.arms import names_in
from watcher.signals.provider import Question
from watcher.signals.relay.query import inner

# What is newer should have come by now; providers that look themselves remember as much.
BACK = timedelta(minutes=15)
LONGEST = timedelta(seconds=65)  # until a provider that looks itself has seen something: two beats of 30 s
SLACK = timedelta(seconds=1)
SILENT = timedelta(seconds=2)  # whoever waits for longer wants to know what for
Say = Callable[[str], None]


def in_silence(_words: str) -> None:
    """Nobody is told what is waited for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One indicator of one service, with the names of what is live."""

    key: Key
    indicator: Indicator
    names: Mapping[str, str]

    @property
    def id(self) -> str:
        """Unique in a batch."""
        return f"{'/'.join(self.key)}/{self.indicator.id}"

    @property
    def missing(self) -> frozenset[str]:
        """Names that the query asks for, and the release does not have."""
        return names_in(self.indicator.query) - self.names.keys()

    def question(self) -> Question:
        """For its provider: what is live, with nothing beside it."""
        return Question(self.id, self.indicator, self.names, None)


def asked_of(opened: Opened, lives: Lives) -> Iterator[Asked]:
    """Of all services, what can be asked: where a query needs the names of what is live, those are known."""
    for key, service in opened.fleet.services.items():
        names = _names(service, lives)
        for indicator in _readable(opened, service):
            if names is not None or not names_in(indicator.query):
                yield Asked(key, indicator, names or {})


def unaskable(opened: Opened, service: Service, lives: Lives) -> Iterator[Indicator]:
    """Those that are asked by names of what is live, where that is not known."""
    if _names(service, lives) is None:
        yield from (each for each in _readable(opened, service) if names_in(each.query))


def _readable(opened: Opened, service: Service) -> Iterator[Indicator]:
    """Those that are read: of what it was told, only the daemon knows."""
    for indicator in service.policy.rules.indicators:
        if not _is_told(opened, indicator):
            yield inner(indicator) if indicator.provider == RELAY else indicator


def _is_told(opened: Opened, indicator: Indicator) -> bool:
    connected = opened.inquiry.providers.get(connection_of(indicator))
    by_sidecars = indicator.provider == RELAY and opened.configuration.daemon.relay is None
    return by_sidecars or (connected is not None and connected.kind.pushed is not None)


def _names(service: Service, lives: Lives) -> Mapping[str, str] | None:
    """The names of what is live, those of the service's templates among them; ``None`` where it is not known wholly."""
    releases = lives.releases(service.key)
    if len(releases) < len(service.parts):
        return None
    parts = [
        named(Part(part, release, Ledger(*service.key, part)), service) for part, release in releases.items()
    ]
    return names_of(part.release for part in parts)


async def read_all(
    opened: Opened, asked: Sequence[Asked], patience: timedelta, say: Say = in_silence
) -> dict[str, Reading | Exception]:
    """The newest of all that is *asked*. Who knows only what it has seen itself is given the time to see something; *say* gets for how long."""
    own = [each for each in asked if opened.inquiry.looks_itself(each.indicator)]
    others = [each for each in asked if each not in own]
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(_read(opened, others))
        looking = tasks.create_task(_looked(opened, own, patience, say))
    return reading.result() | looking.result()


async def _looked(
    opened: Opened, asked: Sequence[Asked], patience: timedelta, say: Say
) -> dict[str, Reading | Exception]:
    if not asked:
        return {}
    await _read(opened, asked)  # from now on they look
    longest = min(max(until_seen(opened, each.indicator) for each in asked), patience)
    if longest > SILENT:
        say(waiting(len({each.key for each in asked}), longest))
    await asyncio.sleep(longest.total_seconds())
    return await _read(opened, asked)


def waiting(services: int, longest: timedelta) -> str:
    """What is waited for, in a line."""
    many = "1 service" if services == 1 else f"{services} services"
    seconds = -(-longest // timedelta(seconds=1))
    return f"looking at {many}: what looks itself (probes, pages of metrics) takes up to {seconds} s to look twice"


def until_seen(opened: Opened, indicator: Indicator) -> timedelta:
    """How long one that looks itself needs at most: its first look ends no bucket, the second does."""
    bucket, settle = opened.inquiry.beat(indicator)
    return 2 * bucket + settle + SLACK


async def _read(opened: Opened, asked: Sequence[Asked]) -> dict[str, Reading | Exception]:
    if not asked:
        return {}
    now = opened.ports.now()
    asking = opened.inquiry.recall([each.question() for each in asked], now - BACK, now, now)
    ended = await asyncio.gather(*asking.reads.values(), return_exceptions=True)
    bugs = {
        name.split(" ")[0]: bug
        for name, bug in zip(asking.reads, ended, strict=True)
        if isinstance(bug, Exception)
    }
    readings: dict[str, Reading | Exception] = {}
    for each in asked:
        answer = await asking.to([each.question()])
        bug = bugs.get(connection_of(each.indicator))
        if bug is not None or each.indicator.id in answer:
            readings[each.id] = bug or answer[each.indicator.id]
    return readings
