"""The application, and what happens around every handler: who, how much, in which form, and what a refusal looks like."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from pydantic import BaseModel, ValidationError

from watcher.api.auth import NOBODY, Failures, Principal, Scope, principal_of
from watcher.api.bodies import NoBody
from watcher.api.deps import Deps
from watcher.api.idempotency import HEADER, Keys
from watcher.api.limits import Crowd, body_of, guard
from watcher.api.problems import (
    CONTENT_TYPE,
    Declined,
    Mistake,
    broken,
    forbidden,
    malformed,
    mistakes_of,
    not_found,
    of_status,
    translated,
    unauthorized,
)
from watcher.api.quiet import HUNG_UP, quiet_logger
from watcher.api.readers import Reader, Readers
from watcher.api.route import Answer, AnyCall, AnyRoute, Call, Keyed, Raw, written
from watcher.api.routes import ROUTES
from watcher.errors import WatcherError

SHUTDOWN = 2.0  # seconds; aiohttp applies it twice, and its default kept a daemon alive for 98 s (operations.md, trap 1)
KEEP_ALIVE = 15.0  # seconds
LINGER = 1.0  # seconds in which what is left of a refused body is read, so that the refusal arrives
REQUEST_ID = web.RequestKey("request_id", str)

log = structlog.stdlib.get_logger("rollbackd.api")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build(deps: Deps, routes: Iterable[AnyRoute] = ROUTES) -> web.Application:
    """The application. It starts nothing, and holds nothing open."""
    door = Door(deps)
    app = web.Application(middlewares=[answering(deps)], client_max_size=deps.limits.body_bytes)
    for route in routes:
        app.router.add_route(
            route.method, route.path, door.serve(route), name=route.name, expect_handler=_expected
        )
    return app


def runner(app: web.Application) -> web.AppRunner:
    """What serves *app*, with time-outs that let the daemon end in time."""
    return web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        shutdown_timeout=SHUTDOWN,
        keepalive_timeout=KEEP_ALIVE,
        lingering_time=LINGER,
        auto_decompress=False,
        logger=quiet_logger(),
    )


class Door:
    """What stands before every handler."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._in_hand = Crowd(deps.limits.at_once)
        self._waiting = Crowd(deps.limits.waiting)
        self._failures = Failures(deps.limits.bad_tokens)
        self._keys = Keys(deps)

    def serve(self, route: AnyRoute) -> Handler:
        """The handler that aiohttp calls for *route*."""
        if route.scope is Scope.SIGNED:
            return self._serve_signed(route)

        async def serve(request: web.Request) -> web.Response:
            who = self._admitted(request, route)
            with ExitStack() as room:
                if route.scope is not Scope.PUBLIC:
                    room.enter_context(self._in_hand.enter())
                if route.waits:
                    room.enter_context(self._waiting.enter())
                asked = _asked(request, route)
                return await self._served(request, route, who, asked, await self._body(request, route))

        return serve

    def _serve_signed(self, route: AnyRoute) -> Handler:
        """The same where callers sign. Whose body is not there yet takes no room from those whose is."""
        limits = self._deps.limits
        readers, in_hand = Readers(limits.signed, limits.slow), Crowd(limits.signed)

        async def serve(request: web.Request) -> web.Response:
            asked = _asked(request, route)
            if (
                request.content.is_eof()
            ):  # it came with its headers, as those of honest senders do: nobody has to wait for it
                raw = await self._body(request, route)
            else:
                with readers.enter(request.remote or "") as reader:
                    raw = await self._body(request, route, reader)
            with in_hand.enter():
                return await self._heard(request, route, asked, raw)

        return serve

    def _admitted(self, request: web.Request, route: AnyRoute) -> Principal:
        """Whoever sends *request*.

        Raises:
            Declined: Nobody knows them (401; 429 after too many), or they may not (403).
        """
        if route.scope is Scope.PUBLIC:
            return NOBODY
        who = principal_of(
            request.headers.get("Authorization", ""),
            self._deps.tokens(),
            peer=request.remote,
            host=request.host,
        )
        if who is None:
            raise self._unknown(request.remote or "")
        if route.scope not in who.may:
            raise forbidden(f"{who.name} may not {route.scope}", f"take a token that may `{route.scope}`")
        return who

    def _unknown(self, address: str, refusal: Declined | None = None) -> Declined:
        wait = self._failures.failed(address, self._deps.now())
        if wait is None:
            log.warning("token.refused" if refusal is None else "signature.refused", address=address)
            return refusal or unauthorized()
        return Declined(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too-many-bad-tokens",
            "too many wrong tokens or signatures came from this address",
            remedy="wait; a token or a signature that the daemon knows is heard at any time",
            retry_after=wait,
        )

    async def _body(self, request: web.Request, route: AnyRoute, reader: Reader | None = None) -> bytes:
        if not route.takes_body:
            return b""
        return await body_of(
            request, self._deps.limits, route.send_less, route.takes, route.also_takes, reader
        )

    async def _heard(
        self, request: web.Request, route: AnyRoute, asked: BaseModel, raw: bytes
    ) -> web.Response:
        """As `_served`; a signature that nobody knows counts against its address as a token does."""
        try:
            return await self._served(request, route, NOBODY, asked, raw)
        except Declined as refusal:
            if refusal.status is HTTPStatus.UNAUTHORIZED:
                raise self._unknown(request.remote or "", refusal) from None
            raise

    async def _served(
        self, request: web.Request, route: AnyRoute, who: Principal, asked: BaseModel, raw: bytes
    ) -> web.Response:
        call: AnyCall = Call(
            deps=self._deps,
            who=who,
            asked=asked,
            body=_body(raw, route),
            raw=raw,
            headers=_headers(request),
            is_gone=lambda: request.transport is None or request.transport.is_closing(),
        )

        key = request.headers.get(HEADER)
        if not route.replays or key is None:
            response = _response(route, await route.handle(call))
        else:
            sent = b"\0".join((request.method.encode(), request.path.encode(), raw))
            keyed = Keyed(who.name, key, hashlib.sha256(sent).digest(), route.status)

            async def answer() -> bytes:
                return _bytes(await route.handle(replace(call, keyed=keyed)))

            body = await self._keys.once(keyed, answer)
            response = web.Response(status=route.status, body=body, content_type="application/json")
        if route.scope is Scope.ORDER:
            log.info(
                "order.obeyed",
                path=request.path,
                principal=who.name,
                address=request.remote,
                request=request[REQUEST_ID],
            )
        return response


