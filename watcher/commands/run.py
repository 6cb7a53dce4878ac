"""``rollbackd run``: the daemon."""

from pathlib import Path

import click

from watcher.app import run
from watcher.app.ports import Ports
from watcher.commands._config import config_option
from watcher.commands._ready.examining import of_one
from watcher.commands._ready.permitting import permitted


@click.command()
@config_option
def command(config: Path) -> None:
    """Run the daemon until SIGTERM. Exit status 2 if the configuration has a mistake, 4 if the store cannot be opened."""
    raise SystemExit(run(config, ports()))


def ports() -> Ports:
    """What the daemon stands on, with what it has from the commands: the look at ways back, and the dry run of a plan's calls."""
    return Ports(examine=of_one, permitted=permitted)
