"""What no webhook has delivered is read: as GitHub would have told it, once, and within its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from deploy.errors import DeployError
from deploy.model import Announcement
from deploy.ports import Got
from deploy.source import Parcel, Received
from deploy.sources.github import Settings
from deploy.sources.github.missed import EVERY, LONGEST, LOOK_BACK, RESERVE, Missed, missed
from deploy.sources.github.settings import Reads
from tests.deploy.sources.github.said import NOON, a_source
from tests.fakes.github import SECRET, TOKEN, GitHubWorld, Hook
from tests.fakes.github.line import Line

MINUTE = timedelta(minutes=1)


@dataclass
class Scene:
    """A GitHub, who reads there, and the time of both."""

    repositories: Sequence[str] = ("acme/shop",)
    token: str = TOKEN
    at: datetime = NOON
    world: GitHubWorld = field(init=False)

    def __post_init__(self) -> None:
        self.world = GitHubWorld(lambda: self.at)
        self.line = Line(self.world)
        reads = Reads(token=SecretStr(self.token), url="https://api.github.com")
        self.missed = Missed(reads, self.repositories, self.line.get, lambda: self.at)

    async def reads(self, after: timedelta = timedelta(0)) -> list[str]:
        """One look after a while, written down: the keys of what was told."""
        self.at += after
        parcels = await self.missed.receive()
        await self.missed.acknowledge([each.receipt for each in parcels])
        return [key_of(each.received) for each in parcels]


def key_of(received: Received) -> str:
    said = a_source().read(received)
    assert isinstance(said, Announcement), said
    return said.dedup_key


def delivered(world: GitHubWorld) -> list[str]:
    """The keys of what a webhook would have told."""
    deliveries = Hook(world).deliveries()
    headers = [{name.lower(): value for name, value in each.headers.items()} for each in deliveries]
    said = [
        a_source().read(Received(each.body, told, NOON, "hook:github"))
        for each, told in zip(deliveries, headers, strict=True)
    ]
    return [each.dedup_key for each in said if isinstance(each, Announcement)]


async def test_it_is_told_as_a_webhook_would_have_told_it_so_that_the_inbox_knows_it():
    scene = Scene()
    scene.world.sets(scene.world.deploys(by="ada", payload={"tag": "checkout:43"}), "in_progress")

    told = await scene.reads()

    assert told == delivered(scene.world)


async def test_what_is_written_down_is_told_once_and_what_is_new_is_told():
    scene = Scene()
    made = scene.world.deploys()
    scene.world.sets(made, "in_progress")

    first, again = await scene.reads(), await scene.reads(EVERY)
    scene.world.sets(made, "success")
    new = await scene.reads(EVERY)

    assert (len(first), again, len(new)) == (2, [], 1)
    assert new == delivered(scene.world)[-1:]


async def test_what_was_not_written_down_is_told_again():
    scene = Scene()
    scene.world.sets(scene.world.deploys(), "success")

    first: Sequence[Parcel] = await scene.missed.receive()
    scene.at += EVERY
    again = await scene.missed.receive()

    assert [each.receipt for each in first] == [each.receipt for each in again]
    assert len(first) == 2


async def test_of_an_environment_only_the_newest_is_told_and_nothing_that_is_long_over():
    scene = Scene()
    scene.world.deploys()
    old = await scene.reads(LOOK_BACK + MINUTE)
    scene.world.deploys()
    newest = scene.world.deploys()

    told = await scene.reads(EVERY)

    assert old == []
    assert len(told) == 1
    assert told[0].endswith(f":{newest.id}")


async def test_our_own_statuses_are_not_told_and_of_what_ended_no_more_is_asked():
    scene = Scene()
    made = scene.world.deploys()
    scene.world.sets(made, "success")
    scene.world.sets(made, "failure", "rollbackd: v42 serves again", "rollbackd[bot]")
    told = await scene.reads()
    scene.world.requests.clear()

    await scene.reads(EVERY)

    assert told == delivered(scene.world)
    assert scene.world.requests == ["GET /acme/shop/deployments?per_page=30"]


async def test_one_repository_is_asked_at_a_time_and_each_every_five_minutes():
    scene = Scene(repositories=("acme/shop", "acme/site"))
    scene.world.deploys()

    await scene.reads()
    with pytest.raises(DeployError) as refused:
        await scene.reads()
    scene.world.requests.clear()
    scene.at += EVERY - timedelta(milliseconds=10)
    nap = await scene.missed.receive()

    assert "/repos/acme/site: HTTP 404" in str(refused.value)
    assert "Deployments: read" in refused.value.remedy
    assert (list(nap), scene.world.requests) == ([], [])


async def test_a_token_that_is_not_taken_is_told_and_is_not_in_the_words():
    scene = Scene(token="ghp_old")

    with pytest.raises(DeployError) as refused:
        await scene.reads()

    assert "HTTP 401" in str(refused.value)
    assert "ghp_old" not in f"{refused.value} {refused.value.remedy} {scene.missed!r}"


async def test_what_others_need_of_the_limit_is_left_to_them_until_it_is_renewed():
    scene = Scene()
    scene.world.left = RESERVE
    await scene.reads()
    spent = scene.world.left
    scene.at += timedelta(minutes=10) - timedelta(milliseconds=10)
    await scene.missed.receive()
    kept = scene.world.left
    scene.world.left = 5000

    await scene.reads(timedelta(seconds=1))

    assert (spent, kept) == (RESERVE - 2, RESERVE - 2)
    assert scene.world.left == 4999


async def test_a_secondary_limit_is_kept_as_long_as_github_asks():
    scene = Scene(repositories=("acme/shop", "acme/site"))
    scene.world.secondary = 1
    with pytest.raises(DeployError) as refused:
        await scene.reads()
    scene.world.requests.clear()

    scene.at += timedelta(seconds=36.99)
    await scene.missed.receive()

    assert scene.world.requests == []
    assert "a limit of GitHub's" in refused.value.remedy


@pytest.mark.parametrize("reset", ["99999999999", "999999999999", "soon"])
async def test_a_limit_without_end_closes_for_an_hour_at_most(reset):
    async def get(url: str, headers: Mapping[str, str], token: str) -> Got:
        scene.world.requests.append(url)
        return Got(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}, b"{}")

    scene = Scene()
    scene.missed = Missed(Reads(token=SecretStr(TOKEN)), ["acme/shop"], get, lambda: scene.at)
    with pytest.raises(DeployError, match="HTTP 403") as refused:
        await scene.reads()

    with pytest.raises(DeployError):
        await scene.reads(LONGEST)

    assert "a limit of GitHub's" in refused.value.remedy
    assert len(scene.world.requests) == 2


ANSWERS = {
    "a list in place of one": ("/repos/acme/shop", b'[{"id": 1}]'),
    "one in place of a list": ("/deployments?per_page=30", b'{"id": 1}'),
    "words in place of one": ("/deployments?per_page=30", b'["id"]'),
    "a number that is none": ("/deployments?per_page=30", b'[{"id": "1/../../x"}]'),
    "a number without end": ("/deployments?per_page=30", b'[{"id": 1e999}]'),
    "no number": ("/statuses?per_page=10", b'[{"state": "success"}]'),
    "something deep": ("/deployments?per_page=30", b"[" * 100_000),
    "no JSON": ("/statuses?per_page=10", b"<html>"),
}


@pytest.mark.parametrize(("path", "answer"), ANSWERS.values(), ids=ANSWERS)
async def test_what_github_would_not_answer_is_told_as_that(path, answer):
    scene = Scene()
    scene.world.deploys()

    async def get(url: str, headers: Mapping[str, str], token: str) -> Got:
        return Got(200, {}, answer) if url.endswith(path) else await scene.line.get(url, headers, token)

    feed = Missed(Reads(token=SecretStr(TOKEN)), ["acme/shop"], get, lambda: NOON)

    with pytest.raises(DeployError, match="not what GitHub would answer"):
        await feed.receive()


async def test_a_deployment_of_which_it_is_not_told_when_it_was_made_is_passed_over():
    scene = Scene()
    made = b'[{"id": 1, "created_at": 5}, {"id": 2}]'

    async def get(url: str, headers: Mapping[str, str], token: str) -> Got:
        return Got(200, {}, made) if "per_page=30" in url else await scene.line.get(url, headers, token)

    feed = Missed(Reads(token=SecretStr(TOKEN)), ["acme/shop"], get, lambda: NOON)

    assert await feed.receive() == []


@pytest.mark.parametrize("spoil", [{"down": True}, {"repository": "acme/else"}])
async def test_a_github_that_does_not_answer_as_it_should_is_asked_again_in_the_next_round(spoil):
    scene = Scene()
    well = dict(vars(scene.world))
    scene.world.deploys()
    vars(scene.world).update(spoil)
    with pytest.raises(DeployError):
        await scene.reads()
    vars(scene.world).update({name: well[name] for name in spoil})

    assert len(await scene.reads(EVERY)) == 1


def test_without_a_token_nothing_is_read():
    settings = Settings(secret=SecretStr(SECRET), repositories=["acme/shop"])

    assert missed(settings, Line(GitHubWorld(lambda: NOON)).get, lambda: NOON) is None
