"""ECR: which digest a tag of an image means."""

import hashlib
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

    def image(self, repository: str, tag: str) -> str:
        """What a task definition writes for it."""
        return f"{self._host}/{repository}:{tag}"

    def push(self, repository: str, tag: str, content: str = "", at: datetime = _LONG_AGO) -> str:
        """From *at* on, *tag* means the image with this *content*. Gives its digest."""
        digest = digest_of(content or f"{repository}:{tag}")
        self._tags.setdefault(repository, {}).setdefault(tag, Timeline()).put(at, digest)
        return digest

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
        images: dict[str, list[str]] = {}
        for tag, meaning in self._tags[name].items():
            digest = meaning.at(asked.seen_at)
            if digest is not None:
                images.setdefault(digest, []).append(tag)
        wanted = [self._wanted(name, images, each) for each in asked.get("imageIds", [])]
        details = [
            {
                "registryId": self._account,
                "repositoryName": name,
                "imageDigest": digest,
                "imageTags": images[digest],
                "imagePushedAt": _LONG_AGO,
            }
            for digest in (dict.fromkeys(wanted) if wanted else images)
        ]
        return {"imageDetails": details}

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
        return {"DescribeImages": self.describe_images}


def digest_of(content: str) -> str:
    """A digest as of an image."""
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"
