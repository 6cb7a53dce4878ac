"""``rollbackd run``: the daemon."""

from pathlib import Path

import click

from watcher.app import run
from watcher.app.ports import Ports
from watcher.commands._config import config_option
from watcher.commands._ready.examining import of_one


@click.command()
@config_option
def command(config: Path) -> None:
    """Run the daemon until SIGTERM. Exit status 2 if the configuration has a mistake, 4 if the store cannot be opened."""
    raise SystemExit(run(config, Ports(examine=of_one)))
