"""The fake is held to what Slack documents: whoever is tested with it must not be spared what the real one does."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, WSMsgType
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import (
    ADA,
    APP_TOKEN,
    BOB,
    BOT_TOKEN,
    ELSEWHERE,
    HOOK,
    ON_CALL,
    PRIVATE,
    ROOM,
    SECRET,
    SlackWorld,
    delivered,
    down,
    lost,
    press,
    rate_limited,
    refuses,
    serving_slack,
    signed,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOLD: dict[str, Any] = {
    "type": "actions",
    "block_id": "b",
    "elements": [
        {
            "type": "button",
            "action_id": "rollbackd.0",
            "text": {"type": "plain_text", "text": "Hold"},
            "value": "w_1.1.0/0",
        }
    ],
}


def section(text):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@contextlib.asynccontextmanager
async def a_slack(token=BOT_TOKEN):
    """The world, slack_sdk's own client towards it, and its sockets."""
    world = SlackWorld(lambda: NOON)
    async with serving_slack(world) as sockets, ClientSession() as session:
        client = AsyncWebClient(token, base_url=f"{world.base}/api/", session=session, retry_handlers=[])
        yield world, client, sockets


async def refused(call):
    """Slack's word for it."""
    with pytest.raises(SlackApiError) as error:
        await call
    return error.value.response["error"]


async def test_what_is_posted_stands_there_and_is_changed_by_its_channel_and_time():
    async with a_slack() as (world, client, _):
        posted = await client.chat_postMessage(channel=ROOM, text="one", blocks=[section("*one*"), HOLD])
        await client.chat_postMessage(channel=ROOM, text="reply", thread_ts=posted["ts"])
        aloud = {"thread_ts": posted["ts"], "reply_broadcast": True}
        await client.chat_postMessage(channel=ROOM, text="aloud", **aloud)
        await client.chat_update(channel=ROOM, ts=posted["ts"], text="two", blocks=[section("two")])

        assert [each.words for each in world.room()] == ["two", "aloud"]
        assert [each.words for each in world.thread(posted["ts"])] == ["reply", "aloud"]
        assert world.room()[0].buttons == []


async def test_blocks_that_an_update_does_not_send_stay():
    async with a_slack() as (world, client, _):
        posted = await client.chat_postMessage(channel=ROOM, text="one", blocks=[section("one"), HOLD])
        await client.chat_update(channel=ROOM, ts=posted["ts"], text="two")

        assert world.room()[0].words == "one"
        await client.chat_update(channel=ROOM, ts=posted["ts"], text="two", blocks=[])
        assert world.room()[0].words == "two"


@pytest.mark.parametrize(
    ("channel", "word"),
    [
        (ELSEWHERE, "not_in_channel"),
        (PRIVATE, "channel_not_found"),
        ("#releases", "channel_not_found"),
        ("C0NONE", "channel_not_found"),
    ],
)
async def test_only_channels_that_the_bot_is_in_are_written_to_and_by_their_ids(channel, word):
    async with a_slack() as (_, client, _sockets):
        assert await refused(client.chat_postMessage(channel=channel, text="x")) == word


async def test_what_an_administrator_does_is_felt():
    async with a_slack() as (world, client, _):
        world.sets(ROOM, archived=True)
        assert await refused(client.chat_postMessage(channel=ROOM, text="x")) == "is_archived"
        world.sets(ROOM, archived=False, bot=False)
        assert await refused(client.chat_postMessage(channel=ROOM, text="x")) == "not_in_channel"
        world.scopes.discard("chat:write")
        with pytest.raises(SlackApiError) as error:
            await client.chat_postMessage(channel=ROOM, text="x")
        assert error.value.response["needed"] == "chat:write"
        assert "files:write" in error.value.response["provided"]
        world.dead = "token_revoked"
        assert await refused(client.auth_test()) == "token_revoked"


