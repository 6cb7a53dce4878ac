"""The API over real HTTP; and as an implementation of `deploy.ports.Send`, in process, for stories in virtual time."""

import asyncio
import json
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from deploy.errors import Unanswered
from deploy.ports import Got
from tests.fakes.launchdarkly.world import Told

_WAITS = 3.0  # seconds for an answer, as the daemon has them


class Answers(Protocol):
    """A system that holds flags, and answers by a token in ``Authorization``."""

    def answer(self, method: str, path: str, query: str, token: str, body: bytes) -> Told:
        """One request."""


def app(world: Answers) -> web.Application:
    """The API."""

    async def answer(request: web.Request) -> web.Response:
        told = world.answer(
            request.method,
            request.path,
            request.query_string,
            request.headers.get("Authorization", ""),
            await request.read(),
        )
        if told.hangs:
            await asyncio.sleep(_WAITS + 1)
        if told.lost and request.transport is not None:
            request.transport.close()
        return web.Response(status=told.status, body=_body(told), headers=_headers(told))

    made = web.Application()
    made.router.add_route("*", "/{path:.*}", answer)
    return made


class Direct:
    """As `deploy.ports.Send`."""

    def __init__(self, world: Answers) -> None:
        self._world = world

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        secrets: Mapping[str, str],
        body: bytes | None = None,
    ) -> Got:
        """One request."""
        parts = urlsplit(url)
        await asyncio.sleep(0.05)
        told = self._world.answer(method, parts.path, parts.query, secrets["Authorization"], body or b"")
        if told.hangs or told.lost:
            await asyncio.sleep(_WAITS if told.hangs else 0)
            raise Unanswered("no answer", remedy="check it", may_have_happened=method != "GET")
        return Got(told.status, {name.lower(): each for name, each in _headers(told).items()}, _body(told))


def _body(told: Told) -> bytes:
    return told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()


def _headers(told: Told) -> Mapping[str, str]:
    return {"Content-Type": "application/json", **told.headers}
