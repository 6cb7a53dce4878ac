"""What every mirror of the ledger must do, written once; a member says how it is read from outside."""

import json
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from deploy.mirrors.registry import MIRRORS
from deploy.model import Release, Standing
from deploy.ports import AwsAccount, Ran, World
from deploy.target import Place
from tests.builders import NOON
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.watcher.commands import iam

ACCOUNT = "123456789012"
READ, ACT = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("rb-read", "rb-act"))
SHOP = AwsAccount("shop", "eu-central-1", ACCOUNT, may_act=True)
PLACE = Place("checkout", "production", "service", SHOP)


async def no_program(argv: Any, timeout: timedelta, environment: Any) -> Ran:
    raise AssertionError("no program is run")


class MirrorContract(ABC):
    """The tests of all. *kind*: its name in the registry; *settings*: what stands in the configuration."""

    kind: ClassVar[str]
    settings: ClassVar[dict[str, Any]]
    permission: ClassVar[tuple[str, str]]  # what a role needs to write it, and how it is refused without

    @abstractmethod
    def known_good(self, world: Any, tag: str) -> Standing:
        """The release *tag*, as the platform knows it."""

    @abstractmethod
    def says(self, world: Any) -> str | None:
        """The tag or digest that who reads the mirror gets; ``None``: it is not there."""

    @abstractmethod
    def is_somebody_elses(self, world: Any) -> None:
        """What is there was not written by rollbackd, or may not be overwritten."""

    @abstractmethod
    def mirror(self, world: Any) -> Any:
        """It, opened anew."""

    @abstractmethod
    def written(self, world: Any) -> int:
        """How often it was."""

    @abstractmethod
    def forbid(self, world: Any) -> None:
        """Whoever acts may not write any more."""

    def expected(self, known_good: Standing) -> str:
        return known_good.release.tag

    async def test_it_says_the_known_good_release(self, world):
        first = self.known_good(world, "web:1")

        assert await self.mirror(world).write(first) == ""
        assert self.says(world) == self.expected(first)

    async def test_it_follows_the_next_one_and_goes_back_with_the_ledger(self, world):
        first, second = self.known_good(world, "web:1"), self.known_good(world, "web:2")
        mirror = self.mirror(world)
        await mirror.write(first)

        assert await mirror.write(second) == ""
        assert self.says(world) == self.expected(second)
        assert await mirror.write(first) == ""
        assert self.says(world) == self.expected(first)

    async def test_what_it_says_already_is_not_written_again_by_whoever_comes(self, world):
        first = self.known_good(world, "web:1")
        await self.mirror(world).write(first)
        written = self.written(world)

        assert await self.mirror(world).write(first) == ""
        assert (written, self.written(world)) == (1, 1)

    async def test_what_is_not_ours_is_left_alone_and_it_is_said_what_to_do(self, world):
        first, second = self.known_good(world, "web:1"), self.known_good(world, "web:2")
        await self.mirror(world).write(first)
        self.is_somebody_elses(world)
        before = self.says(world)

        words = await self.mirror(world).write(second)

        assert "mirror" in words
        assert self.says(world) == before

    async def test_a_missing_permission_is_said_and_raises_nothing(self, world):
        first = self.known_good(world, "web:1")
        self.forbid(world)

        words = await self.mirror(world).write(first)

        assert all(each in words for each in self.permission)

    def test_its_name_says_where_it_is_and_no_two_services_have_one_address(self, world):
        kind = MIRRORS[self.kind]
        settings = kind.settings.model_validate(self.settings)
        cart = Place("cart", PLACE.environment, PLACE.part, PLACE.account)

        assert self.mirror(world).name.startswith(self.kind)
        assert (kind.address(settings, PLACE) == kind.address(settings, cart)) is (
            "${service}" not in str(settings)
        )


class AwsMirrorContract(MirrorContract):
    """Of those on AWS. *writes*: the operation; *service*: whose it is."""

    writes: ClassVar[str]
    service: ClassVar[str]

    @pytest.fixture
    def world(self) -> AwsWorld:
        world = AwsWorld(lambda: NOON, ACCOUNT, "eu-central-1")
        world.identities.role(READ)
        world.identities.role(ACT)
        return world

    def mirror(self, world: AwsWorld) -> Any:
        kind = MIRRORS[self.kind]
        aws = Direct(world, {"shop": Scope("eu-central-1", READ, ACT)})
        ports = World(command=no_program, now=lambda: NOON, aws=aws)
        return kind.open(kind.settings.model_validate(self.settings), PLACE, ports)

    def written(self, world: AwsWorld) -> int:
        return world.count(self.service, self.writes)

    def forbid(self, world: AwsWorld) -> None:
        world.identities.role(ACT, {"sts:*"})

    async def test_with_the_permissions_that_it_names_and_no_others_it_can_be_written(self, world):
        first = self.known_good(world, "web:1")
        self._allow(world, without=None)

        assert await self.mirror(world).write(first) == ""
        assert self.says(world) == self.expected(first)
        refused = {call.refused for call in world.calls if call.refused}
        assert refused <= {"ParameterNotFound"}  # it is not there yet

    async def test_each_permission_that_it_names_is_needed(self, world):
        first = self.known_good(world, "web:1")
        for action in self._allow(world, without=None):
            self._allow(world, without=action)

            assert await self.mirror(world).write(first) != "", action

    def _allow(self, world: AwsWorld, without: str | None) -> list[str]:
        """What it names, but one; all actions."""
        kind = MIRRORS[self.kind]
        needs = kind.needs(kind.settings.model_validate(self.settings), PLACE, SHOP)
        for role, which in ((READ, "read"), (ACT, "act")):
            allowed = [
                {
                    "Effect": "Allow",
                    "Action": each.action,
                    "Resource": each.resource,
                    "Condition": {"ForAllValues:StringLike": dict(each.context)} if each.context else {},
                }
                for each in needs[which]
                if each.action != without
            ]
            world.identities.role(role, policies=[{"Version": "2012-10-17", "Statement": allowed}])
        return [each.action for which in ("read", "act") for each in needs[which]]


