"""``rollbackd disarm``: the daemon starts nothing by itself."""

import click

from watcher.commands._duration import WRITTEN
from watcher.commands._orders import reason, send, switch_path, tell
from watcher.commands._screen import as_json


@click.command()
@click.argument("service", required=False)
@click.argument("environment", required=False)
@click.option("--all", "all_", is_flag=True, help="All services.")
@click.option("--for", "lasting", type=WRITTEN, help="How long: 1h where it is left out, 7d at most.")
@reason(required=True)
@as_json
def command(
    *,
    service: str | None,
    environment: str | None,
    all_: bool,
    lasting: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Let the daemon start no rollback of SERVICE in ENVIRONMENT by itself, for a while. It asks instead.

    People's orders pass, and a rollback under way finishes.
    """
    order = {"order": "disarm", "reason": reason, "for": lasting}
    tell(send(switch_path(service, environment, all_=all_), order), as_json=as_json)