async def test_tokens_are_told_apart():
    async with a_slack("xoxb-another") as (_, client, _sockets):
        assert await refused(client.auth_test()) == "invalid_auth"
    async with a_slack() as (_, client, _sockets):
        assert await refused(client.apps_connections_open(app_token=BOT_TOKEN)) == "not_allowed_token_type"
        assert "chat:write" in (await client.auth_test()).headers["X-OAuth-Scopes"]


@pytest.mark.parametrize(
    ("blocks", "word"),
    [
        ([section("x")] * 51, "invalid_blocks"),
        ([section("x" * 3001)], "invalid_blocks"),
        ([section("")], "invalid_blocks"),
        ([section("x" * 2900)] * 4, "msg_blocks_too_long"),
        ([{**HOLD, "elements": []}], "invalid_blocks"),
        ([{**HOLD, "elements": HOLD["elements"] * 2}], "invalid_blocks"),
        ([{**HOLD, "elements": [{**HOLD["elements"][0], "value": "x" * 2001}]}], "invalid_blocks"),
        ([{**HOLD, "elements": [{**HOLD["elements"][0], "action_id": "x" * 256}]}], "invalid_blocks"),
        ([HOLD, HOLD], "invalid_blocks"),
        ([{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}], "invalid_blocks"),
        ({"no": "list"}, "invalid_blocks_format"),
    ],
)
async def test_limits_are_those_of_slack(blocks, word):
    async with a_slack() as (world, client, _):
        call = client.api_call("chat.postMessage", json={"channel": ROOM, "text": "x", "blocks": blocks})

        assert await refused(call) == word
        assert world.log == []


async def test_a_text_is_at_most_40000_characters_and_metadata_are_bounded():
    async with a_slack() as (_, client, _sockets):
        assert await refused(client.chat_postMessage(channel=ROOM, text="x" * 40_001)) == "msg_too_long"
        assert await refused(client.api_call("chat.postMessage", json={"channel": ROOM})) == "no_text"
        large = {"event_type": "a", "event_payload": {"x": "y" * 9000}}
        call = client.chat_postMessage(channel=ROOM, text="x", metadata=large)
        assert await refused(call) == "metadata_too_large"


async def test_a_channel_takes_some_messages_at_once_and_then_says_when():
    async with a_slack() as (world, client, _):
        for _ in range(3):
            await client.chat_postMessage(channel=ROOM, text="x")
        with pytest.raises(SlackApiError) as error:
            await client.chat_postMessage(channel=ROOM, text="x")

        assert error.value.response.status_code == 429
        assert error.value.response.headers["Retry-After"] == "1"
        assert len(world.room()) == 3


async def test_only_own_messages_are_changed():
    async with a_slack() as (world, client, _):
        theirs = world.posts(ROOM, ADA, "hello")

        assert (
            await refused(client.chat_update(channel=ROOM, ts=theirs.ts, text="x")) == "cant_update_message"
        )
        assert await refused(client.chat_update(channel=ROOM, ts="1.1", text="x")) == "message_not_found"
        call = client.chat_update(channel="releases", ts=theirs.ts, text="x")
        assert await refused(call) == "channel_not_found"


async def test_history_is_newest_first_and_holds_metadata_only_for_who_asks():
    async with a_slack() as (world, client, _):
        metadata = {"event_type": "ours", "event_payload": {"watch": "w_1"}}
        first = await client.chat_postMessage(channel=ROOM, text="one", metadata=metadata)
        await client.chat_postMessage(channel=ROOM, text="reply", thread_ts=first["ts"], metadata=metadata)
        world.posts(ROOM, ADA, "two")

        plain = await client.conversations_history(channel=ROOM)
        told = await client.conversations_history(channel=ROOM, include_all_metadata=True)
        replies = await client.conversations_replies(channel=ROOM, ts=first["ts"], include_all_metadata=True)

        assert [each["text"] for each in plain["messages"]] == ["two", "one"]
        assert "metadata" not in plain["messages"][1]
        assert told["messages"][1]["metadata"] == metadata
        assert [each["text"] for each in replies["messages"]] == ["one", "reply"]
        world.scopes.discard("channels:history")
        assert await refused(client.conversations_history(channel=ROOM)) == "missing_scope"


