"""What is in buckets: every version of every object, and since when. Nothing is ever changed, only followed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.aws.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Written:
    """One version of an object.

    Attributes:
        headers: As CopyObject keeps them: ``CacheControl``, ``ContentType``...
        deleted: A marker that it is gone.
        public: Its own ACL lets everybody read it.
    """

    id: str
    body: bytes
    at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False
    public: bool = False

    @property
    def etag(self) -> str:
        """[D] Of what is put in one piece and not encrypted by a key of KMS: the MD5 of its bytes."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


@dataclass
class Bucket:
    """One bucket.

    Attributes:
        versioned: S3 keeps what was written over.
        tells: It tells EventBridge.
        rules: Of its lifecycle.
    """

    name: str
    versioned: bool = True
    tells: bool = True
    rules: Sequence[Mapping[str, Any]] = ()
    objects: dict[str, Timeline[Written]] = field(default_factory=dict)
    tags: dict[tuple[str, str], Timeline[Mapping[str, str]]] = field(default_factory=dict)

    def at(self, key: str, when: datetime) -> Written | None:
        """The object as it was; ``None``: it was not there."""
        known = self.objects.get(key)
        found = known.at(when) if known else None
        return None if found is None or found.deleted else found

    def now(self, key: str) -> Written | None:
        """The object as it is: S3 answers with what was written last."""
        known = self.objects.get(key)
        return None if known is None or known.latest.deleted else known.latest

    def version(self, key: str, id: str | None) -> Written | None:
        """One version of it, if it is kept."""
        if id is None:
            return self.now(key)
        kept = self.objects[key].values if key in self.objects else []
        found = [each for each in kept if each.id == id and not each.deleted]
        return found[-1] if found else None

    def put(self, key: str, written: Written, tags: Mapping[str, str]) -> None:
        """From then on the object is this."""
        self.objects.setdefault(key, Timeline()).put(written.at, written)
        self.tag(key, written.id, tags, written.at)

    def tag(self, key: str, version: str, tags: Mapping[str, str], at: datetime) -> None:
        """From then on its tags are these, all of them."""
        self.tags.setdefault((key, version), Timeline()).put(at, dict(tags))

    def tags_of(self, key: str, written: Written) -> Mapping[str, str]:
        """Its tags."""
        return self.tags[key, written.id].latest
