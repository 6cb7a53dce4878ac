"""``rollbackd distrust``: a release is not to be gone back to."""

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
    """Never go back to RELEASE (a fingerprint, or a tag), until it is allowed again."""
    to_release(
        release, as_json=as_json, order="distrust", reason=reason, service=service, environment=environment
    )
