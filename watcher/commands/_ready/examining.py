"""Looks at services: the same for ``rollbackd ready`` and for the daemon, which looks every day."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from deploy.model import About, Finding, Level
from watcher.app.ports import LedgerOf, Ports
from watcher.commands._doctor import accounts, asking, services, signals
from watcher.commands._doctor.accounts import Identities
from watcher.commands._doctor.checks import Check, Found, carried_out
from watcher.commands._doctor.opened import Opened, opened
from watcher.commands._doctor.services import Lives, only
from watcher.commands._ready.rows import Row, row
from watcher.commands._ready.ways import Way, way_of
from watcher.config import Configuration
from watcher.runtime.fleet import Key

LONGEST = timedelta(seconds=100)  # of one way back: a platform's memory may take 75 s


async def of_one(configuration: Configuration, ports: Ports, key: Key, ledger: LedgerOf) -> Sequence[Finding]:
    """What is found of one service, by what the daemon remembers. See `watcher.app.ports.Examine`."""
    rows = await examined(only(configuration, key), ports, ledger=ledger)
    return [finding for each in rows for finding in each.findings]


async def examined(
    configuration: Configuration,
    ports: Ports,
    patience: timedelta = asking.LONGEST,
    ledger: LedgerOf | None = None,
) -> list[Row]:
    """A row a service.

    Args:
        configuration: Of the services that are looked at.
        ports: The clock, and the way to AWS.
        patience: For what looks at services itself.
        ledger: What the daemon remembers of a part; without it, what the platform does.
    """
    async with opened(configuration, ports) as world:
        known, lives = Identities(), Lives()
        first = [*services.looking(world, lives)]
        if world.aws is not None:
            first += accounts.checks(world.configuration, world.aws, known)
        found = await carried_out(first)
        async with asyncio.TaskGroup() as tasks:
            moving = tasks.create_task(carried_out(_permissions(world, lives, known)))
            reading = tasks.create_task(_read(world, lives, patience))
            ways = tasks.create_task(_ways(world, ledger))
        found += [*moving.result(), *reading.result()]
        return [
            row(service, ways.result()[key], found, _accounts(configuration, key))
            for key, service in world.fleet.services.items()
        ]


def _permissions(world: Opened, lives: Lives, known: Identities) -> list[Check]:
    return [each for each in services.moving(world, lives, known) if each.name == "to act"]


async def _read(world: Opened, lives: Lives, patience: timedelta) -> list[Found]:
    return await carried_out(await signals.checks(world, lives, patience))


async def _ways(world: Opened, ledger: LedgerOf | None) -> Mapping[Key, Sequence[Way]]:
    async with asyncio.TaskGroup() as tasks:
        asked = {
            key: [tasks.create_task(_way(world, key, part, ledger)) for part in targets]
            for key, targets in world.fleet.targets.items()
        }
    return {key: [each.result() for each in ways] for key, ways in asked.items()}


async def _way(world: Opened, key: Key, part: str, ledger: LedgerOf | None) -> Way:
    target = world.fleet.targets[key][part]
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            known = await ledger(key, part) if ledger else None
            return await way_of(world.fleet.services[key], part, target, world.ports.now(), known)
    except TimeoutError:
        words = f"no answer within {LONGEST.total_seconds():.0f} s"
        return Way(
            part,
            (Finding(Level.FAIL, words, "is the way there open: network, proxy?", about=About.WAY_BACK),),
        )


def _accounts(configuration: Configuration, key: Key) -> frozenset[str]:
    return frozenset(each.account for each in configuration.targets[key].values() if each.account)
