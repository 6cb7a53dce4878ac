"""Socket Mode: connections that we make to Slack, and clicks come by. No way in is needed.

Of slack_sdk's Socket Mode client nothing is used: it connects with the same URL, which is good once, for ever after a failure,
opens sessions past the guard on addresses, and keeps tasks that nobody ends.

A click is acknowledged once its order is done, or its time is up. What finds no room is not: Slack gives it to another
replica, or once more. Where Slack is about to close a connection the next one is made first, so that none is missed.

Source:
    https://docs.slack.dev/apis/events-api/using-socket-mode
    https://docs.slack.dev/reference/methods/apps.connections.open
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from watcher.api.slack.ear import Crowded, Done, Ear
from watcher.api.slack.pace import PACE, Pace
from watcher.api.slack.voice import SlackVoice
from watcher.http import HttpRefused
from watcher.notify.slack.refusals import MENDED
from watcher.notify.slack.said import said

MOST = 256 * 1024  # bytes of an envelope
CLOSING = aiohttp.ClientWSTimeout(ws_close=2.0)  # seconds; one that is black-holed does not close
SENDING = 2.0  # seconds for an acknowledgement
SWITCHED_OFF = "link_disabled"
MEND = "look at `app_token` (xapp-…, with the scope connections:write) and whether Socket Mode is switched on for the app"
log = structlog.stdlib.get_logger("rollbackd.slack")


class Lost(Exception):
    """A connection broke off, or was none. *hopeless*: until an operator acts."""

    def __init__(self, words: str, *, hopeless: bool = False) -> None:
        super().__init__(words)
        self.hopeless = hopeless


@dataclass(slots=True, eq=False)
class _Line:
    """One connection. *over*: another one is to be made, as this one has ended or soon will."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    heard_at: float | None = None  # since when it is good
    lost: Lost | None = None


