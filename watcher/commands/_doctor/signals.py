"""Signals: do the names in their queries exist, does data come, and how late is it."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from deploy.model import Finding, Level
from deploy.tags import Ledger
from rules.duration import duration_text
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Series, Unavailable, Who
from watcher.commands._doctor import costs, sights
from watcher.commands._doctor.checks import Check
from watcher.commands._doctor.notifiers import ANSWERS
from watcher.commands._doctor.opened import Opened
from watcher.commands._doctor.services import Lives, subject
from watcher.config.relaying import RELAY
from watcher.core.intake import Part, names_of
from watcher.core.intake.arms import named
from watcher.core.service import Service
from watcher.runtime.fleet import Key
from watcher.runtime.inquiry import connection_of
from watcher.signals.arms import names_in
from watcher.signals.provider import Billed, Examined, Question
from watcher.signals.relay.query import inner
from watcher.signals.remedies import remedy_of

BACK = timedelta(
    minutes=15
)  # what is newer should have come by now; providers that look themselves remember as much
LOOKS = timedelta(seconds=40)
LONGEST = timedelta(seconds=65)  # until a provider that looks itself has seen something: two beats of 30 s
SLACK = timedelta(seconds=1)
REMEDIES = {
    Who.OPERATOR: "correct its connection or account, and what that may: they are looked at above",
    Who.AUTHOR: "correct the query in the rule file",
    Who.PROVIDER: "the signal system itself does not answer as it should: try again",
    Who.SERVICE: "does the service answer there, and may the daemon reach it (`daemon.reach`, security groups)?",
}


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


def connections(opened: Opened) -> Iterator[Check]:
    """Those of the connections that can be looked at by themselves."""
    for name, connected in opened.inquiry.providers.items():
        if isinstance(connected.provider, Examined):
            yield Check(f"connection {name}", ANSWERS, connected.provider.examine)


async def checks(opened: Opened, lives: Lives, patience: timedelta = LONGEST) -> list[Check]:
    """One check an indicator; the providers are asked here, once for all of them.

    Args:
        opened: What is asked.
        lives: What is live.
        patience: How long to wait for those that look themselves.
    """
    asked = list(_asked(opened, lives))
    readings = await _readings(opened, [each for each in asked if not each.missing], patience)
    return [
        *(
            Check(
                subject(each.key),
                f"signal {each.indicator.id}",
                partial(_finding, opened, each, readings.get(each.id)),
                LOOKS,
            )
            for each in asked
        ),
        *(
            Check(subject(key), "could see", partial(_sees, opened, key, asked, readings))
            for key in dict.fromkeys(each.key for each in asked)
        ),
        *(
            Check(subject(key), "costs", partial(_costs, opened, key, asked))
            for key in dict.fromkeys(each.key for each in asked)
        ),
    ]


async def _sees(
    opened: Opened, key: Key, asked: Sequence[Asked], readings: Mapping[str, Reading | Exception]
) -> Sequence[Finding]:
    """What a watch could see now. Whatever has no reading is spoken of by its own check."""
    own = [(each.indicator.id, readings.get(each.id)) for each in asked if each.key == key]
    known = {name: reading for name, reading in own if isinstance(reading, tuple)}
    return sights.findings(opened.fleet.services[key], opened.inquiry, known, opened.ports.now())


async def _costs(opened: Opened, key: Key, asked: Sequence[Asked]) -> Sequence[Finding]:
    """How often a watch would ask. Connections were looked at before, and have said what they allow."""
    own = [each.question() for each in asked if each.key == key and not each.missing]
    bake = opened.fleet.services[key].policy.bake
    return costs.findings(bake, opened.inquiry, own, opened.ports.now())


def _asked(opened: Opened, lives: Lives) -> Iterator[Asked]:
    for key, service in opened.fleet.services.items():
        names = _names(service, lives)
        for indicator in service.policy.rules.indicators:
            if _is_told(opened, indicator):
                continue  # only the daemon knows what it was told
            read = inner(indicator) if indicator.provider == RELAY else indicator
            if names is not None or not names_in(read.query):
                yield Asked(key, read, names or {})


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


async def _readings(
    opened: Opened, asked: Sequence[Asked], patience: timedelta
) -> dict[str, Reading | Exception]:
    """The newest of all that is *asked*. Who knows only what it has seen itself is given the time to see something."""
    own = [each for each in asked if opened.inquiry.looks_itself(each.indicator)]
    others = [each for each in asked if each not in own]
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(_read(opened, others))
        looking = tasks.create_task(_looked(opened, own, patience))
    return reading.result() | looking.result()


async def _looked(
    opened: Opened, asked: Sequence[Asked], patience: timedelta
) -> dict[str, Reading | Exception]:
    if not asked:
        return {}
    await _read(opened, asked)  # from now on they look
    longest = max(_until_seen(opened, each.indicator) for each in asked)
    await asyncio.sleep(min(longest, patience).total_seconds())
    return await _read(opened, asked)


def _until_seen(opened: Opened, indicator: Indicator) -> timedelta:
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


async def _finding(opened: Opened, asked: Asked, reading: Reading | Exception | None) -> Sequence[Finding]:
    if isinstance(reading, Exception):
        raise reading
    if asked.missing:
        return [_unnamed(asked)]
    match reading:
        case tuple() if _newest(reading) is not None:
            return [_lateness(opened, asked.indicator, reading)]
        case Unavailable() | Invalid():
            return [Finding(Level.FAIL, reading.words, remedy_of(reading, REMEDIES))]
        case _:
            words = reading.words if isinstance(reading, NoData) else "an answer without a bucket"
            return [await _silence(opened, asked, words)]


def _unnamed(asked: Asked) -> Finding:
    lacking = ", ".join(f"${{arm.{name}}}" for name in sorted(asked.missing))
    words = f"the live release has no name for {lacking}; it has {', '.join(sorted(asked.names))}"
    return Finding(Level.FAIL, words, "add it under `names:` of the service, or ask for another")


def _newest(reading: tuple[Series, ...]) -> datetime | None:
    return max(
        (bucket.end for series in reading for bucket in series.buckets if bucket.canary is not None),
        default=None,
    )


def _lateness(opened: Opened, indicator: Indicator, reading: tuple[Series, ...]) -> Finding:
    newest = _newest(reading) or opened.ports.now()
    age = max(opened.ports.now() - newest, timedelta(0))
    bucket, settle = opened.inquiry.beat(indicator)
    words = (
        f"data until {_text(age)} ago; a bucket of {_text(bucket)} is judged {_text(settle)} after its end"
    )
    connected = opened.inquiry.providers.get(connection_of(indicator))
    cost = (
        connected.provider.cost(indicator) if connected and isinstance(connected.provider, Billed) else None
    )
    words += f"; {cost}" if cost else ""
    if age > 2 * bucket + settle + SLACK:
        return Finding(Level.WARN, words, "is there traffic now? Data that is this late is judged this late")
    return Finding(Level.OK, words)


async def _silence(opened: Opened, asked: Asked, words: str) -> Finding:
    """Nothing came: because there is nothing, or because nobody is called so."""
    indicator = asked.indicator
    connected = opened.inquiry.providers.get(connection_of(indicator))
    if connected and isinstance(connected.provider, Examined):
        unknown = await connected.provider.unknown(indicator, asked.names)
        if unknown:
            return Finding(Level.FAIL, unknown, REMEDIES[Who.AUTHOR])
    _, _, name = connection_of(indicator).partition("@")
    account = opened.configuration.accounts.get(name)
    if connected and connected.kind.unknown and opened.aws and account:
        unknown = await connected.kind.unknown(opened.aws, account.aws, indicator)
        if unknown:
            return Finding(Level.FAIL, unknown, REMEDIES[Who.AUTHOR])
    if opened.inquiry.looks_itself(indicator) and _until_seen(opened, indicator) > LONGEST:
        bucket, _ = opened.inquiry.beat(indicator)
        return Finding(
            Level.WARN, f"nothing seen yet: it looks every {_text(bucket)}", "look at the daemon's own page"
        )
    if connected and connected.kind.needs_telling:  # that somebody tells is checked with the configuration
        told_by = opened.configuration.services[asked.key].around.told_by
        return Finding(Level.OK, f"{', '.join(sorted(told_by))} would tell of it: {words}")
    return Finding(
        Level.WARN,
        f"no data in the last {_text(BACK)}: {words}",
        "is there traffic? What has none is never proven, and never rolled back by this",
    )


def _text(span: timedelta) -> str:
    return duration_text(timedelta(seconds=round(span.total_seconds())))