async def test_a_file_is_uploaded_in_three_steps_and_its_length_is_checked():
    async with a_slack() as (world, client, _):
        parent = await client.chat_postMessage(channel=ROOM, text="x")
        await client.files_upload_v2(
            filename="a.png", content=b"\x89PNG", title="A", channel=ROOM, thread_ts=parent["ts"]
        )
        opened = await client.files_getUploadURLExternal(filename="b.png", length=5)
        async with ClientSession() as session, session.post(opened["upload_url"], data=b"1234") as answer:
            assert answer.status == 400
        call = client.files_completeUploadExternal(files=[{"id": opened["file_id"]}], channel_id=ROOM)
        assert await refused(call) == "file_not_found"

        assert [(file.title, file.content) for file in world.files] == [("A", b"\x89PNG")]
        assert world.thread(parent["ts"])[0].posted.files == tuple(world.files)


async def test_groups_and_whispers():
    async with a_slack() as (world, client, _):
        assert (await client.usergroups_users_list(usergroup=ON_CALL))["users"] == [BOB]
        assert await refused(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"
        await client.chat_postEphemeral(channel=ROOM, user=ADA, text="only you")
        assert await refused(client.chat_postEphemeral(channel=ROOM, user="U0NONE", text="x"))

        assert world.whispers == ["only you"]
        assert world.room() == []


async def test_whom_a_message_mentions_is_read_as_slack_reads_it():
    async with a_slack() as (world, client, _):
        text = f"<@{ADA}> <!subteam^{ON_CALL}> <!channel> &lt;!here&gt; @everyone <https://a.example|a>"
        await client.chat_postMessage(channel=ROOM, text="x", blocks=[section(text)])

        (message,) = world.room()
        assert message.mentions == {ADA, ON_CALL, "!channel", "!everyone"}
        assert message.words.endswith("<!here> @everyone a")


async def test_a_webhook_answers_in_plain_text():
    async with a_slack() as (world, _client, _), ClientSession() as session:

        async def sends(path, body):
            async with session.post(world.base + path, json=body) as answer:
                return answer.status, await answer.text()

        assert await sends(HOOK, {"text": "hello"}) == (200, "ok")
        assert await sends(HOOK + "x", {"text": "hello"}) == (404, "no_service")
        assert await sends(HOOK, {}) == (400, "invalid_payload")
        assert await sends(HOOK, {"blocks": [section("x" * 3001)]}) == (400, "invalid_blocks")
        world.sets(ROOM, archived=True)
        assert await sends(HOOK, {"text": "hello"}) == (410, "channel_is_archived")
        assert [each.words for each in world.room()] == ["hello"]


async def test_trouble_lasts_until_it_is_mended_or_for_one_request():
    async with a_slack() as (world, client, _):
        world.trouble = down()
        with pytest.raises(SlackApiError) as error:
            await client.auth_test()
        assert error.value.response.status_code == 503
        world.trouble = None
        world.once = [None, refuses("fatal_error"), rate_limited(7, "chat.update")]
        await client.auth_test()
        assert await refused(client.auth_test()) == "fatal_error"
        await client.auth_test()
        with pytest.raises(SlackApiError) as error:
            await client.chat_update(channel=ROOM, ts="1.1", text="x")
        assert error.value.response.headers["Retry-After"] == "7"


async def test_an_answer_that_is_lost_leaves_what_was_done():
    async with a_slack() as (world, client, _):
        world.once = [lost("chat.postMessage")]
        with pytest.raises(ClientError):
            await client.chat_postMessage(channel=ROOM, text="x")

        assert [each.words for each in world.room()] == ["x"]


# ------------------------------------------------------------------------------------------------------------- a press


async def pressed_on(world, client, label="Hold", by=ADA):
    await client.chat_postMessage(channel=ROOM, text="one", blocks=[section("one"), HOLD])
    return press(world, world.room()[-1], label, by)


async def test_a_press_is_made_of_the_button_as_it_stands_and_is_signed():
    async with a_slack() as (world, client, _):
        payload = await pressed_on(world, client)
        sent = delivered(world, payload)

        assert payload["actions"][0]["value"] == "w_1.1.0/0"
        assert (payload["user"]["id"], payload["message"]["ts"]) == (ADA, world.room()[0].ts)
        verifier = SignatureVerifier(SECRET)
        assert verifier.generate_signature(timestamp=sent.timestamp, body=sent.body) == sent.signature
        with pytest.raises(AssertionError, match="no button"):
            press(world, world.room()[0], "Roll back")


def test_the_signature_is_that_of_slacks_own_example():
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )

    assert signed(body, 1531420618).signature == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


