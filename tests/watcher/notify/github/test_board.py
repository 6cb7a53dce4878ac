"""The status of a deployment, set on GitHub: once, never over what ended, and never at the cost of anything else."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr, ValidationError

from deploy.github import host_of
from deploy.sources.github.identity import called
from tests.fakes.faults import FAULTS, says, serving
from tests.fakes.github import TOKEN, GitHubWorld, Made, app
from tests.fakes.github.world import OTHERS
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.core.watch import Message, Notice
from watcher.notify.github.settings import App, Settings
from watcher.notify.notifier import Later, Never, Notifier, Opening, Told
from watcher.notify.registry import NOTIFIERS

PUBLIC_URL = "https://rollbackd.acme.example"
QUICK = timedelta(seconds=0.4)


@dataclass
class Scene:
    """A connection to the fake, and the time of both."""

    world: GitHubWorld
    clock: list[datetime] = field(default_factory=lambda: [START])
    notifier: Notifier = field(init=False)

    async def tell(self, made: Made, state: str, headline: str = "checkout · production: so it is") -> object:
        return await self.notifier.tell(shown(made, state, headline), "", None)


def shown(made: Made, state: str, headline: str = "so it is") -> Message:
    facts = {"state": state, "platform_ids": called(made.host, made.repository, made.id), "rule": "errors"}
    return Message("w_1.3.0", "show", "github", Notice(headline, watch="w_1", facts=facts))


@contextlib.asynccontextmanager
async def a_scene(
    settings: Callable[[str], Settings] | None = None, public_key: str = ""
) -> AsyncIterator[Scene]:
    clock = [START]
    world = GitHubWorld(lambda: clock[0])
    scene = Scene(world, clock)
    async with (
        serving_app(app(world, public_key)) as port,
        http_to_loopback(lambda: clock[0]) as http,
    ):
        url = f"http://127.0.0.1:{port}"
        world.host = host_of(url)
        given = settings(url) if settings else Settings(token=SecretStr(TOKEN), url=url, timeout=QUICK)
        opening = Opening(http, lambda: clock[0], public_url=PUBLIC_URL)
        async with NOTIFIERS["github"].open(given, opening) as scene.notifier:
            yield scene


async def test_a_deployment_ends_as_its_watch_does():
    async with a_scene() as scene:
        made = scene.world.deploys()
        for state in ("watching", "rolling_back", "recovering", "rolled_back"):
            assert isinstance(await scene.tell(made, state, f"checkout · production: {state}"), Told)

        assert scene.world.ours(made.id) == [
            ("in_progress", "rollbackd: checkout · production: watching"),
            ("in_progress", "rollbackd: checkout · production: rolling_back"),
            ("in_progress", "rollbackd: checkout · production: recovering"),
            ("failure", "rollbackd: checkout · production: rolled_back"),
        ]
        last = scene.world.log[-1]
        assert last.log_url == f"{PUBLIC_URL}/v1/watches/w_1"
        assert last.auto_inactive is False


async def test_the_same_is_set_once():
    async with a_scene() as scene:
        made = scene.world.deploys()
        for _ in range(3):
            await scene.tell(made, "passed")

        assert len(scene.world.ours(made.id)) == 1


async def test_a_pipeline_that_said_success_is_not_contradicted_before_the_end():
    async with a_scene() as scene:
        made = scene.world.deploys()
        scene.world.sets(made, "success", by="github-actions[bot]")
        await scene.tell(made, "watching")
        before = scene.world.ours(made.id)
        await scene.tell(made, "rolled_back")

        assert before == []
        assert [state for state, _ in scene.world.ours(made.id)] == ["failure"]


async def test_of_a_watch_that_github_does_not_know_nothing_is_asked():
    async with a_scene() as scene:
        message = replace(
            shown(scene.world.deploys(), "passed"), notice=Notice("x", facts={"state": "passed"})
        )

        assert isinstance(await scene.notifier.tell(message, "", None), Told)
        assert scene.world.requests == []


async def test_a_deployment_of_another_repository_is_left_alone_where_one_is_named():
    async with a_scene() as scene:
        message = shown(scene.world.deploys(), "passed")

        assert isinstance(await scene.notifier.tell(message, "acme/another", None), Told)
        assert scene.world.requests == []


async def test_a_deployment_of_another_server_is_left_alone_though_its_repository_is_called_alike():
    async with a_scene() as scene:
        there = GitHubWorld(lambda: START, host="github.acme.example")

        assert isinstance(await scene.tell(there.deploys(), "passed"), Told)
        assert scene.world.requests == []


async def test_what_is_no_repository_is_told_to_whoever_wrote_it():
    async with a_scene() as scene:
        telling = await scene.notifier.tell(shown(scene.world.deploys(), "passed"), "C0RELEASES", None)

        assert isinstance(telling, Never)
        assert "OWNER/NAME" in telling.words


async def test_what_is_told_one_by_one_is_not_for_github():
    async with a_scene() as scene:
        message = replace(shown(scene.world.deploys(), "passed"), kind="append")

        assert isinstance(await scene.notifier.tell(message, "", None), Told)
        assert scene.world.requests == []


# ------------------------------------------------------------------------------------------------------- who must act


async def test_a_token_that_is_not_known_is_told_to_whoever_can_make_another():
    async with a_scene(lambda url: Settings(token=SecretStr("ghp_old"), url=url)) as scene:
        telling = await scene.tell(scene.world.deploys(), "passed")

    assert isinstance(telling, Never)
    assert "make a new one" in telling.words
    assert "ghp_old" not in telling.words


async def test_a_token_that_may_not_write_is_told_which_permission_it_lacks():
    async with a_scene(lambda url: Settings(token=SecretStr(OTHERS), url=url)) as scene:
        telling = await scene.tell(scene.world.deploys(), "passed")

    assert isinstance(telling, Never)
    assert "Deployments: write" in telling.words


async def test_a_deployment_that_is_not_there_is_told_as_that():
    async with a_scene() as scene:
        telling = await scene.tell(replace(scene.world.deploys(), id=9), "passed")

    assert isinstance(telling, Never)
    assert "deployment 9 of acme/shop: HTTP 404 (Not Found)" in telling.words


async def test_a_status_that_github_does_not_take_is_told_as_that():
    async with a_scene() as scene:
        made = scene.world.deploys()
        telling = await scene.notifier.tell(shown(made, "passed", "x" * 500), "", None)
        cut = scene.world.ours(made.id)

    assert isinstance(telling, Told)
    assert len(cut[0][1]) == 140


async def test_a_secondary_limit_is_waited_for_and_no_permission_is_blamed():
    async with a_scene() as scene:
        scene.world.secondary = 1
        telling = await scene.tell(scene.world.deploys(), "passed")

    assert isinstance(telling, Later)
    assert telling.after == timedelta(seconds=37)
    assert "permission" not in telling.words


async def test_a_limit_that_is_used_up_is_kept_until_it_is_renewed():
    async with a_scene() as scene:
        made = scene.world.deploys()
        scene.world.left = 0
        first = await scene.tell(made, "passed")
        asked = len(scene.world.requests)
        second = await scene.tell(made, "passed")
        scene.world.left = 100
        scene.clock[0] += timedelta(minutes=11)
        third = await scene.tell(made, "passed")

        assert isinstance(first, Later)
        assert first.after == timedelta(minutes=10)
        assert isinstance(second, Later)
        assert isinstance(third, Told)
        assert asked == 1
        assert scene.world.requests.count("POST /repos/acme/shop/deployments/1001/statuses") == 1


async def test_a_github_that_is_down_hears_the_end_afterwards():
    async with a_scene() as scene:
        made = scene.world.deploys()
        scene.world.down = True
        down = await scene.tell(made, "rolled_back")
        scene.world.down = False
        up = await scene.tell(made, "rolled_back")

        assert isinstance(down, Later)
        assert isinstance(up, Told)
        assert [state for state, _ in scene.world.ours(made.id)] == ["failure"]


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_no_answer_of_a_far_end_that_is_ill_breaks_it(fault):
    async with serving(FAULTS[fault]) as port, http_to_loopback(lambda: START) as http:
        made = GitHubWorld(lambda: START, host=f"127.0.0.1:{port}").deploys()
        settings = Settings(token=SecretStr(TOKEN), url=f"http://127.0.0.1:{port}", timeout=QUICK)
        async with NOTIFIERS["github"].open(settings, Opening(http, lambda: START)) as notifier:
            telling = await notifier.tell(shown(made, "passed"), "", None)

    assert isinstance(telling, Later | Never)
    assert TOKEN not in repr(telling)


@pytest.mark.parametrize("date", ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "soon", ""])
async def test_a_date_that_is_none_keeps_no_status_from_being_looked_at(date):
    head = f"HTTP/1.1 502 Bad Gateway\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n"
    async with serving(says(head.encode())) as port, http_to_loopback(lambda: START) as http:
        made = GitHubWorld(lambda: START, host=f"127.0.0.1:{port}").deploys()
        settings = Settings(token=SecretStr(TOKEN), url=f"http://127.0.0.1:{port}", timeout=QUICK)
        async with NOTIFIERS["github"].open(settings, Opening(http, lambda: START)) as notifier:
            telling = await notifier.tell(shown(made, "passed"), "", None)

    assert isinstance(telling, Later)
    assert "HTTP 502" in telling.words


async def test_an_address_that_is_not_allowed_is_never_asked():
    made = GitHubWorld(lambda: START, host="169.254.169.254").deploys()
    async with http_to_loopback(lambda: START) as http:
        settings = Settings(token=SecretStr(TOKEN), url="http://169.254.169.254")
        async with NOTIFIERS["github"].open(settings, Opening(http, lambda: START)) as notifier:
            assert isinstance(await notifier.tell(shown(made, "passed"), "", None), Never)
            assert TOKEN not in repr(notifier)
            assert TOKEN not in repr(settings)


# ------------------------------------------------------------------------------------------------------------ as an app


def a_key() -> tuple[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def as_app(private: str, **more: Any) -> Callable[[str], Settings]:
    made = App(**{"id": 4711, "installation": 5, "private_key": SecretStr(private), **more})
    return lambda url: Settings(app=made, url=url)


async def test_an_app_asks_for_one_token_an_hour():
    private, public = a_key()
    async with a_scene(as_app(private), public) as scene:
        made = scene.world.deploys()
        for state in ("watching", "passed"):
            assert isinstance(await scene.tell(made, state), Told)
        first = len(scene.world.installed)
        scene.clock[0] += timedelta(minutes=59)
        assert isinstance(await scene.tell(made, "rolled_back"), Told)

        assert first == 1
        assert len(scene.world.installed) == 2


async def test_a_token_of_an_app_that_was_withdrawn_is_asked_for_again():
    private, public = a_key()
    async with a_scene(as_app(private), public) as scene:
        made = scene.world.deploys()
        await scene.tell(made, "watching")
        scene.world.installed[0] -= timedelta(hours=2)
        refused = await scene.tell(made, "passed")
        taken = await scene.tell(made, "passed")

    assert isinstance(refused, Later)
    assert isinstance(taken, Told)


async def test_a_key_that_is_none_is_told_and_not_shown():
    async with a_scene(as_app("-----BEGIN NONSENSE-----")) as scene:
        telling = await scene.tell(scene.world.deploys(), "passed")

    assert isinstance(telling, Never)
    assert "PEM" in telling.words
    assert "NONSENSE" not in telling.words


async def test_the_key_of_another_app_is_told_as_that():
    private, _ = a_key()
    _, public = a_key()
    async with a_scene(as_app(private), public) as scene:
        telling = await scene.tell(scene.world.deploys(), "passed")

    assert isinstance(telling, Never)
    assert "the app's key" in telling.words


@pytest.mark.parametrize(
    "content",
    [{}, {"token": "x", "app": {"id": 1, "installation": 2, "private_key": "y"}}, {"url": "ftp://x"}],
)
def test_a_connection_is_by_a_token_or_by_an_app(content):
    with pytest.raises(ValidationError):
        Settings.model_validate_json(json.dumps(content))
