"""``rollbackd changes``: what else moved."""

import click

from watcher.commands._client import client
from watcher.commands._screen import as_json, data, moment, table
from watcher.commands._time import moment as a_moment


@click.command()
@click.option("--service", help="Only what concerns this service (with --environment), or is its own.")
@click.option("--environment", help="In this environment.")
@click.option("--since", callback=a_moment, help="From this time on; from a day ago, where it is left out.")
@click.option("--until", callback=a_moment, help="Before this time; now, where it is left out.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many.")
@as_json
def command(
    *,
    service: str | None,
    environment: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List what else moved, newest first: what was told, what platforms told of, and what was deployed."""
    told = client().get(
        "/v1/changes", service=service, environment=environment, since=since, until=until, limit=limit
    )
    if as_json:
        data(told)
        return
    rows = [
        (
            moment(each["at"]),
            each["kind"],
            "/".join((each["service"] or "*", each["environment"] or "*")),
            each["what"],
        )
        for each in told["changes"]
    ]
    table(("AT (UTC)", "KIND", "WHOSE", "WHAT"), rows)
