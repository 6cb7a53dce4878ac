"""The arguments ``SERVICE ENVIRONMENT``: one service, or all."""

import click

from watcher.config import Configuration
from watcher.runtime.fleet import Key


def which(configuration: Configuration, what: tuple[str, ...]) -> Key | None:
    """The service that *what* names; ``None``: all are meant. Raises `click.UsageError`, with those that there are."""
    if not what:
        return None
    if len(what) != len(("service", "environment")):
        raise click.UsageError("name a service and its environment, or nothing")
    key = (what[0], what[1])
    if key not in configuration.services:
        known = ", ".join(sorted("/".join(each) for each in configuration.services))
        raise click.UsageError(f"no service {what[0]} in {what[1]} is configured; known: {known}")
    return key
