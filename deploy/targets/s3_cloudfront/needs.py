"""The permissions without which a site could not be put back: what a dry run of the policies is asked about.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
"""

from deploy.model import Release
from deploy.ports import AwsAccount, Need
from deploy.targets.s3_cloudfront.settings import INDEX_POINTER, ORIGIN_PATH, Settings
from deploy.targets.s3_cloudfront.trace import TAG_KEY


def needs(settings: Settings, account: AwsAccount, release: Release) -> tuple[Need, ...]:
    """To put *release* back, to leave our trace, and to have its page fetched anew."""
    partition = account.partition
    distribution = f"arn:{partition}:cloudfront::{account.id or ''}:distribution/{settings.distribution}"
    clears = Need("cloudfront:CreateInvalidation", distribution)
    if settings.layout == INDEX_POINTER:
        bucket = f"arn:{partition}:s3:::{settings.bucket}"
        page, live = f"{bucket}/{settings.page_of(release.tag)}", f"{bucket}/{settings.pointer}"
        return (
            Need("s3:GetObject", page),
            Need("s3:GetObjectTagging", page),
            Need("s3:GetObject", live),  # who compares it has to read it
            Need("s3:PutObject", live),
            Need("s3:PutObjectTagging", live),
            clears,
        )
    if settings.layout == ORIGIN_PATH:
        tags = Need("cloudfront:TagResource", distribution, {"aws:TagKeys": TAG_KEY})
        return Need("cloudfront:UpdateDistribution", distribution), tags, clears
    return (Need("cloudfront-keyvaluestore:UpdateKeys", settings.store or ""),)
