"""What calls of S3 and CloudFront are about, for IAM. One call may need several permissions.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html [D]
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html [D]
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tests.fakes.aws.policies import Request

SERVICES = frozenset({"s3", "cloudfront", "cloudfront-keyvaluestore"})
_OF_BUCKETS = {
    "ListObjectVersions": "ListBucketVersions",
    "GetBucketVersioning": "GetBucketVersioning",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
}


def requests(service: str, operation: str, told: Mapping[str, Any], account: str) -> list[Request]:
    """All that is to be allowed."""
    if service == "s3":
        return _of_s3(operation, told)
    if service == "cloudfront-keyvaluestore":
        return [Request(f"{service}:{operation}", (told["KvsARN"],))]
    named = told.get("DistributionId") or told.get("Id")
    arn = told.get("Resource") or f"arn:aws:cloudfront::{account}:distribution/{named}"
    keys = tuple(each["Key"] for each in told.get("Tags", {}).get("Items", ()))
    return [Request(f"cloudfront:{operation}", (arn,), {"aws:TagKeys": keys} if keys else {})]


def _of_s3(operation: str, told: Mapping[str, Any]) -> list[Request]:
    bucket = f"arn:aws:s3:::{told['Bucket']}"
    if operation in _OF_BUCKETS:
        return [Request(f"s3:{_OF_BUCKETS[operation]}", (bucket,))]
    there = (f"{bucket}/{told['Key']}",)
    if operation in {"HeadObject", "GetObject"}:
        return [Request("s3:GetObjectVersion" if "VersionId" in told else "s3:GetObject", there)]
    if operation != "CopyObject":
        return [Request(f"s3:{operation}", there)]
    source = (f"arn:aws:s3:::{unquote(told['CopySource']).lstrip('/')}",)
    replaces = told.get("TaggingDirective") == "REPLACE"
    tagging = (
        [Request("s3:PutObjectTagging", there)] if replaces else [Request("s3:GetObjectTagging", source)]
    )
    compared = [Request("s3:GetObject", there)] if "IfMatch" in told else []  # [U] who compares has to read
    return [Request("s3:PutObject", there), Request("s3:GetObject", source), *tagging, *compared]
