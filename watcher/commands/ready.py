"""``rollbackd ready``: whether each service could be put back now, and how long it would take; reads only."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from deploy.model import Finding, Level
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._config import config_option
from watcher.commands._doctor import accounts, services, signals
from watcher.commands._doctor.accounts import Identities
from watcher.commands._doctor.checks import Check, Found, carried_out
from watcher.commands._doctor.opened import Opened, opened
from watcher.commands._doctor.services import Lives
from watcher.commands._ready.rows import HEADS, Row, row
from watcher.commands._ready.ways import Way, way_of
from watcher.commands._screen import as_json, data, plain, say, table
from watcher.config import Configuration, InvalidConfiguration
from watcher.runtime.fleet import Key
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

FINDINGS, USAGE = 1, 2
STDERR = 2
LONGEST = timedelta(seconds=100)  # of one way back: a platform's memory may take 75 s


@click.command()
@click.argument("what", nargs=-1, metavar="[SERVICE ENVIRONMENT]")
@config_option
@as_json
def command(*, what: tuple[str, ...], config: Path, as_json: bool) -> None:
    """Say of each service, or of one, whether it could be put back now: a row each. Nothing is changed anywhere.

    Where it would go and how long that takes, whether that release is still there and can be pulled, whether it may be
    moved, whether its names and signals can be read. No daemon is asked. Exit status 1 if a row says NO, 2 if the
    configuration has a mistake. A warning is no NO.
    """
    redactor = Redactor()
    try:
        configuration = _of(load(config, redactor.learn), what)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        raise SystemExit(USAGE) from None
    ports = Ports()
    with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), ports.monotonic):
        rows = asyncio.run(examined(configuration, ports))
    show(rows, redactor, as_json=as_json)
    raise SystemExit(FINDINGS if any(each.level is Level.FAIL for each in rows) else 0)


def _of(configuration: Configuration, what: tuple[str, ...]) -> Configuration:
    """*configuration*, with the service that was named alone."""
    if not what:
        return configuration
    if len(what) != len(("service", "environment")):
        raise click.UsageError("name a service and its environment, or nothing")
    key = (what[0], what[1])
    if key not in configuration.services:
        known = ", ".join(sorted("/".join(each) for each in configuration.services))
        raise click.UsageError(f"no service {what[0]} in {what[1]} is configured; known: {known}")
    return replace(
        configuration,
        services={key: configuration.services[key]},
        targets={key: configuration.targets[key]},
    )


async def examined(
    configuration: Configuration, ports: Ports, patience: timedelta = signals.LONGEST
) -> list[Row]:
    """A row a service. *patience*: for what looks at services itself."""
    async with opened(configuration, ports) as world:
        known, lives = Identities(), Lives()
        first = [*services.looking(world, lives)]
        if world.aws is not None:
            first += accounts.checks(world.configuration, world.aws, known)
        found = await carried_out(first)
        async with asyncio.TaskGroup() as tasks:
            moving = tasks.create_task(carried_out(_permissions(world, lives, known)))
            reading = tasks.create_task(_read(world, lives, patience))
            ways = tasks.create_task(_ways(world))
        found += [*moving.result(), *reading.result()]
        return [
            row(service, ways.result()[key], found, _accounts(configuration, key))
            for key, service in world.fleet.services.items()
        ]


def _permissions(world: Opened, lives: Lives, known: Identities) -> list[Check]:
    return [each for each in services.moving(world, lives, known) if each.name == "to act"]


async def _read(world: Opened, lives: Lives, patience: timedelta) -> list[Found]:
    return await carried_out(await signals.checks(world, lives, patience))


async def _ways(world: Opened) -> Mapping[Key, Sequence[Way]]:
    async with asyncio.TaskGroup() as tasks:
        asked = {
            key: [tasks.create_task(_way(world, key, part)) for part in targets]
            for key, targets in world.fleet.targets.items()
        }
    return {key: [each.result() for each in ways] for key, ways in asked.items()}


async def _way(world: Opened, key: Key, part: str) -> Way:
    target = world.fleet.targets[key][part]
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            return await way_of(world.fleet.services[key], part, target, world.ports.now())
    except TimeoutError:
        words = f"no answer within {LONGEST.total_seconds():.0f} s"
        return Way(part, (Finding(Level.FAIL, words, "is the way there open: network, proxy?"),))


def _accounts(configuration: Configuration, key: Key) -> frozenset[str]:
    return frozenset(each.account for each in configuration.targets[key].values() if each.account)


def show(rows: Sequence[Row], redactor: Redactor, *, as_json: bool) -> None:
    """The rows on stdout; why a row is not a plain yes, on stderr."""
    if as_json:
        data(redactor.clean({"services": [each.as_data() for each in rows]}))
        return
    table(HEADS, [[redactor.text(cell) for cell in each.cells()] for each in rows])
    for each in rows:
        for finding in each.findings:
            if finding.level is not Level.OK:
                name = "/".join(each.service.key)
                say(plain(redactor.text(f"{finding.level:4}  {name}: {finding.words}")))
                say(plain(redactor.text(f"      try: {finding.remedy}")))