async def test_an_answer_to_a_press_may_be_sent_five_times_for_half_an_hour():
    async with a_slack() as (world, client, _), ClientSession() as session:
        url = (await pressed_on(world, client))["response_url"]

        async def answers():
            async with session.post(url, json={"text": "only you"}) as answer:
                return answer.status

        assert [await answers() for _ in range(6)] == [200] * 5 + [404]
        assert world.whispers == ["only you"] * 5
        late = press(world, world.room()[0], "Hold")["response_url"]
        world.now = lambda: NOON + timedelta(minutes=31)
        async with session.post(late, json={"text": "late"}) as answer:
            assert answer.status == 404


# ---------------------------------------------------------------------------------------------------------- Socket Mode


@contextlib.asynccontextmanager
async def a_line(client, session):
    """A connection that has said hello."""
    opened = await client.apps_connections_open(app_token=APP_TOKEN)
    async with session.ws_connect(opened["url"]) as socket:
        assert (await socket.receive_json(timeout=2))["type"] == "hello"
        yield socket


async def test_an_envelope_comes_once_where_it_is_acknowledged():
    async with (
        a_slack() as (world, client, sockets),
        ClientSession() as session,
        a_line(client, session) as socket,
    ):
        sending = asyncio.ensure_future(sockets.deliver(await pressed_on(world, client)))
        envelope = await socket.receive_json(timeout=2)
        await socket.send_json({"envelope_id": envelope["envelope_id"]})

        assert await sending in sockets.heard
        assert envelope["payload"]["actions"][0]["action_id"] == "rollbackd.0"
        assert len(sockets.sent) == 1


async def test_what_one_connection_does_not_acknowledge_another_gets():
    async with a_slack() as (world, client, sockets), ClientSession() as session:
        world.ack_within = 0.05
        async with a_line(client, session) as deaf, a_line(client, session) as good:
            sending = asyncio.ensure_future(sockets.deliver({"type": "block_actions"}))
            first = await deaf.receive_json(timeout=2)
            second = await good.receive_json(timeout=2)
            await good.send_json({"envelope_id": second["envelope_id"]})

            assert first["envelope_id"] == second["envelope_id"] == await sending
            assert sockets.heard == {second["envelope_id"]: 1}


async def test_what_nobody_acknowledges_is_given_up():
    async with a_slack() as (world, client, sockets), ClientSession() as session:
        world.ack_within = 0.02
        async with a_line(client, session):
            envelope = await sockets.deliver({"type": "block_actions"})

        assert sockets.unheard == [envelope]
        assert len(sockets.sent) == 3


async def test_a_ticket_is_good_once_and_slack_asks_to_connect_anew():
    async with a_slack() as (_, client, sockets), ClientSession() as session:
        url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
        async with session.ws_connect(url) as socket:
            await socket.receive_json(timeout=2)
            with pytest.raises(ClientError):
                await session.ws_connect(url)
            await sockets.asks_to_reconnect()

            goodbye = json.loads((await socket.receive(timeout=2)).data)
            assert (goodbye["type"], goodbye["reason"]) == ("disconnect", "refresh_requested")
            assert (await socket.receive(timeout=2)).type is WSMsgType.CLOSE
