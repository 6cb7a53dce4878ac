"""Two ways to it: without sockets, for stories in virtual time; and over a real one."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from rules.sample import Who
from tests.fakes.newrelic.graph import Account, respond
from watcher.http import Answer, Fault, Http, HttpRefused, Request

LATENCY = 0.05  # seconds


class Line(Http):
    """The way without sockets.

    Attributes:
        cut: Nobody answers, in as long as a request may take.
        instead: Who answers in the place of New Relic.
        said: What was answered, by the body of the request.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self.cut = False
        self.instead: Callable[[Request], Answer] | None = None
        self.said: dict[bytes, Answer] = {}

    async def send(self, request: Request) -> Answer:
        if self.instead is not None:
            return self.instead(request)
        if self.cut:
            await asyncio.sleep(request.timeout.total_seconds())
            raise HttpRefused(Who.PROVIDER, "no complete answer within 5 s", Fault.READ_TIMEOUT)
        body, key = request.body or b"", request.secrets["API-Key"].get_secret_value()
        self._account.open += 1
        try:
            status, headers, content = respond(self._account, body, key)
            await asyncio.sleep(LATENCY)
        finally:
            self._account.open -= 1
        self.said[body] = Answer(status, headers, content, LATENCY)
        return self.said[body]


def app(account: Account) -> web.Application:
    """NerdGraph, to be served."""

    async def answer(request: web.Request) -> web.Response:
        key = request.headers.get("API-Key", "")
        status, headers, content = respond(account, await request.read(), key)
        return web.Response(status=status, headers=headers, body=content)

    application = web.Application()
    application.router.add_post("/graphql", answer)
    return application
