"""A tag of the resource that a service runs as (a service of ECS, a function, a target group), which names the known-good release.

It is written by the Resource Groups Tagging API, which answers well where the resource's own service refused: what failed stands in
the answer. Deliberately absent: environments of Beanstalk and stacks of CloudFormation, which are *updated* by a tag that is set on
them; and versions and aliases of functions, which have no tags. The key begins as our own marks do, so that neither tags that policies
go by nor those of bills are ever touched.

Source:
    https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_TagResources.html
    https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html: what a value may be, and at most 50 tags of a resource
"""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from deploy.errors import AwsRefused
from deploy.mirrors.mirror import Kind
from deploy.mirrors.naming import PREFIX, checked, filled
from deploy.model import Standing
from deploy.ports import Aws, AwsAccount, Need, World
from deploy.target import Place
from deploy.targets.aws.marking import PREFIX as OURS
from deploy.targets.aws.wording import plain, refusal

KEY = f"{OURS}{PREFIX}"
GLOBAL = "us-east-1"  # where resources without a region are tagged
_VALUE = re.compile(r"[\w .:/=+@-]{0,256}", re.ASCII)
# What may be tagged, and by which permission of its own service besides `tag:TagResources`.
_TAGGED: Mapping[str, tuple[str, str]] = {
    "appconfig": (
        r"application/[a-z0-9]{4,7}(/(environment|configurationprofile)/[a-z0-9]{4,7})?",
        "TagResource",
    ),
    "cloudfront": (r"distribution/[A-Z0-9]{8,32}", "TagResource"),
    "codedeploy": (r"deploymentgroup:[A-Za-z0-9+=,.@_-]{1,100}/[A-Za-z0-9+=,.@_-]{1,100}", "TagResource"),
    "ecs": (r"service/[A-Za-z0-9_-]{1,255}/[A-Za-z0-9_-]{1,255}", "TagResource"),
    "elasticloadbalancing": (
        r"(targetgroup/[A-Za-z0-9-]{1,32}/[0-9a-f]{16}|listener(-rule)?/app/[A-Za-z0-9-]{1,32}(/[0-9a-f]{16}){2,3})",
        "AddTags",
    ),
    "lambda": (r"function:[A-Za-z0-9_-]{1,64}", "TagResource"),
}
_WORDS = (
    "expected the ARN of a service of ECS, a function of Lambda (without version or alias), a target group, a rule or a listener, a distribution,"
    " a deployment group, or of something of AppConfig"
)
_NAME = re.compile(r"\$\{[a-z]+\}")


def _resource(template: str) -> str:
    """*template*, if it is the ARN of something that may be tagged, whatever the names in it are."""
    parts = checked(template).split(":", 5)
    if len(parts) != len(["arn", "partition", "service", "region", "account", "resource"]):
        raise ValueError(_WORDS)
    arn, partition, service, region, account, resource = parts
    pattern, _ = _TAGGED.get(service, (r"(?!)", ""))
    is_placed = re.fullmatch(r"[0-9]{12}", account) and (region == "") == (service == "cloudfront")
    is_aws = arn == "arn" and re.fullmatch(r"aws[a-z-]*", partition)
    if not (is_aws and is_placed and re.fullmatch(pattern, _NAME.sub("name", resource))):
        raise ValueError(_WORDS)
    return template


class Settings(BaseModel):
    """``tags``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resource: Annotated[str, StringConstraints(max_length=1024), AfterValidator(_resource)]
    key: Annotated[
        str,
        StringConstraints(pattern=rf"^{OURS}{PREFIX}(/[A-Za-z0-9_/${{}}-]{{1,96}})?$"),
        AfterValidator(checked),
    ] = KEY


class ResourceTag:
    """See `Mirror`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        if world.aws is None or place.account is None:
            raise AssertionError("a mirror on AWS is opened with an account")
        self._aws: Aws = world.aws
        self._account = place.account
        self._arn = filled(settings.resource, place)
        self._key = filled(settings.key, place)

    @property
    def name(self) -> str:
        """The resource and the key."""
        return f"tags {self._arn} {self._key}"

    async def write(self, known_good: Standing) -> str:
        """See `Mirror`."""
        wanted = known_good.release.tag
        if not _VALUE.fullmatch(wanted):
            return f"{self.name}: {plain(wanted)} has letters that tags of AWS may not have: take ssm instead"
        try:
            if await self._now() == wanted:
                return ""
            answer = await self._aws.act(
                self._account.name,
                "resourcegroupstaggingapi",
                "tag_resources",
                ResourceARNList=[self._arn],
                Tags={self._key: wanted},
            )
        except AwsRefused as refused:
            return f"{self.name}: {plain(refusal(refused))}"
        return self._failed(answer.get("FailedResourcesMap", {}))

    async def _now(self) -> str | None:
        """What the tag says; ``None``: there is none. What was never tagged is not listed."""
        answer = await self._aws.read(
            self._account.name, "resourcegroupstaggingapi", "get_resources", ResourceARNList=[self._arn]
        )
        found = answer.get("ResourceTagMappingList", [])
        tags = {str(tag["Key"]): str(tag["Value"]) for each in found for tag in each.get("Tags", [])}
        return tags.get(self._key)

    def _failed(self, failed: Mapping[str, Mapping[str, object]]) -> str:
        if not failed:
            return ""
        told = next(iter(failed.values()))
        words = plain(f"{told.get('ErrorCode', '')}: {told.get('ErrorMessage', '')}")
        return (
            f"{self.name}: its own service did not take the tag: {words}; allow {own(self._arn)} on it, see that it has fewer than"
            " 50 tags and that no tag policy forbids this key, or take another mirror"
        )


def own(arn: str) -> str:
    """The permission to tag of the resource's own service."""
    service = arn.split(":")[2]
    return f"{service}:{_TAGGED[service][1]}"


def _address(settings: Settings, place: Place) -> str:
    return f"tags {filled(settings.resource, place)} {filled(settings.key, place)}"


def _misplaced(settings: Settings, account: AwsAccount) -> tuple[str, str] | None:
    _, partition, _, region, owner, _ = settings.resource.split(":", 5)
    expected = region or GLOBAL
    if (partition, expected) != (account.partition, account.region):
        words = f"the resource is tagged in {expected}, and the account {account.name} is in {account.region}"
        return words, "name an account in that region, by `account:` of the service"
    if account.id is not None and owner != account.id:
        return (
            f"the resource is in {owner}, and the account {account.name} is {account.id}",
            "correct one of both",
        )
    return None


def _needs(settings: Settings, place: Place, _account: AwsAccount) -> Mapping[str, tuple[Need, ...]]:
    """AWS narrows neither of the first two; what changes the resource is the third, and that is narrowed."""
    arn, key = filled(settings.resource, place), filled(settings.key, place)
    return {
        "read": (Need("tag:GetResources", "*"),),
        "act": (Need("tag:TagResources", "*"), Need(own(arn), arn, {"aws:TagKeys": key})),
    }


KIND = Kind(settings=Settings, open=ResourceTag, address=_address, needs=_needs, misplaced=_misplaced)
