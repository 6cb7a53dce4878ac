"""What the commands that order something share."""

import os
import secrets
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from watcher.commands._client import at, client
from watcher.commands._screen import data, say, state, warn

F = TypeVar("F", bound=Callable[..., Any])


WHY = "Why; it is kept in the audit."


def reason(*, required: bool = False) -> Callable[[F], F]:
    """The option ``--reason``."""
    if required:
        return click.option("--reason", required=True, help=WHY)
    return click.option("--reason", default="", help=WHY)


def expect_revision(command: F) -> F:
    """The option ``--expect-revision``."""
    return click.option(
        "--expect-revision", type=int, help="Only if the watch still is as it was seen: its `revision`."
    )(command)


def to_watch(watch: str, *, as_json: bool, **order: object) -> None:
    """Order something of a watch, and say what came of it."""
    tell(send(at("v1", "watches", watch, "orders"), order), as_json=as_json)


def send(path: str, order: Mapping[str, object]) -> Any:
    """Send an order: one key for all tries of this command, so that it is obeyed once."""
    return client().post(path, order, key=new_key())


def tell(told: Mapping[str, Any], *, as_json: bool) -> None:
    """What came of an order."""
    warn(told["warnings"])
    if as_json:
        data(told)
    elif told["watch"] is None:
        say(f"{state(told['order'])}: done")
    else:
        say(f"{state(told['order'])}: {told['watch']} is {state(told['state'])} now")


def new_key() -> str:
    """A key for one thing that is to be done."""
    return f"cli-{os.getpid()}-{secrets.token_hex(12)}"


def where(command: F) -> F:
    """The options ``--service`` and ``--environment``, for a release that several services know."""
    told = click.option("--environment", help="In which environment, where several know it.")(command)
    return click.option("--service", help="Of which service, where several know it.")(told)


def to_release(release: str, *, as_json: bool, **order: object) -> None:
    """Order something of a release, and say what came of it."""
    tell(send(at("v1", "releases", release, "orders"), order), as_json=as_json)


def switch_path(service: str | None, environment: str | None, *, all_: bool) -> str:
    """Whose switch: of one service, or of all."""
    if all_ and service is None:
        return at("v1", "services", "*", "*", "orders")
    if all_ or service is None or environment is None:
        raise click.UsageError("name a service and its environment, or --all")
    return at("v1", "services", service, environment, "orders")
