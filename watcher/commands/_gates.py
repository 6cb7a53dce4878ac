"""What the commands share that order something of what is at a gate."""

import click

from watcher.commands._client import at
from watcher.commands._orders import send
from watcher.commands._screen import data, plain


def to_passage(gate: str, order: str, reason: str, *, as_json: bool) -> None:
    """Order it, and say what came of it."""
    told = send(at("v1", "gates", gate, "orders"), {"order": order, "reason": reason})
    if as_json:
        data(told)
    else:
        click.echo(plain(f"{told['state']}: {told['words']}"))
