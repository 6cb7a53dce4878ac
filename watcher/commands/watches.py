"""``rollbackd watches``: which deployments are, or were, watched."""

from collections.abc import Mapping
from typing import Any

import click

from watcher.commands._client import client
from watcher.commands._screen import as_json, data, moment, say, state, table

STATES = (
    *("watching", "counting_down", "asking", "held", "rolling_back", "stuck", "recovering"),
    *("passed", "unproven", "rolled_back", "kept", "superseded"),
)


@click.command()
@click.option("--service", help="Only of this service.")
@click.option("--environment", help="Only in this environment.")
@click.option("--state", "in_state", type=click.Choice(STATES), help="Only in this state.")
@click.option("--after", help="The last id of the page before.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many.")
@as_json
def command(
    *,
    service: str | None,
    environment: str | None,
    in_state: str | None,
    after: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List watches, newest first."""
    told = client().get(
        "/v1/watches", service=service, environment=environment, state=in_state, after=after, limit=limit
    )
    if as_json:
        data(told)
        return
    watches = told["watches"]
    heads = ("WATCH", "STATE", "SERVICE", "FROM", "TO", "OPENED (UTC)")
    table(heads, [_row(each) for each in watches], [each["state"] for each in watches])
    if told["after"]:
        say(f"more: --after {told['after']}")


def _row(watch: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        watch["id"],
        state(watch["state"]),
        f"{watch['service']}/{watch['environment']}",
        watch["from"] or "-",
        watch["to"],
        moment(watch["times"]["opened_at"]),
    )
