"""Somebody between a provider and its system, who passes everything on, or answers in the system's place for a while."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus

import aiohttp
from aiohttp import web

from tests.fakes.serve import serving_app

REFUSALS = {
    "a storm of 429": (
        429,
        {"Content-Type": "application/json"},
        b'{"errors":["slower"]}',
    ),
    "a token that expired": (401, {"Content-Type": "application/json"}, b'{"errors":["expired"]}'),
    "half an answer": (200, {"Content-Type": "application/json"}, b""),
    "half as if it were all": (200, {"Content-Type": "application/json"}, b""),
}
_HALVED = frozenset({"half an answer", "half as if it were all"})  # of the true one
_OF_THE_HOP = frozenset({"transfer-encoding", "content-length", "content-encoding", "connection", "host"})


@dataclass
class Between:
    """Passes on to *base*.

    Attributes:
        refuses: The name of a refusal, while nothing is passed on.
        refused: How many were answered so.
        retry_after: What a 429 says to wait, in seconds.
    """

    base: str
    url: str = ""
    refuses: str = ""
    refused: int = 0
    retry_after: int = 8
    sessions: list[aiohttp.ClientSession] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if self.refuses and self.refuses not in _HALVED:
            self.refused += 1
            status, headers, said = REFUSALS[self.refuses]
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                headers = {**headers, "Retry-After": str(self.retry_after)}
            return web.Response(status=status, headers=headers, body=said)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_HOP}
        async with self.sessions[0].request(
            request.method, self.base + request.raw_path, headers=headers, data=body, allow_redirects=False
        ) as told:
            whole = await told.read()
            kept = {name: value for name, value in told.headers.items() if name.lower() not in _OF_THE_HOP}
            if not self.refuses:
                return web.Response(status=told.status, headers=kept, body=whole)
            self.refused += 1
            if self.refuses == "half as if it were all":
                return web.Response(status=told.status, headers=kept, body=whole[: len(whole) // 2])
            response = web.StreamResponse(
                status=told.status, headers={**kept, "Content-Length": str(len(whole) + 1)}
            )
            await response.prepare(request)
            await response.write(whole[: len(whole) // 2])
            if request.transport is not None:
                request.transport.close()
            return response


@contextlib.asynccontextmanager
async def between(base: str) -> AsyncIterator[Between]:
    """Somebody before *base*."""
    one = Between(base)
    app = web.Application(client_max_size=2**24)
    app.router.add_route("*", "/{path:.*}", one.handle)
    async with aiohttp.ClientSession(auto_decompress=True) as session, serving_app(app) as port:
        one.sessions.append(session)
        one.url = f"http://127.0.0.1:{port}"
        yield one
