"""``rollbackd services``: how every service stands."""

from collections.abc import Mapping
from typing import Any

import click

from watcher.commands._client import client
from watcher.commands._screen import as_json, data, moment, say, state, table


@click.command()
@as_json
def command(*, as_json: bool) -> None:
    """List the services: what serves, what may happen by itself, and the watch that lives."""
    told = client().get("/v1/services")["services"]
    if as_json:
        data(told)
        return
    table(("SERVICE", "LIVE", "MODE", "ARMED", "WATCH", "STATE"), [_row(each) for each in told])
    for each in told:
        off = each["disarmed"]
        if off:
            say(f"{_name(each)}: disarmed by {off['by']} until {moment(off['until'])} UTC: {off['reason']}")
        ice = each["frozen"]
        if ice:
            say(f"{_name(each)}: frozen by {ice['by']} until {moment(ice['until'])} UTC: {ice['reason']}")


def _name(service: Mapping[str, Any]) -> str:
    return f"{service['service']}/{service['environment']}"


def _row(service: Mapping[str, Any]) -> tuple[str, ...]:
    live = "+".join(tag or "?" for tag in service["live"].values())
    armed = "yes" if service["armed"] else "no"
    return (
        _name(service),
        live,
        service["mode"],
        armed,
        service["watch"] or "-",
        state(service["state"] or "-"),
    )
