"""The bot, towards a server that answers as Slack does: 200, and ``ok`` or not."""

import contextlib
from datetime import timedelta

from aiohttp import web
from pydantic import SecretStr

from tests.contract.notifier_contract import a_message
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.notify.notifier import Later, Opening, Told
from watcher.notify.slack.connection import KIND
from watcher.notify.slack.settings import Settings


@contextlib.asynccontextmanager
async def a_bot(answers=()):
    """The bot, and what Slack got: method and body."""
    got, due = [], list(answers)

    async def handle(request):
        got.append((request.path.rpartition("/")[2], await request.json()))
        answer = due.pop(0) if due else {"ok": True, "channel": "C0ROOM", "ts": "1.5"}
        return web.json_response(answer)

    app = web.Application()
    app.router.add_post("/api/{method}", handle)
    async with serving_app(app) as port, http_to_loopback(lambda: START) as http:
        settings = Settings(
            token=SecretStr("xoxb-1"),
            workspace="T0SHOP",
            signing_secret=SecretStr("s" * 32),
            url=f"http://127.0.0.1:{port}/api/",
            timeout=timedelta(seconds=2),
        )
        async with KIND.open(settings, Opening(http, lambda: START)) as bot:
            yield bot, got


async def test_a_message_is_posted_then_changed_by_its_ref_and_answered_in_its_thread():
    async with a_bot() as (bot, got):
        first = await bot.tell(a_message(kind="show", id="w_1.3.0"), "C0ROOM", None)
        assert first == Told("C0ROOM|1.5|w_1.3")
        await bot.tell(a_message(kind="show", id="w_1.4.0"), "C0ROOM", first.ref)
        await bot.tell(a_message(id="w_1.4.1"), "C0ROOM", first.ref)

    assert [method for method, _ in got] == ["chat.postMessage", "chat.update", "chat.postMessage"]
    assert got[1][1]["ts"] == "1.5"
    assert (got[2][1]["thread_ts"], got[2][1]["reply_broadcast"]) == ("1.5", True)
    assert all(body["text"] and body["blocks"] for _, body in got)


async def test_blocks_that_are_not_taken_are_left_out():
    async with a_bot([{"ok": False, "error": "invalid_blocks"}]) as (bot, got):
        telling = await bot.tell(a_message(kind="show"), "C0ROOM", None)

    assert isinstance(telling, Told)
    assert got[1][1]["blocks"] == []


async def test_what_a_person_can_mend_is_told_later_and_says_what_to_do():
    async with a_bot([{"ok": False, "error": "not_in_channel"}]) as (bot, _):
        telling = await bot.tell(a_message(kind="show"), "C0ROOM", None)

    assert isinstance(telling, Later)
    assert "invite the bot" in telling.words
