"""``rollbackd init ecs``: services of ECS, in one cluster."""

import click

from watcher.commands._init import options
from watcher.commands._init.besides import OF_IMAGES
from watcher.commands._init.names import Names, unique
from watcher.commands._init.options import option
from watcher.commands._init.policies import act_policy, read_policy
from watcher.commands._init.stack import OnAws, called, on_aws, refuse_alike

USUAL = Names()

OF_ITS_OWN = (
    option(
        "--cluster",
        default=USUAL.cluster,
        like=options.ECS,
        help="The cluster that the services are in.",
    ),
    option(
        "--service",
        "services",
        multiple=True,
        default=USUAL.services,
        like=options.ECS,
        help="A service, as ECS calls it; repeat it.",
    ),
    option(
        "--family",
        "families",
        multiple=True,
        like=options.ECS,
        help="A family of their task definitions; repeat it. By default they are called like the services.",
    ),
    option(
        "--pass-role",
        "passed",
        multiple=True,
        default=USUAL.passed,
        like=(r"[A-Za-z0-9+=,.@_/-]{1,512}", "the name of a role, with its path"),
        help="A role that their tasks run with (task role, execution role); repeat it.",
    ),
    option(
        "--load-balancer",
        default=USUAL.load_balancer,
        like=options.BALANCER,
        help="The balancer that they are behind: the end of its ARN.",
    ),
    option(
        "--target-group",
        "target_groups",
        multiple=True,
        like=options.TARGET_GROUP,
        help="The target group of a service: the end of its ARN; one for each --service, in the same order.",
    ),
    click.Option(
        ["--no-balancer"],
        is_flag=True,
        help="They are behind no balancer: workers. What is said of one is not used.",
    ),
    click.Option(
        ["--port"],
        type=click.IntRange(1, 65535),
        help="Where each of their tasks answers a health check; without it none is asked.",
    ),
    option(
        "--path",
        default=USUAL.path,
        like=(r"/[A-Za-z0-9._~/-]{0,200}", "a path, such as /health/ready"),
        help="Of that health check.",
    ),
    options.REGION,
    options.ACCOUNT_ID,
    options.environment(),
)


def of(names: Names) -> OnAws:
    """What is written for the services of *names*."""
    return OnAws(
        names=names,
        template="ecs.yaml.j2",
        values={},
        read=read_policy(names),
        act=act_policy(names),
        services=[(called(service), names.environment) for service in names.services],
        open_ones={
            "--cluster": names.cluster == USUAL.cluster,
            "--service": names.services == USUAL.services,
            "--load-balancer": names.has_balancer and names.load_balancer == USUAL.load_balancer,
            "--target-group": names.has_balancer and not names.target_groups,
            "--account-id": names.account == USUAL.account,
            "--pass-role": names.passed == USUAL.passed,
        },
        tagged=names.arn("ecs", f"service/{names.cluster}/${{service}}"),
        resources=names.ecs("service"),
    )


def _told(
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
) -> OnAws:
    refuse_alike(services)
    if target_groups and len(target_groups) != len(services):
        raise click.UsageError(
            f"{len(services)} services and {len(target_groups)} target groups: name one for each, in the same order, or none"
        )
    return of(
        Names(
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
    )


STACK = on_aws("Services of ECS, in one cluster.", _told, OF_ITS_OWN, OF_IMAGES)
