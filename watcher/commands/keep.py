"""``rollbackd keep``: a breached release stays."""

import click

from watcher.commands._orders import expect_revision, reason, to_watch
from watcher.commands._screen import as_json


@click.command()
@click.argument("watch")
@reason()
@expect_revision
@as_json
def command(*, watch: str, reason: str, expect_revision: int | None, as_json: bool) -> None:
    """Keep the release under WATCH, though it is breached. The watch ends."""
    to_watch(watch, as_json=as_json, order="keep", reason=reason, expect_revision=expect_revision)
