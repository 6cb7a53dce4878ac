"""Signals: do the names in their queries exist, does data come, and how late is it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from deploy.model import About, Finding, Level
from rules.duration import duration_text
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Series, Unavailable, Who
from watcher.commands._doctor import costs, looks, promises, sights
from watcher.commands._doctor.asking import (
    BACK,
    LONGEST,
    SLACK,
    Asked,
    Say,
    asked_of,
    in_silence,
    read_all,
    unaskable,
    until_seen,
)
from watcher.commands._doctor.checks import Check, Work
from watcher.commands._doctor.notifiers import ANSWERS, kind_of
from watcher.commands._doctor.opened import Opened
from watcher.commands._doctor.services import Lives, subject
from watcher.runtime.fleet import Key
from watcher.runtime.inquiry import connection_of
from watcher.signals.arms import names_in
from watcher.signals.provider import Billed, Examined
from watcher.signals.remedies import remedy_of
from watcher.signals.unknown import Unknown

LOOKS = timedelta(seconds=40)
REMEDIES = {
    Who.OPERATOR: "correct its connection or account, and what that may: they are looked at above",
    Who.AUTHOR: "correct the query in the rule file",
    Who.PROVIDER: "the fault is the signal system's own, not the service's: see its status page or its log, or ask whoever runs it",
    Who.SERVICE: "does the service answer there, and may the daemon reach it (`daemon.reach`, security groups)?",
}
# Of a name that a system does not know, where not the query alone may be wrong.
_MENDS = {
    About.RELEASE: "correct `names:` of the service, or the query in the rule file: the release must be asked for as it is called there",
    About.VERSION_TAG: "let what is measured be sent with it, or correct the query in the rule file",
}
# Of a reading that is no counts.
_ABOUT = {
    Who.OPERATOR: About.ACCESS,
    Who.AUTHOR: About.QUERY,
    Who.PROVIDER: About.DATA,
    Who.SERVICE: About.DATA,
}


def connections(opened: Opened) -> Iterator[Check]:
    """Those of the connections that can be looked at by themselves."""
    for name, connected in opened.inquiry.providers.items():
        if isinstance(connected.provider, Examined):
            yield Check(
                f"connection {name}", ANSWERS, connected.provider.examine, where=kind_of(opened, name)
            )


async def checks(
    opened: Opened, lives: Lives, patience: timedelta = LONGEST, say: Say = in_silence
) -> list[Check]:
    """One check an indicator; the providers are asked here, once for all of them.

    Args:
        opened: What is asked.
        lives: What is live.
        patience: How long to wait for those that look themselves.
        say: Gets a line where that takes longer.
    """
    asked = list(asked_of(opened, lives))
    read = await read_all(opened, [each for each in asked if not each.missing], patience, say)
    return [
        *(
            _of_a_signal(opened, each.key, each.indicator, partial(_finding, opened, each, read.get(each.id)))
            for each in asked
        ),
        *(
            _of_a_signal(opened, key, indicator, _not_asked)
            for key, service in opened.fleet.services.items()
            for indicator in unaskable(opened, service, lives)
        ),
        *(
            Check(subject(key), name, partial(work, opened, key, asked, read), where="its rules")
            for name, work in (
                ("names", _known),
                ("promises", _promised),
                ("could see", _sees),
                ("costs", _costs),
            )
            for key in dict.fromkeys(each.key for each in asked)
        ),
    ]


def _of_a_signal(opened: Opened, key: Key, indicator: Indicator, work: Work) -> Check:
    connection = connection_of(indicator)
    account = connection.partition("@")[2]
    by = f"account {account}" if account in opened.configuration.accounts else f"connection {connection}"
    where = indicator.id if connection == indicator.id else f"{indicator.id} ({connection})"
    return Check(subject(key), f"signal {indicator.id}", work, LOOKS, where, by)


async def _not_asked() -> Sequence[Finding]:
    words = "not asked: it asks by the names of what is live, and that is not known"
    return [Finding(Level.WARN, words, "mend “what is live” first", About.DATA, untold=True)]


async def _known(
    opened: Opened, key: Key, asked: Sequence[Asked], readings: Mapping[str, Reading | Exception]
) -> Sequence[Finding]:
    """Of what came: the metric is there, its tags are, and the release goes by the name that is asked for."""
    came: dict[str, list[Asked]] = {}
    for each in asked:
        reading = readings.get(each.id)
        if opened.inquiry.looks_itself(each.indicator):
            continue  # whoever looks itself asks nobody by a name
        if each.key == key and isinstance(reading, tuple) and _newest(reading) is not None:
            came.setdefault(connection_of(each.indicator), []).append(each)
    return [_came(connection, known) for connection, known in came.items()]


def _came(connection: str, known: Sequence[Asked]) -> Finding:
    used = sorted({name for each in known for name in names_in(each.indicator.query)})
    of = ", ".join(f"{name} {known[0].names[name]}" for name in used)
    whose = ", ".join(each.indicator.id for each in known)
    words = f"{connection} has data of {whose}" + (f" where {of}" if of else "")
    words += ": the metric, its tag and the release's name are right" if of else ": the metric is there"
    return Finding(Level.OK, words, about=About.RELEASE if used else About.METRIC)


async def _sees(
    opened: Opened, key: Key, asked: Sequence[Asked], readings: Mapping[str, Reading | Exception]
) -> Sequence[Finding]:
    """What a watch could see now. Whatever has no reading is spoken of by its own check."""
    own = [(each.indicator.id, readings.get(each.id)) for each in asked if each.key == key]
    known = {name: reading for name, reading in own if isinstance(reading, tuple)}
    service, now = opened.fleet.services[key], opened.ports.now()
    return [
        *sights.findings(service, opened.inquiry, known, now),
        *looks.until_a_verdict(sights.brief_of(service, opened.inquiry, known, now), known),
    ]


async def _promised(
    opened: Opened, key: Key, asked: Sequence[Asked], _readings: Mapping[str, Reading | Exception]
) -> Sequence[Finding]:
    """What its systems promise of what it reads, and whether its rules promise the same."""
    own = [each.indicator for each in asked if each.key == key and not each.missing]
    return await promises.findings(opened.inquiry, opened.fleet.services[key].policy.rules.rules, own)


async def _costs(
    opened: Opened, key: Key, asked: Sequence[Asked], _readings: Mapping[str, Reading | Exception]
) -> Sequence[Finding]:
    """How often a watch would ask, and what that is billed. Connections were looked at before, and have said what they allow."""
    own = [each for each in asked if each.key == key and not each.missing]
    bake = opened.fleet.services[key].policy.bake
    questions = [each.question() for each in own]
    billed = [(each.indicator.id, _bill(opened, each.indicator)) for each in own]
    return [
        *costs.findings(bake, opened.inquiry, questions, opened.ports.now()),
        *looks.costs(opened.inquiry, [each.indicator for each in own]),
        *(Finding(Level.OK, f"{name}: {bill}", about=About.COST) for name, bill in billed if bill),
    ]


def _bill(opened: Opened, indicator: Indicator) -> str | None:
    connected = opened.inquiry.providers.get(connection_of(indicator))
    return (
        connected.provider.cost(indicator) if connected and isinstance(connected.provider, Billed) else None
    )


async def _finding(opened: Opened, asked: Asked, reading: Reading | Exception | None) -> Sequence[Finding]:
    if isinstance(reading, Exception):
        raise reading
    if asked.missing:
        return [_unnamed(asked)]
    match reading:
        case tuple() if _newest(reading) is not None:
            failing = looks.failing(opened.inquiry, asked.question(), reading)
            return [failing or _lateness(opened, asked.indicator, reading)]
        case Unavailable():
            return [Finding(Level.FAIL, reading.words, remedy_of(reading, REMEDIES), About.DATA, untold=True)]
        case Invalid():
            return [Finding(Level.FAIL, reading.words, remedy_of(reading, REMEDIES), _ABOUT[reading.who])]
        case _:
            words = reading.words if isinstance(reading, NoData) else "an answer without a bucket"
            return [await _silence(opened, asked, words)]


def _unnamed(asked: Asked) -> Finding:
    lacking = ", ".join(f"${{arm.{name}}}" for name in sorted(asked.missing))
    words = f"the live release has no name for {lacking}; it has {', '.join(sorted(asked.names))}"
    return Finding(
        Level.FAIL, words, "add it under `names:` of the service, or ask for another", About.RELEASE
    )


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
    if age > 2 * bucket + settle + SLACK:
        remedy = "is there traffic now? Data that is this late is judged this late"
        return Finding(Level.WARN, words, remedy, About.LATENESS)
    return Finding(Level.OK, words, about=About.LATENESS)


def _unknown(unknown: Unknown) -> Finding:
    remedy = _MENDS.get(unknown.about, REMEDIES[Who.AUTHOR])
    return Finding(Level.FAIL, unknown.words, remedy, unknown.about)


async def _silence(opened: Opened, asked: Asked, words: str) -> Finding:
    """Nothing came: because there is nothing, or because nobody is called so."""
    indicator = asked.indicator
    connected = opened.inquiry.providers.get(connection_of(indicator))
    if connected and isinstance(connected.provider, Examined):
        unknown = await connected.provider.unknown(indicator, asked.names)
        if unknown:
            return _unknown(unknown)
    _, _, name = connection_of(indicator).partition("@")
    account = opened.configuration.accounts.get(name)
    if connected and connected.kind.unknown and opened.aws and account:
        unknown = await connected.kind.unknown(opened.aws, account.aws, indicator)
        if unknown:
            return _unknown(unknown)
    if opened.inquiry.looks_itself(indicator) and until_seen(opened, indicator) > LONGEST:
        bucket, _ = opened.inquiry.beat(indicator)
        return Finding(
            Level.WARN,
            f"nothing seen yet: it looks every {_text(bucket)}",
            "look at the daemon's own page",
            About.DATA,
            untold=True,
        )
    if connected and connected.kind.needs_telling:  # that somebody tells is checked with the configuration
        told_by = opened.configuration.services[asked.key].around.told_by
        return Finding(Level.OK, f"{', '.join(sorted(told_by))} would tell of it: {words}", about=About.DATA)
    return Finding(
        Level.WARN,
        f"no data in the last {_text(BACK)}: {words}",
        "is there traffic? What has none is never proven, and never rolled back by this",
        About.DATA,
    )


def _text(span: timedelta) -> str:
    return duration_text(timedelta(seconds=round(span.total_seconds())))