class TestSsm(AwsMirrorContract):
    kind = service = "ssm"
    permission = ("ssm:PutParameter", "AccessDenied")
    settings: ClassVar[dict[str, Any]] = {"parameter": "/rollbackd/${service}/${environment}/known-good"}
    writes = "PutParameter"
    at: ClassVar[str] = "/rollbackd/checkout/production/known-good"

    def known_good(self, world, tag):
        return Standing(Release(f"sha256:{tag}", tag, {"digest": "sha256:1"}), "proven", NOON)

    def says(self, world):
        value = world.ssm.versions[self.at][-1][1]
        return json.loads(value)["tag"] if value.startswith("{") else value

    def is_somebody_elses(self, world):
        world.ssm.put(self.at, "web:17", NOON)

    async def test_a_parameter_that_is_not_there_is_made_and_never_written_over(self, world):
        await self.mirror(world).write(self.known_good(world, "web:1"))
        await self.mirror(world).write(self.known_good(world, "web:2"))

        puts = [call.parameters["Overwrite"] for call in world.calls if call.operation == "PutParameter"]
        assert puts == [False, True]

    async def test_a_release_with_many_names_fits_into_the_standard_tier(self, world):
        names = {f"name{number}": "x" * 128 for number in range(40)}

        words = await self.mirror(world).write(Standing(Release("sha256:1", "web:1", names), "served", NOON))

        assert words == ""
        assert self.says(world) == "web:1"


class TestEcr(AwsMirrorContract):
    kind = service = "ecr"
    permission = ("ecr:PutImage", "AccessDenied")
    settings: ClassVar[dict[str, Any]] = {"repository": "shop", "tag": "known-good-${environment}"}
    writes = "PutImage"
    at: ClassVar[str] = "known-good-production"

    def known_good(self, world, tag):
        digest = world.ecr.push("shop", tag.replace(":", "-"))
        names = {"digest": digest, "image_tag": tag.replace(":", "-")}
        return Standing(Release(f"sha256:{tag}", tag, names), "proven", NOON)

    def expected(self, known_good):
        return str(known_good.release.names["digest"])

    def says(self, world):
        return world.ecr.means("shop", self.at, NOON)

    def is_somebody_elses(self, world):
        """A tag that begins with known-good is ours; what is never overwritten is one in an immutable repository."""
        world.ecr.immutable.add("shop")

    async def test_of_an_image_for_several_processors_the_whole_list_is_tagged(self, world):
        arm, intel = (world.ecr.push("shop", name) for name in ("arm", "intel"))
        listed = world.ecr.push_list("shop", "1.4.0", (arm, intel))
        names = {"digest": intel, "image_tag": "1.4.0"}
        release = Standing(Release("sha256:1", "web:1", names), "proven", NOON)

        assert await self.mirror(world).write(release) == ""
        assert self.says(world) == listed
        assert await self.mirror(world).write(release) == ""
        assert world.count("ecr", "PutImage") == 1

    async def test_a_tag_of_the_release_that_was_moved_since_leads_nowhere(self, world):
        first = self.known_good(world, "web:1")
        world.ecr.push("shop", "web-1", "another content", NOON)

        await self.mirror(world).write(first)

        assert self.says(world) == self.expected(first)

    async def test_what_runs_as_no_image_is_told_to_take_another_mirror(self, world):
        words = await self.mirror(world).write(Standing(Release("sha256:1", "v1"), "proven", NOON))

        assert "take ssm instead" in words

    async def test_an_image_that_is_gone_is_said(self, world):
        world.ecr.push("shop", "other")
        release = Release("sha256:1", "web:1", {"digest": "sha256:gone"})

        assert "has no image sha256:gone" in await self.mirror(world).write(Standing(release, "proven", NOON))

    @pytest.mark.parametrize("tag", ["latest", "production", "${environment}", "known-good-${release}"])
    def test_a_tag_that_may_be_anybodys_is_refused_in_the_configuration(self, tag):
        with pytest.raises(ValueError, match="tag"):
            MIRRORS["ecr"].settings.model_validate({"repository": "shop", "tag": tag})


