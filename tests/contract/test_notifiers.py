"""The notifiers, each towards a system of its own kind."""

import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from aiohttp import web
from pydantic import BaseModel, SecretStr

from deploy.github import host_of
from deploy.sources.github.identity import called
from tests.contract.notifier_contract import NotifierContract, Received, Spoken, a_message
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.slack import BOT_TOKEN, HOOK, ROOM, SlackWorld, answers, serving_slack
from tests.fakes.world import START
from watcher.core.watch import Message
from watcher.notify.github.settings import Settings as GitHubSettings
from watcher.notify.notifier import Later, Notifier, Opening
from watcher.notify.slack.refusals import SOON
from watcher.notify.slack.settings import Settings as SlackSettings
from watcher.notify.slack.speaking import open_bot
from watcher.notify.slack.turns import Turns
from watcher.notify.webhook import Settings


class TestWebhook(NotifierContract):
    kind = "webhook"
    looks_at_answers = False  # the receiver is anybody's: what it says beside 2xx has no shape

    def settings(self, base: str, secret: str) -> BaseModel:
        return Settings(
            url=f"{base}/hooks/rollbackd", secret=SecretStr(secret), timeout=timedelta(seconds=0.4)
        )

    def delivery(self, received: Received) -> str:
        return received.headers["X-Rollbackd-Delivery"]

    def says(self, received: Received) -> str:
        mac = hmac.new(b"0123456789abcdef", digestmod=hashlib.sha256)
        mac.update(received.headers["X-Rollbackd-Timestamp"].encode() + b"." + received.body)
        assert received.headers["X-Rollbackd-Signature"] == f"v1={mac.hexdigest()}"
        return str(received.json["headline"])


