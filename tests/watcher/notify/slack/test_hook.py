"""By an incoming webhook: what a thread would tell, with commands in place of buttons, in one channel."""

import contextlib
from datetime import timedelta

import pytest
from pydantic import SecretStr

from tests.builders import NOON
from tests.fakes.serve import http_to_loopback
from tests.fakes.slack import HOOK, ROOM, SlackWorld, answers, down, hangs, rate_limited, serving_slack
from tests.watcher.notify.slack.scene import told
from watcher.core.wording import Event
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.slack.connection import KIND
from watcher.notify.slack.settings import Settings


@contextlib.asynccontextmanager
async def a_hook(path=HOOK):
    world = SlackWorld(lambda: NOON)
    async with serving_slack(world), http_to_loopback(lambda: NOON) as http:
        settings = Settings(webhook=SecretStr(world.base + path), timeout=timedelta(seconds=0.3))
        async with KIND.open(settings, Opening(http, lambda: NOON, public_url="https://r.example")) as hook:
            yield world, hook


async def telling_of(*trouble, path=HOOK):
    async with a_hook(path) as (world, hook):
        world.once = list(trouble)
        return await hook.tell(told(kind="append"), "", None)


async def test_each_step_is_told_once_with_the_commands_that_can_be_typed():
    async with a_hook() as (world, hook):
        await hook.tell(told(), "", None)
        await hook.tell(told(kind="append"), "", None)

        (message,) = world.room()
        assert message.buttons == []
        assert message.mentions == set()
        assert "Roll back now to v42: `rollbackd rollback w_1`" in message.words
        assert "fails 5.2 % of requests" in message.text


async def test_what_is_only_shown_elsewhere_is_told_here():
    async with a_hook() as (world, hook):
        for event in (Event.OPENED, Event.WENT_BACK, Event.SUPERSEDED):
            await hook.tell(told(event), "", None)

        assert len(world.room()) == 3


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"archived": True}, "unarchive it"),
        ({"read_only": True}, "an administrator forbids it"),
    ],
)
async def test_what_a_person_can_mend_is_tried_again_and_says_what_to_do(change, remedy):
    async with a_hook() as (world, hook):
        world.sets(ROOM, **change)
        telling = await hook.tell(told(kind="append"), "", None)

        assert isinstance(telling, Later)
        assert remedy in telling.words


async def test_a_webhook_that_was_removed_is_to_be_made_anew():
    telling = await telling_of(path=HOOK + "x")

    assert isinstance(telling, Later)
    assert "make a new one on the app's page" in telling.words


async def test_an_address_that_is_not_slacks_is_never_told_and_its_path_is_not_repeated():
    telling = await telling_of(answers(404, {"Content-Type": "text/plain"}, body=f"cannot POST {HOOK}"))

    assert isinstance(telling, Never)
    assert "it-is-a-secret" not in telling.words
    assert "is `webhook` the URL that Slack gave out?" in telling.words


async def test_an_answer_that_is_not_slacks_is_not_taken_for_told():
    telling = await telling_of(answers(200, {"Content-Type": "text/html"}, body="<html>log in</html>"))

    assert isinstance(telling, Later)
    assert "not an answer of Slack's" in telling.words


async def test_blocks_that_are_not_taken_are_left_out():
    async with a_hook() as (world, hook):
        world.once = [answers(400, {"Content-Type": "text/plain"}, body="invalid_blocks")]
        telling = await hook.tell(told(kind="append"), "", None)

        assert isinstance(telling, Told)
        (message,) = world.room()
        assert not message.blocks
        assert "`rollbackd rollback w_1`" in message.text


@pytest.mark.parametrize("trouble", [down(), hangs(), rate_limited(9)], ids=["down", "hangs", "limited"])
async def test_a_slack_that_is_ill_is_told_later(trouble):
    assert isinstance(await telling_of(trouble), Later)


async def test_a_limit_is_waited_for_as_long_as_slack_says():
    telling = await telling_of(rate_limited(42))

    assert isinstance(telling, Later)
    assert telling.after == timedelta(seconds=42)
