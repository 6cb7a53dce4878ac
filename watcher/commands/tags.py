"""``rollbackd tags``: the ledger of a service."""

from collections.abc import Mapping
from typing import Any

import click

from watcher.commands._client import at, client
from watcher.commands._screen import as_json, data, moment, say, table


@click.command()
@click.argument("service")
@click.argument("environment")
@as_json
def command(*, service: str, environment: str, as_json: bool) -> None:
    """List the releases of SERVICE in ENVIRONMENT: how well each is known to be good, and where a rollback would go."""
    told = client().get(at("v1", "tags", service, environment))
    if as_json:
        data(told)
        return
    rows = [_row(part, release) for part in told["parts"] for release in part["releases"]]
    table(("PART", "TAG", "GRADE", "MARKS", "FIRST SEEN (UTC)", "FINGERPRINT"), rows)
    for part in told["parts"]:
        back = part["way_back"]
        say(f"{part['part']}: a rollback would go to {back['release']['tag'] if back else 'nowhere'}")


def _row(part: Mapping[str, Any], release: Mapping[str, Any]) -> tuple[str, ...]:
    back = part["way_back"]
    marks = {
        "live": release["live"],
        "way back": back is not None and back["release"]["fingerprint"] == release["fingerprint"],
        "quarantined": release["quarantined"],
        "distrusted": release["distrusted"],
        "floor": not release["reversible"],
    }
    return (
        part["part"],
        release["tag"],
        release["grade"],
        ", ".join(name for name, holds in marks.items() if holds) or "-",
        moment(release["first_seen"]),
        release["fingerprint"],
    )
