"""All that is read of the document in S3. Every function may raise `AwsRefused`; none changes anything.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import Release, Unreadable
from deploy.ports import AwsCall
from deploy.targets.aws.batching import together
from deploy.targets.aws.keeping import Kept
from deploy.targets.flagd.document import MOST, Document, read, release_of
from deploy.targets.flagd.settings import Settings

MISSING = frozenset({"404", "NoSuchKey", "NoSuchVersion"})
# An old version that nobody will ever be able to read is none to go back to: S3 has put it away (Glacier).
AWAY = frozenset({"InvalidObjectState"})
OVERTAKEN = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
NEWEST = 50  # versions that are looked through
AT_ONCE = 10
KEPT = 256  # releases of versions
MOVE = "rollbackd-move"  # metadata: the key of our move, written by the very call that moves
OF = "rollbackd-flag"  # metadata: the one flag that it moved; without it, all of the document


@dataclass(frozen=True, slots=True)
class Seen:
    """A version of the document.

    Attributes:
        version: S3's id of it; ``None``: the bucket has no versioning.
        document: Its content; a string: why flagd would not take it.
        key: Of our move of what is watched, if that put it there.
    """

    version: str | None
    etag: str
    modified: datetime
    kind: str
    document: Document | str
    key: str | None = None


@dataclass
class Reader:
    """Reads one document in the account *scope*."""

    scope: str
    call: AwsCall
    settings: Settings
    _last: Seen | None = None
    _releases: Kept[str, Release | None] = field(default_factory=lambda: Kept(KEPT))

    async def now(self) -> Seen | Unreadable | None:
        """The document as it is; ``None``: there is none. Where nothing changed it is one HeadObject."""
        try:
            head = await self._asked("head_object")
            last = self._last
            if last is not None and (last.etag, last.modified) == (head["ETag"], head["LastModified"]):
                return last
            self._last = self._seen(await self._asked("get_object", IfMatch=head["ETag"]))
        except AwsRefused as refused:
            if refused.code in MISSING:
                return None
            if refused.code in OVERTAKEN:
                return Unreadable(f"{self.settings.at} was replaced while it was read", awaited=True)
            raise
        self._keep(self._last)
        return self._last

    async def find(self, wanted: Release) -> Seen | None:
        """The newest version that is *wanted*; ``None``: none is, of those that are looked through."""
        versions = await self._versions()
        for start in range(0, len(versions), AT_ONCE):
            some = versions[start : start + AT_ONCE]
            found = await together(*(self._release(each) for each in some))
            for version, release in zip(some, found, strict=True):
                if release is not None and release.is_same_as(wanted):
                    return await self._version(version)
        return None

    async def is_versioned(self) -> bool:
        """The bucket keeps what is written over."""
        told = await self.call(self.scope, "s3", "get_bucket_versioning", Bucket=self.settings.bucket)
        return told.get("Status") == "Enabled"

    def release(self, seen: Seen) -> Release | None:
        """What *seen* is; ``None``: it has no such flag, or none can be told in it."""
        return None if isinstance(seen.document, str) else release_of(seen.document, self.settings.flag)

    async def _versions(self) -> Sequence[str]:
        told = await self.call(
            self.scope, "s3", "list_object_versions",
            Bucket=self.settings.bucket, Prefix=self.settings.key, MaxKeys=NEWEST,
        )  # fmt: skip
        listed = [
            each
            for each in told.get("Versions", ())
            if each["Key"] == self.settings.key and each.get("Size", 0) <= MOST
        ]
        return [str(each["VersionId"]) for each in listed]

    async def _release(self, version: str) -> Release | None:
        """Read once: a version never changes. One that is gone meanwhile, or put away, is none."""
        if version in self._releases:
            return self._releases.get(version)
        try:
            return self._keep(await self._version(version))
        except AwsRefused as refused:
            if refused.code not in MISSING | AWAY:
                raise
            return None

    async def _version(self, version: str) -> Seen:
        return self._seen(await self._asked("get_object", VersionId=version))

    def _keep(self, seen: Seen) -> Release | None:
        release = self.release(seen)
        return release if seen.version is None else self._releases.keep(seen.version, release)

    def _seen(self, told: Any) -> Seen:
        marks = told.get("Metadata", {})
        return Seen(
            version=told.get("VersionId"),
            etag=str(told["ETag"]),
            modified=told["LastModified"],
            kind=str(told.get("ContentType") or "application/json"),
            document=read(told["Body"]),
            # The key of a move of another flag says nothing of this one: who put this one as it is, is not said there.
            key=marks.get(MOVE) if marks.get(OF) == self.settings.flag else None,
        )

    async def _asked(self, operation: str, **more: str) -> Any:
        return await self.call(
            self.scope, "s3", operation, Bucket=self.settings.bucket, Key=self.settings.key, **more
        )
