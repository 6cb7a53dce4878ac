"""``rollbackd init``: a commented configuration, and the policies that it needs."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from deploy.github import REPOSITORY, REPOSITORY_WORDS
from deploy.model import SERVICE, SERVICE_WORDS
from watcher.commands._init import appconfig as of_appconfig
from watcher.commands._init import beanstalk as of_beanstalk
from watcher.commands._init import fleet as of_fleet
from watcher.commands._init import site as of_site
from watcher.commands._init import weights as of_weights
from watcher.commands._init import workflow as of_workflow
from watcher.commands._init.names import (
    ACCOUNT,
    ID,
    Aliases,
    Environments,
    Fleet,
    Names,
    Profiles,
    Site,
    Weights,
    unique,
)
from watcher.commands._init.stack import called, files, next_steps
from watcher.commands._screen import say

USUAL = Names()
USUAL_FLEET = Fleet(USUAL)
USUAL_ALIASES = Aliases(USUAL)
USUAL_ENVIRONMENTS = Environments(USUAL)
USUAL_PROFILES = Profiles(USUAL)
USUAL_SITE = Site(USUAL)
OF_A_WORKFLOW = of_workflow.USUAL
REFUSED = 3
ECS = (r"[A-Za-z0-9_-]{1,255}", "letters, digits, - and _, at most 255")

CODEDEPLOY = (r"[A-Za-z0-9+=,.@_-]{1,100}", "letters, digits and + = , . @ _ -, at most 100")

F = TypeVar("F", bound=Callable[..., Any])
Given = str | tuple[str, ...] | None
Callback = Callable[[click.Context, click.Parameter, Given], Given]


def _like(pattern: str, words: str) -> Callback:
    """Each value is of this grammar: they are written into YAML and policies."""

    def check(_ctx: click.Context, _parameter: click.Parameter, given: Given) -> Given:
        for each in (given,) if isinstance(given, str) else given or ():
            if not re.fullmatch(pattern, each):
                raise click.BadParameter(f"{each!r}: expected {words}")
        return given

    return check


def _named(*flags: str, like: tuple[str, str], **more: Any) -> Callable[[F], F]:
    """An option whose values are of the grammar *like*: its pattern, and its words."""
    return click.option(*flags, show_default="default" in more, callback=_like(*like), **more)


_REGION = _named(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default=USUAL.region,
    like=(r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region, such as eu-central-1"),
    help="Their region.",
)
_ACCOUNT = _named(
    "--account-id",
    default=ACCOUNT,
    like=(r"[0-9]{12}", "twelve digits"),
    help="Their account.",
)
_DIRECTORY = click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where the files are written; made if it is not there. By default here.",
)
_BALANCER = (r"app/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}", "the end of its ARN, app/NAME/ID")
_TARGETS = (r"targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}", "the end of its ARN, targetgroup/NAME/ID")


@click.group()
def command() -> None:
    """Write a configuration for a stack, the policies to read and to act, and who may assume their roles.

    It asks nothing, and calls nothing: what you do not say is a placeholder, which `rollbackd check` accepts and you
    replace. The paths of what was written go to stdout. A file that is there is never overwritten; exit status 3 if one
    says something else than what would have been written.
    """


@command.command()
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
    like=_BALANCER,
    help="The balancer that they are behind: the end of its ARN.",
)
@_named(
    "--target-group",
    "target_groups",
    multiple=True,
    like=_TARGETS,
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
@_REGION
@_ACCOUNT
@_named(
    "--environment",
    default=USUAL.environment,
    like=(SERVICE, SERVICE_WORDS),
    help="What rollbackd calls the place that they run in.",
)
@_DIRECTORY
def ecs(
    *,
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
    """Services of ECS, in one cluster."""
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
    _finish(files(names), directory, [*placeholders(names), *next_steps(names, directory)])


@command.command()
@_named(
    "--application",
    default=USUAL_FLEET.application,
    like=CODEDEPLOY,
    help="The application of CodeDeploy: the service.",
)
@_named(
    "--group",
    "groups",
    multiple=True,
    default=USUAL_FLEET.groups,
    like=CODEDEPLOY,
    help="A deployment group of it: an environment of the service; repeat it.",
)
@_named(
    "--url",
    "urls",
    multiple=True,
    default=USUAL_FLEET.urls,
    like=(
        r"https?://[A-Za-z0-9.:-]{1,255}(/[A-Za-z0-9._~/-]{0,200})?",
        "an address, such as http://10.0.1.11/health/ready",
    ),
    help="Where an instance with IIS answers its readiness check; repeat it, one for each. With several groups correct the file.",
)
@_named(
    "--load-balancer",
    like=_BALANCER,
    help="Its instances are behind this balancer, and run something else than IIS: the end of its ARN.",
)
@_named(
    "--target-group",
    like=_TARGETS,
    help="The target group that they are in: the end of its ARN.",
)
@_REGION
@_ACCOUNT
@_DIRECTORY
def codedeploy(
    *,
    application: str,
    groups: tuple[str, ...],
    urls: tuple[str, ...],
    load_balancer: str | None,
    target_group: str | None,
    region: str,
    account_id: str,
    directory: Path,
) -> None:
    """Deployment groups of CodeDeploy on EC2 or on premises, deployed in place; with IIS, or behind a balancer."""
    _refuse_alike(groups)
    if (load_balancer is None) != (target_group is None):
        raise click.UsageError("a balancer and a target group belong together: name both, or none")
    fleet = Fleet(
        names=Names(region=region, account=account_id),
        application=application,
        groups=groups,
        urls=urls,
        behind=(load_balancer, target_group) if load_balancer and target_group else None,
    )
    told = [*of_fleet.placeholders(fleet), *next_steps(fleet.names, directory, of_fleet.WHERE)]
    _finish(of_fleet.files(fleet), directory, told)


@command.command()
@_named(
    "--bucket",
    default=USUAL_SITE.bucket,
    like=(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket"),
    help="The bucket with its pages.",
)
@_named(
    "--distribution",
    default=USUAL_SITE.distribution,
    like=(r"[A-Z0-9]{8,32}", "an id such as E2EXAMPLE1ABC"),
    help="The distribution of CloudFront before it.",
)
@_named(
    "--site",
    "url",
    default=USUAL_SITE.url,
    like=(
        r"https?://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?(/[A-Za-z0-9._~-]{1,100})*",
        "an address such as https://www.example.com, without a slash at its end",
    ),
    help="How people open it.",
)
@_REGION
@_ACCOUNT
@_named(
    "--environment",
    default=USUAL.environment,
    like=(SERVICE, SERVICE_WORDS),
    help="What rollbackd calls the place that it runs in.",
)
@_DIRECTORY
def site(
    *,
    bucket: str,
    distribution: str,
    url: str,
    region: str,
    account_id: str,
    environment: str,
    directory: Path,
) -> None:
    """A static site (Angular, React) on S3 behind CloudFront, whose live page is a copy of that of a release."""
    names = Names(region=region, account=account_id, environment=environment)
    found = Site(names, bucket, distribution, url)
    told = [*of_site.placeholders(found), *next_steps(names, directory, of_site.WHERE)]
    _finish(of_site.files(found), directory, told)


_TRAFFIC = click.option(
    "--traffic",
    type=click.Choice(["by_weight", "at_once"]),
    default="by_weight",
    show_default=True,
    help="How a deployment moves it: a share first, or at once.",
)
_ENVIRONMENT = _named(
    "--environment",
    default=USUAL.environment,
    like=(SERVICE, SERVICE_WORDS),
    help="What rollbackd calls the place that they run in.",
)


@command.command("lambda")
@_named(
    "--function",
    "functions",
    multiple=True,
    default=USUAL_ALIASES.functions,
    like=(r"[A-Za-z0-9_-]{1,64}", "letters, digits, - and _, at most 64"),
    help="A function, as Lambda calls it: a service; repeat it.",
)
@_named(
    "--alias",
    default=USUAL_ALIASES.alias,
    like=(r"(?![0-9]+$)[A-Za-z0-9_-]{1,128}", "letters, digits, - and _, at most 128, and not digits alone"),
    help="Their alias that is called.",
)
@_TRAFFIC
@_named(
    "--codedeploy",
    like=(r"[A-Za-z0-9+=,.@_-]{1,100}/[A-Za-z0-9+=,.@_-]{1,100}", "APPLICATION/GROUP"),
    help="The application and the deployment group of CodeDeploy that move them; by default nothing does.",
)
@_REGION
@_ACCOUNT
@_ENVIRONMENT
@_DIRECTORY
def aliases(
    *,
    functions: tuple[str, ...],
    alias: str,
    traffic: str,
    codedeploy: str | None,
    region: str,
    account_id: str,
    environment: str,
    directory: Path,
) -> None:
    """Aliases of functions of Lambda."""
    _refuse_alike(functions)
    application, _, group = (codedeploy or "").partition("/")
    found = Aliases(
        names=Names(region=region, account=account_id, environment=environment),
        functions=functions,
        alias=alias,
        traffic=traffic,
        codedeploy=(application, group) if codedeploy else None,
    )
    steps = next_steps(found.names, directory, of_weights.where("docs/lambda.md"))
    _finish(of_weights.of_aliases(found), directory, [*of_weights.placeholders(found), *steps])


_RULE = (
    (
        r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]{1,32}:[0-9]{12}:"
        r"(?:listener-rule/app/[A-Za-z0-9-]{1,32}(?:/[0-9a-f]{16}){3}|listener/app/[A-Za-z0-9-]{1,32}(?:/[0-9a-f]{16}){2})"
    ),
    "the ARN of a rule, or of a listener, of an application load balancer",
)


@command.command("load-balancer")
@_named(
    "--rule",
    "arn",
    default=USUAL.arn("elasticloadbalancing", f"listener-rule/{USUAL.load_balancer}/{ID}/{ID}"),
    like=_RULE,
    help="Whose weights are moved: the ARN of a rule; or of a listener, for its default action.",
)
@_named(
    "--target-group",
    "groups",
    multiple=True,
    like=_TARGETS,
    help="A target group that it forwards to: the end of its ARN; repeat it.",
)
@_named("--service", default="my-service", like=(SERVICE, SERVICE_WORDS), help="What rollbackd calls it.")
@_TRAFFIC
@_ENVIRONMENT
@_DIRECTORY
def weights(
    *, arn: str, groups: tuple[str, ...], service: str, traffic: str, environment: str, directory: Path
) -> None:
    """Target groups that share the traffic by weights."""
    region, account = arn.split(":")[3:5]
    names = Names(region=region, account=account, environment=environment)
    found = Weights(names=names, arn=arn, service=service, groups=groups, traffic=traffic)
    steps = next_steps(names, directory, of_weights.where("docs/load-balancer.md"))
    _finish(of_weights.of_weights(found), directory, [*of_weights.placeholders(found), *steps])


@command.command("beanstalk")
@_named(
    "--application",
    default=USUAL_ENVIRONMENTS.application,
    like=(r"[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,99}", "letters, digits, blanks and . _ -, at most 100"),
    help="The application of Elastic Beanstalk.",
)
@_named(
    "--environment-name",
    "environments",
    multiple=True,
    default=USUAL_ENVIRONMENTS.environments,
    like=(r"[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]", "letters, digits and -, 4 to 40"),
    help="An environment of it, as Beanstalk calls it: a service; repeat it.",
)
@_named(
    "--load-balancer",
    "load_balancers",
    multiple=True,
    like=_BALANCER,
    help="The balancer of an environment: the end of its ARN; one for each --environment-name, in the same order.",
)
@_named(
    "--bundles",
    like=(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket"),
    help="The bucket with the source bundles of the versions; by default the one that Beanstalk has made.",
)
@_REGION
@_ACCOUNT
@_ENVIRONMENT
@_DIRECTORY
def beanstalk(
    *,
    application: str,
    environments: tuple[str, ...],
    load_balancers: tuple[str, ...],
    bundles: str | None,
    region: str,
    account_id: str,
    environment: str,
    directory: Path,
) -> None:
    """Environments of Elastic Beanstalk."""
    _refuse_alike(environments)
    if load_balancers and len(load_balancers) != len(environments):
        raise click.UsageError(
            f"{len(environments)} environments and {len(load_balancers)} balancers: name one for each, in the same order, or none"
        )
    names = Names(region=region, account=account_id, environment=environment)
    found = Environments(names, application, environments, load_balancers, bundles)
    told = [*of_beanstalk.placeholders(found), *next_steps(names, directory, of_beanstalk.WHERE)]
    _finish(of_beanstalk.files(found), directory, told)


_APPCONFIG_ID = (r"[a-z0-9]{4,7}", "an id of AppConfig: 4 to 7 small letters and digits")


@command.command("appconfig")
@_named(
    "--application",
    default=USUAL_PROFILES.application,
    like=_APPCONFIG_ID,
    help="The id of the application of AppConfig.",
)
@_named(
    "--environment-id",
    default=USUAL_PROFILES.environment,
    like=_APPCONFIG_ID,
    help="The id of the environment of AppConfig.",
)
@_named(
    "--profile",
    "profiles",
    multiple=True,
    default=USUAL_PROFILES.profiles,
    like=_APPCONFIG_ID,
    help="The id of a configuration profile: a service; repeat it.",
)
@_named(
    "--strategy",
    like=(r"[a-z0-9]{4,7}|AppConfig\.[A-Za-z0-9]{9,40}", "the id of a strategy, or AppConfig.NAME"),
    help="By which an old version is deployed anew: best one of your own without a bake time.",
)
@_REGION
@_ACCOUNT
@_ENVIRONMENT
@_DIRECTORY
def profiles(
    *,
    application: str,
    environment_id: str,
    profiles: tuple[str, ...],
    strategy: str | None,
    region: str,
    account_id: str,
    environment: str,
    directory: Path,
) -> None:
    """Configuration profiles of AWS AppConfig: feature flags, or any configuration."""
    _refuse_alike(profiles)
    names = Names(region=region, account=account_id, environment=environment)
    found = Profiles(names, application, environment_id, profiles, strategy)
    told = [*of_appconfig.placeholders(found), *next_steps(names, directory, of_appconfig.WHERE)]
    _finish(of_appconfig.files(found), directory, told)


@command.command("github-actions")
@_named(
    "--repository",
    default=OF_A_WORKFLOW.repository,
    like=(REPOSITORY, REPOSITORY_WORDS),
    help="Where the workflow is.",
)
@_named(
    "--environment",
    default=OF_A_WORKFLOW.environment,
    like=(SERVICE, SERVICE_WORDS),
    help="As GitHub, and rollbackd, call the place that it deploys to.",
)
@_named(
    "--workflow",
    default=OF_A_WORKFLOW.workflow,
    like=(r"[A-Za-z0-9_.-]{1,128}\.ya?ml", "the file of a workflow, such as deploy.yml"),
    help="The file of the workflow that deploys.",
)
@_named(
    "--url",
    default=OF_A_WORKFLOW.url,
    like=(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~/-]*)?", "a URL without a query"),
    help="A page of the service that answers well while it is well.",
)
@_DIRECTORY
def workflow(*, repository: str, environment: str, workflow: str, url: str, directory: Path) -> None:
    """A service that a workflow of GitHub Actions deploys, by tags of git."""
    found = of_workflow.Workflow(repository, environment, workflow, url)
    _finish(of_workflow.files(found), directory, of_workflow.told(found, directory))


def _finish(contents: Mapping[str, str], directory: Path, told: Sequence[str]) -> NoReturn:
    """Write what is to be written, say what is to be done with it, and end."""
    kept = write(contents, directory)
    for line in told:
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
