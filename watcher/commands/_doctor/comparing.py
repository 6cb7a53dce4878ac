"""Holds against each other what belongs together and stands in two places: in the configuration, and on its platforms. Reads only."""

from watcher.app.ports import Ports
from watcher.commands._doctor import owners, services
from watcher.commands._doctor.checks import Found, carried_out
from watcher.commands._doctor.opened import opened
from watcher.config import Configuration


async def compared(configuration: Configuration, ports: Ports) -> list[Found]:
    """What was found, of all services."""
    async with opened(configuration, ports) as world:
        return await carried_out([*services.belonging(world), *owners.checks(world)])
