"""``rollbackd note``: the right call, the wrong call, or anything else."""

import click

from watcher.commands._client import at
from watcher.commands._orders import send
from watcher.commands._screen import as_json, data, say


@click.command()
@click.argument("watch")
@click.argument("call", type=click.Choice(("right", "wrong", "note")))
@click.argument("words", default="")
@as_json
def command(*, watch: str, call: str, words: str, as_json: bool) -> None:
    """Say of WATCH that it was the right call or the wrong one, or note WORDS with it."""
    told = send(at("v1", "watches", watch, "notes"), {"call": call, "words": words})
    if as_json:
        data(told)
    else:
        say(f"kept with {told['watch']}")
