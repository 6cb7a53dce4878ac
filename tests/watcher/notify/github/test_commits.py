"""The status of a commit, beside that of its deployment: the newest watch wins, and it is never in the way."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.sources.github.identity import called
from tests.fakes.github import TOKEN, Made
from tests.watcher.notify.github.test_board import QUICK, Scene, a_scene
from watcher.core.watch import Message, Notice
from watcher.notify.github.settings import Settings
from watcher.notify.notifier import Later, Never, Told


def with_commits(url: str) -> Settings:
    return Settings(token=SecretStr(TOKEN), url=url, timeout=QUICK, commits=True)


def shown(made: Made, state: str, watch: str = "w_1", service: str = "checkout") -> Message:
    facts = {
        "state": state,
        "platform_ids": called(made.host, made.repository, made.id),
        "rule": "errors",
    }
    notice = Notice(f"it is {state}", watch=watch, service=service, environment="production", facts=facts)
    return Message(f"{watch}.3.0", "show", "github", notice)


async def tell(scene: Scene, *messages: Message) -> list[Any]:
    return [await scene.notifier.tell(each, "", None) for each in messages]


def told(scene: Scene) -> list[tuple[str, str]]:
    return [(each["context"], each["state"]) for each in scene.world.commits]


async def test_a_commit_says_how_its_release_is_doing_with_the_way_to_the_watch():
    async with a_scene(with_commits) as scene:
        scene.world.permissions["statuses"] = "write"
        made = scene.world.deploys()
        answers = await tell(
            scene, *(shown(made, state) for state in ("watching", "rolling_back", "rolled_back"))
        )

    assert all(isinstance(each, Told) for each in answers)
    assert told(scene) == [
        ("rollbackd/checkout/production", "pending"),
        ("rollbackd/checkout/production", "pending"),
        ("rollbackd/checkout/production", "failure"),
    ]
    assert {each["sha"] for each in scene.world.commits} == {made.sha}
    assert scene.world.commits[-1]["target_url"] == "https://rollbackd.acme.example/v1/watches/w_1"
    assert scene.world.commits[-1]["description"] == "rollbackd: it is rolled_back"


@pytest.mark.parametrize(
    ("state", "shows"),
    [("passed", "success"), ("unproven", "error"), ("stuck", "error"), ("asking", "pending")],
)
async def test_each_state_has_its_own(state, shows):
    async with a_scene(with_commits) as scene:
        scene.world.permissions["statuses"] = "write"
        await tell(scene, shown(scene.world.deploys(), state))

    assert told(scene) == [("rollbackd/checkout/production", shows)]


async def test_the_same_is_set_once_and_what_ended_does_not_go_on():
    async with a_scene(with_commits) as scene:
        scene.world.permissions["statuses"] = "write"
        made = scene.world.deploys()
        await tell(scene, *(shown(made, state) for state in ("passed", "passed", "watching")))

    assert [state for _, state in told(scene)] == ["success"]


async def test_a_newer_watch_of_the_same_commit_begins_anew_and_an_older_one_says_nothing_any_more():
    async with a_scene(with_commits) as scene:
        scene.world.permissions["statuses"] = "write"
        made = scene.world.deploys()
        await tell(
            scene,
            shown(made, "rolled_back", "w_1"),
            shown(made, "watching", "w_2"),
            shown(made, "stuck", "w_1"),
            shown(made, "superseded", "w_1"),
        )

    assert [state for _, state in told(scene)] == ["failure", "pending"]


async def test_services_of_one_repository_do_not_speak_over_each_other():
    async with a_scene(with_commits) as scene:
        scene.world.permissions["statuses"] = "write"
        made = scene.world.deploys()
        await tell(scene, shown(made, "passed"), shown(made, "watching", service="cart"))

    assert [context for context, _ in told(scene)] == [
        "rollbackd/checkout/production",
        "rollbackd/cart/production",
    ]


async def test_a_token_that_may_not_is_said_and_the_deployment_has_its_status_all_the_same():
    async with a_scene(with_commits) as scene:
        made = scene.world.deploys()
        (answer,) = await tell(scene, shown(made, "passed"))

    assert isinstance(answer, Never)
    assert "the permission Commit statuses: write" in answer.words
    assert [state for state, _ in scene.world.ours(made.id)] == ["success"]


async def test_a_limit_is_waited_for_and_only_what_is_missing_is_told_again():
    async with a_scene(with_commits) as scene:
        scene.world.permissions["statuses"] = "write"
        made = scene.world.deploys()
        scene.world.left = 3  # for the deployment's status, and the sha
        (refused,) = await tell(scene, shown(made, "passed"))
        scene.world.left = None
        scene.clock[0] += timedelta(minutes=11)
        (answer,) = await tell(scene, shown(made, "passed"))

    assert isinstance(refused, Later)
    assert isinstance(answer, Told)
    assert len(scene.world.ours(made.id)) == 1
    assert [state for _, state in told(scene)] == ["success"]


async def test_without_the_setting_no_commit_is_touched():
    async with a_scene() as scene:
        scene.world.permissions["statuses"] = "write"
        await tell(scene, shown(scene.world.deploys(), "passed"))

    assert told(scene) == []
