"""``rollbackd plan``: what a rollback would do, and not do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click
from pydantic import TypeAdapter

from rules.duration import duration_text
from watcher.commands._client import at, client
from watcher.commands._screen import as_json, data, line, moment

ASKS_PLATFORMS = 60.0  # seconds: each part is asked twice, at most 7 s each, and IAM meanwhile


@click.command()
@click.argument("service")
@click.argument("environment")
@click.option("--to", help="A tag, or a fingerprint; where it is left out, the daemon's own choice.")
@as_json
def command(*, service: str, environment: str, to: str | None, as_json: bool) -> None:
    """Say what a rollback of SERVICE in ENVIRONMENT would do: the calls in order, how long, at what capacity.

    Also what becomes of sessions, what is not undone, and whether the role to act may make the calls (a dry run of IAM).
    Nothing is moved. Exit status 1 if something stands in the way, 3 if there is nowhere to go back to.
    """
    told = replace(client(), seconds=ASKS_PLATFORMS).get(at("v1", "plan", service, environment), to=to)
    if as_json:
        data(told)
    else:
        for each in _lines(told):
            line(each)
    raise SystemExit(1 if any(move["foretold"]["obstacles"] for move in told["moves"]) else 0)


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    for move in told["moves"]:
        yield f"{move['part']}: {move['from']['tag']} → {move['to']['tag']} ({told['grade']})"
        yield from _foretold(move["foretold"])
    for change in told["not_undone"]:
        yield f"not undone: {change['what']}, {moment(change['at'])} UTC"
    if told["more"]:
        yield "not undone: more may have moved than is listed here (`rollbackd changes`)"
    if told["crosses"]:
        yield f"leaves out {told['crosses']} releases between"
    if told["floor"]:
        yield "goes past a release that cannot be undone"
    if told["stages"]:
        shares = " → ".join(f"{100 * stage['share']:.4g} %" for stage in told["stages"])
        yield f"the next release goes forward by stages: {shares}"
        yield from _forward(told["stages"], _GOES[told["forward"]])
    if told["hooks"] == "answer":
        yield "the hooks of its platform are answered by rollbackd"
    if told["asks"]:
        yield f"by itself the daemon would ask: {', '.join(because.replace('_', ' ') for because in told['asks'])}"


def _forward(stages: Sequence[Mapping[str, Any]], goes: str) -> Iterator[str]:
    """What happens at each stage, before the next."""
    for number, stage in enumerate(stages[:-1], start=1):
        bake, most = (duration_text(_SPAN.validate_python(stage[name])) for name in ("bake", "at_most"))
        yield f"  {number}. {100 * stage['share']:.4g} %: seen well for {bake} {goes}; a person is asked if that takes longer than {most}"
    yield f"  {len(stages)}. {100 * stages[-1]['share']:.4g} %: the rollout is complete, and the service's own bake begins"


_SPAN = TypeAdapter(timedelta)
_GOES = {
    "auto": "it goes on by itself",
    "ask": "a person is asked whether it goes on",
    "shadow": "it is told that it would go on, and stays",
}


def _foretold(foretold: Mapping[str, Any]) -> Iterator[str]:
    for number, call in enumerate(foretold["calls"], start=1):
        yield f"  {number}. {call}"
    for name in ("takes", "capacity", "sessions", "not_undone"):
        if foretold[name]:
            yield f"  {name.replace('_', ' ')}: {foretold[name]}"
    for permission in foretold["permissions"]:
        yield f"  permission: {permission['words']}"
    if foretold["by_hand"]:
        yield f"  by hand: {foretold['by_hand']}"
    for obstacle in foretold["obstacles"]:
        yield f"  in the way: {obstacle}"
