"""What Slack refuses is told once, in words, with what to do; and tried again as long as that can help."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from tests.fakes.faults import FAULTS, serving
from tests.fakes.serve import http_to_loopback
from tests.fakes.slack import BOT_TOKEN, ROOM, answers, down, hangs, rate_limited, refuses, slow
from tests.fakes.world import START
from tests.watcher.notify.slack.scene import a_scene, a_setting, told
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.slack.calls import LOOKING
from watcher.notify.slack.settings import LONGEST
from watcher.notify.slack.speaking import open_bot
from watcher.notify.slack.turns import APART, PATIENCE
from watcher.runtime.courier import TELL_TIMEOUT

MENDABLE = timedelta(minutes=1)


async def telling_of(*trouble, **settings):
    """What becomes of a message in *trouble*."""
    async with a_scene(**settings) as scene:
        scene.world.once = list(trouble)
        (telling,) = await scene.tell(told())
        assert BOT_TOKEN not in repr(telling)
        return telling


@pytest.mark.parametrize(
    ("word", "remedy"),
    [
        ("invalid_auth", "take a new bot token"),
        ("token_revoked", "take a new bot token"),
        ("account_inactive", "take a new bot token"),
        ("not_in_channel", "invite the bot to the channel"),
        ("channel_not_found", "name the channel by its id"),
        ("is_archived", "unarchive the channel"),
        ("restricted_action", "ask an administrator"),
        ("ekm_access_denied", "ask an administrator"),
        ("a_word_of_next_year", "docs.slack.dev"),
    ],
)
async def test_what_a_person_can_mend_is_tried_again_and_says_what_to_do(word, remedy):
    telling = await telling_of(refuses(word))

    assert isinstance(telling, Later)
    assert telling.after == MENDABLE
    assert telling.words.startswith(f"Slack says {word}")
    assert remedy in telling.words


async def test_once_it_is_mended_the_message_arrives():
    async with a_scene() as scene:
        scene.world.sets(ROOM, bot=False)
        (telling,) = await scene.tell(told())
        assert isinstance(telling, Later)
        assert "not_in_channel" in telling.words
        scene.world.sets(ROOM, bot=True)
        await scene.tell(told())

        assert scene.message.is_ours


async def test_a_scope_that_is_missing_is_named():
    async with a_scene() as scene:
        scene.world.scopes.discard("chat:write")
        (telling,) = await scene.tell(told())

        assert isinstance(telling, Later)
        assert telling.words.startswith(
            "Slack says missing_scope (chat:write): add the scope on the app's page"
        )


@pytest.mark.parametrize("seconds", [1, 37, 600])
async def test_a_limit_is_waited_for_as_long_as_slack_says(seconds):
    telling = await telling_of(rate_limited(seconds))

    assert isinstance(telling, Later)
    assert telling.after == timedelta(seconds=seconds)


@pytest.mark.parametrize("wait", ["", "soon", "-1", "99999999999", "1e3", "\u0663"])
async def test_a_limit_that_says_nothing_that_can_be_read_is_waited_for_a_little(wait):
    telling = await telling_of(
        answers(429, {"Retry-After": wait.encode("latin-1", "replace").decode("latin-1")})
    )

    assert isinstance(telling, Later)
    assert timedelta(seconds=5) <= telling.after <= timedelta(hours=1)


@pytest.mark.parametrize(
    "trouble",
    [
        down(),
        hangs(),
        slow(5.0),
        answers(200, {"Content-Type": "text/html"}, body="<html>log in</html>"),
        answers(200, {"Content-Type": "text/plain"}, body="ok"),
        answers(200, {"Content-Type": "application/json"}, body="[]"),
        answers(200, {"Content-Type": "application/json"}, body="[1]"),
        answers(200, {"Content-Type": "application/json"}, body="null"),
        answers(200, {"Content-Type": "application/json"}, body='"ok"'),
        answers(200, {"Content-Type": "application/json"}, body="{"),
        answers(200, {"Content-Type": "application/json"}, body='{"ok": true}'),
        answers(200, {"Content-Type": "application/json"}, body='{"ok": true, "channel": 1, "ts": null}'),
        answers(200, {"Content-Type": "application/json"}, body="[" * 100_000),
        answers(200, {"Content-Type": "application/gzip"}, body="x"),
        refuses("fatal_error"),
        refuses("internal_error"),
        refuses(""),
    ],
    ids=lambda trouble: f"{trouble.how} {trouble.status} {trouble.body[:40]}",
)
async def test_whatever_is_wrong_with_slack_is_told_later(trouble):
    telling = await telling_of(trouble, timeout=timedelta(seconds=0.3))

    assert isinstance(telling, Later)
    assert telling.words


@pytest.mark.parametrize("word", ["invalid_arguments", "no_text", "json_not_object"])
async def test_what_is_wrong_with_the_message_itself_never_gets_better(word):
    telling = await telling_of(refuses(word))

    assert isinstance(telling, Never)
    assert "bug of rollbackd" in telling.words


async def test_blocks_and_text_that_are_both_not_taken_are_given_up():
    telling = await telling_of(refuses("invalid_blocks"), refuses("invalid_blocks"))

    assert isinstance(telling, Never)


async def test_a_word_is_repeated_only_as_far_as_it_is_one():
    telling = await telling_of(refuses("<!channel>\\u0000 " + "x" * 500))

    assert isinstance(telling, Later)
    assert "<" not in telling.words
    assert len(telling.words) < 300


@pytest.mark.parametrize("fault", ["401", "404", "redirect"])
async def test_an_address_that_is_not_slacks_api_says_so(fault):
    async with serving(FAULTS[fault]) as port, http_to_loopback(lambda: START) as http, a_scene() as scene:
        settings = a_setting(scene.world, url=f"http://127.0.0.1:{port}/api/")
        async with open_bot(settings, Opening(http, lambda: START)) as bot:
            telling = await bot.tell(told(), ROOM, None)

    assert isinstance(telling, Never)


async def test_no_secret_is_in_what_is_logged():
    with capture_logs() as log:
        for trouble in (down(), refuses("invalid_auth"), refuses("invalid_blocks"), hangs()):
            await telling_of(trouble, timeout=timedelta(seconds=0.1))

    assert BOT_TOKEN not in repr(log)


def test_all_that_one_try_may_wait_for_is_less_than_the_courier_gives_it():
    waits = timedelta(seconds=PATIENCE + APART) + LOOKING + LONGEST

    assert waits < TELL_TIMEOUT


@pytest.mark.parametrize(
    ("trouble", "asked"),
    [
        (hangs(), ["auth.test", "chat.postMessage"]),
        (
            hangs("conversations.history", "chat.postMessage"),
            ["auth.test", "conversations.history", "chat.postMessage"],
        ),
    ],
    ids=["everything", "but who we are"],
)
async def test_where_everything_hangs_one_look_and_one_call_are_waited_for(trouble, asked):
    async with a_scene(timeout=timedelta(seconds=0.4), history=True) as scene:
        scene.world.trouble = trouble
        (telling,) = await scene.tell(told())

    assert isinstance(telling, Later)
    assert scene.world.methods() == asked


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")

    assert isinstance(await telling_of(), Told)


async def test_an_ordinary_message_is_told():
    assert isinstance(await telling_of(), Told)
