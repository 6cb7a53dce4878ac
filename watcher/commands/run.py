"""``rollbackd run``: the daemon."""

from pathlib import Path

import click

from watcher.app import run


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="ROLLBACKD_CONFIG",
    default=Path("rollbackd.yaml"),
    show_default=True,
    help="The configuration.",
)
def command(config: Path) -> None:
    """Run the daemon until SIGTERM. Exit status 2 if the configuration has a mistake, 4 if the store cannot be opened."""
    raise SystemExit(run(config))
