"""``rollbackd allow``: a release may come back."""

import click

from watcher.commands._orders import reason, to_release, where
from watcher.commands._screen import as_json


@click.command()
@click.argument("release")
@where
@reason(required=True)
@as_json
def command(
    *, release: str, service: str | None, environment: str | None, reason: str, as_json: bool
) -> None:
    """Allow RELEASE (a fingerprint, or a tag) to be deployed, and gone back to, again: lifts quarantine and distrust."""
    to_release(
        release, as_json=as_json, order="allow", reason=reason, service=service, environment=environment
    )
