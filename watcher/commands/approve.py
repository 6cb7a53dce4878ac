"""``rollbackd approve``: let what is at a gate be deployed."""

import click

from watcher.commands._gates import to_passage
from watcher.commands._orders import reason
from watcher.commands._screen import as_json


@click.command()
@click.argument("gate")
@reason()
@click.option(
    "--hotfix", is_flag=True, help="It passes a freeze, and what comes before, whoever asked; with --reason."
)
@as_json
def command(*, gate: str, reason: str, hotfix: bool, as_json: bool) -> None:
    """Let what asks to pass as GATE (g_…) be deployed: this content, and for what was asked about."""
    if hotfix and not reason:
        raise click.UsageError("a hotfix has a reason: --hotfix --reason WHY")
    to_passage(gate, "hotfix" if hotfix else "approve", reason, as_json=as_json)
