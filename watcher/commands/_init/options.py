"""The options of ``rollbackd init``, and the grammars of what they take: it is written into YAML and policies."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deploy.model import SERVICE, SERVICE_WORDS
from watcher.commands._init.names import ACCOUNT, Names

USUAL = Names()
ECS = (r"[A-Za-z0-9_-]{1,255}", "letters, digits, - and _, at most 255")
CODEDEPLOY = (r"[A-Za-z0-9+=,.@_-]{1,100}", "letters, digits and + = , . @ _ -, at most 100")
BALANCER = (r"app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}", "the end of its ARN, app/NAME/ID")
TARGET_GROUP = (
    r"targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}",
    "the end of its ARN, targetgroup/NAME/ID",
)
BUCKET = (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")
FUNCTION = (r"[A-Za-z0-9_-]{1,64}", "letters, digits, - and _, at most 64")
ALIAS = (
    r"(?![0-9]+$)[A-Za-z0-9_-]{1,128}",
    "letters, digits, - and _, at most 128, and not digits alone",
)
OURS = (SERVICE, SERVICE_WORDS)

Given = str | tuple[str, ...] | None
Callback = Callable[[click.Context, click.Parameter, Given], Given]


def _like(pattern: str, words: str) -> Callback:
    """Each value is of this grammar."""

    def check(_ctx: click.Context, _parameter: click.Parameter, given: Given) -> Given:
        for each in (given,) if isinstance(given, str) else given or ():
            if not re.fullmatch(pattern, each):
                raise click.BadParameter(f"{each!r}: expected {words}")
        return given

    return check


def option(*flags: str, like: tuple[str, str], **more: Any) -> click.Option:
    """An option whose values are of the grammar *like*: its pattern, and its words."""
    return click.Option(flags, show_default="default" in more, callback=_like(*like), **more)


REGION = option(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default=USUAL.region,
    like=(r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region, such as eu-central-1"),
    help="Their region.",
)
ACCOUNT_ID = option(
    "--account-id",
    default=ACCOUNT,
    like=(r"[0-9]{12}", "twelve digits"),
    help="Their account.",
)
DIRECTORY = click.Option(
    ["--directory"],
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the files are written; made if it is not there. By default here.",
)


def environment(words: str = "What rollbackd calls the place that they run in.") -> click.Option:
    """What the environment of the services is called."""
    return option("--environment", default=USUAL.environment, like=OURS, help=words)


def traffic() -> click.Option:
    """How a deployment moves the traffic."""
    return click.Option(
        ["--traffic"],
        type=click.Choice(["by_weight", "at_once"]),
        default="by_weight",
        show_default=True,
        help="How a deployment moves it: a share first, or at once.",
    )
