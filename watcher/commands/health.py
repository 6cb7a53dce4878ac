"""``rollbackd health``: whether the daemon of this machine is alive. For the container's health check: it starts fast."""

import click

from watcher.commands._client import USUAL_URL, Client, Unreachable


@click.command()
@click.option(
    "--url", envvar="ROLLBACKD_URL", default=USUAL_URL, show_default=True, help="Where the daemon listens."
)
def command(url: str) -> None:
    """Ask the daemon of this machine whether it is alive. Exit status 0: it is; 4: it is not."""
    try:
        told = Client(url).once("GET", "/livez", None, {}, seconds=3.0)
    except Unreachable as error:
        raise Unreachable(f"not alive: {error.message}", error.remedy) from error
    click.echo(told["status"])
