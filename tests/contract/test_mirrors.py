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

ACCOUNT = "123456789012"
READ, ACT = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("rb-read", "rb-act"))
SHOP = AwsAccount("shop", "eu-central-1", ACCOUNT, may_act=True)
PLACE = Place("checkout", "production", "service", SHOP)


async def no_program(argv: Any, timeout: timedelta, environment: Any) -> Ran:
    raise AssertionError("no program is run")


class MirrorContract(ABC):
    """The tests. *kind*: its name in the registry; *settings*: what stands in the configuration."""

    kind: ClassVar[str]
    settings: ClassVar[dict[str, Any]]
    writes: ClassVar[str]

    @pytest.fixture
    def world(self) -> AwsWorld:
        world = AwsWorld(lambda: NOON, ACCOUNT, "eu-central-1")
        world.identities.role(READ)
        world.identities.role(ACT)
        return world

    @abstractmethod
    def known_good(self, world: AwsWorld, tag: str) -> Standing:
        """The release *tag*, as the platform knows it."""

    @abstractmethod
    def says(self, world: AwsWorld) -> str | None:
        """The tag or digest that who reads the mirror gets; ``None``: it is not there."""

    @abstractmethod
    def is_somebody_elses(self, world: AwsWorld) -> None:
        """What is there was not written by rollbackd, or may not be overwritten."""

    def expected(self, known_good: Standing) -> str:
        return known_good.release.tag

    def mirror(self, world: AwsWorld) -> Any:
        kind = MIRRORS[self.kind]
        aws = Direct(world, {"shop": Scope("eu-central-1", READ, ACT)})
        ports = World(command=no_program, now=lambda: NOON, aws=aws)
        return kind.open(kind.settings.model_validate(self.settings), PLACE, ports)

    async def test_it_says_the_known_good_release(self, world):
        first = self.known_good(world, "web:1")

        assert await self.mirror(world).write(first) == ""
        assert self.says(world) == self.expected(first)

    async def test_it_follows_the_next_one(self, world):
        first, second = self.known_good(world, "web:1"), self.known_good(world, "web:2")
        mirror = self.mirror(world)
        await mirror.write(first)

        assert await mirror.write(second) == ""
        assert self.says(world) == self.expected(second)

    async def test_what_it_says_already_is_not_written_again_by_whoever_comes(self, world):
        first = self.known_good(world, "web:1")
        await self.mirror(world).write(first)
        written = world.count(self.kind, self.writes)

        assert await self.mirror(world).write(first) == ""
        assert (written, world.count(self.kind, self.writes)) == (1, 1)

    async def test_what_is_not_ours_is_left_alone_and_it_is_said_what_to_do(self, world):
        first, second = self.known_good(world, "web:1"), self.known_good(world, "web:2")
        await self.mirror(world).write(first)
        self.is_somebody_elses(world)
        before = self.says(world)

        words = await self.mirror(world).write(second)

        assert "mirror" in words
        assert self.says(world) == before

    async def test_with_the_permissions_that_it_names_and_no_others_it_can_be_written(self, world):
        kind = MIRRORS[self.kind]
        needs = kind.needs(kind.settings.model_validate(self.settings), PLACE, SHOP)
        for role, which in ((READ, "read"), (ACT, "act")):
            allowed = [
                {"Effect": "Allow", "Action": each.action, "Resource": each.resource} for each in needs[which]
            ]
            world.identities.role(role, policies=[{"Version": "2012-10-17", "Statement": allowed}])
        first = self.known_good(world, "web:1")

        assert await self.mirror(world).write(first) == ""
        refused = {call.refused for call in world.calls if call.refused}
        assert refused <= {"ParameterNotFound"}  # it is not there yet

    async def test_a_missing_permission_is_said_and_raises_nothing(self, world):
        world.identities.role(ACT, {"sts:*"})

        words = await self.mirror(world).write(self.known_good(world, "web:1"))

        assert f"{self.kind}:{self.writes}" in words
        assert "AccessDenied" in words


class TestSsm(MirrorContract):
    kind = "ssm"
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


class TestEcr(MirrorContract):
    kind = "ecr"
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
