"""The permissions without which a document could not be put back.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.flagd.settings import Settings


def needs(settings: Settings, account: AwsAccount, _release: Release) -> tuple[Need, ...]:
    """To put a document over the one that is there; who compares it has to read it."""
    there = f"arn:{account.partition}:s3:::{settings.bucket}/{settings.key}"
    return Need("s3:PutObject", there), Need("s3:GetObject", there)
