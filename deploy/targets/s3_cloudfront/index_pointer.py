"""The live page is itself the pointer: a copy of the page of a release, which says in its metadata which one it is.

Files with hashes in their names are shared by all releases, and are never deleted: so open pages find theirs after a move.
S3 compares and sets (``If-Match``): of two who move at once, one is told so.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
"""

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from deploy.model import Move, Unreadable
from deploy.ports import AwsAccount
from deploy.targets.s3_cloudfront.page import MARKER
from deploy.targets.s3_cloudfront.pointer import Order, Pointer, Source
from deploy.targets.s3_cloudfront.reading import Head, Reader
from deploy.targets.s3_cloudfront.settings import Settings, is_name
from deploy.targets.s3_cloudfront.trace import TAG_KEY, Trace, read

WORKER = "ngsw.json"  # https://angular.dev/ecosystem/service-workers/devops
MOST_TAGS = 10  # of an object: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html


class IndexPointer:
    """See `pointer.Layout`."""

    caches = True
    swaps_files = False

    def __init__(self, settings: Settings, account: AwsAccount, reader: Reader) -> None:
        self._settings = settings
        self._region = account.region
        self._reader = reader
        self._looked: tuple[tuple[str, datetime] | None, tuple[str, ...]] = (None, ())

    async def look(self) -> Pointer | Unreadable | None:
        """The live page. In steady state one HeadObject, and nothing else."""
        bucket, key = self._settings.bucket, self._settings.pointer
        head = await self._reader.head(bucket, key)
        if head is None:
            return None
        page = await self._reader.page(bucket, head, self._settings.site)
        if page is None:
            return Unreadable(f"{key} was replaced while it was read", awaited=True)
        name = head.told or page.marker or ""
        if not is_name(name):
            return Unreadable(unmarked(self._settings, name))
        trace = read((await self._reader.tags_of(bucket, head)).get(TAG_KEY))
        return Pointer(
            page.release(name, head.told),
            head.etag,
            head.modified,
            trace if trace is not None and trace.made(name, head.modified) else None,
            obstacles=await self._obstacles(head),
        )

    async def _obstacles(self, head: Head) -> tuple[str, ...]:
        """What stands against copying a page over this one. Looked for once for each that is put there."""
        which = (head.etag, head.modified)
        if self._looked[0] != which:
            bucket, worker = self._settings.bucket, f"{self._settings.root}{WORKER}"
            said = (
                service_worker(worker) if await self._reader.head(bucket, worker) else "",
                public(head.key) if await self._reader.is_public(bucket, head.key) else "",
            )
            self._looked = (which, tuple(words for words in said if words))
        return self._looked[1]

    def order(self, pointer: Pointer, source: Source, trace: Trace) -> Order:
        """The page of a release is copied over the live one, with its metadata, if both are what they were."""
        written = trace.written()
        kept = dict(list(source.tags.items())[: MOST_TAGS - 1])
        tags = kept | ({TAG_KEY: written} if written else {})
        parameters = {
            "Bucket": self._settings.bucket,
            "Key": self._settings.pointer,
            "CopySource": f"{self._settings.bucket}/{source.key}",  # boto3 writes it as an address is written
            "CopySourceIfMatch": f'"{source.etag}"',
            "IfMatch": f'"{pointer.version}"',
            "MetadataDirective": "COPY",
            "TaggingDirective": "REPLACE",
            "Tagging": urlencode(tags, quote_via=quote),
        }
        return self._order(source.key, parameters, pointer.version)

    def trail(self, _pointer: Pointer, _trace: Trace) -> Order | None:
        """The copy leaves it, as a tag."""
        return None

    def unseen(self, move: Move) -> Order:
        """The copy, without the comparisons."""
        return self._order(self._settings.page_of(move.to.tag), {}, None)

    def _order(self, source: str, parameters: Mapping[str, Any], version: str | None) -> Order:
        bucket, key = self._settings.bucket, self._settings.pointer
        given = ["--bucket", bucket, "--key", key, "--copy-source", f"{bucket}/{source}"]
        given += ["--if-match", version] if version else []
        compares = f" if its ETag is {version} still" if version else ""
        return Order(
            "s3",
            "copy_object",
            parameters,
            f"s3:CopyObject s3://{bucket}/{source} over s3://{bucket}/{key}{compares}",
            shlex.join(("aws", "s3api", "copy-object", *given, "--region", self._region)),
        )


def service_worker(key: str) -> str:
    """Angular's service worker goes by a second pointer, which a copy of the page does not move."""
    return (
        f"{key}: the site has Angular's service worker, whose {WORKER} is a second pointer that this layout does not move, and so"
        " browsers that have it keep the bad release: use `layout: origin_path` or `layout: key_value_store`"
    )


def public(key: str) -> str:
    """The page is read by everybody because it says so itself."""
    return (
        f"{key} is public by its own ACL, which no copy keeps, so after a move nobody could read it: let the bucket's policy allow"
        " CloudFront to read (origin access control)"
    )


def unmarked(settings: Settings, name: str) -> str:
    """Why it cannot be told which release is live."""
    said = (
        f"says that it is {name[:80]!r}, which is no name of a release"
        if name
        else "does not say which release it is of"
    )
    return (
        f"{settings.pointer} {said}: upload each release's page with `--metadata {MARKER}=NAME` to"
        f" {settings.page_of('NAME')}, and copy it from there"
    )
