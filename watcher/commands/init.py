"""``rollbackd init``: a commented configuration, and the policies that it needs."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from deploy.model import SERVICE, SERVICE_WORDS
from watcher.commands._init.names import ACCOUNT, Names, unique
from watcher.commands._init.stack import called, files, next_steps
from watcher.commands._screen import say

USUAL = Names()
REFUSED = 3
ECS = (r"[A-Za-z0-9_-]{1,255}", "letters, digits, - and _, at most 255")

F = TypeVar("F", bound=Callable[..., Any])
Given = str | tuple[str, ...]
Callback = Callable[[click.Context, click.Parameter, Given], Given]


def _like(pattern: str, words: str) -> Callback:
    """Each value is of this grammar: they are written into YAML and policies."""

    def check(_ctx: click.Context, _parameter: click.Parameter, given: Given) -> Given:
        for each in (given,) if isinstance(given, str) else given:
            if not re.fullmatch(pattern, each):
                raise click.BadParameter(f"{each!r}: expected {words}")
        return given

    return check


def _named(*flags: str, like: tuple[str, str], **more: Any) -> Callable[[F], F]:
    """An option whose values are of the grammar *like*: its pattern, and its words."""
    return click.option(*flags, show_default="default" in more, callback=_like(*like), **more)


@click.command()
@click.argument("stack", type=click.Choice(["ecs"]))
@_named(
    "--cluster",
    default=USUAL.cluster,
    like=ECS,
    help="The cluster that the services are in.",
)
@_named(
    "--service",
    "services",
    multiple=True,
    default=USUAL.services,
    like=ECS,
    help="A service, as ECS calls it; repeat it.",
)
@_named(
    "--family",
    "families",
    multiple=True,
    like=ECS,
    help="A family of their task definitions; repeat it. By default they are called like the services.",
)
@_named(
    "--pass-role",
    "passed",
    multiple=True,
    default=USUAL.passed,
    like=(r"[A-Za-z0-9+=,.@_/-]{1,512}", "the name of a role, with its path"),
    help="A role that their tasks run with (task role, execution role); repeat it.",
)
@_named(
    "--load-balancer",
    default=USUAL.load_balancer,
    like=(r"app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}", "the end of its ARN, app/NAME/ID"),
    help="The balancer that they are behind: the end of its ARN.",
)
@_named(
    "--target-group",
    "target_groups",
    multiple=True,
    like=(r"targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}", "the end of its ARN, targetgroup/NAME/ID"),
    help="The target group of a service: the end of its ARN; one for each --service, in the same order.",
)
@click.option(
    "--no-balancer",
    is_flag=True,
    help="They are behind no balancer: workers. What is said of one is not used.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where each of their tasks answers a health check; without it none is asked.",
)
@_named(
    "--path",
    default=USUAL.path,
    like=(r"/[A-Za-z0-9._~/-]{0,200}", "a path, such as /health/ready"),
    help="Of that health check.",
)
@_named(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default=USUAL.region,
    like=(r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region, such as eu-central-1"),
    help="Their region.",
)
@_named(
    "--account-id",
    default=ACCOUNT,
    like=(r"[0-9]{12}", "twelve digits"),
    help="Their account.",
)
@_named(
    "--environment",
    default=USUAL.environment,
    like=(SERVICE, SERVICE_WORDS),
    help="What rollbackd calls the place that they run in.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the files are written; made if it is not there. By default here.",
)
def command(
    *,
    stack: str,
    cluster: str,
    services: tuple[str, ...],
    families: tuple[str, ...],
    passed: tuple[str, ...],
    load_balancer: str,
    target_groups: tuple[str, ...],
    no_balancer: bool,
    port: int | None,
    path: str,
    region: str,
    account_id: str,
    environment: str,
    directory: Path,
) -> None:
    """Write a configuration for a STACK (ecs), the policies to read and to act, and who may assume their roles.

    It asks nothing, and calls nothing: what you do not say is a placeholder, which `rollbackd check` accepts and you
    replace. The paths of what was written go to stdout. A file that is there is never overwritten; exit status 3 if one
    says something else than what would have been written.
    """
    del stack  # there is one in this version
    _refuse_alike(services)
    if target_groups and len(target_groups) != len(services):
        raise click.UsageError(
            f"{len(services)} services and {len(target_groups)} target groups: name one for each, in the same order, or none"
        )
    names = Names(
        cluster=cluster,
        services=services,
        families=tuple(unique(families or services)),
        passed=tuple(unique(passed)),
        load_balancer=load_balancer,
        target_groups=target_groups,
        has_balancer=not no_balancer,
        port=port,
        path=path,
        region=region,
        account=account_id,
        environment=environment,
    )
    kept = write(files(names), directory)
    for line in [*placeholders(names), *next_steps(names, directory)]:
        say(line)
    raise SystemExit(REFUSED if kept else 0)


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


def placeholders(names: Names) -> list[str]:
    """Which of *names* stand for something that nobody said, with the option that says it."""
    open_ones = {
        "--cluster": names.cluster == USUAL.cluster,
        "--service": names.services == USUAL.services,
        "--load-balancer": names.has_balancer and names.load_balancer == USUAL.load_balancer,
        "--target-group": names.has_balancer and not names.target_groups,
        "--account-id": names.account == USUAL.account,
        "--pass-role": names.passed == USUAL.passed,
    }
    told = [option for option, is_open in open_ones.items() if is_open]
    return [f"Placeholders, to be replaced in the files or said: {', '.join(told)}"] if told else []


def _refuse_alike(services: tuple[str, ...]) -> None:
    """Two services that we would call the same."""
    names: dict[str, str] = {}
    for service in services:
        if called(service) in names:
            first = names[called(service)]
            raise click.UsageError(
                f"{first} and {service} would both be called {called(service)!r}: write one now, and add the other by hand"
            )
        names[called(service)] = service
