"""``rollbackd hold``: pause a watch."""

import click

from watcher.commands._duration import WRITTEN
from watcher.commands._orders import expect_revision, reason, to_watch
from watcher.commands._screen import as_json, say


@click.command()
@click.argument("watch")
@click.option("--for", "lasting", type=WRITTEN, help="How long: 15m where it is left out, 24h at most.")
@reason()
@expect_revision
@as_json
def command(
    *, watch: str, lasting: str | None, reason: str, expect_revision: int | None, as_json: bool
) -> None:
    """Pause WATCH at once: nothing is rolled back meanwhile. It ends by itself."""
    to_watch(
        watch,
        as_json=as_json,
        order="hold",
        reason=reason,
        expect_revision=expect_revision,
        **{"for": lasting},
    )
    if not reason:
        say(f'why? rollbackd note {watch} note "…"')
