"""The option ``--name SYSTEM=NAME``: what other systems call a release."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _names(_ctx: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if not all(name and equals and value for name, equals, value in pairs):
        raise click.BadParameter("write SYSTEM=NAME, such as sentry=checkout@4.3")
    return {name: value for name, _, value in pairs}


def names(command: F) -> F:
    """The option; *command* gets a dict ``names``."""
    return click.option(
        "--name",
        "names",
        multiple=True,
        callback=_names,
        help="SYSTEM=NAME: what a signal system calls the release.",
    )(command)