@dataclass
class Socket:
    """Connects for ever, acknowledges each envelope, and hands on what is in it."""

    ear: Ear
    voice: SlackVoice
    session: aiohttp.ClientSession
    app_token: SecretStr
    now: Callable[[], datetime]
    failed: Callable[[str, Exception], None]
    pace: Pace = PACE
    _good: int = 0  # connections over which Slack has said hello
    _trouble: str = ""  # what was said of it, once

    @property
    def name(self) -> str:
        """For the log."""
        return f"slack.{self.ear.name}.socket"

    async def run(self, stop: asyncio.Event) -> None:
        """Be connected until *stop*."""
        async with asyncio.TaskGroup() as tasks:
            going = tasks.create_task(self._go_on())
            await stop.wait()
            self.ear.closed = True
            going.cancel()

    async def _go_on(self) -> None:
        loop, pause = asyncio.get_running_loop(), self.pace.first
        async with asyncio.TaskGroup() as tasks:
            while True:
                line = _Line()
                tasks.create_task(self._hold(line))
                await line.over.wait()
                lasted = 0.0 if line.heard_at is None else loop.time() - line.heard_at
                if lasted >= self.pace.steady:
                    pause = self.pace.first
                    if line.lost is None:
                        continue  # at once: the old one may still be good for some seconds
                hopeless = line.lost is not None and line.lost.hopeless
                await asyncio.sleep(self.pace.hopeless if hopeless else pause)
                pause = min(2 * pause, self.pace.last)

    async def _hold(self, line: _Line) -> None:
        try:
            await self._connected(line)
        except Lost as lost:
            line.lost = lost
        except Exception as error:
            # The one boundary here: a bug must not end the daemon.
            log.exception("slack.socket_failed", connection=self.ear.name)
            self.failed(self.name, error)
            line.lost = Lost("a bug of rollbackd")
        finally:
            if line.heard_at is not None:
                self._good -= 1
            self.ear.metrics.socket_connected.labels(self.ear.name).set(min(self._good, 1))
            if line.lost is not None:
                self._say(line.lost)
            line.over.set()

    def _say(self, lost: Lost) -> None:
        """Said once for as long as it stays the same, counted always."""
        self.ear.metrics.socket_failures.labels(self.ear.name).inc()
        if str(lost) == self._trouble:
            return
        self._trouble = str(lost)
        if lost.hopeless:
            log.error("slack.socket_refused", connection=self.ear.name, words=str(lost), remedy=MEND)
        else:
            log.warning("slack.socket_lost", connection=self.ear.name, words=str(lost))

    # -------------------------------------------------------------------------------------------------- one connection

    async def _connected(self, line: _Line) -> None:
        """Connect, and hear it to its end.

        Raises:
            Lost: There was no connection, or it broke off.
        """
        async with await self._opened() as socket:
            await self._hello(socket)
            line.heard_at, self._trouble = asyncio.get_running_loop().time(), ""
            self._good += 1
            self.ear.metrics.socket_connected.labels(self.ear.name).set(1)
            log.info("slack.socket_connected", connection=self.ear.name)
            async with asyncio.TaskGroup() as tasks:
                lost = await self._hear(socket, line, tasks)
        if lost is not None:
            raise lost

    async def _opened(self) -> aiohttp.ClientWebSocketResponse:
        """A connection; its URL is a ticket, and is said to nobody.

        Raises:
            Lost: There is none.
        """
        calls = self.voice.calls
        try:
            token = self.app_token.get_secret_value()
            url = str((await self.voice.call(calls.client.apps_connections_open, app_token=token)).get("url"))
            if not is_as_safe(url, calls.client.base_url):
                raise Lost("Slack names no connection, or one that is not encrypted")
            async with self.voice.asking():
                return await self.session.ws_connect(
                    url, heartbeat=self.pace.beat, max_msg_size=MOST, timeout=CLOSING
                )
        except SlackApiError as error:
            # What an operator must mend: to ask again soon would only be a storm.
            raise Lost(calls.words(error), hopeless=said(error).word in MENDED) from None
        except HttpRefused as refused:
            raise Lost(refused.words) from None

    async def _hello(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Wait for Slack's first word; it says which app we are.

        Raises:
            Lost: It does not come, or is another.
        """
        try:
            async with asyncio.timeout(self.pace.hello):
                message = await socket.receive()
        except TimeoutError:
            raise Lost(f"Slack did not say hello within {self.pace.hello:g} s") from None
        envelope = _read(message)
        if envelope is None:
            raise Lost("the connection ended before Slack said hello")
        if envelope.get("type") != "hello":
            raise _dismissed(envelope)
        info = envelope.get("connection_info")
        if isinstance(info, Mapping) and isinstance(info.get("app_id"), str):
            self.ear.app = info["app_id"]

    async def _hear(
        self, socket: aiohttp.ClientWebSocketResponse, line: _Line, tasks: asyncio.TaskGroup
    ) -> Lost | None:
        """Hear it until it ends: some seconds longer, beside the next one, where Slack said that it will."""
        until: float | None = None
        while True:
            try:
                async with asyncio.timeout_at(until):
                    envelope = _read(await socket.receive())
            except TimeoutError:
                return None
            if envelope is None:
                return None if line.over.is_set() else Lost("the connection broke off")
            if envelope.get("type") != "disconnect":
                self._take(envelope, socket, tasks)
            elif envelope.get("reason") == SWITCHED_OFF:
                return _dismissed(envelope)
            else:
                until = asyncio.get_running_loop().time() + self.pace.beside
                line.over.set()

    def _take(
        self, envelope: Mapping[str, Any], socket: aiohttp.ClientWebSocketResponse, tasks: asyncio.TaskGroup
    ) -> None:
        """Hand it on. What finds no room is not acknowledged."""
        name, done = envelope.get("envelope_id"), None
        if not isinstance(name, str):
            return
        if envelope.get("type") == "interactive":
            try:
                done = self.ear.take(envelope.get("payload"), self.now())
            except Crowded as crowded:
                log.warning("slack.click_not_taken", connection=self.ear.name, words=str(crowded))
                return
        tasks.create_task(self._acknowledge(socket, name, done))

    async def _acknowledge(
        self, socket: aiohttp.ClientWebSocketResponse, envelope: str, done: Done | None
    ) -> None:
        if done is not None:
            await done.within(self.pace.patience)
        # Where it cannot be said, Slack sends the envelope again, and it is known.
        with contextlib.suppress(ConnectionError, aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(SENDING):
                await socket.send_json({"envelope_id": envelope})


def is_as_safe(url: str, api: str) -> bool:
    """What is asked for over TLS is not heard without."""
    return url.startswith("wss://") or (url.startswith("ws://") and not api.startswith("https://"))


def _read(message: aiohttp.WSMessage) -> Mapping[str, Any] | None:
    """What Slack says, empty where it makes no sense; ``None``: the connection has ended."""
    if message.type is not aiohttp.WSMsgType.TEXT:
        return None
    try:
        envelope = json.loads(message.data)
    except (ValueError, RecursionError):
        return {}
    return envelope if isinstance(envelope, Mapping) else {}


def _dismissed(envelope: Mapping[str, Any]) -> Lost:
    """Slack will not have us."""
    reason = str(envelope.get("reason") or envelope.get("type"))[:64]
    return Lost(f"instead of a connection Slack says {reason}", hopeless=reason == SWITCHED_OFF)
