"""``rollbackd pass``: a release is good, by your word."""

import click

from watcher.commands._orders import expect_revision, reason, to_watch
from watcher.commands._screen import as_json


@click.command()
@click.argument("watch")
@reason()
@expect_revision
@as_json
def command(*, watch: str, reason: str, expect_revision: int | None, as_json: bool) -> None:
    """Say that the release under WATCH is good. It ends, and the release may be gone back to (grade: served)."""
    to_watch(watch, as_json=as_json, order="pass", reason=reason, expect_revision=expect_revision)
