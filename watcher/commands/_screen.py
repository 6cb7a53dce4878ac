"""What people see: words on stderr, data on stdout; tables that a terminal and ``cut`` can both read."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
COLOURS = {
    "passed": "green",
    "rolled_back": "yellow",
    "kept": "yellow",
    "unproven": "yellow",
    "counting_down": "red",
    "rolling_back": "red",
    "asking": "red",
    "stuck": "red",
}


def as_json(command: F) -> F:
    """The option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="The daemon's answer, as JSON.")(command)


def say(words: str) -> None:
    """Words for people."""
    click.echo(words, err=True)


def warn(warnings: Sequence[str]) -> None:
    """What one may not have thought of."""
    for words in warnings:
        say(f"note: {words}")


def data(answer: object) -> None:
    """Data, as JSON."""
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], states: Sequence[str] = ()) -> None:
    """Columns, as wide as they need to be; a row has the colour of its state. A pipe gets the head too, and no colours."""
    shown = [heads, *([plain(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(heads))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]
    click.echo(click.style(lines[0], bold=True))
    for line, name in zip_longest(lines[1:], states):
        click.echo(coloured(line, name) if name else line)


def plain(text: str) -> str:
    """Words of platforms and people, without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def line(text: str) -> None:
    """One line of data."""
    click.echo(plain(text))


def state(name: str) -> str:
    """A state, in words."""
    return name.replace("_", " ")


def coloured(words: str, state_name: str) -> str:
    """*words* in the colour of a state."""
    return click.style(plain(words), fg=COLOURS.get(state_name, "cyan"))


def moment(text: str | None) -> str:
    """A time of the daemon's, as people read it: UTC, to the second."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}" if text else "-"
