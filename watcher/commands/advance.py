"""``rollbackd advance``: a rollout goes on now."""

import click

from watcher.commands._orders import expect_revision, reason, to_watch
from watcher.commands._screen import as_json


@click.command()
@click.argument("watch")
@reason()
@expect_revision
@as_json
def command(*, watch: str, reason: str, expect_revision: int | None, as_json: bool) -> None:
    """Move the rollout under WATCH on to its next stage, or past the hook that it waits at, whether it was seen well or not.

    What could not be moved is tried again. Nothing that breached goes on.
    """
    to_watch(watch, as_json=as_json, order="advance", reason=reason, expect_revision=expect_revision)
