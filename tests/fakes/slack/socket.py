"""Socket Mode: a connection that Slack sends envelopes over. What is not acknowledged in time comes again, to whoever is there.

Source:
    https://docs.slack.dev/apis/events-api/using-socket-mode
"""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.slack.world import APP, SlackWorld

TICKET_LASTS = timedelta(seconds=30)
MOST = 10  # connections of one app
TRIES = 3  # how often an envelope is sent


@dataclass
class Sockets:
    """The connections of our app.

    Attributes:
        heard: Envelopes that were acknowledged, with which connection that was (0 is the first that was ever made).
        unheard: Those that nobody acknowledged in all tries: a person sees a warning sign beside the button.
        sent: Each envelope with the connection that it was sent over, as often as that was.
        acks: What was sent back, as it came.
    """

    world: SlackWorld
    connections: dict[int, web.WebSocketResponse] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    unheard: list[str] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)
    acks: list[Mapping[str, Any]] = field(default_factory=list)
    made: int = 0
    _lines: dict[int, asyncio.Transport] = field(default_factory=dict)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """A connection, with a ticket that is good once."""
        at = self.world.tickets.pop(request.query.get("ticket", ""), None)
        if at is None or self.world.now() - at > TICKET_LASTS:
            return web.Response(status=408, text="this ticket is not good any more")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.connections) >= MOST:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await socket.close()
            return socket
        number, self.made = self.made, self.made + 1
        self.connections[number] = socket
        if request.transport is not None:
            self._lines[number] = request.transport
        await socket.send_json(self._hello())
        await self._notify()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._acknowledged(number, json.loads(message.data))
        finally:
            self.connections.pop(number, None)
            await self._notify()
        return socket

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }

    async def _acknowledged(self, number: int, content: Mapping[str, Any]) -> None:
        self.acks.append(content)
        envelope = content.get("envelope_id")
        if isinstance(envelope, str):
            self.heard.setdefault(envelope, number)
        await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def connected(self, many: int = 1, longest: float = 5.0) -> None:
        """Wait until there are so many connections.

        Raises:
            TimeoutError: There are not, in *longest* seconds.
        """
        await self._until(lambda: len(self.connections) >= many, longest)

    async def _until(self, holds: Any, longest: float) -> None:
        async with asyncio.timeout(longest), self._changed:
            await self._changed.wait_for(holds)

    async def deliver(self, payload: Mapping[str, Any], type_: str = "interactive") -> str:
        """Send *payload* over one of the connections, and over the next where that does not acknowledge in time.

        Returns:
            The id of its envelope: it is in `heard`, or in `unheard`.
        """
        envelope = f"{next(self.world.ids):08x}-0000-4000-8000-000000000000"
        content = {
            "envelope_id": envelope,
            "type": type_,
            "accepts_response_payload": False,
            "payload": dict(payload),
        }
        for attempt in range(TRIES):
            await self._send(envelope, content, attempt)
            with contextlib.suppress(TimeoutError):
                await self._until(lambda: envelope in self.heard, self.world.ack_within)
                return envelope
        self.unheard.append(envelope)
        return envelope

    async def _send(self, envelope: str, content: Mapping[str, Any], attempt: int) -> None:
        """Over the connections by turns: which one gets an envelope is Slack's choice."""
        numbers = sorted(self.connections)
        if not numbers:
            return
        number = (
            numbers[(len(self.sent) + attempt) % len(numbers)] if attempt == 0 else self._another(numbers)
        )
        self.sent.append((envelope, number))
        with contextlib.suppress(ConnectionError):
            again = {"retry_attempt": attempt, "retry_reason": "timeout"} if attempt else {}
            await self.connections[number].send_json({**content, **again})

    def _another(self, numbers: list[int]) -> int:
        last = self.sent[-1][1] if self.sent else -1
        return next((number for number in numbers if number > last), numbers[0])

    async def asks_to_reconnect(self, reason: str = "refresh_requested") -> None:
        """Slack says goodbye to all connections: ``warning``, ``refresh_requested``, ``link_disabled``."""
        for socket in list(self.connections.values()):
            await socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-1"}}
            )
            if reason != "warning":
                await socket.close()

    async def says(self, text: str) -> None:
        """Any text, over all connections."""
        for socket in list(self.connections.values()):
            await socket.send_str(text)

    async def cut(self) -> None:
        """All connections break off, without goodbye."""
        for number in list(self.connections):
            self._lines[number].abort()

    async def close(self) -> None:
        """At the end."""
        for socket in list(self.connections.values()):
            await socket.close()
