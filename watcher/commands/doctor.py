"""``rollbackd doctor``: credentials, permissions, clock, queue, metrics, names, the way back; reads only."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from deploy.model import Finding, Level
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._config import config_option
from watcher.commands._doctor import (
    accounts,
    alerts,
    changes,
    daemon,
    heartbeat,
    mirrors,
    notifiers,
    owners,
    relay,
    services,
    signals,
    sources,
)
from watcher.commands._doctor.accounts import Identities
from watcher.commands._doctor.checks import Found, carried_out
from watcher.commands._doctor.opened import Opened, opened
from watcher.commands._doctor.services import Lives
from watcher.commands._screen import as_json, data, plain, say
from watcher.config import Configuration, InvalidConfiguration
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

FINDINGS, USAGE, UNREACHABLE = 1, 2, 4
STDERR = 2
COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


@click.command()
@config_option
@as_json
def command(*, config: Path, as_json: bool) -> None:
    """Look at everything that the daemon will need, before it needs it. Nothing is changed anywhere.

    Exit status 1 if something is wrong, 2 if the configuration has a mistake, 4 if no account of AWS can be reached.
    A warning is no failure.
    """
    redactor = Redactor()
    try:
        configuration = load(config, redactor.learn)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        raise SystemExit(USAGE) from None
    ports = Ports()
    with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), ports.monotonic):
        found = asyncio.run(examined(configuration, ports))
    cleaned = [_without_secrets(each, redactor) for each in found]
    show(cleaned, as_json=as_json)
    raise SystemExit(status(found))


async def examined(
    configuration: Configuration, ports: Ports, patience: timedelta = signals.LONGEST
) -> list[Found]:
    """All that was found: accounts, sources, then service by service. *patience* is for what looks at services itself."""
    async with opened(configuration, ports) as world:
        return await _examined(world, patience)


async def _examined(world: Opened, patience: timedelta) -> list[Found]:
    known, lives = Identities(), Lives()
    first = [
        *signals.connections(world),
        *notifiers.checks(world),
        *sources.looking(world),
        *sources.hooks(world),
        *sources.reading(world),
        *alerts.checks(world),
        *changes.checks(world),
        *services.looking(world, lives),
        *owners.checks(world),
    ]
    if world.aws is not None:
        first = [*accounts.checks(world.configuration, world.aws, known), *first]
    found = notifiers.told_once(await carried_out(first))
    then = [
        *sources.permissions(world, known),
        *services.moving(world, lives, known),
        *mirrors.permissions(world, known),
    ]
    async with asyncio.TaskGroup() as tasks:
        moving = tasks.create_task(carried_out(then))
        judging = tasks.create_task(_judged(world, lives, patience))
    found += [*moving.result(), *judging.result()]
    found += await carried_out([*daemon.checks(world), *heartbeat.checks(world), *relay.checks(world)])
    return _in_order([*found, *_clock(world)])


def _clock(world: Opened) -> Iterator[Found]:
    """Our clock, against that of everybody who told the time while all else was looked at."""
    tell_time = {
        "AWS": world.aws,
        **{f"the connection {name}": each for name, each in world.notifiers.items()},
    }
    for whose, system in tell_time.items():
        skew = accounts.clock(system, whose)
        if skew is not None:
            yield Found("clock", f"by {whose}", skew)


async def _judged(world: Opened, lives: Lives, patience: timedelta) -> list[Found]:
    return await carried_out(await signals.checks(world, lives, patience))


def _in_order(found: Sequence[Found]) -> list[Found]:
    """Together what is about one subject, in the order in which each was first looked at; the clock comes last."""
    subjects = {subject: place for place, subject in enumerate(dict.fromkeys(each.subject for each in found))}
    return sorted(found, key=lambda each: subjects[each.subject])


def status(found: Sequence[Found]) -> int:
    """The exit status."""
    of_accounts = [each for each in found if each.subject.startswith("account ") and each.check == "to read"]
    if of_accounts and all(each.unreachable for each in of_accounts):
        return UNREACHABLE
    return FINDINGS if any(each.finding.level is Level.FAIL for each in found) else 0


def show(found: Sequence[Found], *, as_json: bool) -> None:
    """What was found, on stdout."""
    if as_json:
        data({"ok": status(found) == 0, "findings": [_as_data(each) for each in found]})
        return
    for subject, about in groupby(found, key=lambda each: each.subject):
        click.echo(click.style(plain(subject), bold=True))
        for each in about:
            for line in _lines(each):
                click.echo(line)
    count = Counter(each.finding.level for each in found)
    click.echo(f"{count[Level.OK]} ok, {count[Level.WARN]} warnings, {count[Level.FAIL]} failures")


def _as_data(found: Found) -> dict[str, Any]:
    finding = found.finding
    return {
        "subject": found.subject,
        "check": found.check,
        "level": finding.level.value,
        "words": finding.words,
        "remedy": finding.remedy,
    }


def _lines(found: Found) -> list[str]:
    finding = found.finding
    level = click.style(f"{finding.level:4}", fg=COLOURS[finding.level])
    lines = [f"  {level}  {plain(found.check)}: {plain(finding.words)}"]
    if finding.level is not Level.OK and finding.remedy:
        lines.append(f"          try: {plain(finding.remedy)}")
    return lines


def _without_secrets(found: Found, redactor: Redactor) -> Found:
    finding = found.finding
    cleaned = redactor.clean({"words": finding.words, "remedy": finding.remedy})
    return Found(
        found.subject,
        found.check,
        Finding(finding.level, str(cleaned["words"]), str(cleaned["remedy"])),
        found.unreachable,
    )
