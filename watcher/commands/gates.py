"""``rollbackd gates``: what asked to be deployed, and what was answered."""

import click

from watcher.commands._client import client
from watcher.commands._screen import as_json, data, moment, table


@click.command()
@click.option("--service", help="Of this service.")
@click.option("--environment", help="In this environment.")
@click.option("--open", "open_", is_flag=True, help="Only what still waits, or asks somebody.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many at most.")
@as_json
def command(*, service: str | None, environment: str | None, open_: bool, limit: int, as_json: bool) -> None:
    """List what asked to pass the gates, newest first."""
    state = "open" if open_ else None
    told = client().get("/v1/gates", service=service, environment=environment, state=state, limit=limit)
    if as_json:
        data(told["gates"])
        return
    rows = [
        (
            each["gate"],
            f"{each['service']}/{each['environment']}",
            each["what"],
            each["answer"] if each["state"] == "open" else each["state"],
            moment(each["asked_at"]),
            each["words"],
        )
        for each in told["gates"]
    ]
    table(("GATE", "SERVICE", "WHAT", "ANSWER", "ASKED", "WHY"), rows)
