"""The channel that the daemon tells people through: a webhook's receiver on loopback, which checks the signature as it should."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Any

from aiohttp import web

from watcher.demo.play.house import HOST
from watcher.demo.story import Said

MOST = 500  # messages that are kept: in the sandbox it runs for long


class Channel:
    """All that was told, in the order in which it came; what came twice stands here once."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._told: dict[str, dict[str, Any]] = {}
        self.port = 0

    def of(self, watch: str) -> list[Said]:
        """What was told of *watch*; what stands in the channel and in its thread is said once."""
        return _once(_said(each) for each in self._told.values() if each["watch"] == watch)

    def all(self) -> list[Said]:
        """What was told of any watch."""
        return _once(_said(each) for each in self._told.values())

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Listen, for as long as the context lasts."""
        app = web.Application()
        app.router.add_post("/", self._hear)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, 0).start()
            self.port = int(runner.addresses[0][1])
            yield
        finally:
            await runner.cleanup()

    async def _hear(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_signed(request, body):
            return web.Response(status=401)
        message = json.loads(body)
        if len(self._told) < MOST:
            self._told.setdefault(message["id"], message)
        return web.Response(status=204)

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        timestamp = request.headers.get("x-rollbackd-timestamp", "")
        mac = hmac.new(self._secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
        return hmac.compare_digest(f"v1={mac.hexdigest()}", request.headers.get("x-rollbackd-signature", ""))


def _once(told: Iterable[Said]) -> list[Said]:
    return list({(said.event, said.headline): said for said in told}.values())


def _said(message: dict[str, Any]) -> Said:
    return Said(
        at=datetime.fromisoformat(message["at"]).timestamp(),
        headline=message["headline"],
        lines=tuple(message["lines"]),
        buttons=tuple(order["label"] for order in message["orders"]),
        loud=message["tone"] == "alarm",
        event=message["event"],
    )
