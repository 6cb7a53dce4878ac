"""``rollbackd init codedeploy``: deployment groups of one application of CodeDeploy."""

import click

from watcher.commands._init import options
from watcher.commands._init.besides import TAGGED
from watcher.commands._init.names import ACCOUNT, Fleet, Names
from watcher.commands._init.options import option
from watcher.commands._init.policies import fleet_act_policy, fleet_read_policy
from watcher.commands._init.stack import OnAws, called, on_aws, refuse_alike

USUAL = Fleet(Names())
WHERE = (
    "Create the queue, the rule that fills it (docs/codedeploy.md has its pattern), and the three roles: each has its policy",
    "and its trust beside the configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)

OF_ITS_OWN = (
    option(
        "--application",
        default=USUAL.application,
        like=options.CODEDEPLOY,
        help="The application of CodeDeploy: the service.",
    ),
    option(
        "--group",
        "groups",
        multiple=True,
        default=USUAL.groups,
        like=options.CODEDEPLOY,
        help="A deployment group of it: an environment of the service; repeat it.",
    ),
    option(
        "--url",
        "urls",
        multiple=True,
        default=USUAL.urls,
        like=(
            r"https?://[A-Za-z0-9.-]{1,255}(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]{0,200})?",
            "an address, such as http://10.0.1.11/health/ready",
        ),
        help="Where an instance with IIS answers its readiness check; repeat it, one for each. With several groups correct the file.",
    ),
    option(
        "--load-balancer",
        like=options.BALANCER,
        help="Its instances are behind this balancer, and run something else than IIS: the end of its ARN.",
    ),
    option(
        "--target-group",
        like=options.TARGET_GROUP,
        help="The target group that they are in: the end of its ARN.",
    ),
    option(
        "--function",
        like=options.FUNCTION,
        help="It deploys this function of Lambda, by its alias.",
    ),
    option(
        "--alias",
        default=USUAL.alias,
        like=options.ALIAS,
        help="That alias of the function.",
    ),
    option(
        "--hook-parameter",
        "hooks",
        multiple=True,
        like=(r"/[A-Za-z0-9_./-]{1,900}", "the name of a parameter, such as /rollbackd/hooks/checkout"),
        help=(
            "Where the function of its lifecycle hooks (ECS, Lambda) writes which of them waits, so that rollbackd answers it;"
            " one for each --group, in the same order."
        ),
    ),
    options.REGION,
    options.ACCOUNT_ID,
)


def of(fleet: Fleet) -> OnAws:
    """What is written for the groups of *fleet*."""
    is_iis = fleet.behind is None and fleet.function is None
    return OnAws(
        names=fleet.names,
        template="codedeploy.yaml.j2",
        values={"fleet": fleet},
        read=fleet_read_policy(fleet),
        act=fleet_act_policy(fleet),
        services=[(called(fleet.application), called(group)) for group in fleet.groups],
        open_ones={
            "--application": fleet.application == USUAL.application,
            "--url": is_iis and fleet.urls == USUAL.urls,
            "--account-id": fleet.names.account == ACCOUNT,
        },
        where=WHERE,
        tagged=fleet.names.arn("codedeploy", f"deploymentgroup:{fleet.application}/${{environment}}"),
        resources=fleet.group_arns,
    )


def _told(
    *,
    application: str,
    groups: tuple[str, ...],
    urls: tuple[str, ...],
    load_balancer: str | None,
    target_group: str | None,
    function: str | None,
    alias: str,
    hooks: tuple[str, ...],
    region: str,
    account_id: str,
) -> OnAws:
    refuse_alike(groups)
    if (load_balancer is None) != (target_group is None):
        raise click.UsageError("a balancer and a target group belong together: name both, or none")
    if function and load_balancer:
        raise click.UsageError("a function is behind no target group of its group: name one of both")
    if hooks and not (function or load_balancer):
        raise click.UsageError(
            "lifecycle hooks that wait are of ECS and Lambda: say --function, or --load-balancer and --target-group"
        )
    if hooks and len(set(hooks)) != len(groups):
        raise click.UsageError(
            f"{len(groups)} groups and {len(set(hooks))} parameters: name one of its own for each, in the same order, or none"
        )
    return of(
        Fleet(
            names=Names(region=region, account=account_id),
            application=application,
            groups=groups,
            urls=urls,
            behind=(load_balancer, target_group) if load_balancer and target_group else None,
            function=function,
            alias=alias,
            hooks=hooks,
        )
    )


STACK = on_aws(
    "Deployment groups of CodeDeploy on EC2 or on premises, deployed in place; with IIS, or behind a balancer; or of a function.",
    _told,
    OF_ITS_OWN,
    TAGGED,
)
