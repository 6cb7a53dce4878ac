"""What a task definition is, apart from its number: the content that a release is recognised by.

The fingerprint is a hash over the task definition without what registering adds, with each image replaced by the digest
of what it is. So the same content under a new revision is the same release, and the same image with another setting is
another one.

What an image is, is told from the best source that never changes its mind:

* ``name@sha256:…``: by the task definition itself;
* ``name:tag``: by the service revision, in which ECS writes down the digest that the first task pulled
  (``versionConsistency``), and keeps to it. Never by the registry: a tag may move between our look and ECS's, and of an
  image for several platforms a registry names another digest than the one that runs;
* ``name:tag`` in a container whose ``versionConsistency`` is off: by its name; ECS will never say, and its tasks may differ.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html#deployment-container-image-stability
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from deploy.model import NAME, TAG, Release

# What registering adds, the names under which it is registered, and what is laid on it later.
_NOT_CONTENT = frozenset(
    {
        "taskDefinitionArn", "family", "revision", "status", "registeredAt", "registeredBy", "deregisteredAt",
        "deleteRequestedAt", "requiresAttributes", "compatibilities", "tags",
    }
)  # fmt: skip
# Lists whose order means nothing; that of commands, environment files and DNS servers does.
_UNORDERED = frozenset(
    {
        "containerDefinitions", "environment", "secrets", "portMappings", "mountPoints", "volumesFrom", "dependsOn",
        "ulimits", "systemControls", "resourceRequirements", "extraHosts", "volumes", "placementConstraints",
        "requiresCompatibilities", "secretOptions", "devices", "tmpfs", "add", "drop",
    }
)  # fmt: skip
_DIGEST = re.compile(r"[a-z0-9]{2,16}:[0-9a-f]{32,128}")
_ARN = re.compile(
    r"arn:aws[a-z-]*:ecs:[a-z0-9-]+:\d{12}:task-definition/(?P<tag>[A-Za-z0-9_-]{1,255}:\d{1,10})"
)


@dataclass(frozen=True, slots=True)
class Image:
    """The image of one container, as the task definition writes it.

    Attributes:
        told: ECS writes down which digest it is, once a task has pulled it.
    """

    container: str
    written: str
    essential: bool = True
    told: bool = True

    @property
    def digest(self) -> str | None:
        """The digest that it is pinned to."""
        digest = self.written.partition("@")[2]
        return digest if _DIGEST.fullmatch(digest) else None

    @property
    def tag(self) -> str | None:
        """What it is called in its repository; ``latest`` where nothing is written."""
        name = self.written.partition("@")[0]
        tag = name.rpartition("/")[2].partition(":")[2]
        return tag or (None if self.digest else "latest")

    @property
    def repository(self) -> str:
        """Where it is pulled from, without tag and digest."""
        name = self.written.partition("@")[0]
        return name.removesuffix(f":{self.tag}")


@dataclass(frozen=True, slots=True)
class Definition:
    """One registered task definition, without the values in it (they may be secrets).

    Attributes:
        tag: ``family:revision``: what it is moved by.
        content: A hash over all but the images.
        stops: By container, how long it has to stop, where that is written.
    """

    arn: str
    tag: str
    content: str
    images: tuple[Image, ...]
    stops: Mapping[str, timedelta] = field(default_factory=dict)

    @property
    def is_pinned(self) -> bool:
        """What its images are is known without asking anybody else."""
        return all(image.digest or not image.told for image in self.images)

    def main(self, container: str | None = None) -> Image | None:
        """The image that names the release: of *container*, else of the first essential one."""
        if container is not None:
            return next((image for image in self.images if image.container == container), None)
        return next((image for image in self.images if image.essential), None)


def tag_of(arn: str) -> str:
    """``family:revision`` of a task definition's ARN; what is none is given back."""
    found = _ARN.fullmatch(arn)
    return found["tag"] if found else arn


def definition_of(told: Mapping[str, Any]) -> Definition:
    """The ``taskDefinition`` of DescribeTaskDefinition."""
    containers = told.get("containerDefinitions", ())
    without_images = [{**container, "image": ""} for container in containers]
    content = {name: value for name, value in told.items() if name not in _NOT_CONTENT}
    content["containerDefinitions"] = without_images
    return Definition(
        arn=str(told.get("taskDefinitionArn", "")),
        tag=f"{told.get('family', '')}:{told.get('revision', 0)}",
        content=_hash(_plain("", content)),
        images=tuple(_image(container) for container in containers),
        stops={
            str(each.get("name", "")): timedelta(seconds=int(each["stopTimeout"]))
            for each in containers
            if "stopTimeout" in each
        },
    )


def fingerprint(definition: Definition, digests: Mapping[str, str]) -> str | None:
    """The fingerprint of *definition*, run with *digests* (by container); ``None`` while one of them is not known."""
    contents: dict[str, str] = {}
    for image in definition.images:
        digest = image.digest or (digests.get(image.container) if image.told else image.written)
        if digest is None:
            return None
        contents[image.container] = digest
    return f"sha256:{_hash([definition.content, contents])}"


def release_of(definition: Definition, digests: Mapping[str, str], container: str | None) -> Release | None:
    """The release that runs as *definition* with *digests*; ``None`` while its content is not known."""
    found = fingerprint(definition, digests)
    if found is None:
        return None
    return Release(found, definition.tag, _names(definition, digests, container))


def only_a_tag(definition: Definition, container: str | None) -> Release:
    """The release, where nobody will say what its images are."""
    return Release(
        Release.of_tag(definition.tag).fingerprint, definition.tag, _names(definition, {}, container)
    )


def _names(definition: Definition, digests: Mapping[str, str], container: str | None) -> Mapping[str, str]:
    """What signal systems and people may call it, each within `NAME`."""
    family, _, revision = definition.tag.rpartition(":")
    names: dict[str, str | None] = {
        "task_definition": definition.tag,
        "family": family,
        "revision": revision,
    }
    image = definition.main(container)
    if image is not None:
        names |= {
            "version": image.tag,
            "image_tag": image.tag,
            "digest": image.digest or digests.get(image.container),
            "repository": image.repository,
        }
    return {name: value for name, value in names.items() if value and re.fullmatch(NAME, value)}


def _image(container: Mapping[str, Any]) -> Image:
    return Image(
        container=str(container.get("name", "")),
        written=str(container.get("image", "")),
        essential=container.get("essential", True) is not False,
        told=container.get("versionConsistency") != "disabled",
    )


def fits(tag: str) -> bool:
    """It may be moved by this tag."""
    return re.fullmatch(TAG, tag) is not None


# --------------------------------------------------------------------------------------------------------- canonical form


def _plain(name: str, value: Any) -> Any:
    """*value* without what is empty, and lists in which the order means nothing in one order."""
    if isinstance(value, Mapping):
        plain = {key: _plain(key, inner) for key, inner in value.items()}
        return {key: inner for key, inner in plain.items() if not _is_empty(inner)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = [_plain("", inner) for inner in value]
        return sorted(items, key=_written) if name in _UNORDERED else items
    return value


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping | list) and not value)


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _hash(value: Any) -> str:
    return hashlib.sha256(_written(value).encode()).hexdigest()