def answering(deps: Deps) -> Middleware:
    """The outermost middleware: every refusal becomes a problem, every answer is counted, and a bug is said to the log only."""

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = deps.monotonic()
        request[REQUEST_ID] = deps.new_id("r", deps.now())
        response = await _answered(request, handler)
        response.headers.update(
            {
                "Cache-Control": "no-store",
                "Server": "rollbackd",
                "X-Content-Type-Options": "nosniff",
                "X-Request-Id": request[REQUEST_ID],
            }
        )
        name = request.match_info.route.name or "unknown"
        deps.counted(name, request.method, response.status, deps.monotonic() - started)
        return response

    return answer


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except WatcherError as error:
        refused = translated(error)
        if refused.status is HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("request.failed", request=request[REQUEST_ID], path=request.path)
        return _refusal(refused)
    except web.HTTPException as error:
        response = _refusal(of_status(error.status))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except HUNG_UP:
        # Whoever asked is gone, in the middle of the body: nobody hears this, and it is nobody's error.
        return _refusal(of_status(HTTPStatus.BAD_REQUEST))
    except Exception:
        log.exception("request.failed", request=request[REQUEST_ID], path=request.path)
        return _refusal(broken())


async def _expected(request: web.Request) -> web.Response | None:
    """Say that the body may come; that is all that one may expect. This runs before the middleware."""
    if request.headers.get("Expect", "").lower() != "100-continue":
        return _refusal(of_status(HTTPStatus.EXPECTATION_FAILED))
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return None


def _headers(request: web.Request) -> Mapping[str, str]:
    """By lower-case name; of one that came twice all values, so that it is no longer what either of them was (RFC 9110, 5.2)."""
    return {name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers}


def _asked(request: web.Request, route: AnyRoute) -> BaseModel:
    """What stands in the path and the query.

    Raises:
        Declined: A name in the path that cannot be one (404), or a mistake in the query (400).
    """
    given: Mapping[str, str] = dict(request.query)
    twice = [name for name in given if len(request.query.getall(name)) > 1]
    if twice:
        mistakes = [Mistake(where=name[:80], what="stands twice") for name in twice]
        raise malformed("the query", mistakes, "write each parameter once")
    in_path = [name for name in given if name in request.match_info]
    if in_path:
        mistakes = [Mistake(where=name, what="stands in the path") for name in in_path]
        raise malformed("the query", mistakes, "leave it out")
    try:
        asked: BaseModel = route.asked.model_validate({**given, **request.match_info})
    except ValidationError as error:
        mistakes = mistakes_of(error)
        if any(each.where in request.match_info for each in mistakes):
            raise not_found(
                f"there is no such {mistakes[0].where}", f"{mistakes[0].where} {mistakes[0].what}"
            ) from error
        takes = ", ".join(name for name in route.asked.model_fields if name not in route.in_path)
        raise malformed("the query", mistakes, f"it takes {takes or 'nothing'}") from error
    return asked


def _body(raw: bytes, route: AnyRoute) -> BaseModel:
    if route.reads_raw or not route.takes_body:
        return NoBody()
    guard(raw)
    try:
        body: BaseModel = route.body.model_validate_json(raw)
    except ValidationError as error:
        raise malformed(
            "the body", mistakes_of(error), f"see the schema {route.body.__name__} in /openapi.json"
        ) from error
    return body


def _bytes(answer: Answer) -> bytes:
    return answer.body if isinstance(answer, Raw) else written(answer)


def _response(route: AnyRoute, answer: Answer) -> web.Response:
    kind = answer.content_type if isinstance(answer, Raw) else "application/json"
    return web.Response(status=route.status, body=_bytes(answer), headers={"Content-Type": kind})


def _refusal(refused: Declined) -> web.Response:
    """The problem as a response. What was too large or too slow is not waited for any longer."""
    body = refused.problem.model_dump_json(exclude_none=True).encode()
    response = web.Response(status=refused.status, body=body, headers={"Content-Type": CONTENT_TYPE})
    if refused.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, round(refused.retry_after.total_seconds() + 0.5)))
    if refused.status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if refused.status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}:
        response.force_close()
    return response
