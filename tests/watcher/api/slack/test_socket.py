"""Socket Mode: a click is acknowledged once it is done, no connection is missed, and Slack's troubles are said once."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.fakes.serve import serving_app
from tests.fakes.slack import ADA, APP, press
from tests.fakes.slack.trouble import answers, down, rate_limited, refuses, slow
from tests.watcher.api.slack.scene import BACK, HOLD, NAME, QUICK, Replica, Scene, a_scene, until
from tests.watcher.api.slack.test_answers import DONE, Behind
from tests.watcher.api.slack.test_once import orders
from watcher.api.slack.ear import WAITING
from watcher.api.slack.socket import is_as_safe
from watcher.core.watch import State

OPEN = "apps.connections.open"


def payload(scene: Scene, label: str = BACK.label, by: str = ADA) -> dict[str, Any]:
    return press(scene.world, scene.world.room()[0], label, by)


def is_connected(replica: Replica) -> bool:
    return metric(replica, "connected") == 1


def metric(replica: Replica, name: str) -> float | None:
    full = {"connected": "rollbackd_slack_socket_connected", "lost": "rollbackd_slack_socket_failures_total"}
    return replica.daemon.metrics.registry.get_sample_value(full[name], {"connection": NAME})


def has_asked(scene: Scene, times: int) -> bool:
    return scene.world.methods().count(OPEN) >= times


def events(log: Sequence[Any], level: str) -> list[str]:
    return [line["event"] for line in log if line["log_level"] == level]


async def test_a_click_is_obeyed_acknowledged_and_answered():
    async with a_scene(by="socket") as scene:
        await scene.offers()

        envelope = await scene.sockets.deliver(payload(scene))

        assert envelope in scene.sockets.heard
        assert scene.sockets.acks == [{"envelope_id": envelope}]
        assert (await scene.watch()).state is State.ROLLING_BACK
        assert await scene.whispered() == [DONE]
        assert scene.replica.ear.app == APP
        assert is_connected(scene.replica)


async def test_the_button_of_another_app_is_known_by_what_slack_said_at_the_beginning():
    async with a_scene(by="socket") as scene:
        await scene.offers()
        other = payload(scene) | {"api_app_id": "A0OTHER"}
        other["message"] = {**other["message"], "app_id": "A0OTHER"}

        await scene.sockets.deliver(other)

        (words,) = await scene.whispered()
        assert "of another app" in words
        assert (await scene.watch()).state is State.WATCHING


async def test_a_click_is_acknowledged_in_time_though_the_store_is_slow_and_the_order_follows():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        store: Any = Behind(scene.store)
        await scene.hears(store, by="socket", pace=replace(QUICK, patience=0.2))
        await scene.sockets.connected()

        envelope = await scene.sockets.deliver(payload(scene))

        assert [each for each, _ in scene.sockets.sent] == [envelope]  # once
        assert scene.world.whispers == []
        store.opened.set()
        assert await scene.whispered() == [DONE]


async def test_a_click_that_comes_again_while_it_is_carried_out_is_one_click():
    async with a_scene(by="nothing") as scene:
        await scene.offers(HOLD)
        store: Any = Behind(scene.store)
        await scene.hears(store, by="socket")
        await scene.sockets.connected()
        scene.world.ack_within = 0.1

        async with asyncio.TaskGroup() as tasks:
            delivering = tasks.create_task(scene.sockets.deliver(payload(scene, HOLD.label)))
            await until(lambda: len(scene.sockets.sent) == 2)
            store.opened.set()

        assert delivering.result() in scene.sockets.heard
        assert len(await scene.whispered()) == 1
        assert len(await orders(scene)) == 1


async def test_a_click_that_slack_gives_to_another_replica_too_is_obeyed_once():
    async with a_scene(by="nothing") as scene:
        await scene.offers(HOLD)
        stores: list[Any] = [Behind(scene.store), Behind(scene.store)]
        for store in stores:
            await scene.hears(store, by="socket")
        await scene.sockets.connected(2)
        scene.world.ack_within = 0.2

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(scene.sockets.deliver(payload(scene, HOLD.label)))
            await until(lambda: all(store.begun for store in stores))
            for store in stores:
                store.opened.set()

        assert len(await scene.whispered(2)) == 2
        assert len(await orders(scene)) == 1
        assert (await scene.watch()).revision == 3


async def test_what_finds_no_room_is_not_acknowledged_so_that_slack_gives_it_to_another():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        store: Any = Behind(scene.store, operation="message")
        full = await scene.hears(store, by="socket", pace=replace(QUICK, patience=0.01))
        await scene.sockets.connected()
        for _ in range(WAITING + 4):
            await scene.sockets.deliver(payload(scene))
        scene.world.ack_within = 0.3
        other = await scene.hears(by="socket")
        await scene.sockets.connected(2)

        for _ in range(2):  # whichever of both Slack asks first
            envelope = await scene.sockets.deliver(payload(scene))
            assert scene.sockets.heard[envelope] == 1

        assert full.count("crowded") >= 1
        assert other.count("obeyed") == 1
        store.opened.set()


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "null",
        "hello",
        '{"type": "interactive"}',
        '{"type": "interactive", "envelope_id": 7}',
        "[" * 20_000,
        "9" * 5000,
    ],
)
async def test_what_makes_no_sense_is_passed_over(said):
    async with a_scene(by="socket") as scene:
        await scene.offers()

        await scene.sockets.says(said)
        await scene.sockets.deliver(payload(scene))

        assert (await scene.watch()).state is State.ROLLING_BACK
        assert scene.sockets.made == 1


@pytest.mark.parametrize("kind", ["events_api", "slash_commands", "interactive"])
async def test_what_nobody_asked_for_is_acknowledged_and_ignored(kind):
    async with a_scene(by="socket") as scene:
        await scene.offers()

        for told in ({"type": "event_callback"}, {"type": "block_actions", "message": {}}):
            assert await scene.sockets.deliver(told, kind) in scene.sockets.heard

        assert (await scene.watch()).state is State.WATCHING
        assert scene.world.whispers == []


# ------------------------------------------------------------------------------------------------------- the connections


async def test_where_slack_will_close_a_connection_the_next_one_is_there_first():
    async with a_scene(by="socket") as scene:
        await scene.offers(HOLD, BACK)
        (first,) = scene.sockets.connections.values()

        await scene.sockets.asks_to_reconnect("warning")
        await scene.sockets.connected(2)

        for label in (HOLD.label, BACK.label):  # one over each
            assert await scene.sockets.deliver(payload(scene, label)) in scene.sockets.heard
        assert set(scene.sockets.heard.values()) == {0, 1}
        assert (await scene.watch()).state is not State.WATCHING
        await first.close()
        await until(lambda: len(scene.sockets.connections) == 1)
        assert is_connected(scene.replica)
        assert scene.sockets.made == 2


async def test_an_old_connection_that_slack_does_not_close_is_left_after_a_while():
    async with a_scene(by="socket", pace=replace(QUICK, beside=0.1)) as scene:
        await scene.sockets.asks_to_reconnect("warning")
        await scene.sockets.connected(2)

        await until(lambda: len(scene.sockets.connections) == 1)

        assert is_connected(scene.replica)


@pytest.mark.parametrize("how", ["refresh_requested", "cut"])
async def test_a_connection_that_ends_is_made_again(how):
    async with a_scene(by="socket") as scene:
        await scene.offers()

        await (scene.sockets.cut() if how == "cut" else scene.sockets.asks_to_reconnect(how))
        await until(lambda: scene.sockets.made == 2 and len(scene.sockets.connections) == 1)

        await scene.sockets.deliver(payload(scene))
        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_a_daemon_that_ends_says_goodbye_and_leaves_nothing_behind():
    before = asyncio.all_tasks()
    async with a_scene(by="socket") as scene:
        async with asyncio.timeout(2):
            await scene.replica.ends()

        await until(lambda: not scene.sockets.connections)
        assert metric(scene.replica, "connected") == 0
        assert metric(scene.replica, "lost") == 0
    assert asyncio.all_tasks() == before


async def test_what_is_in_hand_at_the_end_is_acknowledged_by_another_replica():
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        store: Any = Behind(scene.store)
        ending = await scene.hears(store, by="socket", pace=replace(QUICK, finishing=0.1))
        await scene.sockets.connected()
        scene.world.ack_within = 0.5

        async with asyncio.TaskGroup() as tasks:
            delivering = tasks.create_task(scene.sockets.deliver(payload(scene)))
            await until(lambda: store.begun)
            await ending.ends()
            other = await scene.hears(by="socket")

        assert delivering.result() in scene.sockets.heard
        assert other.count("obeyed") == 1
        assert (await scene.watch()).state is State.ROLLING_BACK


# ------------------------------------------------------------------------------------------------------ Slack's troubles


@pytest.mark.parametrize(
    "trouble",
    [
        down(OPEN),
        refuses("internal_error", OPEN),
        rate_limited(1, OPEN),
        slow(0.0, OPEN),
        replace(down(OPEN), status=200),
        answers(200, {"Content-Type": "application/json"}, OPEN, body="[]"),
        answers(200, {"Content-Type": "application/json"}, OPEN, body='{"ok": true}'),
        answers(
            200, {"Content-Type": "application/json"}, OPEN, body='{"ok": true, "url": "ws://127.0.0.1:9/"}'
        ),
        answers(
            200, {"Content-Type": "application/json"}, OPEN, body='{"ok": true, "url": "ws://10.0.0.1/"}'
        ),
        answers(302, {"Location": "http://169.254.169.254/"}, OPEN),
    ],
    ids=str,
)
async def test_slack_down_at_the_start_is_said_once_and_keeps_nobody_from_starting(trouble):
    async with a_scene(by="nothing") as scene:
        await scene.offers()
        scene.world.trouble = trouble
        with capture_logs() as log:
            replica = await scene.hears(by="socket")
            tries = 1 if trouble.how == "slow" else 4
            await until(lambda: scene.world.methods().count(OPEN) >= tries)
            assert (await replica.posted(b"", {}, "/livez")).status == 405  # the API answers

            scene.world.trouble = None
            await until(lambda: is_connected(replica))

        told = [event for event in events(log, "warning") if event.startswith("slack.")]
        assert told == ([] if tries == 1 else ["slack.socket_lost"])
        assert events(log, "error") == []
        assert metric(replica, "lost") == (0 if tries == 1 else scene.world.methods().count(OPEN) - 1)
        assert "ticket=" not in str(log)
        await scene.sockets.deliver(payload(scene))
        assert (await scene.watch()).state is State.ROLLING_BACK


@pytest.mark.parametrize(
    "word", ["invalid_auth", "not_allowed_token_type", "missing_scope", "token_revoked", "access_denied"]
)
async def test_a_token_that_is_wrong_is_said_loudly_once_and_is_no_storm(word):
    async with a_scene(by="nothing") as scene:
        scene.world.trouble = refuses(word, OPEN)
        with capture_logs() as log:
            replica = await scene.hears(by="socket", pace=replace(QUICK, hopeless=0.2))
            loop = asyncio.get_running_loop()
            began = loop.time()
            await until(lambda: scene.world.methods().count(OPEN) == 3)
            assert loop.time() - began > 0.35
            scene.world.trouble = None
            await until(lambda: is_connected(replica))

        (line,) = [line for line in log if line["log_level"] in {"error", "warning"}]
        assert (line["event"], line["log_level"]) == ("slack.socket_refused", "error")
        assert word in line["words"]
        assert "app_token" in line["remedy"]
        assert "xapp-" not in str(log).replace("xapp-…", "")


async def test_socket_mode_that_is_switched_off_is_said_loudly():
    async with a_scene(by="socket") as scene:
        with capture_logs() as log:
            await scene.sockets.asks_to_reconnect("link_disabled")
            await until(lambda: events(log, "error"))

        assert events(log, "error") == ["slack.socket_refused"]


async def test_a_trouble_of_another_kind_is_said_anew():
    async with a_scene(by="nothing") as scene:
        with capture_logs() as log:
            for trouble in (down(OPEN), refuses("internal_error", OPEN)):
                scene.world.trouble = trouble
                if not scene.replicas:
                    await scene.hears(by="socket")
                await until(partial(has_asked, scene, scene.world.methods().count(OPEN) + 3))

        assert events(log, "warning") == ["slack.socket_lost"] * 2


Serve = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def another_link(scene: Scene, serve: Serve, **how: Any) -> AsyncIterator[None]:
    """The next connection that Slack names leads to a server of the test's own."""

    async def handle(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(**how)
        await socket.prepare(request)
        await serve(socket)
        return socket

    app = web.Application()
    app.router.add_get("/link/", handle)
    async with serving_app(app) as port:
        named = {"ok": True, "url": f"ws://127.0.0.1:{port}/link/"}
        scene.world.once = [answers(200, {"Content-Type": "application/json"}, OPEN, body=json.dumps(named))]
        yield


async def test_a_connection_that_slack_does_not_say_hello_on_is_given_up():
    async def is_silent(socket: web.WebSocketResponse) -> None:
        await socket.receive()

    async with a_scene(by="nothing") as scene, another_link(scene, is_silent):
        with capture_logs() as log:
            replica = await scene.hears(by="socket", pace=replace(QUICK, hello=0.2))
            await scene.sockets.connected()
            await until(lambda: is_connected(replica))

        (line,) = [line for line in log if line["event"] == "slack.socket_lost"]
        assert line["words"] == "Slack did not say hello within 0.2 s"


async def test_a_connection_that_answers_no_ping_is_given_up():
    black = asyncio.Event()

    async def says_hello_and_is_cut_off(socket: web.WebSocketResponse) -> None:
        await socket.send_json({"type": "hello"})
        await black.wait()  # it reads nothing any more, and closes nothing

    async with a_scene(by="nothing") as scene, another_link(scene, says_hello_and_is_cut_off, autoping=False):
        with capture_logs() as log:
            replica = await scene.hears(by="socket")
            await until(lambda: is_connected(replica))
            await scene.sockets.connected()
            await until(lambda: is_connected(replica))

        (line,) = [line for line in log if line["event"] == "slack.socket_lost"]
        assert line["words"] == "the connection broke off"
        black.set()


@pytest.mark.parametrize(
    "first",
    [{"type": "disconnect", "reason": "too_many_websockets"}, {"type": "interactive"}, {"type": None}],
)
async def test_another_first_word_is_no_connection(first):
    async def says(socket: web.WebSocketResponse) -> None:
        await socket.send_json(first)
        await socket.receive()

    async with a_scene(by="nothing") as scene, another_link(scene, says):
        replica = await scene.hears(by="socket")
        await scene.sockets.connected()
        await until(lambda: is_connected(replica))

        assert metric(replica, "lost") == 1


@pytest.mark.parametrize("named", ["", ', "url": "http://127.0.0.1:9/link/"'], ids=["none", "no socket"])
async def test_what_is_no_connection_is_not_made(named):
    async with a_scene(by="nothing") as scene:
        body = f'{{"ok": true{named}}}'
        scene.world.trouble = answers(200, {"Content-Type": "application/json"}, OPEN, body=body)
        with capture_logs() as log:
            await scene.hears(by="socket")
            await until(lambda: events(log, "warning"))

        (line,) = [line for line in log if line["event"] == "slack.socket_lost"]
        assert line["words"] == "Slack names no connection, or one that is not encrypted"


def test_what_is_asked_for_over_tls_is_not_heard_without():
    assert is_as_safe("wss://wss-primary.slack.com/link/?ticket=1", "https://slack.com/api/")
    assert not is_as_safe("ws://wss-primary.slack.com/link/?ticket=1", "https://slack.com/api/")
    assert not is_as_safe("None", "http://127.0.0.1/api/")
    assert is_as_safe("ws://127.0.0.1/link/", "http://127.0.0.1/api/")
