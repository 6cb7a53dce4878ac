"""``rollbackd init lambda`` and ``rollbackd init load-balancer``: what shares its traffic by weights."""

from watcher.commands._init import options
from watcher.commands._init.besides import TAGGED
from watcher.commands._init.names import ACCOUNT, ID, Aliases, Names, Weights
from watcher.commands._init.options import option
from watcher.commands._init.policies import (
    aliases_act_policy,
    aliases_read_policy,
    weights_act_policy,
    weights_read_policy,
)
from watcher.commands._init.stack import OnAws, called, on_aws, refuse_alike, where

USUAL = Aliases(Names())

OF_ALIASES = (
    option(
        "--function",
        "functions",
        multiple=True,
        default=USUAL.functions,
        like=options.FUNCTION,
        help="A function, as Lambda calls it: a service; repeat it.",
    ),
    option("--alias", default=USUAL.alias, like=options.ALIAS, help="Their alias that is called."),
    options.traffic(),
    option(
        "--codedeploy",
        like=(r"[A-Za-z0-9+=,.@_-]{1,100}/[A-Za-z0-9+=,.@_-]{1,100}", "APPLICATION/GROUP"),
        help="The application and the deployment group of CodeDeploy that move them; by default nothing does.",
    ),
    options.REGION,
    options.ACCOUNT_ID,
    options.environment(),
)
OF_WEIGHTS = (
    option(
        "--rule",
        "arn",
        default=USUAL.names.arn(
            "elasticloadbalancing", f"listener-rule/{USUAL.names.load_balancer}/{ID}/{ID}"
        ),
        like=(
            (
                r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]{1,32}:[0-9]{12}:"
                r"(?:listener-rule/app/[A-Za-z0-9-]{1,32}(?:/[0-9a-f]{16}){3}|listener/app/[A-Za-z0-9-]{1,32}(?:/[0-9a-f]{16}){2})"
            ),
            "the ARN of a rule, or of a listener, of an application load balancer",
        ),
        help="Whose weights are moved: the ARN of a rule; or of a listener, for its default action.",
    ),
    option(
        "--target-group",
        "groups",
        multiple=True,
        like=options.TARGET_GROUP,
        help="A target group that it forwards to: the end of its ARN; repeat it.",
    ),
    option("--service", default="my-service", like=options.OURS, help="What rollbackd calls it."),
    options.traffic(),
    options.environment(),
)


def of_aliases(aliases: Aliases) -> OnAws:
    """What is written for aliases of Lambda."""
    return OnAws(
        names=aliases.names,
        template="lambda.yaml.j2",
        values={"aliases": aliases},
        read=aliases_read_policy(aliases),
        act=aliases_act_policy(aliases),
        services=[(called(each), aliases.names.environment) for each in aliases.functions],
        open_ones={
            "--function": aliases.functions == USUAL.functions,
            "--account-id": aliases.names.account == ACCOUNT,
        },
        where=where("docs/lambda.md"),
        tagged=aliases.names.arn("lambda", "function:${service}"),
        resources=aliases.arns,
    )


def of_weights(weights: Weights) -> OnAws:
    """What is written for weights of target groups."""
    return OnAws(
        names=weights.names,
        template="load_balancer.yaml.j2",
        values={"weights": weights},
        read=weights_read_policy(weights),
        act=weights_act_policy(weights),
        services=[(called(weights.service), weights.names.environment)],
        open_ones={"--rule": weights.names.account == ACCOUNT, "--target-group": not weights.groups},
        where=where("docs/load-balancer.md"),
        tagged=weights.arn,
        resources=(weights.arn,),
    )


def _aliases(
    *,
    functions: tuple[str, ...],
    alias: str,
    traffic: str,
    codedeploy: str | None,
    region: str,
    account_id: str,
    environment: str,
) -> OnAws:
    refuse_alike(functions)
    application, _, group = (codedeploy or "").partition("/")
    return of_aliases(
        Aliases(
            names=Names(region=region, account=account_id, environment=environment),
            functions=functions,
            alias=alias,
            traffic=traffic,
            codedeploy=(application, group) if codedeploy else None,
        )
    )


def _weights(*, arn: str, groups: tuple[str, ...], service: str, traffic: str, environment: str) -> OnAws:
    region, account = arn.split(":")[3:5]
    names = Names(region=region, account=account, environment=environment)
    return of_weights(Weights(names=names, arn=arn, service=service, groups=groups, traffic=traffic))


ALIASES = on_aws("Aliases of functions of Lambda.", _aliases, OF_ALIASES, TAGGED)
WEIGHTS = on_aws("Target groups that share the traffic by weights.", _weights, OF_WEIGHTS, TAGGED)
