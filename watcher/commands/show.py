"""``rollbackd show``: one watch, whole."""

from collections.abc import Iterator, Mapping
from typing import Any

import click

from watcher.commands._client import at, client
from watcher.commands._screen import as_json, coloured, data, line, moment


@click.command()
@click.argument("watch")
@as_json
def command(*, watch: str, as_json: bool) -> None:
    """Show WATCH: what happened when, the evidence, what the daemon did, and what may be ordered now."""
    told = client().get(at("v1", "watches", watch))
    if as_json:
        data(told)
        return
    head, *story = told["story"]
    click.echo(coloured(head, told["state"]))
    for each in (*story, *_more(told)):
        line(each)


def _more(told: Mapping[str, Any]) -> Iterator[str]:
    for pause in told["pauses"]:
        until = f" until {moment(pause['until'])}" if pause["until"] else ""
        yield f"  paused at {pause['stage'] or 'a hook'}{until}; to go on: {pause['go_on'] or 'by hand'}"
    for action in told["actions"]:
        moves = ", ".join(f"{move['part']} to {move['to']['tag']}" for move in action["moves"])
        words = f": {action['words']}" if action["words"] else ""
        yield f"  {action['id']}  {action['state']}: {moves}{words}"
    for note in told["notes"]:
        words = f": {note['words']}" if note["words"] else ""
        yield f"  {moment(note['at'])}  {note['by']} says {note['call']}{words}"
    allowed = ", ".join(order.replace("_", " ") for order in told["orders_allowed"])
    yield f"  revision {told['revision']}; allowed now: {allowed or 'nothing'}"
