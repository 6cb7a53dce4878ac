"""``rollbackd init site``: a static site on S3 behind CloudFront."""

import click

from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, KEY_VALUE_STORE, ORIGIN_PATH
from watcher.commands._init import options
from watcher.commands._init.names import ACCOUNT, Names, Site
from watcher.commands._init.options import option
from watcher.commands._init.policies import site_act_policy, site_read_policy
from watcher.commands._init.stack import ROLES_ALONE, OnAws, called, on_aws

USUAL = Site(Names())
WHERE = (
    "Create the queue, the rule that fills it (docs/s3-cloudfront.md has its pattern), and the three roles: each has its policy",
    "and its trust beside the configuration. A role is two commands (and so for act; for the daemon's own, if it is a task of ECS):",
)

OF_ITS_OWN = (
    option("--bucket", default=USUAL.bucket, like=options.BUCKET, help="The bucket with its pages."),
    option(
        "--distribution",
        default=USUAL.distribution,
        like=(r"[A-Z0-9]{8,32}", "an id such as E2EXAMPLE1ABC"),
        help="The distribution of CloudFront before it.",
    ),
    option(
        "--site",
        "url",
        default=USUAL.url,
        like=(
            r"https?://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?(/[A-Za-z0-9._~-]{1,100})*",
            "an address such as https://www.example.com, without a slash at its end",
        ),
        help="How people open it.",
    ),
    click.Option(
        ["--layout"],
        type=click.Choice([INDEX_POINTER, ORIGIN_PATH, KEY_VALUE_STORE]),
        default=USUAL.layout,
        show_default=True,
        help="What says which release is live.",
    ),
    option(
        "--store",
        like=(
            r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            "an id such as 0a1b2c3d-0000-0000-0000-000000000000",
        ),
        help="With --layout key_value_store: the id of the store, the end of its ARN.",
    ),
    click.Option(
        ["--traffic"],
        type=click.Choice(["by_weight"]),
        help="With --layout key_value_store: its function shares the site out between two releases.",
    ),
    options.REGION,
    options.ACCOUNT_ID,
    options.environment("What rollbackd calls the place that it runs in."),
)


def of(site: Site) -> OnAws:
    """What is written for *site*."""
    return OnAws(
        names=site.names,
        template="site.yaml.j2",
        values={"site": site},
        read=site_read_policy(site),
        act=site_act_policy(site),
        services=[(called(site.bucket), site.names.environment)],
        open_ones={
            "--bucket": site.bucket == USUAL.bucket,
            "--distribution": site.distribution == USUAL.distribution,
            "--site": site.url == USUAL.url,
            "--store": site.layout == KEY_VALUE_STORE and site.store == USUAL.store,
            "--account-id": site.names.account == ACCOUNT,
        },
        where=WHERE if site.has_events else ROLES_ALONE,
    )


def _told(
    *,
    bucket: str,
    distribution: str,
    url: str,
    layout: str,
    store: str | None,
    traffic: str | None,
    region: str,
    account_id: str,
    environment: str,
) -> OnAws:
    for flag, given in (("--store", store), ("--traffic", traffic)):
        if given is not None and layout != KEY_VALUE_STORE:
            raise click.UsageError(
                f"{flag} {given} belongs to --layout {KEY_VALUE_STORE}, and the layout is {layout}: say that layout, or leave {flag} out"
            )
    names = Names(region=region, account=account_id, environment=environment)
    return of(Site(names, bucket, distribution, url, layout, store or USUAL.store, traffic))


STACK = on_aws(
    "A static site (Angular, React) on S3 behind CloudFront, by any of its three layouts.",
    _told,
    OF_ITS_OWN,
)
