"""``rollbackd init flagd``: a document of flags in a bucket of S3, which flagd reads."""

from watcher.commands._init import options
from watcher.commands._init.names import ACCOUNT, Flags, Names
from watcher.commands._init.options import option
from watcher.commands._init.policies import flags_act_policy, flags_read_policy
from watcher.commands._init.stack import ROLES_ALONE, OnAws, called, on_aws

USUAL = Flags(Names())


OF_ITS_OWN = (
    option("--bucket", default=USUAL.bucket, like=options.BUCKET, help="The bucket of the document."),
    option(
        "--key",
        default=USUAL.key,
        # No *, which in a policy stands for any key.
        like=(
            r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9!_.'()/-]{1,512}",
            "a key of letters, digits and ! _ . ' ( ) / -, no step of it . or ..",
        ),
        help="The document's key.",
    ),
    option(
        "--flag",
        like=(r"[A-Za-z0-9._:/-]{1,200}", "letters, digits and . _ : / -, at most 200"),
        help="The one flag that is watched and put back; by default the whole document is.",
    ),
    option("--service", default=USUAL.service, like=options.OURS, help="What rollbackd calls it."),
    options.REGION,
    options.ACCOUNT_ID,
    options.environment("What rollbackd calls the place that it is for."),
)


def of(flags: Flags) -> OnAws:
    """What is written for *flags*."""
    return OnAws(
        names=flags.names,
        template="flagd.yaml.j2",
        values={"flags": flags},
        read=flags_read_policy(flags),
        act=flags_act_policy(flags),
        services=[(called(flags.service), flags.names.environment)],
        open_ones={
            "--bucket": flags.bucket == USUAL.bucket,
            "--account-id": flags.names.account == ACCOUNT,
        },
        where=ROLES_ALONE,
    )


def _told(
    *,
    bucket: str,
    key: str,
    flag: str | None,
    service: str,
    region: str,
    account_id: str,
    environment: str,
) -> OnAws:
    names = Names(region=region, account=account_id, environment=environment)
    return of(Flags(names, bucket, key, flag, service))


STACK = on_aws("Flags of flagd, in a document in a bucket of S3.", _told, OF_ITS_OWN)
