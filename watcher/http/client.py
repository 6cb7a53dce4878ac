"""Sends requests. Two pools: one keeps connections, the other makes one for each request, as a probe needs it.

Connections are not limited in number: waiting for one would look like a far end that is slow. Who asks bounds how much
is asked at once.
"""

import asyncio
import contextlib
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.connector import Connection

from rules.sample import Who
from watcher.http.answer import BY_TIME, Answer, Fault, HttpRefused, Request, refusal
from watcher.http.guard import Guard, GuardedResolver
from watcher.http.lateness import Late, Lateness, too_late
from watcher.http.refusing import Stage, refusing
from watcher.http.session import Redirected, guarded_session
from watcher.telemetry.metrics import Metrics

IDLE = 15.0  # seconds that an unused connection is kept
NAMES = 10  # seconds that a name is remembered in the pool that keeps connections
PIECE = 64 * 1024  # bytes that are read at once
_KNOWN = frozenset({"gzip", "x-gzip", "deflate"})


class Http:
    """Outgoing HTTP. Made once, by `Http.open`; used by everyone."""

    def __init__(
        self,
        kept: aiohttp.ClientSession,
        fresh: aiohttp.ClientSession,
        metrics: Metrics,
        now: Callable[[], datetime],
        guard: Guard,
        version: str,
    ) -> None:
        self._sessions = {False: kept, True: fresh}
        self._guard = guard
        self._version = version
        self._metrics = metrics
        self._now = now
        self.lateness = Lateness()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        guard: Guard,
        metrics: Metrics,
        now: Callable[[], datetime],
        version: str = "0",
        tls: ssl.SSLContext | None = None,
    ) -> AsyncIterator["Http"]:
        """Both pools, closed at the end.

        Args:
            guard: Decides which addresses may be connected to.
            metrics: Counts the requests.
            now: The time, for `Retry-After`.
            version: Of the daemon, for the ``User-Agent``.
            tls: Trusted authorities; by default the system's.
        """
        async with (
            _session(guard, version, tls, fresh=False) as kept,
            _session(guard, version, tls, fresh=True) as fresh,
        ):
            yield cls(kept, fresh, metrics, now, guard, version)

    def lend(self) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientSession]:
        """A session for a library with a client of its own. Each of its calls is made `asking`."""
        return guarded_session(self._guard, self._version)

    @contextlib.asynccontextmanager
    async def asking(self, request: Request) -> AsyncIterator[None]:
        """Around one call of such a library: its time, its count, and its failures as ours.

        Args:
            request: Who asks whom, and the timeout; nothing of it is sent.

        Raises:
            HttpRefused: There was no answer, or it leads elsewhere.
        """
        loop = asyncio.get_running_loop()
        began, result = loop.time(), "answered"
        try:
            with refusing(request, Stage(Fault.READ_TIMEOUT)):
                async with asyncio.timeout(request.timeout.total_seconds()):
                    try:
                        yield
                    except Redirected as elsewhere:
                        raise _elsewhere(request, elsewhere) from None
        except asyncio.CancelledError:
            result = "cancelled"
            raise
        except HttpRefused as refused:
            result = refused.fault.value
            raise
        finally:
            self._metrics.outgoing.labels(request.system, result).inc()
            self._metrics.outgoing_seconds.labels(request.system).observe(loop.time() - began)

    async def fetch(self, request: Request) -> Answer:
        """The answer to *request*, if it is a good one.

        Raises:
            HttpRefused: There was none, or its status is not 2xx.
        """
        answer = await self.send(request)
        refused = refusal(request, answer, self._now())
        if refused is not None:
            raise refused
        return answer

    async def send(self, request: Request) -> Answer:
        """The answer to *request*, whatever its status, within the request's timeout.

        Raises:
            HttpRefused: There was none.
        """
        loop = asyncio.get_running_loop()
        began, result = loop.time(), "cancelled"
        try:
            answer = await self._send(request, began)
            result = f"{answer.status // 100}xx"
        except HttpRefused as refused:
            result = refused.fault.value
            raise
        finally:
            self._metrics.outgoing.labels(request.system, result).inc()
            self._metrics.outgoing_seconds.labels(request.system).observe(loop.time() - began)
        return answer

    async def _send(self, request: Request, began: float) -> Answer:
        stage = _first_stage(request)
        with self.lateness.measured() as late:
            try:
                with refusing(request, stage):
                    async with asyncio.timeout(request.timeout.total_seconds()):
                        return await self._exchange(request, stage, began, late)
            except HttpRefused as refused:
                if refused.fault in BY_TIME:
                    refused.late = too_late(late(), request.timeout)
                raise

    async def _exchange(self, request: Request, stage: Stage, began: float, late: Late) -> Answer:
        session = self._sessions[request.fresh]
        headers = {
            **request.headers,
            **{name: secret.get_secret_value() for name, secret in request.secrets.items()},
        }
        tls: Any = {} if request.tls is None else {"ssl": request.tls}
        async with session.request(
            request.method,
            request.url,
            headers=headers,
            data=request.body,
            allow_redirects=False,
            trace_request_ctx=stage,
            **tls,
        ) as response:
            body = await _read(request, response)
            seconds = asyncio.get_running_loop().time() - began
            certificate = response.until if isinstance(response, _Response) else None
            cookies = tuple(response.headers.getall("Set-Cookie", ()))
            return Answer(response.status, _headers(response), body, seconds, certificate, cookies, late())


