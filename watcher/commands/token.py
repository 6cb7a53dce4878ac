"""``rollbackd token``: a new token. The secret is shown once; the configuration gets its SHA-256."""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping

import click

from watcher.commands._screen import as_json, data, say

SCOPES = ("announce", "read", "order", "relay")
NAME = r"[a-z][a-z0-9_-]{0,62}"


def _name(_ctx: click.Context, _parameter: click.Parameter, given: str) -> str:
    if not re.fullmatch(NAME, given):
        raise click.BadParameter(f"must match {NAME}")
    return given


@click.command()
@click.argument("name", callback=_name)
@click.option(
    "--may",
    type=click.Choice(SCOPES),
    multiple=True,
    default=("read",),
    show_default=True,
    help="What it may; repeat it.",
)
@click.option(
    "--services",
    multiple=True,
    default=("*",),
    show_default=True,
    help="Which it is good for: globs; repeat it.",
)
@as_json
def command(*, name: str, may: tuple[str, ...], services: tuple[str, ...], as_json: bool) -> None:
    """Make a token called NAME. Prints the secret, once, and the line for `daemon: tokens:` of the configuration.

    Nothing is sent anywhere: the daemon knows it once the line is in its configuration, and that was read again.
    """
    secret = f"rbd_{secrets.token_urlsafe(32)}"
    line = {
        "name": name,
        "sha256": hashlib.sha256(secret.encode()).hexdigest(),
        "may": list(dict.fromkeys(may)),
        "services": list(services),
    }
    if as_json:
        data({"secret": secret, "token": line})
        return
    click.echo(secret)
    say("The secret stands above, and nowhere else. The line for `daemon: tokens:` of the configuration:")
    say(f"  - {_flow(line)}")


def _flow(line: Mapping[str, object]) -> str:
    """As YAML's flow style: JSON is YAML, with keys that need no quotes."""
    return "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in line.items()) + "}"
