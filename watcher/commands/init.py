"""``rollbackd init``: a commented configuration, and the policies that it needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from watcher.commands._init.registry import STACKS
from watcher.commands._init.stack import Stack
from watcher.commands._screen import say

REFUSED = 3


@click.group()
def command() -> None:
    """Write a configuration for a stack, the policies to read and to act, and who may assume their roles.

    It asks nothing, and calls nothing: what you do not say is a placeholder, which `rollbackd check` accepts and you
    replace. The paths of what was written go to stdout. A file that is there is never overwritten; exit status 3 if one
    says something else than what would have been written.
    """


def _command(name: str, stack: Stack) -> click.Command:
    def run(*, directory: Path, **told: Any) -> None:
        """Write what is to be written, say what is to be done with it, and end."""
        written = stack.written(directory=directory, **told)
        kept = write(written.contents, directory)
        for line in written.told:
            say(line)
        raise SystemExit(REFUSED if kept else 0)

    return click.Command(name, params=list(stack.options), callback=run, help=stack.help)


for _name, _stack in STACKS.items():
    command.add_command(_command(_name, _stack))


def write(contents: Mapping[str, str], directory: Path) -> list[Path]:
    """Write what is not there yet, and say so; those that are there and differ."""
    kept: list[Path] = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            path = directory / name
            if _wrote(path, content):
                click.echo(path)
            elif path.read_text(encoding="utf-8") != content:
                kept.append(path)
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{directory} cannot be written to: {error}") from error
    for path in kept:
        say(
            f"{path} is there already, and says something else: it was left as it is. Elsewhere: --directory DIR"
        )
    return kept


def _wrote(path: Path, content: str) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError:
        return False
    return True
