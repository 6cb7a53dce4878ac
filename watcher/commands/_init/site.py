"""``rollbackd init site``: a static site on S3 behind CloudFront."""

from watcher.commands._init import options
from watcher.commands._init.names import ACCOUNT, Names, Site
from watcher.commands._init.options import option
from watcher.commands._init.policies import site_act_policy, site_read_policy
from watcher.commands._init.stack import OnAws, called, on_aws

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
            "--account-id": site.names.account == ACCOUNT,
        },
        where=WHERE,
    )


def _told(
    *, bucket: str, distribution: str, url: str, region: str, account_id: str, environment: str
) -> OnAws:
    names = Names(region=region, account=account_id, environment=environment)
    return of(Site(names, bucket, distribution, url))


STACK = on_aws(
    "A static site (Angular, React) on S3 behind CloudFront, whose live page is a copy of that of a release.",
    _told,
    OF_ITS_OWN,
)
