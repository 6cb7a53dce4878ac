"""``rollbackd refuse``: what is at a gate may not be deployed."""

import click

from watcher.commands._gates import to_passage
from watcher.commands._orders import reason
from watcher.commands._screen import as_json


@click.command()
@click.argument("gate")
@reason()
@as_json
def command(*, gate: str, reason: str, as_json: bool) -> None:
    """Refuse what asks to pass as GATE (g_…); the same content is refused from now on, until somebody approves it."""
    to_passage(gate, "refuse", reason, as_json=as_json)
