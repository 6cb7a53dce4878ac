"""S3: objects with conditions, tags and versions.

[D] A read sees what was written last (strong consistency), so `faults.stale` changes nothing here. [D] A condition that does not
hold is 412 ``PreconditionFailed``; two who write at once may be told 409 ``ConditionalRequestConflict`` (a fault may say so).
[D] HeadObject has no body, so its error is its status alone.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.events import Events
from tests.fakes.aws.s3.state import Bucket, Written
from tests.fakes.aws.trouble import AwsError

_KEPT = ("CacheControl", "ContentType", "ContentEncoding", "ContentDisposition", "ContentLanguage")
_MOST_TAGS = 10  # [D]
_PAGE = 1000  # [D]


class S3:
    """All buckets of one account in one region."""

    def __init__(self, account: str, region: str, events: Events, draw: Callable[[str], str]) -> None:
        self._where = (account, region)
        self._events = events
        self._draw = draw
        self._buckets: dict[str, Bucket] = {}

    # -- what happens

    def create_bucket(self, name: str, **more: Any) -> Bucket:
        """An empty bucket."""
        return self._buckets.setdefault(name, Bucket(name, **more))

    def find(self, name: str) -> Bucket:
        """A bucket that is there."""
        if name not in self._buckets:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        return self._buckets[name]

    def put(
        self,
        bucket: str,
        key: str,
        body: bytes | str,
        at: datetime,
        *,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        reason: str = "PutObject",
        **headers: str,
    ) -> Written:
        """Another hand puts an object there, or the API does."""
        place = self.find(bucket)
        content = body.encode() if isinstance(body, str) else body
        version = self._draw("version")[:32] if place.versioned else "null"
        written = Written(version, content, at, headers, metadata or {})
        place.put(key, written, tags or {})
        if place.tells:
            self._tell(place, key, written, reason)
        return written

    def copy(self, bucket: str, source: str, to: str, at: datetime) -> Written:
        """Another hand copies an object, as ``aws s3 cp`` does, with its metadata and its tags."""
        place = self.find(bucket)
        found = place.now(source)
        if found is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return self.put(
            bucket, to, found.body, at,
            metadata=found.metadata, tags=place.tags_of(source, found), reason="CopyObject", **found.headers,
        )  # fmt: skip

    def delete(self, bucket: str, key: str, at: datetime) -> None:
        """Another hand deletes an object."""
        self.find(bucket).put(key, Written(self._draw("version")[:32], b"", at, deleted=True), {})

    def _tell(self, place: Bucket, key: str, written: Written, reason: str) -> None:
        account, region = self._where
        detail = {
            "version": "0",
            "bucket": {"name": place.name},
            "object": {
                "key": key,
                "size": len(written.body),
                "etag": written.etag.strip('"'),
                "sequencer": f"{self._draw('sequencer')[:16].upper()}",
                **({"version-id": written.id} if place.versioned else {}),
            },
            "request-id": self._draw("request")[:16].upper(),
            "requester": account,
            "source-ip-address": "192.0.2.1",
            "reason": reason,
        }
        kind = ("aws.s3", "Object Created")
        self._events.tell(written.at, kind, (account, region), [f"arn:aws:s3:::{place.name}"], detail)

    # -- the API

    def head_object(self, asked: Asked) -> Mapping[str, Any]:
        """``HeadObject``."""
        try:
            return self._described(asked, self._wanted(asked))
        except AwsError as error:
            raise AwsError(
                str(error.status), "Not Found" if error.status == 404 else "", error.status
            ) from error

    def get_object(self, asked: Asked) -> Mapping[str, Any]:
        """``GetObject``, whole."""
        found = self._wanted(asked)
        return {**self._described(asked, found), "Body": found.body}

    def put_object(self, asked: Asked) -> Mapping[str, Any]:
        """``PutObject``."""
        self._conditions(asked)
        body = asked.get("Body", b"")
        content = body if isinstance(body, bytes | str) else body.read()
        headers = {name: asked[name] for name in _KEPT if asked.get(name)}
        written = self.put(
            asked["Bucket"], asked["Key"], content, asked.now,
            metadata=asked.get("Metadata"), tags=_tags(asked.get("Tagging")), **headers,
        )  # fmt: skip
        return {"ETag": written.etag, **self._version(asked, written)}

    def copy_object(self, asked: Asked) -> Mapping[str, Any]:
        """``CopyObject``. [D] With ``COPY`` the metadata of the source; with ``REPLACE`` the tags that are given."""
        bucket, _, key = unquote(asked["CopySource"]).lstrip("/").partition("/")
        place = self.find(bucket)
        source = place.now(key)
        if source is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        wanted = asked.get("CopySourceIfMatch")
        if wanted is not None and wanted.strip('"') != source.etag.strip('"'):
            raise _unmet()
        self._conditions(asked)
        tags = (
            _tags(asked.get("Tagging"))
            if asked.get("TaggingDirective") == "REPLACE"
            else place.tags_of(key, source)
        )
        written = self.put(
            asked["Bucket"], asked["Key"], source.body, asked.now,
            metadata=source.metadata, tags=tags, reason="CopyObject", **source.headers,
        )  # fmt: skip
        return {
            "CopyObjectResult": {"ETag": written.etag, "LastModified": written.at},
            **self._version(asked, written),
        }

    def get_object_tagging(self, asked: Asked) -> Mapping[str, Any]:
        """``GetObjectTagging``."""
        found = self._wanted(asked)
        tags = self.find(asked["Bucket"]).tags_of(asked["Key"], found)
        return {"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def get_object_acl(self, asked: Asked) -> Mapping[str, Any]:
        """``GetObjectAcl``: its owner has all rights; with `Written.public` everybody may read. [D] No copy keeps an ACL."""
        found, owner = self._wanted(asked), {"ID": "0" * 64}
        grants: list[dict[str, Any]] = [
            {"Grantee": {"ID": "0" * 64, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
        ]
        if found.public:
            everybody = {"URI": "http://acs.amazonaws.com/groups/global/AllUsers", "Type": "Group"}
            grants.append({"Grantee": everybody, "Permission": "READ"})
        return {"Owner": owner, "Grants": grants}

    def put_object_tagging(self, asked: Asked) -> Mapping[str, Any]:
        """``PutObjectTagging``. [D] It replaces all tags; ten at most."""
        found = self._wanted(asked)
        told = {each["Key"]: each["Value"] for each in asked["Tagging"]["TagSet"]}
        _few(told)
        self.find(asked["Bucket"]).tag(asked["Key"], found.id, told, asked.now)
        return {}

    def list_object_versions(self, asked: Asked) -> Mapping[str, Any]:
        """``ListObjectVersions``, the first page. [D] By key, and of each key the newest first."""
        place = self.find(asked["Bucket"])
        most = asked.get("MaxKeys", _PAGE)
        found = [
            (key, written)
            for key in sorted(place.objects)
            if key.startswith(asked.get("Prefix", ""))
            for written in reversed(_kept(place, key))
        ]
        versions = [
            {
                "Key": key,
                "VersionId": written.id,
                "IsLatest": written is place.objects[key].latest,
                "LastModified": written.at.replace(microsecond=0),
                "ETag": written.etag,
                "Size": len(written.body),
                "StorageClass": "STANDARD",
            }
            for key, written in found[:most]
            if not written.deleted
        ]
        return {
            "Name": place.name,
            "Prefix": asked.get("Prefix", ""),
            "MaxKeys": most,
            "IsTruncated": len(found) > most,
            "Versions": versions,
        }

    def get_bucket_versioning(self, asked: Asked) -> Mapping[str, Any]:
        """``GetBucketVersioning``. [D] Of a bucket that never had it nothing is said."""
        return {"Status": "Enabled"} if self.find(asked["Bucket"]).versioned else {}

    def get_bucket_lifecycle_configuration(self, asked: Asked) -> Mapping[str, Any]:
        """``GetBucketLifecycleConfiguration``."""
        rules = self.find(asked["Bucket"]).rules
        if not rules:
            raise AwsError("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist", 404)
        return {"Rules": [dict(rule) for rule in rules]}

    def get_bucket_notification_configuration(self, asked: Asked) -> Mapping[str, Any]:
        """``GetBucketNotificationConfiguration``."""
        return {"EventBridgeConfiguration": {}} if self.find(asked["Bucket"]).tells else {}

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What S3 answers to."""
        return {
            "HeadObject": self.head_object,
            "GetObject": self.get_object,
            "PutObject": self.put_object,
            "CopyObject": self.copy_object,
            "GetObjectAcl": self.get_object_acl,
            "GetObjectTagging": self.get_object_tagging,
            "PutObjectTagging": self.put_object_tagging,
            "ListObjectVersions": self.list_object_versions,
            "GetBucketVersioning": self.get_bucket_versioning,
            "GetBucketLifecycleConfiguration": self.get_bucket_lifecycle_configuration,
            "GetBucketNotificationConfiguration": self.get_bucket_notification_configuration,
        }

    # -- inside

    def _wanted(self, asked: Asked) -> Written:
        found = self.find(asked["Bucket"]).version(asked["Key"], asked.get("VersionId"))
        if found is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        wanted = asked.get("IfMatch")
        if wanted is not None and wanted.strip('"') != found.etag.strip('"'):
            raise _unmet()
        return found

    def _conditions(self, asked: Asked) -> None:
        """Of a write, by what is there. [D] ``If-Match`` on what is not there is 404."""
        there = self.find(asked["Bucket"]).now(asked["Key"])
        wanted = asked.get("IfMatch")
        if wanted is not None and there is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        if wanted is not None and there is not None and wanted.strip('"') != there.etag.strip('"'):
            raise _unmet()
        if asked.get("IfNoneMatch") == "*" and there is not None:
            raise _unmet()

    def _described(self, asked: Asked, found: Written) -> dict[str, Any]:
        return {
            "ETag": found.etag,
            "LastModified": found.at.replace(microsecond=0),
            "ContentLength": len(found.body),
            "Metadata": dict(found.metadata),
            **{name: found.headers[name] for name in _KEPT if name in found.headers},
            **self._version(asked, found),
        }

    def _version(self, asked: Asked, written: Written) -> dict[str, Any]:
        return {"VersionId": written.id} if self.find(asked["Bucket"]).versioned else {}


def _kept(place: Bucket, key: str) -> list[Written]:
    """[D] Without versioning, what was written over is gone."""
    return place.objects[key].values if place.versioned else place.objects[key].values[-1:]


def _tags(written: str | None) -> dict[str, str]:
    told = dict(parse_qsl(written or "", keep_blank_values=True))
    _few(told)
    return told


def _few(tags: Mapping[str, str]) -> None:
    if len(tags) > _MOST_TAGS:
        raise AwsError("BadRequest", "Object tags cannot be greater than 10", 400)


def _unmet() -> AwsError:
    return AwsError(
        "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412
    )
