"""Sessions for a library that brings its own client, and for WebSockets: guarded as ours, no redirects or proxies, bounded bodies.

Times are bounded by `Http.asking`, around each call.
"""

import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp

from watcher.http.guard import Guard, GuardedResolver

MOST = 1024 * 1024  # bytes of a body; an answer of an API is some kilobytes
PIECE = 64 * 1024  # bytes that are read at once
NAMES = 10  # seconds that a name is remembered


class Redirected(aiohttp.ClientError):
    """The far end sends us elsewhere. Nobody follows: what was meant for it may hold a secret."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class _Bounded(aiohttp.ClientResponse):
    """A body that is too large is cut off while it comes, whoever reads it.

    ``json`` and ``text`` take the body from where ``read`` leaves it (``_body``): aiohttp offers no other way in.
    """

    async def read(self) -> bytes:
        """The whole body.

        Raises:
            ClientPayloadError: It is larger than `MOST`.
        """
        if self._body is None:
            body = bytearray()
            async for piece in self.content.iter_chunked(PIECE):
                body += piece
                if len(body) > MOST:
                    self.close()
                    raise aiohttp.ClientPayloadError(f"an answer larger than {MOST // 1024} KiB")
            self._body = bytes(body)
        return self._body


@contextlib.asynccontextmanager
async def guarded_session(guard: Guard, version: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that connects only to where *guard* allows, for as long as the context lasts."""
    connector = aiohttp.TCPConnector(
        limit=0,  # who asks bounds how much is asked at once
        resolver=GuardedResolver(guard),
        socket_factory=guard.socket,
        ttl_dns_cache=NAMES,
    )
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": f"rollbackd/{version}", "Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # ours is around everything
        trust_env=False,
        response_class=_Bounded,
        trace_configs=[_staying()],
    ) as session:
        yield session


def _staying() -> aiohttp.TraceConfig:
    async def refuse(
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        parameters: aiohttp.TraceRequestRedirectParams,
    ) -> None:
        parameters.response.close()
        raise Redirected(parameters.response.status)

    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(refuse)
    return trace
