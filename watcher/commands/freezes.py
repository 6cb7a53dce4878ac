"""``rollbackd freezes``: what keeps deployments out, now and next."""

import click

from watcher.commands._client import client
from watcher.commands._screen import as_json, data, moment, table


@click.command()
@as_json
def command(*, as_json: bool) -> None:
    """List the freezes that are not over, and when windows of the configuration are next."""
    told = client().get("/v1/freezes")
    if as_json:
        data(told)
        return
    rows = [
        (
            each["id"],
            f"{each['service']}/{each['environment']}",
            "yes" if each["in_force"] else "no",
            moment(each["from"]),
            moment(each["until"]),
            each["by"],
            each["reason"],
        )
        for each in told["freezes"]
    ]
    for each in told["windows"]:
        force = "yes" if each["in_force"] else "no"
        span = (moment(each["from"]), moment(each["until"]))
        more = f" and {len(each['services']) - 1} more" if len(each["services"]) > 1 else ""
        rows.append((f"window:{each['name']}", each["services"][0] + more, force, *span, "-", each["reason"]))
    table(("FREEZE", "SERVICES", "IN FORCE", "FROM", "UNTIL", "BY", "REASON"), rows)
