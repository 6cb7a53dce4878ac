"""``rollbackd rollback``: go back."""

import click

from watcher.commands._client import at
from watcher.commands._orders import expect_revision, reason, send, tell
from watcher.commands._screen import as_json


@click.command()
@click.argument("what", nargs=-1, required=True, metavar="WATCH | SERVICE ENVIRONMENT")
@click.option("--to", help="A tag, or a fingerprint; where it is left out, the daemon's own choice.")
@reason()
@expect_revision
@as_json
def command(
    *, what: tuple[str, ...], to: str | None, reason: str, expect_revision: int | None, as_json: bool
) -> None:
    """Go back now: of the deployment under WATCH, or of SERVICE in ENVIRONMENT, whether it is watched or not.

    `rollbackd plan` says before what it would do; `rollbackd wait` waits until it is done.
    """
    order = {"order": "roll_back", "to": to, "reason": reason, "expect_revision": expect_revision}
    tell(send(_path(what), order), as_json=as_json)


def _path(what: tuple[str, ...]) -> str:
    match what:
        case (watch,):
            return at("v1", "watches", watch, "orders")
        case (service, environment):
            return at("v1", "services", service, environment, "orders")
        case _:
            raise click.UsageError("name a watch, or a service and its environment")
