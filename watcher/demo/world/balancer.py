"""A little load balancer: round robin over the instances that are in service. One attempt a request, no retries."""

from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from watcher.demo.world.instance import HOST

TIMEOUT = 3.0  # seconds an instance may take


@dataclass(frozen=True, slots=True)
class Backend:
    """One instance that may be sent requests."""

    port: int
    tag: str


class Balancer:
    """Passes requests on."""

    def __init__(self) -> None:
        self._backends: Sequence[Backend] = ()
        self._turn = 0
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> int:
        """Listen; the port that it got."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT), connector=aiohttp.TCPConnector(limit=0)
        )
        app = web.Application()
        app.router.add_get("/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def serve_from(self, backends: Sequence[Backend]) -> None:
        """From now on, requests go to *backends* in turn."""
        self._backends = backends

    async def _pass_on(self, request: web.Request) -> web.Response:
        if self._session is None or not self._backends:
            return web.Response(status=503, text="no instance is in service\n")
        self._turn += 1
        backend = self._backends[self._turn % len(self._backends)]
        try:
            async with self._session.get(f"http://{HOST}:{backend.port}{request.path_qs}") as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), headers={"x-release": backend.tag}
                )
        except (aiohttp.ClientError, TimeoutError) as error:
            return web.Response(
                status=502, text=f"{type(error).__name__}\n", headers={"x-release": backend.tag}
            )
