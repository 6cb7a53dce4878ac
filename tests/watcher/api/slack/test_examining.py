"""What the doctor says of how a connection hears."""

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.model import Finding, Level
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, SECRET
from tests.fakes.slack.trouble import down, refuses
from tests.watcher.api.slack.scene import NAME, Scene, a_scene
from watcher.api.slack.opening import open_ear
from watcher.telemetry.metrics import Metrics


async def said(scene: Scene, url: str | None = None, **settings: Any) -> Sequence[Finding]:
    heard = scene.settings("socket", **settings)
    async with open_ear(NAME, heard, scene.http, lambda: scene.now, Metrics()) as opened:
        return await opened.examine(url)


async def test_a_good_token_of_the_app_is_ok_and_no_connection_is_made():
    async with a_scene(by="nothing") as scene:
        (finding,) = await said(scene)

        assert (finding.level, finding.words) == (
            Level.OK,
            "Slack takes the app's token: clicks are heard by Socket Mode",
        )
        assert scene.sockets.made == 0


@pytest.mark.parametrize(
    ("token", "change", "words"),
    [
        ("xapp-another", lambda world: None, "invalid_auth"),
        (BOT_TOKEN, lambda world: None, "not_allowed_token_type"),
        (APP_TOKEN, lambda world: world.app_scopes.clear(), "missing_scope (connections:write)"),
    ],
)
async def test_a_wrong_token_of_the_app_fails_with_what_to_do(token, change, words):
    async with a_scene(by="nothing") as scene:
        change(scene.world)

        (finding,) = await said(scene, app_token=SecretStr(token))

        assert finding.level is Level.FAIL
        assert finding.words == f"clicks are not heard by Socket Mode: Slack says {words}"
        assert "app_token" in finding.remedy
        assert token not in repr(finding)


async def test_slacks_own_trouble_is_not_the_tokens():
    async with a_scene(by="nothing") as scene:
        scene.world.trouble = refuses("internal_error", "apps.connections.open")

        (finding,) = await said(scene)

        assert (finding.level, finding.remedy) == (Level.FAIL, "try again in a minute")


async def test_slack_that_is_not_reached_fails():
    async with a_scene(by="nothing") as scene:
        scene.world.trouble = down()

        (finding,) = await said(scene)

        assert finding.level is Level.FAIL
        assert finding.remedy


async def test_by_http_the_request_url_is_told():
    async with a_scene(by="nothing") as scene:
        by_http = {"app_token": None, "signing_secret": SecretStr(SECRET)}

        (finding,) = await said(scene, "https://rollbackd.example/", **by_http)
        (warning,) = await said(scene, None, **by_http)

        assert finding.level is Level.OK
        assert "https://rollbackd.example/v1/slack/slack" in finding.words
        assert warning.level is Level.WARN
        assert scene.world.methods() == []


async def test_what_cannot_be_a_signing_secret_is_said_and_not_repeated():
    async with a_scene(by="nothing") as scene:
        findings = await said(
            scene, "https://rollbackd.example", app_token=None, signing_secret=SecretStr(BOT_TOKEN)
        )

        assert [each.level for each in findings] == [Level.WARN, Level.OK]
        assert BOT_TOKEN not in str(findings)
