"""``rollbackd init beanstalk``: environments of Elastic Beanstalk."""

import click

from deploy.targets.beanstalk.settings import region_of
from watcher.commands._init import options
from watcher.commands._init.names import ACCOUNT, Environments, Names
from watcher.commands._init.options import option
from watcher.commands._init.policies import environments_act_policy, environments_read_policy
from watcher.commands._init.stack import OnAws, called, on_aws, refuse_alike, where

USUAL = Environments(Names())
_BOTH = 2  # that swap a name

OF_ITS_OWN = (
    option(
        "--application",
        default=USUAL.application,
        like=(r"[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,99}", "letters, digits, blanks and . _ -, at most 100"),
        help="The application of Elastic Beanstalk.",
    ),
    option(
        "--environment-name",
        "environments",
        multiple=True,
        default=USUAL.environments,
        like=(r"[A-Za-z0-9][A-Za-z0-9-]{2,38}[A-Za-z0-9]", "letters, digits and -, 4 to 40"),
        help="An environment of it, as Beanstalk calls it: a service; repeat it. With --cname the two of one service.",
    ),
    option(
        "--cname",
        like=(
            r"[a-z0-9][a-z0-9-]{2,61}[a-z0-9](\.eba-[a-z0-9]{4,28})?(\.[a-z]{2}(-[a-z]{2,16}){1,3}-\d{1,2})?\.elasticbeanstalk\.com(\.cn)?",
            "NAME.REGION.elasticbeanstalk.com, in small letters",
        ),
        help="The name by which people come, where two environments swap it (blue and green).",
    ),
    option(
        "--load-balancer",
        "load_balancers",
        multiple=True,
        like=options.BALANCER,
        help="The balancer of an environment: the end of its ARN; one for each --environment-name, in the same order.",
    ),
    option(
        "--bundles",
        like=options.BUCKET,
        help="The bucket with the source bundles of the versions; by default the one that Beanstalk has made.",
    ),
    options.REGION,
    options.ACCOUNT_ID,
    options.environment(),
)


def of(environments: Environments) -> OnAws:
    """What is written for *environments*."""
    names = environments.names
    return OnAws(
        names=names,
        template="beanstalk.yaml.j2",
        values={"environments": environments},
        read=environments_read_policy(environments),
        act=environments_act_policy(environments),
        services=[(called(each), names.environment) for each in environments.services],
        open_ones={
            "--application": environments.application == USUAL.application,
            "--environment-name": environments.environments == USUAL.environments,
            "--load-balancer": not environments.load_balancers,
            "--account-id": names.account == ACCOUNT,
        },
        where=where("docs/beanstalk.md"),
    )


def _told(
    *,
    application: str,
    environments: tuple[str, ...],
    cname: str | None,
    load_balancers: tuple[str, ...],
    bundles: str | None,
    region: str,
    account_id: str,
    environment: str,
) -> OnAws:
    if cname is None:
        refuse_alike(environments)
    elif not len(set(environments)) == len(environments) == _BOTH:
        raise click.UsageError(
            f"{cname} is swapped between two environments: name both, each by its own --environment-name"
        )
    elif region_of(cname) not in {None, region}:
        raise click.UsageError(
            f"{cname} is of {region_of(cname)}, and not of {region}: say --region {region_of(cname)}"
        )
    if load_balancers and len(load_balancers) != len(environments):
        raise click.UsageError(
            f"{len(environments)} environments and {len(load_balancers)} balancers: name one for each, in the same order, or none"
        )
    names = Names(region=region, account=account_id, environment=environment)
    return of(Environments(names, application, environments, load_balancers, bundles, cname))


STACK = on_aws("Environments of Elastic Beanstalk.", _told, OF_ITS_OWN)
