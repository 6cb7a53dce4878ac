"""Which permission of IAM a call was refused for, and who can give it. Pure.

Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html for AWS's words, and which policies they blame;
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html for S3, where a permission is seldom
    called as its operation is
"""

import re
from collections.abc import Mapping
from typing import Any

_SAID = re.compile(r"not authorized to perform: (?P<action>[a-z0-9-]+:[A-Za-z0-9]+)")
# How IAM calls a service, where boto3 calls it otherwise.
_PREFIX = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
_ALLOWED_BY = {
    "s3:HeadObject": "s3:GetObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "elasticbeanstalk:UpdateTagsForResource": "elasticbeanstalk:AddTags",
}
_VERSIONED = frozenset({"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectAcl"})
# Whoever may not list a bucket is told "forbidden" of what is not there.
_OF_OBJECTS = " (and s3:ListBucket on its bucket, without which what is missing is forbidden too)"
# What AWS blames, the most particular first, and what is to be done about it; `{who}` is the role, `{action}` the permission.
_BLAMED = (
    ("service control policy", "whoever administers the organization has to allow {action} in its service control policies"),
    ("resource control policy", "whoever administers the organization has to allow {action} in its resource control policies"),
    ("explicit deny in a permissions boundary", "take the denial of {action} out of the permissions boundary of {who}"),
    ("permissions boundary", "allow {action} in the permissions boundary of {who}"),
    ("VPC endpoint policy", "allow {action} in the policy of the VPC endpoint that the call goes by"),
    ("explicit deny in a resource-based policy", "take the denial of {action} out of the policy of what was asked about"),
    ("session policy", "allow {action} in the session policy with which {who} is assumed"),
    ("explicit deny", "a policy denies {action} to {who}: take that out; to allow it once more would not help"),
)  # fmt: skip


def missing(service: str, operation: str, parameters: Mapping[str, Any], words: str) -> str:
    """The permission, as a policy calls it.

    Args:
        service: As boto3 calls it.
        operation: As AWS calls it: ``HeadObject``.
        parameters: Of the call.
        words: What AWS said. Where they name a permission, it is that one: a call may need several (``iam:PassRole``).
    """
    if said := _SAID.search(words):
        return said["action"]
    name = f"{_PREFIX.get(service, service)}:{operation}"
    action = _ALLOWED_BY.get(name, name)
    return f"{action}Version" if action in _VERSIONED and "VersionId" in parameters else action


def remedy(action: str, who: str, words: str) -> str:
    """What is to be done so that *who* may *action*, and by whom, by AWS's *words*."""
    for blamed, said in _BLAMED:
        if blamed in words:
            return said.format(who=who, action=action)
    beside = _OF_OBJECTS if action.startswith("s3:GetObject") and not _SAID.search(words) else ""
    return f"allow {action} to {who}{beside}: `rollbackd init` writes the policies, `rollbackd doctor` tries them"
