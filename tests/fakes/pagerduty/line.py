"""Ways to PagerDuty: over a socket, and without one for stories in virtual time. Both do the same to the same log."""

from dataclasses import dataclass

from aiohttp import web

from rules.sample import Who
from tests.fakes.pagerduty.world import PagerDutyWorld
from watcher.http import Answer, Fault, HttpRefused, Request

PATH = "/v2/enqueue"


def app(world: PagerDutyWorld) -> web.Application:
    """The Events API."""

    async def enqueue(request: web.Request) -> web.Response:
        status, headers, body = world.enqueue(await request.read())
        return web.Response(status=status, headers=headers, body=body)

    served = web.Application()
    served.router.add_post(PATH, enqueue)
    return served


@dataclass
class Line:
    """The line; *cut*: nobody answers. *loses*: what is sent arrives, and the answer to it does not."""

    world: PagerDutyWorld
    cut: bool = False
    loses: int = 0

    async def send(self, request: Request) -> Answer:
        """As `watcher.http.Http`."""
        assert request.method == "POST"
        assert request.url.endswith(PATH), request.url
        if self.cut:
            raise HttpRefused(Who.PROVIDER, "no complete answer within 10 s", Fault.READ_TIMEOUT)
        status, headers, body = self.world.enqueue(request.body or b"")
        if self.loses:
            self.loses -= 1
            raise HttpRefused(Who.PROVIDER, "no complete answer within 10 s", Fault.READ_TIMEOUT)
        return Answer(status, headers, body, 0.0)
