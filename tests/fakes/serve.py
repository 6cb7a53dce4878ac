"""Real servers on loopback, for as long as a test needs them; and our own way out to them."""

import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from aiohttp import web

from watcher.http import Guard, Http
from watcher.telemetry.metrics import Metrics

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


@contextlib.asynccontextmanager
async def serving_app(app: web.Application, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port on loopback at which *app* answers."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def http_to_loopback(
    now: Callable[[], datetime], metrics: Metrics | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Http]:
    """`Http` that may connect to this machine."""
    async with Http.open(Guard(LOOPBACK), metrics or Metrics(), now, tls=tls) as http:
        yield http
