"""ECR: which digest a tag of an image means, and how a tag is moved.

Source:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html;
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html (an image that is not there is among the
    failures of an answer with status 200)
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

_LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00+00:00")


class Ecr:
    """Repositories of images, whose tags may be moved (``push`` with a tag that is there)."""

    def __init__(self, account: str, region: str) -> None:
        self._account = account
        self._host = f"{account}.dkr.ecr.{region}.amazonaws.com"
        self._tags: dict[str, dict[str, Timeline[str]]] = {}
        self._lists: dict[str, tuple[str, ...]] = {}  # by digest: images for several processors
        self.lifecycle: dict[str, str] = {}  # by repository: the rules that delete images, as JSON
        self.archived: set[str] = set()  # digests
        self.immutable: set[str] = set()  # repositories whose tags are never moved

    def image(self, repository: str, tag: str) -> str:
        """What a task definition writes for it."""
        return f"{self._host}/{repository}:{tag}"

    def push(self, repository: str, tag: str, content: str = "", at: datetime = _LONG_AGO) -> str:
        """From *at* on, *tag* means the image with this *content*. Gives its digest."""
        digest = digest_of(content or f"{repository}:{tag}")
        self._tags.setdefault(repository, {}).setdefault(tag, Timeline()).put(at, digest)
        return digest

    def push_list(self, repository: str, tag: str, digests: tuple[str, ...], at: datetime = _LONG_AGO) -> str:
        """From *at* on, *tag* means a list of the images *digests*. Gives its own digest."""
        digest = digest_of(" ".join(digests))
        self._lists[digest] = digests
        self._tags.setdefault(repository, {}).setdefault(tag, Timeline()).put(at, digest)
        return digest

    def untag(self, repository: str, tag: str, at: datetime) -> None:
        """From *at* on, *tag* means nothing; the image that it meant is still there."""
        self._tags[repository][tag].put(at, "")

    def expire(self, repository: str, tag: str) -> None:
        """A lifecycle policy has deleted the image of *tag*: nobody finds it any more."""
        del self._tags[repository][tag]

    def means(self, repository: str, tag: str, at: datetime) -> str | None:
        """The digest that *tag* means; none: nobody has pushed it."""
        known = self._tags.get(repository, {}).get(tag)
        return (known.at(at) or None) if known else None

    def digest(self, image: str, at: datetime) -> str:
        """What *image*, as a task definition writes it, means at *at*."""
        if "@" in image:
            return image.rsplit("@", 1)[1]
        path, _, tag = image.rpartition(":")
        known = self._tags.get(path.removeprefix(f"{self._host}/"), {}).get(tag)
        return (known.at(at) if known else None) or digest_of(image)

    def describe_images(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeImages``, by tag or by digest, or all."""
        name = asked["repositoryName"]
        if name not in self._tags:
            raise AwsError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id '{self._account}'",
            )
        images: dict[str, list[str]] = {each: [] for each in self._there(name, asked.seen_at)}
        for tag, meaning in self._tags[name].items():
            digest = meaning.at(asked.seen_at)
            if digest:
                images.setdefault(digest, []).append(tag)
        wanted = [self._wanted(name, images, each) for each in asked.get("imageIds", [])]
        details = [
            {
                "registryId": self._account,
                "repositoryName": name,
                "imageDigest": digest,
                "imagePushedAt": self._pushed(name, digest),
                "imageManifestMediaType": _LIST if digest in self._lists else _PLAIN,
                "imageStatus": "ARCHIVED" if digest in self.archived else "ACTIVE",
                **({"imageTags": images[digest]} if images[digest] else {}),
            }
            for digest in (dict.fromkeys(wanted) if wanted else images)
        ]
        return {"imageDetails": details}

    def _pushed(self, name: str, digest: str) -> datetime:
        """When it came: a tag that is moved to it later is no push of it."""
        return min(
            at
            for meaning in self._tags[name].values()
            for at, value in zip(meaning.times, meaning.values, strict=True)
            if digest in (value, *self._lists.get(value, ()))
        )

    def _there(self, name: str, at: datetime) -> list[str]:
        """Digests of all that was pushed until *at*, whether or not a tag still means it."""
        pushed = [
            value
            for meaning in self._tags[name].values()
            for since, value in zip(meaning.times, meaning.values, strict=True)
            if since <= at and value
        ]
        return [*dict.fromkeys(each for digest in pushed for each in (digest, *self._lists.get(digest, ())))]

    def get_lifecycle_policy(self, asked: Asked) -> Mapping[str, Any]:
        """``GetLifecyclePolicy``."""
        name = self._known(asked)
        if name not in self.lifecycle:
            words = f"Lifecycle policy does not exist for the repository with name '{name}' in the registry with id '{self._account}'"
            raise AwsError("LifecyclePolicyNotFoundException", words)
        told = {"registryId": self._account, "repositoryName": name}
        return {**told, "lifecyclePolicyText": self.lifecycle[name], "lastEvaluatedAt": asked.now}

    def _wanted(self, name: str, images: Mapping[str, list[str]], id: Mapping[str, str]) -> str:
        for digest, tags in images.items():
            if digest == id.get("imageDigest", digest) and ("imageTag" not in id or id["imageTag"] in tags):
                return digest
        raise AwsError(
            "ImageNotFoundException",
            f"The image with imageId {dict(id)} does not exist within the repository with name '{name}'",
        )

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What ECR answers to."""
        return {
            "DescribeImages": self.describe_images,
            "GetLifecyclePolicy": self.get_lifecycle_policy,
            "BatchGetImage": self.batch_get_image,
            "PutImage": self.put_image,
        }

    def batch_get_image(self, asked: Asked) -> Mapping[str, Any]:
        """``BatchGetImage``."""
        name = self._known(asked)
        images, failures = [], []
        for asked_for in asked["imageIds"]:
            digest = self._digest(name, asked_for, asked.seen_at)
            if digest is None:
                words = "Requested image not found"
                failures.append(
                    {"imageId": asked_for, "failureCode": "ImageNotFound", "failureReason": words}
                )
                continue
            images.append(
                {
                    "registryId": self._account,
                    "repositoryName": name,
                    "imageId": {**asked_for, "imageDigest": digest},
                    "imageManifest": self.manifest(digest),
                    "imageManifestMediaType": _LIST if digest in self._lists else _PLAIN,
                }
            )
        return {"images": images, "failures": failures}

    def put_image(self, asked: Asked) -> Mapping[str, Any]:
        """``PutImage`` of a manifest that is there already, under another tag."""
        name, tag = self._known(asked), asked["imageTag"]
        digest = next(
            (each for each in self._digests(name) if self.manifest(each) == asked["imageManifest"]), None
        )
        if digest is None:
            raise AwsError("LayersNotFoundException", "The specified layers could not be found.")
        if asked.get("imageDigest", digest) != digest:
            raise AwsError("ImageDigestDoesNotMatchException", "The digest does not match the manifest.")
        before = self.means(name, tag, asked.now)
        if before == digest:
            raise AwsError("ImageAlreadyExistsException", f"Image with tag '{tag}' already exists.")
        if before is not None and name in self.immutable:
            raise AwsError(
                "ImageTagAlreadyExistsException",
                f"The image tag '{tag}' already exists and cannot be overwritten.",
            )
        self._tags[name].setdefault(tag, Timeline()).put(asked.now, digest)
        put = {"imageDigest": digest, "imageTag": tag}
        image = {"registryId": self._account, "repositoryName": name, "imageId": put}
        return {"image": image | {"imageManifest": asked["imageManifest"]}}

    def manifest(self, digest: str) -> str:
        """Of an image, or of a list of some."""
        if digest in self._lists:
            listed = [{"mediaType": _PLAIN, "digest": each, "size": 1} for each in self._lists[digest]]
            return json.dumps({"schemaVersion": 2, "mediaType": _LIST, "manifests": listed})
        return json.dumps({"schemaVersion": 2, "mediaType": _PLAIN, "config": {"digest": digest, "size": 1}})

    def _known(self, asked: Asked) -> str:
        name = str(asked["repositoryName"])
        if name not in self._tags:
            raise AwsError("RepositoryNotFoundException", f"The repository with name '{name}' does not exist")
        return name

    def _digests(self, name: str) -> set[str]:
        tagged = {digest for meaning in self._tags[name].values() for digest in meaning.values if digest}
        return tagged | {each for digest in tagged for each in self._lists.get(digest, ())}

    def _digest(self, name: str, id: Mapping[str, str], at: datetime) -> str | None:
        if "imageTag" in id:
            return self.means(name, id["imageTag"], at)
        return id["imageDigest"] if id["imageDigest"] in self._digests(name) else None


_PLAIN = "application/vnd.oci.image.manifest.v1+json"
_LIST = "application/vnd.oci.image.index.v1+json"


def digest_of(content: str) -> str:
    """A digest as of an image."""
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