FUNCTION = f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:"
GROUP = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:targetgroup/web/0123456789abcdef"
DISTRIBUTION = f"arn:aws:cloudfront::{ACCOUNT}:distribution/E2EXAMPLE1ABC"


class TestTags(AwsMirrorContract):
    kind = "tags"
    service = "resourcegroupstaggingapi"
    permission = ("tag:TagResources", "AccessDenied")
    settings: ClassVar[dict[str, Any]] = {"resource": FUNCTION + "${service}"}
    writes = "TagResources"
    at: ClassVar[str] = f"{FUNCTION}checkout"

    def known_good(self, world, tag):
        return Standing(Release(f"sha256:{tag}", tag), "proven", NOON)

    def says(self, world):
        return world.home.tagging.of(self.at, NOON).get("rollbackd:known-good")

    def is_somebody_elses(self, world):
        """A key of ours is ours; what keeps it is a tag policy."""
        world.home.tagging.kept.add(self.at)

    async def test_no_other_tag_is_touched(self, world):
        world.home.tagging.put(self.at, {"team": "shop", "rollbackd:move": "w_1"}, NOON)

        assert await self.mirror(world).write(self.known_good(world, "web:1")) == ""
        assert world.home.tagging.of(self.at, NOON) == {
            "team": "shop",
            "rollbackd:move": "w_1",
            "rollbackd:known-good": "web:1",
        }

    async def test_a_resource_that_has_all_the_tags_it_may_have_is_said(self, world):
        world.home.tagging.put(self.at, {f"tag{number}": "" for number in range(50)}, NOON)

        words = await self.mirror(world).write(self.known_good(world, "web:1"))

        assert "Too many tags" in words
        assert "fewer than 50" in words
        assert self.says(world) is None

    async def test_the_permission_of_the_resources_own_service_is_named(self, world):
        world.identities.role(ACT, {"tag:*", "sts:*"})

        words = await self.mirror(world).write(self.known_good(world, "web:1"))

        assert "allow lambda:TagResource on it" in words

    async def test_letters_that_tags_may_not_have_are_not_sent(self, world):
        words = await self.mirror(world).write(Standing(Release("sha256:1", "web(1)"), "proven", NOON))

        assert "take ssm instead" in words
        assert world.count("resourcegroupstaggingapi", "TagResources") == 0

    @pytest.mark.parametrize(
        "resource",
        [
            "arn:aws:ecs:eu-central-1:123456789012:service/${environment}/${service}",
            GROUP,
            f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:listener/app/web/0123456789abcdef/fedcba9876543210",
            DISTRIBUTION,
            f"arn:aws:codedeploy:eu-central-1:{ACCOUNT}:deploymentgroup:orders/production",
            f"arn:aws:appconfig:eu-central-1:{ACCOUNT}:application/ba8toh7/configurationprofile/ga3tqep",
        ],
    )
    def test_what_services_run_as_may_be_tagged(self, resource):
        settings = MIRRORS["tags"].settings.model_validate({"resource": resource})

        needed = [need for needs in MIRRORS["tags"].needs(settings, PLACE, SHOP).values() for need in needs]
        own = [need for need in needed if not need.action.startswith("tag:")]
        assert [iam.is_known(need.action) for need in needed] == [True, True, True]
        assert [need.context for need in own] == [{"aws:TagKeys": "rollbackd:known-good"}]

    @pytest.mark.parametrize(
        "changes",
        [
            {"resource": f"{FUNCTION}checkout:live"},
            {"resource": f"arn:aws:elasticbeanstalk:eu-central-1:{ACCOUNT}:environment/shop/shop-prod"},
            {"resource": f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/shop/x"},
            {"resource": f"arn:aws:iam::{ACCOUNT}:role/admin"},
            {"resource": "arn:aws:lambda:eu-central-1:*:function:checkout"},
            {"resource": f"{FUNCTION}*"},
            {"resource": f"{FUNCTION}${{release}}"},
            {"resource": "checkout"},
            {"key": "rollbackd:move"},
            {"key": "team"},
            {"key": "rollbackd:known-good.production"},
        ],
    )
    def test_what_a_tag_would_change_or_what_may_be_anybodys_is_refused(self, changes):
        with pytest.raises(ValueError, match=next(iter(changes))):
            MIRRORS["tags"].settings.model_validate(self.settings | changes)

    @pytest.mark.parametrize(
        ("resource", "region", "words"),
        [
            (f"{FUNCTION}checkout", "eu-central-1", None),
            (f"{FUNCTION}checkout", "eu-west-1", "is tagged in eu-central-1"),
            (f"{FUNCTION}checkout".replace(ACCOUNT, "999999999999"), "eu-central-1", "is in 999999999999"),
            (DISTRIBUTION, "us-east-1", None),
            (DISTRIBUTION, "eu-central-1", "is tagged in us-east-1"),
        ],
    )
    def test_a_resource_is_tagged_where_it_is(self, resource, region, words):
        settings = MIRRORS["tags"].settings.model_validate({"resource": resource})

        told = MIRRORS["tags"].misplaced(settings, AwsAccount("shop", region, ACCOUNT))

        assert told is None if words is None else told is not None and words in told[0]
