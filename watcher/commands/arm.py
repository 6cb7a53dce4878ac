"""``rollbackd arm``: the daemon may start rollbacks by itself again."""

import click

from watcher.commands._orders import reason, send, switch_path, tell
from watcher.commands._screen import as_json


@click.command()
@click.argument("service", required=False)
@click.argument("environment", required=False)
@click.option("--all", "all_", is_flag=True, help="The switch of all services.")
@reason()
@as_json
def command(*, service: str | None, environment: str | None, all_: bool, reason: str, as_json: bool) -> None:
    """End what `rollbackd disarm` began, of SERVICE in ENVIRONMENT or of all."""
    tell(
        send(switch_path(service, environment, all_=all_), {"order": "arm", "reason": reason}),
        as_json=as_json,
    )
