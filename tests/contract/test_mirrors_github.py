"""Mirrors on GitHub, by the contract of the mirrors: our own client of GitHub, over HTTP, against the small GitHub."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from deploy.mirrors.registry import MIRRORS
from deploy.model import Level, Release, Standing
from deploy.ports import World
from tests.builders import NOON
from tests.contract.test_mirrors import PLACE, MirrorContract, no_program
from tests.fakes.github import REPOSITORY, TOKEN, GitHubWorld, Shelf, app
from tests.fakes.github.world import OTHERS
from tests.fakes.serve import http_to_loopback, serving_app
from watcher.http import Http
from watcher.notify.github.connection import rest


@dataclass
class Hub:
    """GitHub, where it is, and the way there."""

    github: GitHubWorld
    shelf: Shelf
    url: str
    http: Http

    def asked(self, *methods: str) -> int:
        """Requests by these methods."""
        return sum(each.partition(" ")[0] in methods for each in self.github.requests)


class GitHubMirrorContract(MirrorContract):
    """Of those on GitHub."""

    permission = ("Contents: write", "HTTP 403")

    @pytest.fixture
    async def world(self) -> AsyncIterator[Hub]:
        github = GitHubWorld(lambda: NOON)
        github.permissions["contents"] = "write"
        shelf = Shelf(github)
        async with serving_app(app(github, shelf=shelf)) as port, http_to_loopback(lambda: NOON) as http:
            yield Hub(github, shelf, f"http://127.0.0.1:{port}", http)

    def mirror(self, world: Hub, **said: Any) -> Any:
        kind = MIRRORS[self.kind]
        settings = {**self.settings, "url": world.url, **said}
        ports = World(command=no_program, now=lambda: NOON, github=partial(rest, world.http, lambda: NOON))
        return kind.open(kind.settings.model_validate(settings), PLACE, ports)

    def written(self, world: Hub) -> int:
        return world.asked("POST", "PATCH")

    def forbid(self, world: Hub) -> None:
        world.github.permissions["contents"] = "read"

    @pytest.mark.parametrize(
        ("ill", "words"),
        [
            ({"down": True}, "HTTP 502"),
            ({"secondary": 99}, "GitHub's limit of requests, nobody need act"),
            ({"left": 0}, "GitHub's limit of requests, nobody need act"),
        ],
    )
    async def test_github_that_is_ill_is_said_and_nothing_is_raised(self, world, ill, words):
        first = self.known_good(world, "web:1")
        for name, value in ill.items():
            setattr(world.github, name, value)

        assert words in await self.mirror(world).write(first)

    async def test_a_github_that_cannot_be_reached_is_said(self, world):
        first = self.known_good(world, "web:1")

        assert "127.0.0.1" in await self.mirror(world, url="http://127.0.0.1:9").write(first)

    async def test_a_repository_that_is_not_ours_to_see_is_said_without_the_token(self, world):
        first = self.known_good(world, "web:1")

        words = await self.mirror(world, token=SecretStr("ghp_of_nobody")).write(first)

        assert "HTTP 401" in words
        assert "ghp_of_nobody" not in words

    async def test_what_stands_against_it_is_found_before_and_nothing_is_written_by_looking(self, world):
        mirror, others = self.mirror(world), self.mirror(world, token=SecretStr(OTHERS))
        found = [
            await mirror.examine(),
            await others.examine(),
            await self.mirror(world, repository="acme/x").examine(),
        ]
        world.github.archived = True
        found.append(await mirror.examine())

        assert [each.level for (each,) in found] == [Level.OK, Level.FAIL, Level.FAIL, Level.FAIL]
        words = [f"{each.words} {each.remedy}" for (each,) in found]
        assert all(
            word in text
            for word, text in zip(("was not tried", "Contents: write", "404", "archived"), words, strict=True)
        )
        assert self.written(world) == 0


class TestGit(GitHubMirrorContract):
    kind = "git"
    settings: ClassVar[dict[str, Any]] = {"token": SecretStr(TOKEN), "repository": REPOSITORY}
    at: ClassVar[str] = "known-good/checkout/production"

    def known_good(self, world, tag):
        names = {"commit": world.shelf.commit(int(tag.partition(":")[2]))}
        return Standing(Release(f"sha256:{tag}", tag, names), "proven", NOON)

    def expected(self, known_good):
        return known_good.release.names["commit"]

    def says(self, world):
        return world.shelf.tags.get(self.at, (None, None))[1]

    def is_somebody_elses(self, world):
        world.shelf.tags[self.at] = ("tag", world.shelf.commit(99))

    def test_its_name_says_where_it_is_and_no_two_services_have_one_address(self, world):
        """The services stand in the tag, whose usual name is not written."""
        kind = MIRRORS[self.kind]
        settings = kind.settings.model_validate(self.settings)

        assert self.mirror(world).name == f"git acme/shop {self.at}"
        assert kind.address(settings, PLACE) == f"git github.com acme/shop {self.at}"

    async def test_it_is_moved_by_force_only_where_it_is_there_already(self, world):
        await self.mirror(world).write(self.known_good(world, "web:1"))
        await self.mirror(world).write(self.known_good(world, "web:2"))

        assert world.shelf.moved == [(self.at, False), (self.at, True)]

    async def test_a_tag_that_a_rule_keeps_is_said(self, world):
        world.shelf.kept.add(self.at)

        words = await self.mirror(world).write(self.known_good(world, "web:1"))

        assert "protected ref" in words
        assert "let whom the token is of move tags that begin with known-good" in words

    async def test_a_commit_of_another_repository_is_said(self, world):
        release = Release("sha256:1", "web:1", {"commit": "a" * 40})

        words = await self.mirror(world).write(Standing(release, "proven", NOON))

        assert "the commit is not in this repository" in words
        assert self.says(world) is None

    @pytest.mark.parametrize("names", [{}, {"commit": "abc1234"}, {"commit": "main"}, {"sha": "a" * 40}])
    async def test_a_release_without_a_whole_commit_is_told_how_to_get_one(self, world, names):
        words = await self.mirror(world).write(Standing(Release("sha256:1", "web:1", names), "proven", NOON))

        assert "no commit is known" in words
        assert world.github.requests == []

    @pytest.mark.parametrize(
        "tag",
        [
            "v1",
            "latest",
            "${service}",
            "known-goods",
            "known-good/../main",
            "known-good/",
            "known-good/${release}",
        ],
    )
    def test_a_tag_that_may_be_anybodys_is_refused_in_the_configuration(self, tag):
        with pytest.raises(ValueError, match="tag"):
            MIRRORS["git"].settings.model_validate(self.settings | {"tag": tag})

    async def test_a_token_that_may_only_read_moves_nothing(self, world):
        words = await self.mirror(world, token=SecretStr(OTHERS)).write(self.known_good(world, "web:1"))

        assert "Contents: write" in words
        assert world.shelf.tags == {}


class TestGitHubRelease(GitHubMirrorContract):
    kind = "github_release"
    settings: ClassVar[dict[str, Any]] = {
        "token": SecretStr(TOKEN),
        "repository": REPOSITORY,
        "by": "version",
    }

    def known_good(self, world, tag):
        version = f"v{tag.partition(':')[2]}"
        if version not in {each.tag for each in world.shelf.releases}:
            world.shelf.publish(version)
        if len(world.shelf.releases) == 1:
            world.shelf.publish("v0")  # a newer one, which is the latest until somebody says otherwise
        return Standing(Release(f"sha256:{tag}", tag, {"version": version}), "proven", NOON)

    def expected(self, known_good):
        return known_good.release.names["version"]

    def says(self, world):
        return next((each.tag for each in world.shelf.releases if each.id == world.shelf.latest), None)

    def is_somebody_elses(self, world):
        """A pre-release is nobody's latest."""
        next(each for each in world.shelf.releases if each.tag == "v2").prerelease = True
        world.shelf.latest = next(each.id for each in world.shelf.releases if each.tag == "v1")

    async def test_what_is_not_ours_is_left_alone_and_it_is_said_what_to_do(self, world):
        first, second = self.known_good(world, "web:1"), self.known_good(world, "web:2")
        await self.mirror(world).write(first)
        self.is_somebody_elses(world)

        words = await self.mirror(world).write(second)

        assert "which cannot be the latest: nothing was written" in words
        assert self.says(world) == "v1"

    async def test_nothing_else_of_a_release_is_written(self, world):
        known_good = self.known_good(world, "web:1")

        await self.mirror(world).write(known_good)

        assert {each.body for each in world.shelf.releases} == {"Written by a person"}

    async def test_a_release_that_nobody_has_published_is_said(self, world):
        release = Release("sha256:9", "web:9", {"version": "v9"})

        words = await self.mirror(world).write(Standing(release, "proven", NOON))

        assert "no published release of the tag v9" in words
        assert world.asked("PATCH") == 0

    async def test_a_release_without_that_name_is_said(self, world):
        words = await self.mirror(world).write(Standing(Release("sha256:9", "web:9"), "proven", NOON))

        assert "has no name version" in words
        assert world.github.requests == []

    async def test_our_tag_is_the_name_where_nothing_else_is_said(self, world):
        world.shelf.publish("v1")
        world.shelf.publish("v2")
        mirror = self.mirror(world, by="tag")

        assert await mirror.write(Standing(Release("tag:v1", "v1"), "proven", NOON)) == ""
        assert self.says(world) == "v1"
