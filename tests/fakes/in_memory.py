"""An aiohttp application that is asked over HTTP without a socket, so that it may answer in virtual time."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from watcher.http import Answer, Fault, Http, HttpRefused, Request


class InMemory(Http):
    """All requests go to *application*, whatever host they are for.

    Attributes:
        loses: Of which requests the answer never comes, in as long as they may take: what they did is done.
    """

    def __init__(self, application: web.Application) -> None:
        self._runner = web.AppRunner(application, access_log=None)
        self.loses: Callable[[Request], bool] = lambda _request: False

    async def send(self, request: Request) -> Answer:
        """As the real one. Raises `HttpRefused` where the answer is lost."""
        if self._runner.server is None:
            await self._runner.setup()
        assert self._runner.server is not None
        protocol = self._runner.server()
        wire = _Wire()
        protocol.connection_made(wire)
        protocol.data_received(_written(request))
        await wire.closed.wait()
        protocol.connection_lost(None)
        if self.loses(request):
            await asyncio.sleep(request.timeout.total_seconds())
            raise HttpRefused(request.far, "no answer in time", Fault.READ_TIMEOUT)
        return _read(bytes(wire.sent))


class _Wire(asyncio.Transport):
    """The server's end: what it writes is kept, until it closes."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = bytearray()
        self.closed = asyncio.Event()

    def write(self, data: Any) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed.set()

    def is_closing(self) -> bool:
        return self.closed.is_set()


def _written(request: Request) -> bytes:
    parts, body = urlsplit(request.url), request.body or b""
    secrets = {name: value.get_secret_value() for name, value in request.secrets.items()}
    headers = {
        **request.headers,
        **secrets,
        "host": parts.netloc,
        "content-length": str(len(body)),
        "connection": "close",
    }
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    lines = [f"{request.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _read(told: bytes) -> Answer:
    head, _, body = told.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(first.split()[1]), headers, body, 0.0)
