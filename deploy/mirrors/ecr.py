"""A tag of an image in ECR that follows the known-good release: ``docker pull REPOSITORY:known-good-production``.

The tag is moved by putting the manifest of the image once more under it; no layer is copied. Where the image is one of several
in a list (one for each processor), the tag of the list is what the release was deployed by, and the list is what is tagged.

Source:
    https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-retag.html;
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html: ``ImageAlreadyExistsException`` says that the
    tag means that manifest already, ``ImageTagAlreadyExistsException`` that the repository does not let tags be moved
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from deploy.errors import AwsRefused
from deploy.mirrors.mirror import Kind
from deploy.mirrors.naming import PREFIX, checked, filled
from deploy.model import Standing
from deploy.ports import Aws, AwsAccount, Need, World
from deploy.target import Place
from deploy.targets.aws.wording import plain, refusal

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_NEVER_MOVED = "ImageTagAlreadyExistsException"
_SAID_ALREADY = "ImageAlreadyExistsException"


class Settings(BaseModel):
    """``ecr``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: Annotated[
        str, StringConstraints(pattern=r"^[a-z0-9${][a-z0-9._/${}-]{1,255}$"), AfterValidator(checked)
    ]
    # What is not called so may be somebody else's, and is never moved.
    tag: Annotated[
        str,
        StringConstraints(pattern=rf"^{PREFIX}[A-Za-z0-9_.${{}}-]{{0,118}}$"),
        AfterValidator(checked),
    ] = f"{PREFIX}-${{environment}}"


@dataclass(frozen=True, slots=True)
class _Image:
    digest: str
    manifest: str
    media_type: str

    def holds(self, digest: str) -> bool:
        """It is the image of *digest*, or a list that has it."""
        if self.digest == digest:
            return True
        try:
            listed = json.loads(self.manifest).get("manifests", [])
        except (ValueError, AttributeError):
            return False
        return any(isinstance(each, dict) and each.get("digest") == digest for each in listed)


class ImageTag:
    """See `Mirror`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a mirror on AWS is opened with an account")
        self._aws: Aws = world.aws
        self._account = place.account
        self._repository = filled(settings.repository, place)
        self._tag = filled(settings.tag, place)

    @property
    def name(self) -> str:
        """The repository and the tag."""
        return f"ecr {self._repository}:{self._tag}"

    async def write(self, known_good: Standing) -> str:
        """See `Mirror`."""
        names, tag = known_good.release.names, known_good.release.tag
        digest = names.get("digest")
        if digest is None:
            return f"{self.name}: of {tag} no image is known: this mirror is for what runs as images; take ssm instead"
        try:
            now = await self._image({"imageTag": self._tag})
            if now is not None and now.holds(digest):
                return ""
            image = await self._of(digest, names.get("image_tag"))
            if image is None:
                return f"{self.name}: the repository has no image {digest} of {tag}: is it another one's, or was it deleted?"
            await self._put(image)
        except AwsRefused as refused:
            return self._refusal(refused)
        return ""

    async def _of(self, digest: str, deployed_by: str | None) -> _Image | None:
        """The list that the release was deployed by, where that still has its image; else the image itself."""
        listed = await self._image({"imageTag": deployed_by}) if deployed_by else None
        if listed is not None and listed.holds(digest):
            return listed
        return await self._image({"imageDigest": digest})

    async def _image(self, id: Mapping[str, str]) -> _Image | None:
        answer = await self._aws.read(
            self._account.name,
            "ecr",
            "batch_get_image",
            repositoryName=self._repository,
            imageIds=[dict(id)],
            acceptedMediaTypes=list(MANIFESTS),
        )
        found: list[Mapping[str, Any]] = answer.get("images", [])
        if not found:
            return None
        image = found[0]
        media_type = str(image.get("imageManifestMediaType", ""))
        return _Image(str(image["imageId"].get("imageDigest", "")), str(image["imageManifest"]), media_type)

    async def _put(self, image: _Image) -> None:
        asked = {
            "repositoryName": self._repository,
            "imageManifest": image.manifest,
            "imageDigest": image.digest,
            "imageTag": self._tag,
        }
        asked |= {"imageManifestMediaType": image.media_type} if image.media_type else {}
        try:
            await self._aws.act(self._account.name, "ecr", "put_image", **asked)
        except AwsRefused as refused:
            if refused.code != _SAID_ALREADY:
                raise

    def _refusal(self, refused: AwsRefused) -> str:
        if refused.code == _NEVER_MOVED:
            return (
                f"{self.name}: the repository is immutable, so the tag stays where it is: let tags that begin with {PREFIX} be"
                " moved (`aws ecr put-image-tag-mutability --image-tag-mutability IMMUTABLE_WITH_EXCLUSION"
                f" --image-tag-mutability-exclusion-filters filterType=WILDCARD,filter={PREFIX}*`), or mirror to ssm"
            )
        return f"{self.name}: {plain(refusal(refused))}"


def _address(settings: Settings, place: Place) -> str:
    region = place.account.region if place.account else ""
    owner = place.account.name if place.account else ""
    return f"ecr {owner} {region} {filled(settings.repository, place)}:{filled(settings.tag, place)}"


def _needs(settings: Settings, place: Place, account: AwsAccount) -> Mapping[str, tuple[Need, ...]]:
    name = filled(settings.repository, place)
    arn = f"arn:{account.partition}:ecr:{account.region}:{account.id or '*'}:repository/{name}"
    return {"read": (Need("ecr:BatchGetImage", arn),), "act": (Need("ecr:PutImage", arn),)}


KIND = Kind(settings=Settings, open=ImageTag, address=_address, needs=_needs)
