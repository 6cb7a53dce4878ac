"""What probes of several requests have in common, beside the contract.

Apart, since the test of the registry takes each contract in a module of members for a member.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from aiohttp import web
from aiohttp.typedefs import Handler

from rules.model import Kind
from tests.contract.provider_contract import Life, ProviderContract
from tests.fakes.faults import FAULTS
from tests.fakes.serve import serving_app
from tests.fakes.world import START, Happened, World


class OfSeveralRequests(ProviderContract):
    """A look is several requests; the first is when it was."""

    measures = Kind.PROBE
    counts_faults = frozenset(FAULTS) | {"refused"}
    _answers = ""  # the address of the one that does, in whatever time (`tests.waiting`); the others are waited for a moment only

    def deadline(self, base: str) -> str:
        return "800ms" if base in {self._answers, self._patient} else "200ms"

    def silent(self, world: World) -> None:
        world.log = [Happened(START - timedelta(hours=1), "v0", 200, 0.1)]

    def app(self, world: World) -> web.Application:
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def living(self, world: World) -> AsyncIterator[Life]:
        calls: list[datetime] = []

        @web.middleware
        async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == "/":
                calls.append(world.now)
            return await handler(request)

        app = self.app(world)
        app.middlewares.append(counted)
        async with serving_app(app) as port:
            self._answers = f"http://127.0.0.1:{port}"
            async with self.alone(world, self._answers) as life:
                life.calls = calls
                yield life

    @contextlib.asynccontextmanager
    async def alone(self, world: World, base: str) -> AsyncIterator[Life]:
        async with super().alone(world, base) as life:
            life.settle = timedelta(milliseconds=2500)  # these probes have 800 ms, and not the usual 10 s
            yield life
