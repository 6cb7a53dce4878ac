"""The way back to Slack, for answers: slack_sdk's client on a session of ours; and the connection of Socket Mode.

Of slack_sdk's Socket Mode client nothing is used: it connects with the same URL, which is good once, for ever after a failure,
opens sessions past the guard on addresses, and keeps tasks that nobody ends.

Source:
    https://docs.slack.dev/apis/events-api/using-socket-mode
    https://docs.slack.dev/reference/methods/usergroups.users.list
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from watcher.api.slack.ear import Ear
from watcher.http import Http, HttpRefused, Request

TIMEOUT = timedelta(seconds=8)
REMEMBERED = timedelta(minutes=5)  # who is in a group
BEAT = 20.0  # seconds between two pings; a connection that does not answer is given up
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds between two attempts to connect
MOST = 256 * 1024  # bytes of an envelope
log = structlog.stdlib.get_logger("rollbackd.slack")


@dataclass
class SlackVoice:
    """Answers whoever clicked."""

    http: Http
    client: AsyncWebClient
    now: Callable[[], datetime]
    known: dict[str, tuple[datetime, frozenset[str]]] = field(default_factory=dict)

    async def whisper(self, channel: str, person: str, words: str) -> None:
        """Say *words* to one person in a channel."""
        safe = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")[:3000]
        with _best_effort("chat.postEphemeral"):
            async with self._asking():
                await self.client.chat_postEphemeral(channel=channel, user=person, text=safe)

    async def change(self, channel: str, ts: str, text: str, blocks: Sequence[Mapping[str, Any]]) -> None:
        """Change a message."""
        with _best_effort("chat.update"):
            async with self._asking():
                await self.client.chat_update(
                    channel=channel, ts=ts, text=text, blocks=[dict(block) for block in blocks]
                )

    async def members(self, group: str) -> frozenset[str]:
        """Who belongs to *group*, for some minutes; nobody where that cannot be read."""
        at, found = self.known.get(group, (None, frozenset()))
        if at is not None and self.now() - at < REMEMBERED:
            return found
        users: frozenset[str] = frozenset()
        with _best_effort("usergroups.users.list"):
            async with self._asking():
                answer = await self.client.usergroups_users_list(usergroup=group)
            users = frozenset(str(user) for user in answer.get("users") or [])
            self.known[group] = (self.now(), users)
        return users

    def _asking(self) -> contextlib.AbstractAsyncContextManager[None]:
        return self.http.asking(Request("slack", self.client.base_url, "POST", timeout=TIMEOUT))


@contextlib.contextmanager
def _best_effort(method: str) -> Iterator[None]:
    try:
        yield
    except SlackApiError as error:
        data = getattr(error.response, "data", None)
        word = str(data.get("error"))[:64] if isinstance(data, Mapping) else "nothing that can be read"
        log.warning("slack.unanswered", method=method, words=f"Slack says {word}")
    except HttpRefused as refused:
        log.warning("slack.unanswered", method=method, words=refused.words)


@contextlib.asynccontextmanager
async def open_client(
    http: Http, token: SecretStr, url: str
) -> AsyncIterator[tuple[AsyncWebClient, aiohttp.ClientSession]]:
    """A client of Slack's API that keeps to the guard, and its session."""
    async with http.lend() as session:
        client = AsyncWebClient(token.get_secret_value(), base_url=url, session=session, retry_handlers=[])
        client.proxy = None  # slack_sdk takes it from the environment, past the guard on addresses
        yield client, session


@dataclass
class Socket:
    """Socket Mode: connects for ever, acknowledges each envelope, and hands on what is in it."""

    ear: Ear
    voice: SlackVoice
    session: aiohttp.ClientSession
    app_token: SecretStr

    async def run(self) -> None:
        """Connect, and again whenever that ends, with growing pauses where it fails."""
        pause = FIRST_PAUSE
        while True:
            try:
                await self._connected()
                pause = FIRST_PAUSE
            except (
                SlackApiError,
                HttpRefused,
                aiohttp.ClientError,
                OSError,
                TimeoutError,
                ValueError,
            ) as error:
                log.warning("slack.socket_lost", connection=self.ear.name, words=_words(error), pause=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _connected(self) -> None:
        request = Request("slack", self.voice.client.base_url, "POST", timeout=TIMEOUT)
        async with self.voice.http.asking(request):
            opened = await self.voice.client.apps_connections_open(
                app_token=self.app_token.get_secret_value()
            )
            socket = await self.session.ws_connect(str(opened["url"]), heartbeat=BEAT, max_msg_size=MOST)
        async with socket:
            log.info("slack.socket_connected", connection=self.ear.name)
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return
                if not await self._heard(socket, message.data):
                    return

    async def _heard(self, socket: aiohttp.ClientWebSocketResponse, data: str) -> bool:
        """Acknowledge, and hand on; false: Slack says goodbye, and another connection is to be made."""
        try:
            envelope = json.loads(data)
        except (ValueError, RecursionError):
            return True
        if not isinstance(envelope, dict) or envelope.get("type") == "disconnect":
            return not isinstance(envelope, dict)
        envelope_id, payload = envelope.get("envelope_id"), envelope.get("payload")
        # What finds no room is not acknowledged: Slack gives it to another replica, or once more.
        if isinstance(envelope_id, str) and (envelope.get("type") != "interactive" or self.ear.take(payload)):
            await socket.send_json({"envelope_id": envelope_id})
        return True


def _words(error: Exception) -> str:
    """Without the URL of the connection, which is a ticket."""
    if isinstance(error, SlackApiError):
        data = getattr(error.response, "data", None)
        return (
            f"Slack says {str(data.get('error'))[:64]}" if isinstance(data, Mapping) else "no answer in JSON"
        )
    return error.words if isinstance(error, HttpRefused) else type(error).__name__