class TestGitHub(NotifierContract):
    """A board: it is shown how a watch stands, reads what stands there before it writes, and has no ids of messages."""

    kind = "github"
    narrowing = "acme/shop"
    waits: ClassVar[frozenset[timedelta]] = frozenset({SOON})  # GitHub says seconds: a date is not believed

    def settings(self, base: str, secret: str) -> BaseModel:
        self.host = host_of(base)
        return GitHubSettings(url=base, token=SecretStr(secret), timeout=timedelta(seconds=0.4))

    def message(self, **changes: Any) -> Message:
        message = a_message(kind="show", **changes)
        known = {"state": "rolling_back", "platform_ids": called(self.host, "acme/shop", 42)}
        return replace(message, notice=replace(message.notice, facts={**message.notice.facts, **known}))

    def says(self, received: Received) -> str:
        return str(received.json["description"])

    def written(self, text: str) -> str:
        return self.narrowing  # anything else is told to whoever wrote it (tests/watcher/notify/github)

    def overheard(self, received: Received) -> str:
        return repr(
            {name: value for name, value in received.headers.items() if name.lower() != "authorization"}
        )

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = "0123456789abcdef") -> AsyncIterator[Spoken]:
        """The statuses that were set; each answer that is due is given to whatever is asked next."""
        holder: list[Spoken] = []

        async def handle(request: web.Request) -> web.Response:
            told, body = holder[0], await request.read()
            due = told.answers.pop(0) if told.answers else None
            if request.method == "POST" or due is not None:
                told.received.append(Received(dict(request.headers), body))
            status, headers = due or (200, {})
            if status != 200:
                return web.Response(status=status, headers=headers)
            return web.json_response([] if request.method == "GET" else {}, headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        async with serving_app(app) as port, self.opened(f"http://127.0.0.1:{port}", secret) as notifier:
            holder.append(Spoken(notifier))
            yield holder[0]

    async def test_what_is_told_again_carries_the_same_id(self):
        """It has none: what stands there already is not written again (tests/watcher/notify/github)."""
        async with self.telling() as told:
            await told.notifier.tell(self.message(), self.narrowing, None)

            assert self.says(told.received[0]).startswith("rollbackd: ")

    async def test_a_system_that_says_when_is_asked_then(self):
        async with self.telling() as told:
            told.answers = [(429, {"Retry-After": "42"})]
            telling = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(telling, Later)
            assert telling.after == timedelta(seconds=42)


class SpokenInSlack(Spoken):
    """What Slack got, and the answers that are due: it is the fake that all tests of Slack share."""

    def __init__(self, notifier: Notifier, world: SlackWorld) -> None:
        self._world = world
        super().__init__(notifier)

    @property
    def received(self) -> list[Received]:
        return [Received(dict(each.headers), each.body) for each in self._world.asked]

    @received.setter
    def received(self, _nothing: list[Received]) -> None:
        """It is what Slack got, and nothing else."""

    @property
    def answers(self) -> list[tuple[int, dict[str, str]]]:
        return []

    @answers.setter
    def answers(self, due: list[tuple[int, dict[str, str]]]) -> None:
        self._world.once = [None if status == 200 else answers(status, headers) for status, headers in due]


class TestSlack(NotifierContract):
    """By the bot: the message of a watch, and its thread."""

    kind = "slack"
    narrowing = ROOM
    waits: ClassVar[frozenset[timedelta]] = frozenset({SOON})  # Slack says seconds: a date is not believed

    def settings(self, base: str, secret: str) -> BaseModel:
        return SlackSettings(token=SecretStr(secret), url=f"{base}/api/", timeout=timedelta(seconds=0.4))

    def message(self, **changes: Any) -> Message:
        return a_message(**{"kind": "show", **changes})

    def delivery(self, received: Received) -> str:
        return str(received.json["metadata"]["event_payload"]["message"])

    def says(self, received: Received) -> str:
        return str(received.json["text"])

    def written(self, text: str) -> str:
        return self.narrowing  # anything else is told to whoever wrote it (tests/watcher/notify/slack)

    def overheard(self, received: Received) -> str:
        told = {name: value for name, value in received.headers.items() if name.lower() != "authorization"}
        return repr(told)

    @contextlib.asynccontextmanager
    async def opened(self, base: str, secret: str) -> AsyncIterator[Notifier]:
        """With no pause between two messages in one channel, which the contract does not ask for."""
        async with http_to_loopback(lambda: START) as http:
            settings = self.settings(base, secret)
            assert isinstance(settings, SlackSettings)
            async with open_bot(settings, Opening(http, lambda: START), Turns(0.0)) as bot:
                yield bot

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = BOT_TOKEN) -> AsyncIterator[Spoken]:
        world = SlackWorld(lambda: START, bot_token=secret)
        async with serving_slack(world), self.opened(world.base, secret) as notifier:
            yield SpokenInSlack(notifier, world)


class TestSlackHook(TestSlack):
    """By an incoming webhook: one channel, and nothing is changed afterwards."""

    waits: ClassVar[frozenset[timedelta]] = NotifierContract.waits

    def settings(self, base: str, secret: str) -> BaseModel:
        path = HOOK.replace("it-is-a-secret", secret)
        return SlackSettings(webhook=SecretStr(f"{base}{path}"), timeout=timedelta(seconds=0.4))

    def message(self, **changes: Any) -> Message:
        return a_message(**changes)

    def delivery(self, received: Received) -> str:
        return str(received.json["blocks"][-1]["block_id"])

    def overheard(self, received: Received) -> str:
        return repr(received.headers)

    @contextlib.asynccontextmanager
    async def opened(self, base: str, secret: str) -> AsyncIterator[Notifier]:
        async with NotifierContract.opened(self, base, secret) as notifier:
            yield notifier

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = "it-is-a-secret") -> AsyncIterator[Spoken]:
        world = SlackWorld(lambda: START, hooks={HOOK.replace("it-is-a-secret", secret): ROOM})
        async with serving_slack(world), self.opened(world.base, secret) as notifier:
            yield SpokenInSlack(notifier, world)
