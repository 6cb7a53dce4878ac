"""What a revision is: the content that a release is recognised by, the tag that it is moved by, and its names.

The **fingerprint** is told by what cannot change under its name: the eTag of a bundle in S3 (a hash of its bytes, so the same
bundle under another key is the same release; with SSE-KMS each upload has one of its own), else its version in a versioned
bucket, or the commit on GitHub. A bundle with neither eTag nor version is known by its name alone: what lies there may
have been overwritten, and nobody can tell.

Of ECS and Lambda the revision is an AppSpec, and its hash the fingerprint: the same task definition with another port is another
release.

The **tag** is what people read: ``BUCKET/KEY@VERSION``, ``OWNER/REPO@COMMIT``, ``FAMILY:REVISION@HASH``. What it means in full (CodeDeploy
is moved by locations, not by names) is looked up among the group's own deployments.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_S3Location.html
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_GitHubLocation.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html (what an eTag is)
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.model import FINGERPRINT, NAME, TAG, Release

ON_INSTANCES = frozenset({"S3", "GitHub"})  # the others are of Lambda and ECS
_TASKS = re.compile(r"task-definition/(?P<family>[A-Za-z0-9_-]{1,255}):(?P<revision>\d{1,10})(?!\d)")
_VERSION = re.compile(r"TargetVersion[\"']?\s*:\s*[\"']?(?P<version>\d{1,10})(?!\d)")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.:/@+-]+")
_TAIL = 80  # characters of a key that is too long for a tag
_BUNDLES = (".tar.gz", ".tgz", ".tar", ".zip")


@dataclass(frozen=True, slots=True)
class Revision:
    """Where the files of a release are.

    Attributes:
        kind: ``S3``, ``GitHub``, ``String``, ``AppSpecContent``; unknown ones pass.
        told: As CodeDeploy told it: it is given back so when it is deployed again.
    """

    kind: str
    told: Mapping[str, Any]
    release: Release = field(compare=False)

    @property
    def is_for_instances(self) -> bool:
        """It is of the kinds that are deployed to instances."""
        return self.kind in ON_INSTANCES

    @property
    def lacks_content(self) -> str | None:
        """The hash of an AppSpec whose text is not told, and without which it cannot be deployed again."""
        content = self.told.get("appSpecContent") or {}
        return str(content["sha256"]) if content.get("sha256") and not content.get("content") else None

    @property
    def is_only_a_name(self) -> bool:
        """What lies there may be something else than what was deployed."""
        return self.release.is_only_a_tag


def revision_of(told: Mapping[str, Any] | None) -> Revision | None:
    """A ``RevisionLocation``; ``None`` where there is none."""
    if not told:
        return None
    kind = str(told.get("revisionType", ""))
    read = {"S3": _in_s3, "GitHub": _on_github}.get(kind, _of_content)
    return Revision(kind, told, read(told))


def _in_s3(told: Mapping[str, Any]) -> Release:
    place = told.get("s3Location", {})
    bucket, key = str(place.get("bucket", "")), str(place.get("key", ""))
    etag, version = str(place.get("eTag", "")).strip('"'), str(place.get("version", ""))
    file = key.rpartition("/")[2]
    tag = _tag(f"{bucket}/{key}", version or etag)
    names = {
        "bucket": bucket,
        "key": key,
        "file": file,
        "version": _stem(file),
        "s3_version": version,
        "etag": etag,
    }
    if etag:
        return _release(f"etag:{etag}", tag, names)
    if version:
        return _release(f"sha256:{_hash([bucket, key, version])}", tag, names)
    return Release(Release.of_tag(tag).fingerprint, tag, _fitting(names))


def _on_github(told: Mapping[str, Any]) -> Release:
    place = told.get("gitHubLocation", {})
    repository, commit = str(place.get("repository", "")), str(place.get("commitId", ""))
    names = {"repository": repository, "commit": commit, "version": commit}
    return _release(f"github:{repository}@{commit}", _tag(repository, commit), names)


def _of_content(told: Mapping[str, Any]) -> Release:
    """Of Lambda and ECS: the hash of the AppSpec file, or of whatever else there is; called after what it names."""
    content = told.get("appSpecContent") or told.get("string") or {}
    hash_ = str(content.get("sha256") or _hash(dict(told)))
    names = _named_in(str(content.get("content") or ""))
    called = names.get("task_definition") or names.get("lambda_version") or "appspec"
    return _release(f"sha256:{hash_}", _tag(called, hash_[:16]), names)


def _named_in(content: str) -> dict[str, str]:
    """What an AppSpec says that it deploys, in YAML or JSON; hints for queries, and for people."""
    tasks, version = _TASKS.search(content), _VERSION.search(content)
    if tasks is not None:
        revision = tasks["revision"]
        return {
            "task_definition": f"{tasks['family']}:{revision}",
            "family": tasks["family"],
            "revision": revision,
            "version": revision,
        }
    return {"lambda_version": version["version"], "version": version["version"]} if version else {}


def _release(fingerprint: str, tag: str, names: Mapping[str, str]) -> Release:
    found = fingerprint if re.fullmatch(FINGERPRINT, fingerprint) else f"sha256:{_hash(fingerprint)}"
    return Release(found, tag, _fitting(names))


def _tag(name: str, version: str) -> str:
    """``NAME@VERSION``; where that is no tag, the end of the name and a hash of the whole."""
    written = f"{name}@{version}" if version else name
    if re.fullmatch(TAG, written):
        return written
    end = _NOT_IN_TAGS.sub("-", name)[-_TAIL:].lstrip("-./:@+").replace("..", "-")
    return f"{end or 'revision'}@{_hash(written)[:16]}"


def _fitting(names: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in names.items() if re.fullmatch(NAME, value)}


def _stem(file: str) -> str:
    """``1.4.2`` of ``1.4.2.zip``."""
    return next((file.removesuffix(end) for end in _BUNDLES if file.endswith(end)), file)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
