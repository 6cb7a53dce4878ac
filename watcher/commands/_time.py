"""Times on the command line."""

from datetime import datetime

import click


def moment(_ctx: click.Context, _parameter: click.Parameter, given: str | None) -> str | None:
    """The daemon reads it; here only what it cannot be is said at once."""
    try:
        told = datetime.fromisoformat(given) if given else None
    except ValueError as error:
        raise click.BadParameter("write an ISO 8601 time, such as 2026-11-24T14:02:10Z") from error
    if told is not None and told.tzinfo is None:
        raise click.BadParameter("a time needs its zone: 2026-11-24T14:02:10Z, or +01:00")
    return given
