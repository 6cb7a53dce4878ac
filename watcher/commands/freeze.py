"""``rollbackd freeze``: nothing is deployed for a while; what runs is watched, and rolled back, as ever."""

import click

from watcher.commands._client import client
from watcher.commands._duration import WRITTEN
from watcher.commands._orders import new_key, reason
from watcher.commands._screen import as_json, data, moment, say
from watcher.commands._time import moment as at


@click.command()
@click.argument("service", required=False)
@click.argument("environment", required=False)
@click.option("--all", "all_", is_flag=True, help="All services.")
@click.option("--in", "in_", help="With --all: only in this environment.")
@click.option("--for", "lasting", type=WRITTEN, help="How long.")
@click.option("--from", "from_", callback=at, help="From when on; now, where it is left out.")
@click.option("--until", callback=at, help="Until when.")
@reason(required=True)
@as_json
def command(
    *,
    service: str | None,
    environment: str | None,
    all_: bool,
    in_: str | None,
    lasting: str | None,
    from_: str | None,
    until: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Let nothing pass the gate of SERVICE in ENVIRONMENT but a hotfix, until then or for so long."""
    if all_ == (service is not None) or (service is None) != (environment is None):
        raise click.UsageError("name a service and its environment, or --all (and --in ENVIRONMENT)")
    if (lasting is None) == (until is None):
        raise click.UsageError("say for how long (--for), or until when (--until)")
    body = {
        "service": service or "*",
        "environment": environment or in_ or "*",
        "from": from_,
        "until": until,
        "for": lasting,
        "reason": reason,
    }
    told = client().post("/v1/freezes", body, new_key())
    if as_json:
        data(told)
        return
    click.echo(told["id"])
    say(
        f"frozen from {moment(told['from'])} until {moment(told['until'])} UTC; to end it before: rollbackd thaw {told['id']}"
    )
