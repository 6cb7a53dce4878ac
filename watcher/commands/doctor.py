"""``rollbackd doctor``: credentials, permissions, clock, queue, metrics, names, the way back; reads only."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import click

from deploy.model import Level
from watcher.app.opening import fleet_of
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._config import config_option
from watcher.commands._doctor import (
    accounts,
    alerts,
    asking,
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
from watcher.commands._doctor.services import Lives, only
from watcher.commands._doctor.tables import Wanted, summary, tables, what, where
from watcher.commands._screen import as_json, data, say
from watcher.commands._sheet import Page, page
from watcher.commands._which import which
from watcher.config import Configuration, InvalidConfiguration
from watcher.runtime.fleet import Key
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

FINDINGS, USAGE, UNREACHABLE = 1, 2, 4
STDERR = 2
_ALL = Wanted()


@click.command()
@click.argument("service", nargs=-1, metavar="[SERVICE ENVIRONMENT]")
@config_option
@click.option(
    "--all", "every", is_flag=True, help="The tables of services of which all is well too, however many."
)
@as_json
def command(*, service: tuple[str, ...], config: Path, every: bool, as_json: bool) -> None:
    """Look at everything that the daemon will need, before it needs it. Nothing is changed anywhere.

    A table of what concerns every service, and one a service, or of the one that is named: what was looked at, where, what
    was found, and under what is not well, what to do. RED is wrong; "?" could not be told; WARN may become wrong.

    Exit status 1 if something is wrong, or did not answer; 2 if the configuration has a mistake; 4 if no account of AWS can
    be reached. A warning is no failure.
    """
    redactor = Redactor()
    try:
        configuration = load(config, redactor.learn)
        key = which(configuration, service)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        raise SystemExit(USAGE) from None
    ports = Ports()
    with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), ports.monotonic):
        found = asyncio.run(examined(configuration, ports, key=key, tell=on_a_terminal))
    cleaned = [_without_secrets(each, redactor) for each in found]
    wanted = Wanted("/".join(key) if key else None, every)
    show(cleaned, as_json=as_json, wanted=wanted)
    raise SystemExit(status(found))


def on_a_terminal(words: str, stream: TextIO | None = None) -> None:
    """Say *words* on *stream* (stderr, if nobody says another), where somebody sits before it."""
    stream = stream or sys.stderr
    if stream.isatty():
        click.echo(words, file=stream)


async def examined(
    configuration: Configuration,
    ports: Ports,
    patience: timedelta = asking.LONGEST,
    *,
    key: Key | None = None,
    tell: asking.Say = asking.in_silence,
) -> list[Found]:
    """All that was found: accounts, sources, then service by service.

    Args:
        configuration: Of what is looked at, with its secrets.
        ports: The clock, and the way to AWS.
        patience: For what looks at services itself.
        key: Of services, this one alone; what concerns every service is looked at all the same.
        tell: Gets a line where it takes longer.
    """
    async with opened(configuration, ports) as whole:
        if key is None:
            return await _examined(whole, whole, patience, tell)
        alone = only(configuration, key)
        fleet = fleet_of(alone, ports, whole.aws, whole.http)
        return await _examined(replace(whole, configuration=alone, fleet=fleet), whole, patience, tell)


async def _examined(world: Opened, whole: Opened, patience: timedelta, tell: asking.Say) -> list[Found]:
    """*world* has the services that are looked at; *whole* all, for what concerns every service."""
    known, lives = Identities(), Lives()
    first = [
        *signals.connections(whole),
        *notifiers.checks(whole),
        *sources.looking(whole),
        *sources.hooks(whole),
        *sources.reading(whole),
        *alerts.checks(whole),
        *changes.checks(whole),
        *services.looking(world, lives),
        *owners.checks(replace(world, fleet=whole.fleet)),
    ]
    if whole.aws is not None:
        first = [*accounts.checks(whole.configuration, whole.aws, known), *first]
    found = notifiers.told_once(await carried_out(first))
    then = [
        *sources.permissions(whole, known),
        *services.moving(world, lives, known),
        *mirrors.permissions(world, known),
    ]
    async with asyncio.TaskGroup() as tasks:
        moving = tasks.create_task(carried_out(then))
        judging = tasks.create_task(_judged(world, lives, patience, tell))
    found += [*moving.result(), *judging.result()]
    found += await carried_out([*daemon.checks(whole), *heartbeat.checks(whole), *relay.checks(whole)])
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


async def _judged(world: Opened, lives: Lives, patience: timedelta, tell: asking.Say) -> list[Found]:
    return await carried_out(await signals.checks(world, lives, patience, tell))


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


def show(found: Sequence[Found], *, as_json: bool, wanted: Wanted = _ALL, on: Page | None = None) -> None:
    """What was found, on stdout. *on*: the terminal's page, if nobody says another."""
    if as_json:
        data({"ok": status(found) == 0, "findings": [_as_data(each) for each in found]})
        return
    on = on or page()
    for line in tables(found, wanted, on):
        click.echo(line)
    click.echo(summary(found, status(found)))


def _as_data(found: Found) -> dict[str, Any]:
    finding = found.finding
    return {
        "service": found.service,
        "subject": found.subject,
        "check": found.check,
        "what": what(found),
        "where": where(found),
        "found": found.mark.value,
        "level": finding.level.value,
        "words": finding.words,
        "remedy": finding.remedy,
    }


def _without_secrets(found: Found, redactor: Redactor) -> Found:
    finding = found.finding
    cleaned = redactor.clean({"words": finding.words, "remedy": finding.remedy})
    told = replace(finding, words=str(cleaned["words"]), remedy=str(cleaned["remedy"]))
    return replace(found, finding=told)
