"""What stands beside a target on another service, read in the same way for several targets. Each may raise `AwsRefused`."""

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from deploy.targets.aws.deleting import NO_RULES


async def lifecycle_rules(call: AwsCall, scope: str, bucket: str) -> Sequence[Mapping[str, Any]]:
    """The rules by which S3 takes objects of *bucket* away; none, where there is no such bucket."""
    try:
        told = await call(scope, "s3", "get_bucket_lifecycle_configuration", Bucket=bucket)
    except AwsRefused as refused:
        if refused.code in {NO_RULES, "NoSuchBucket"}:
            return ()
        raise
    rules: Sequence[Mapping[str, Any]] = told.get("Rules", ())
    return rules


async def group_attributes(call: AwsCall, scope: str, group: str) -> Mapping[str, str]:
    """Of a target group, by its ARN: its slow start, how long it drains."""
    told = await call(scope, "elbv2", "describe_target_group_attributes", TargetGroupArn=group)
    return {str(each.get("Key", "")): str(each.get("Value", "")) for each in told.get("Attributes", ())}
