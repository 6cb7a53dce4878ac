"""Slack is answered in time and an order is lost in silence never: what was not done is told to whoever pressed."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.fakes.slack import ADA, Delivery, delivered, press
from tests.fakes.slack.trouble import Trouble, down, hangs, refuses, slow
from tests.watcher.api.slack.scene import BACK, HOLD, QUICK, Replica, Scene, a_scene, until
from watcher.api.slack.ear import WAITING
from watcher.core.watch import State
from watcher.errors import StoreUnavailable
from watcher.store.store import Store

HURRIED = replace(QUICK, patience=0.2, finishing=0.2, goodbye=1.0)
DONE = "“Roll back to v42”: done, by your word."


@dataclass
class Behind:
    """A store, of which one operation waits or fails first."""

    store: Store
    operation: str = "save"
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    begun: int = 0

    def has_begun(self, many: int) -> bool:
        return self.begun == many

    def __getattr__(self, name: str) -> Any:
        if name != self.operation:
            return getattr(self.store, name)

        async def waits(*arguments: Any, **named: Any) -> Any:
            self.begun += 1
            await self.opened.wait()
            if self.error is not None:
                raise self.error
            return await getattr(self.store, name)(*arguments, **named)

        return waits


async def behind(scene: Scene, pace: Any = HURRIED, **how: Any) -> tuple[Replica, Any]:
    """A replica whose store is slow, and that store."""
    store: Any = Behind(scene.store, **how)
    return await scene.hears(store, pace=pace), store


async def timed(replica: Replica, delivery: Delivery) -> tuple[int, float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    answer = await replica.sent(delivery)
    return answer.status, loop.time() - began


async def test_slack_is_answered_within_three_seconds_though_the_store_is_slow_and_the_order_follows():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        replica, store = await behind(scene, QUICK)  # with the patience of the daemon

        status, seconds = await timed(replica, scene.pressed())

        assert status == 200
        assert 1.9 < seconds < 3.0
        assert scene.world.whispers == []
        store.opened.set()
        assert await scene.whispered() == [DONE]
        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_an_order_that_is_done_is_answered_at_once():
    async with a_scene() as scene:
        await scene.offers()

        status, seconds = await timed(scene.replica, scene.pressed())

        assert status == 200
        assert seconds < QUICK.patience  # and not when its time is up


async def test_an_order_that_takes_too_long_is_given_up_and_said_to_be_unknown():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        replica, store = await behind(scene, replace(HURRIED, longest=0.3))

        await replica.sent(scene.pressed())

        (words,) = await scene.whispered()
        assert "not known whether this was done" in words
        assert replica.count("failed") == 1
        store.opened.set()
        await replica.sent(scene.pressed())  # to press again is safe
        assert (await scene.whispered(2))[1] == DONE


async def test_a_bug_is_said_reported_and_makes_nobody_deaf():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        replica, store = await behind(scene, error=RuntimeError("xoxb-of-rollbackd"))
        store.opened.set()

        with capture_logs() as log:
            await replica.sent(scene.pressed())

        (words,) = await scene.whispered()
        assert [line["event"] for line in log if line["log_level"] == "error"] == ["slack.click_failed"]
        assert "rollbackd made a mistake" in words
        assert "RuntimeError" not in words
        assert [str(bug) for bug in replica.bugs] == ["xoxb-of-rollbackd"]
        replica.bugs.clear()
        store.error = None
        await replica.sent(scene.pressed())
        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_without_the_store_nothing_is_done_and_the_same_button_is_good_afterwards():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        replica, store = await behind(scene, error=StoreUnavailable("the disk is gone", remedy="mend it"))
        store.opened.set()

        await replica.sent(scene.pressed())
        store.error = None
        await replica.sent(scene.pressed())

        refused, done = await scene.whispered(2)
        assert "cannot read or write its store now; nothing was changed" in refused
        assert done == DONE
        assert (await scene.watch()).state is State.ROLLING_BACK


# ----------------------------------------------------------------------------------------------------- too many, the end


async def test_when_the_daemon_ends_what_is_in_hand_is_finished():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        replica, store = await behind(scene)
        await replica.sent(scene.pressed())

        replica.stop.set()
        await until(lambda: replica.ear.closed)
        store.opened.set()
        await replica.ends()

        assert scene.world.whispers == [DONE]
        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_when_the_daemon_ends_what_cannot_be_finished_is_said_to_whoever_pressed():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        replica, store = await behind(scene, operation="message")
        for number in range(6):
            scene.now += timedelta(seconds=1)
            await replica.sent(scene.pressed())
            await until(partial(store.has_begun, min(number + 1, 4)))

        await replica.ends()

        begun = [words for words in scene.world.whispers if "not known whether this was done" in words]
        waiting = [words for words in scene.world.whispers if words.startswith("This was not done")]
        assert (len(begun), len(waiting)) == (4, 2)
        assert (await scene.watch()).state is State.WATCHING


async def test_a_daemon_that_ends_takes_nothing_more_and_says_so():
    async with a_scene() as scene:
        await scene.offers()
        await scene.replica.ends()

        answer = await scene.replica.sent(scene.pressed())

        assert (answer.status, answer.headers["Retry-After"]) == (503, "6")
        assert "the daemon is ending" in answer.json["detail"]
        other = await scene.hears()
        assert (await other.sent(scene.pressed())).status == 200
        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_more_clicks_than_there_is_room_for_are_refused_and_can_be_pressed_again():
    async with a_scene(by="nothing") as scene:
        standing = await scene.offers()
        replica, store = await behind(scene, replace(HURRIED, patience=0.01), operation="message")
        every = [delivered(scene.world, press(scene.world, standing, BACK.label)) for _ in range(WAITING + 6)]

        answers = [(await replica.sent(each)).status for each in every]

        assert answers == [200] * (WAITING + 4) + [503] * 2
        assert replica.count("crowded") == 2
        store.opened.set()
        await until(replica.ear.clicks.empty)
        assert (await replica.sent(every[-1])).status == 200
        await until(lambda: replica.count("obeyed") + replica.count("repeated") == WAITING + 5)
        assert (await scene.watch()).revision == 3


# ---------------------------------------------------------------------------------------------------------- the way back


@pytest.mark.parametrize(
    "trouble", [down("response"), refuses("expired_url", "response"), slow(0.0, "response")]
)
async def test_whoever_pressed_is_answered_by_either_way(trouble):
    async with a_scene() as scene:
        await scene.offers()
        scene.world.trouble = replace(trouble, status=404) if trouble.body else trouble

        await scene.replica.sent(scene.pressed())

        assert await scene.whispered() == [DONE]
        asked = scene.world.methods()
        assert ("chat.postEphemeral" in asked) is bool(trouble.body)


async def test_an_answer_needs_no_scope_and_no_seat_in_the_channel():
    async with a_scene() as scene:
        await scene.offers()
        scene.world.scopes.clear()
        scene.world.sets("C0ROOM", bot=False)

        await scene.replica.sent(scene.pressed())

        assert await scene.whispered() == [DONE]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://169.254.169.254/latest/meta-data",
        "https://hooks.slack.com.evil.example/actions/1",
        "https://hooks.slack.com@evil.example/actions/1",
        "http://hooks.slack.com/actions/1",
        "http://127.0.0.1:9/actions/1",
        "file:///etc/passwd",
        "https://[/",
    ],
)
async def test_an_answer_goes_to_slack_and_nowhere_else(url):
    async with a_scene() as scene:
        standing = await scene.offers()
        payload = {**press(scene.world, standing, BACK.label), "response_url": url}

        with capture_logs() as log:
            await scene.replica.sent(delivered(scene.world, payload))
            await scene.whispered()

        assert [line["event"] for line in log] == [
            "slack.click_obeyed"
        ]  # nobody was asked there, so nobody failed
        assert scene.world.methods()[-1] == "chat.postEphemeral"


@pytest.mark.parametrize(
    "trouble", [down(), refuses("token_revoked"), replace(down(), status=200), hangs()], ids=str
)
async def test_slack_down_changes_nothing_of_the_order(trouble: Trouble):
    async with a_scene() as scene:
        await scene.offers(HOLD)
        delivery = scene.pressed(HOLD.label)
        scene.world.trouble = trouble

        status, seconds = await timed(scene.replica, delivery)

        assert status == 200
        assert seconds < QUICK.patience
        assert (await scene.watch()).state is State.HELD


async def test_slack_that_takes_no_answers_holds_up_no_order():
    async with a_scene() as scene:
        standing = await scene.offers(HOLD)
        presses = [delivered(scene.world, press(scene.world, standing, HOLD.label)) for _ in range(20)]
        scene.world.trouble = hangs("response", "chat.postEphemeral")

        for each in presses:
            status, seconds = await timed(scene.replica, each)
            assert status == 200
            assert seconds < QUICK.patience

        assert scene.replica.count("obeyed") == 1
        assert scene.replica.count("repeated") == 19


async def test_what_people_are_told_mentions_nobody():
    async with a_scene(may=("slack:<!channel>", "slack:U0BOB")) as scene:
        await scene.offers()

        await scene.replica.sent(scene.pressed(by=ADA))

        (words,) = await scene.whispered()
        assert "&lt;!channel&gt;" in words
        assert "<" not in words
