"""Two ways to it: without sockets, for stories in virtual time; and over a real one."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from rules.sample import Who
from tests.fakes.sentry.rest import respond
from tests.fakes.sentry.shop import Shop
from watcher.http import Answer, Fault, Http, HttpRefused, Request

LATENCY = 0.05  # seconds


class Line(Http):
    """The way without sockets.

    Attributes:
        cut: Nobody answers, in as long as a request may take.
        instead: Who answers in the place of Sentry.
        said: What was answered, by address.
    """

    def __init__(self, shop: Shop, latency: float = LATENCY) -> None:
        self._shop = shop
        self._latency = latency
        self.cut = False
        self.instead: Callable[[Request], Answer] | None = None
        self.said: dict[str, Answer] = {}

    async def send(self, request: Request) -> Answer:
        if self.instead is not None:
            return self.instead(request)
        seconds = request.timeout.total_seconds()
        if self.cut or self._latency > seconds:
            await asyncio.sleep(seconds)
            raise HttpRefused(Who.PROVIDER, "no complete answer within 5 s", Fault.READ_TIMEOUT)
        endpoint = request.url.partition("/organizations/")[2].split("/")[1]
        self._shop.open[endpoint] = self._shop.open.get(endpoint, 0) + 1
        try:
            secret = request.secrets["Authorization"].get_secret_value()
            status, headers, body = respond(self._shop, request.method, request.url, secret)
            await asyncio.sleep(self._latency)
        finally:
            self._shop.open[endpoint] -= 1
        self.said[request.url] = Answer(status, headers, body, self._latency)
        return self.said[request.url]


def app(shop: Shop) -> web.Application:
    """The API, to be served."""

    async def answer(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "")
        status, headers, body = respond(shop, request.method, str(request.rel_url), given)
        return web.Response(status=status, headers=headers, body=body)

    application = web.Application()
    application.router.add_get("/{tail:.*}", answer)
    return application
