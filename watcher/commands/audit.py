"""``rollbackd audit``: who did what, when, and why."""

from collections.abc import Mapping
from typing import Any

import click

from watcher.commands._client import client
from watcher.commands._screen import as_json, data, moment, say, table


@click.command()
@click.option("--subject", help="Only of a watch, SERVICE/ENVIRONMENT, or a fingerprint.")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Lines after this number.")
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True, help="How many.")
@as_json
def command(*, subject: str | None, after: int, limit: int, as_json: bool) -> None:
    """Print the audit, oldest first."""
    told = client().get("/v1/audit", subject=subject, after=after, limit=limit)
    if as_json:
        data(told)
        return
    table(("NO", "WHEN (UTC)", "WHO", "WHAT", "OF", "WHY"), [_row(row) for row in told["rows"]])
    if told["after"] is not None:
        say(f"more: --after {told['after']}")


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    return str(row["seq"]), moment(row["at"]), row["by"], row["what"], row["subject"], row["why"] or "-"
