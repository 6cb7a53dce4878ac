"""``rollbackd thaw``: end a freeze before its time."""

import click

from watcher.commands._client import at
from watcher.commands._orders import reason, send
from watcher.commands._screen import as_json, data, say


@click.command()
@click.argument("freeze")
@reason()
@as_json
def command(*, freeze: str, reason: str, as_json: bool) -> None:
    """End the FREEZE (f_…): deployments pass the gate again. A window of the configuration ends by itself."""
    told = send(at("v1", "freezes", freeze, "orders"), {"order": "thaw", "reason": reason})
    if as_json:
        data(told)
    else:
        say(f"{told['service']}/{told['environment']}: deployments pass again")
