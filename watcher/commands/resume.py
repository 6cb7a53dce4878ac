"""``rollbackd resume``: end the pause of a watch."""

import click

from watcher.commands._orders import expect_revision, reason, to_watch
from watcher.commands._screen import as_json


@click.command()
@click.argument("watch")
@reason()
@expect_revision
@as_json
def command(*, watch: str, reason: str, expect_revision: int | None, as_json: bool) -> None:
    """End the pause of WATCH: it is judged again, and a breach is decided afresh."""
    to_watch(watch, as_json=as_json, order="resume", reason=reason, expect_revision=expect_revision)
