"""The option ``--config`` of the commands that do nothing without a configuration."""

from pathlib import Path

import click

config_option = click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="ROLLBACKD_CONFIG",
    default=Path("rollbackd.yaml"),
    show_default=True,
    help="The configuration.",
)
