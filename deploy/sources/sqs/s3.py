"""What an event of S3 means: an object was put into a bucket; if it is the live page of a site, another release is live.

It tells of the bucket, and not yet of what people get: edges follow. Which release it is stands in the page's metadata, and
is read; by its ETag it is known whether the page is still the one that was announced.

    detail-type      reason                                             means
    Object Created   PutObject, CopyObject, CompleteMultipartUpload     started

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import re
from collections.abc import Mapping
from datetime import datetime

from deploy.model import Announcement, Phase
from deploy.source import Event, Ignored, Opening, Rejected
from deploy.sources.sqs.directory import part_of, whose
from deploy.sources.sqs.envelope import shown

CREATED = "Object Created"
LONGEST = 1024  # of a key, in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ETAG = re.compile(r"[0-9a-f]{32}(?:-[0-9]{1,5})?")
_VERSION = re.compile(r"[A-Za-z0-9._~-]{1,100}")
_REMEDY = "send the event as S3 wrote it"

Meaning = Announcement | Ignored | Rejected


def created(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What it means that something was put into a bucket.

    Args:
        event: Of the type `CREATED`.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the page is.
    """
    bucket, put = _mapping(event, "bucket").get("name"), _mapping(event, "object")
    key, etag = put.get("key"), put.get("etag")
    if not isinstance(bucket, str) or not _BUCKET.fullmatch(bucket):
        return Rejected(f"{shown(bucket)} is no bucket", _REMEDY, "detail.bucket.name")
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST:
        return Rejected(f"{shown(key)} is no key of an object", _REMEDY, "detail.object.key")
    address = f"s3:{bucket}/{key}"
    found = whose(address, address, opening.directory)
    if isinstance(found, Ignored):
        # In the same words for all objects of a bucket: each would be recorded else.
        return Ignored(f"no service of the configuration has this page in the bucket {bucket}")
    if isinstance(found, Rejected):
        return found
    if not isinstance(etag, str) or not _ETAG.fullmatch(etag):
        return Rejected(f"{shown(etag)} is no ETag", _REMEDY, "detail.object.etag")
    return Announcement(
        source=opening.name,
        dedup_key=f"{event.id}:{etag}",
        service=found.service,
        environment=found.environment,
        phase=Phase.STARTED,
        at=event.at or arrived,
        hints={"deployment": etag, **part_of(found)},
        platform_ids=_ids(put.get("version-id")),
    )


def _mapping(event: Event, name: str) -> Mapping[str, object]:
    told = event.detail.get(name)
    return told if isinstance(told, Mapping) else {}


def _ids(version: object) -> tuple[str, ...]:
    """Of the version of the page: where the bucket keeps none, there is no id."""
    return (version,) if isinstance(version, str) and _VERSION.fullmatch(version) else ()
