"""All that is read of S3 and CloudFront, for every site of one account: and never twice what cannot change.

Every function may raise `AwsRefused`; none changes anything. S3 answers reads with what was written last; CloudFront's
settings too, but its edges follow within minutes.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from deploy.targets.aws.deleting import NO_RULES
from deploy.targets.aws.keeping import Kept
from deploy.targets.s3_cloudfront import page
from deploy.targets.s3_cloudfront.page import Page
from deploy.targets.s3_cloudfront.trace import SKEW

# HeadObject has no body, and so no words: its code is the status.
MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion"})
EVERYBODY = "/groups/global/AllUsers"  # http://acs.amazonaws.com/groups/global/AllUsers
KEPT = 512  # pages, and tags of pages: some hundred bytes each
NEWEST = 10  # invalidations that are looked through for ours


@dataclass(frozen=True, slots=True)
class Head:
    """What S3 says of an object.

    Attributes:
        told: Which release it says it is (``x-amz-meta-release``).
        caching: Its ``Cache-Control``.
    """

    key: str
    etag: str
    modified: datetime
    told: str | None = None
    caching: str = ""
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Invalidation:
    """What CloudFront was told to fetch anew."""

    id: str
    done: bool


@dataclass
class Reader:
    """Reads one account.

    Args:
        call: Reads, in the account *scope*.
        now: The clock.
    """

    scope: str
    call: AwsCall
    now: Callable[[], datetime]
    _pages: Kept[tuple[str, str, str, str], Page] = field(default_factory=lambda: Kept(KEPT))
    _tags: Kept[tuple[str, str, str, datetime], Mapping[str, str]] = field(default_factory=lambda: Kept(KEPT))
    _invalidations: Kept[tuple[str, str], str] = field(default_factory=lambda: Kept(KEPT))

    # ------------------------------------------------------------------------------------------------------------- S3

    async def head(self, bucket: str, key: str, version: str | None = None) -> Head | None:
        """The object, now; ``None``: there is none such."""
        which = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
        try:
            told = await self.call(self.scope, "s3", "head_object", **which)
        except AwsRefused as refused:
            if refused.code in MISSING:
                return None
            raise
        marker = told.get("Metadata", {}).get(page.MARKER)
        caching = str(told.get("CacheControl", ""))
        return Head(key, _bare(told["ETag"]), told["LastModified"], marker, caching, version)

    async def page(self, bucket: str, head: Head, site: str) -> Page | None:
        """The page in the object; ``None``: it was replaced meanwhile. One content is read once."""
        which = (bucket, head.key, head.etag, site)
        kept = self._pages.get(which)
        if kept is not None:
            return kept
        try:
            told = await self.call(
                self.scope,
                "s3",
                "get_object",
                Bucket=bucket,
                Key=head.key,
                IfMatch=f'"{head.etag}"',
                **_of(head),
            )
        except AwsRefused as refused:
            if refused.code in MISSING | {"PreconditionFailed", "412"}:
                return None
            raise
        return self._pages.keep(which, page.read(told["Body"], site))

    async def tags(self, bucket: str, key: str) -> Mapping[str, str]:
        """The tags of the object, now."""
        told = await self.call(self.scope, "s3", "get_object_tagging", Bucket=bucket, Key=key)
        return {str(tag["Key"]): str(tag["Value"]) for tag in told.get("TagSet", ())}

    async def tags_of(self, bucket: str, head: Head) -> Mapping[str, str]:
        """Those that it was written with: read once, and so without what came later."""
        which = (bucket, head.key, head.etag, head.modified)
        kept = self._tags.get(which)
        return self._tags.keep(which, await self.tags(bucket, head.key)) if kept is None else kept

    async def versions(self, bucket: str, key: str, most: int) -> Sequence[Head]:
        """The versions of the object that S3 keeps, the newest first; those that are no deletions."""
        told = await self.call(
            self.scope, "s3", "list_object_versions", Bucket=bucket, Prefix=key, MaxKeys=most
        )
        return [
            Head(key, _bare(each["ETag"]), each["LastModified"], version=each.get("VersionId"))
            for each in told.get("Versions", ())
            if each.get("Key") == key
        ]

    async def bucket(self, operation: str, bucket: str) -> Mapping[str, Any]:
        """A setting of the bucket (``get_bucket_versioning``...); nothing where it is not set."""
        try:
            return await self.call(self.scope, "s3", operation, Bucket=bucket)
        except AwsRefused as refused:
            if refused.code == NO_RULES:
                return {}
            raise

    async def is_public(self, bucket: str, key: str) -> bool:
        """The object itself lets everybody read it, and not the policy of its bucket."""
        told = await self.call(self.scope, "s3", "get_object_acl", Bucket=bucket, Key=key)
        return any(
            grant.get("Grantee", {}).get("URI", "").endswith(EVERYBODY) for grant in told.get("Grants", ())
        )

    # ------------------------------------------------------------------------------------------------------ CloudFront

    async def distribution(self, id: str) -> Mapping[str, Any]:
        """The distribution, now: ``Distribution`` and ``ETag``."""
        return await self.call(self.scope, "cloudfront", "get_distribution", Id=id)

    async def distribution_tags(self, arn: str) -> Mapping[str, str]:
        """The tags of the distribution, now."""
        told = await self.call(self.scope, "cloudfront", "list_tags_for_resource", Resource=arn)
        return {str(tag["Key"]): str(tag.get("Value", "")) for tag in told["Tags"].get("Items", ())}

    async def invalidation(self, distribution: str, key: str, since: datetime) -> Invalidation | None:
        """The one that we asked for with *key*, after *since*; ``None``: there is none. It is looked for once."""
        known = self._invalidations.get((distribution, key))
        if known is not None:
            return (await self._invalidation(distribution, known))[1]
        told = await self.call(
            self.scope, "cloudfront", "list_invalidations", DistributionId=distribution, MaxItems=str(NEWEST)
        )
        for each in told["InvalidationList"].get("Items", ()):
            if each["CreateTime"] >= since - SKEW:
                reference, found = await self._invalidation(distribution, str(each["Id"]))
                if reference == key:
                    self._invalidations.keep((distribution, key), found.id)
                    return found
        return None

    async def _invalidation(self, distribution: str, id: str) -> tuple[str, Invalidation]:
        told = await self.call(
            self.scope, "cloudfront", "get_invalidation", DistributionId=distribution, Id=id
        )
        found = told["Invalidation"]
        reference = str(found["InvalidationBatch"]["CallerReference"])
        return reference, Invalidation(str(found["Id"]), found["Status"] == "Completed")

    # -------------------------------------------------------------------------------------------------- key value store

    async def store(self, arn: str) -> Mapping[str, Any]:
        """The store, now: its ``ETag`` and since when it is as it is."""
        return await self.call(self.scope, "cloudfront-keyvaluestore", "describe_key_value_store", KvsARN=arn)

    async def value(self, arn: str, key: str) -> str | None:
        """What stands under *key*, now; ``None``: nothing."""
        try:
            told = await self.call(self.scope, "cloudfront-keyvaluestore", "get_key", KvsARN=arn, Key=key)
        except AwsRefused as refused:
            if refused.code == "ResourceNotFoundException":
                return None
            raise
        return str(told["Value"])


def _bare(etag: object) -> str:
    """Without its quotes."""
    return str(etag).strip('"')


def _of(head: Head) -> Mapping[str, str]:
    return {"VersionId": head.version} if head.version and head.version != "null" else {}
