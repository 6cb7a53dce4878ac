"""``rollbackd run``: the daemon."""

from pathlib import Path

import click

from watcher.app import run
from watcher.commands._config import config_option


@click.command()
@config_option
def command(config: Path) -> None:
    """Run the daemon until SIGTERM. Exit status 2 if the configuration has a mistake, 4 if the store cannot be opened."""
    raise SystemExit(run(config))