def _elsewhere(request: Request, elsewhere: Redirected) -> HttpRefused:
    words = f"{request.origin}: HTTP {elsewhere.status}"
    return HttpRefused(request.far, words, Fault.STATUS, status=elsewhere.status)


class _Response(aiohttp.ClientResponse):
    """Also remembers when the far end's certificate ends: once the body is read the connection is gone."""

    until: datetime | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Begin to read the answer on *connection*."""
        transport = connection.transport
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        if certificate:
            self.until = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        return await super().start(connection)


def _first_stage(request: Request) -> Stage:
    """Checks the URL; a name has to be looked up first, an address is connected to at once.

    Raises:
        HttpRefused: It is none that we would ask.
    """
    host = _host(request.url)
    if host is None:
        raise HttpRefused(Who.AUTHOR, f"{request.origin}: not a URL that can be asked", Fault.BAD_URL)
    try:
        ip_address(host)
    except ValueError:
        return Stage(Fault.DNS)
    return Stage(Fault.CONNECT_TIMEOUT)


def _host(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.username is None and parts.port != 0
    except ValueError:
        return None
    return parts.hostname if good else None


def _session(guard: Guard, version: str, tls: ssl.SSLContext | None, *, fresh: bool) -> aiohttp.ClientSession:
    idle: dict[str, Any] = {"force_close": True} if fresh else {"keepalive_timeout": IDLE}
    connector = aiohttp.TCPConnector(
        limit=0,
        resolver=GuardedResolver(guard),
        socket_factory=guard.socket,
        use_dns_cache=not fresh,
        ttl_dns_cache=NAMES,
        ssl=tls or True,
        **idle,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": f"rollbackd/{version}", "Accept-Encoding": "gzip"},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # ours is around everything
        auto_decompress=False,  # a body is decompressed by us, up to a limit
        trust_env=False,
        response_class=_Response,
        trace_configs=[_trace()],
    )


def _trace() -> aiohttp.TraceConfig:
    def marks(fault: Fault) -> Any:
        async def mark(_session: object, context: SimpleNamespace, _parameters: object) -> None:
            context.trace_request_ctx.fault = fault

        return mark

    trace = aiohttp.TraceConfig()
    trace.on_dns_resolvehost_end.append(marks(Fault.CONNECT_TIMEOUT))
    trace.on_dns_cache_hit.append(marks(Fault.CONNECT_TIMEOUT))
    trace.on_connection_create_end.append(marks(Fault.READ_TIMEOUT))
    trace.on_connection_reuseconn.append(marks(Fault.READ_TIMEOUT))
    return trace


async def _read(request: Request, response: aiohttp.ClientResponse) -> bytes:
    """The body, decompressed; at most ``request.most`` bytes, on the wire and after."""
    body = bytearray()
    async for piece in response.content.iter_chunked(PIECE):
        body += piece
        if len(body) > request.most:
            raise _too_large(request)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return bytes(body)
    if encoding not in _KNOWN:
        raise HttpRefused(
            request.far, f"{request.origin}: a body in an encoding that was not asked for", Fault.ENCODING
        )
    return _inflated(request, bytes(body))


def _inflated(request: Request, body: bytes) -> bytes:
    inflating = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, by its header
    try:
        plain = inflating.decompress(body, request.most + 1)
    except zlib.error:
        raise HttpRefused(
            request.far,
            f"{request.origin}: a body that is not in the encoding that it names",
            Fault.MALFORMED,
        ) from None
    if len(plain) > request.most:
        raise _too_large(request)
    if body and not inflating.eof:
        raise HttpRefused(request.far, f"{request.origin}: the answer ends in the middle", Fault.TRUNCATED)
    return plain


def _too_large(request: Request) -> HttpRefused:
    return HttpRefused(
        request.far, f"{request.origin}: an answer larger than {request.most // 1024} KiB", Fault.TOO_LARGE
    )


def _headers(response: aiohttp.ClientResponse) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
