"""What `rollbackd doctor` says of a connection to Slack: before it is needed."""

from datetime import timedelta

import pytest
from pydantic import SecretStr

from deploy.model import Level
from tests.builders import NOON
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, ELSEWHERE, PRIVATE, ROOM, answers, down, hangs, refuses
from tests.watcher.notify.slack.scene import a_scene
from watcher.commands._doctor.notifiers import Examined

OK, WARN, FAIL = Level.OK, Level.WARN, Level.FAIL


async def found(*channels, world=lambda world: None, **settings):
    """What is found, as level and words, and what to do."""
    async with a_scene(**settings) as scene:
        world(scene.world)
        assert isinstance(scene.bot, Examined)
        findings = await scene.bot.examine(channels)
        assert BOT_TOKEN not in repr(findings)
        assert scene.world.log == []
        return [(each.level, each.words, each.remedy) for each in findings if "clock" not in each.words]


async def test_where_all_is_well_it_says_who_we_are_and_what_may_be_done():
    (who, scopes, channel) = await found(ROOM)

    assert who == (OK, "we are rollbackd in the workspace Shop (T0SHOP)", "")
    assert scopes[:2] == (
        OK,
        "the token has the scopes it needs: chat:write, files:write, usergroups:read",
    )
    assert channel[:2] == (OK, "the bot is in #releases (C0ROOM)")


async def test_a_token_that_is_not_taken_is_all_there_is_to_say():
    (only,) = await found(ROOM, world=lambda world: setattr(world, "dead", "token_revoked"))

    assert only[:2] == (FAIL, "the bot's token: Slack says token_revoked")
    assert only[2].startswith("take a new bot token")


async def test_another_workspace_is_a_mistake():
    (who, *_) = await found(workspace="T0OTHER")

    assert who[0] is FAIL
    assert "of the workspace Shop (T0SHOP), and people of T0OTHER are to be heard" in who[1]


@pytest.mark.parametrize(
    ("scope", "level"),
    [("chat:write", FAIL), ("files:write", WARN), ("usergroups:read", WARN), ("groups:history", WARN)],
)
async def test_a_scope_that_is_missing_is_named_with_what_it_is_for(scope, level):
    findings = await found(history=True, world=lambda world: world.scopes.discard(scope))

    assert [(each[0], each[1].partition(", for")[0]) for each in findings[1:]] == [
        (level, f"the token lacks the scope {scope}")
    ]


@pytest.mark.parametrize(
    ("channel", "change", "level", "words"),
    [
        (ELSEWHERE, {}, FAIL, "the bot is not in #random (C0ELSEWHERE)"),
        (PRIVATE, {}, FAIL, "C0PRIVATE: Slack says channel_not_found"),
        ("#releases", {}, FAIL, "'#releases' is no channel's id"),
        (ROOM, {"archived": True}, FAIL, "#releases (C0ROOM) is archived"),
        (ROOM, {"bot": False}, FAIL, "the bot is not in #releases (C0ROOM)"),
    ],
)
async def test_a_channel_that_cannot_be_told_is_named_with_what_to_do(channel, change, level, words):
    def changed(world):
        if change:
            world.sets(channel, **change)

    *_, last = await found(channel, world=changed)

    assert last[0] is level
    assert last[1].startswith(words)
    assert last[2]


async def test_a_channel_that_may_not_be_looked_at_is_a_warning():
    *_, last = await found(ROOM, world=lambda world: world.scopes.discard("channels:read"))

    assert last[0] is WARN
    assert "cannot be seen without the scope channels:read" in last[1]


async def test_the_channel_of_the_connection_is_looked_at_too():
    *_, last = await found(channel=ROOM)

    assert last[1] == "the bot is in #releases (C0ROOM)"


async def test_a_channel_about_which_nobody_answers_is_told_as_that():
    def hangs_there(world):
        world.trouble = hangs("conversations.info")

    *_, last = await found(ROOM, world=hangs_there, timeout=timedelta(seconds=0.2))

    assert last[0] is FAIL
    assert "no complete answer within 0.2 s" in last[1]


async def test_the_token_of_socket_mode_is_left_to_who_hears_by_it():
    async with a_scene(app_token=SecretStr(APP_TOKEN)) as scene:
        await scene.bot.examine([ROOM])  # type: ignore[attr-defined]

        assert scene.world.methods() == ["auth.test", "conversations.info"]


async def test_scopes_that_are_not_told_are_a_warning():
    body = '{"ok": true, "user": "rollbackd", "team": "Shop", "team_id": "T0SHOP"}'
    silent = answers(200, {"Content-Type": "application/json"}, body=body)

    _, scopes = await found(world=lambda world: setattr(world, "trouble", silent))

    assert scopes[:2] == (WARN, "Slack does not tell the scopes of the token")


@pytest.mark.parametrize("trouble", [down(), refuses("fatal_error"), hangs()], ids=["down", "ill", "silent"])
async def test_a_slack_that_is_down_is_told_as_that(trouble):
    ill = {"world": lambda world: setattr(world, "trouble", trouble), "timeout": timedelta(seconds=0.3)}
    ((level, words, _),) = await found(ROOM, **ill)

    assert level is FAIL
    assert words.startswith("the bot's token: ")


async def test_a_clock_that_is_wrong_is_told_because_clicks_are_believed_by_it():
    async with a_scene(now=NOON - timedelta(days=365)) as scene:
        findings = await scene.bot.examine([])  # type: ignore[attr-defined]

    (clock,) = [each for each in findings if "clock" in each.words]
    assert clock.level is WARN
    assert "behind Slack's" in clock.words
