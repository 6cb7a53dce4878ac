"""Answers that come otherwise than AWS sends them, made of the true one: over sockets alone, as they are faults of the way."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from tests.fakes.aws.wire import Response

HUGE = 50_000_000  # bytes
LATE, _LOOK = 10.0, 0.02  # seconds: longer than anybody waits, and between looks whether somebody still does
_PAGE = b"<!doctype html><html><title>Log in</title></html>"
Spoil = Callable[[web.Request, Response], Awaitable[web.StreamResponse]]


async def _page(_request: web.Request, _true: Response) -> web.StreamResponse:
    """Of something in between, where one has to log in."""
    return web.Response(body=_PAGE, content_type="text/html")


async def _page_as_answer(_request: web.Request, true: Response) -> web.StreamResponse:
    """The same, which calls itself what the answer is called."""
    return web.Response(body=_PAGE, headers=true.headers)


async def _failure(_request: web.Request, _true: Response) -> web.StreamResponse:
    return web.Response(status=500, body=b"<!doctype html><title>500</title>", content_type="text/html")


async def _another_type(_request: web.Request, true: Response) -> web.StreamResponse:
    """All that AWS says, under another name."""
    return web.Response(body=true.body, headers={**true.headers, "Content-Type": "text/plain; charset=utf-8"})


async def _half(_request: web.Request, true: Response) -> web.StreamResponse:
    """As if it were all."""
    return web.Response(body=true.body[: len(true.body) // 2], headers=true.headers)


async def _cut(request: web.Request, true: Response) -> web.StreamResponse:
    """The connection breaks in the middle of it."""
    response = web.StreamResponse(headers={**true.headers, "Content-Length": str(len(true.body))})
    await response.prepare(request)
    await response.write(true.body[: len(true.body) // 2])
    _hang_up(request)
    return response


async def _nothing(request: web.Request, _true: Response) -> web.StreamResponse:
    _hang_up(request)
    return web.Response()


async def _huge(request: web.Request, true: Response) -> web.StreamResponse:
    """The true answer, and so many blanks that it would fill the memory: to a parser it is as good as any."""
    response = web.StreamResponse(headers=true.headers)
    response.enable_chunked_encoding()
    await response.prepare(request)
    await response.write(true.body)
    blanks = b" " * 1_000_000
    for _ in range(HUGE // len(blanks)):
        await response.write(blanks)
    return response


async def _late(request: web.Request, true: Response) -> web.StreamResponse:
    """All of it, but not a byte before who asks has had enough."""
    for _ in range(round(LATE / _LOOK)):
        if request.transport is None:
            break
        await asyncio.sleep(_LOOK)
    return web.Response(body=true.body, headers=true.headers)


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()


SPOILT: Mapping[str, Spoil] = {
    "500 as html": _failure,
    "a page": _page,
    "a page as answer": _page_as_answer,
    "another type": _another_type,
    "half an answer": _half,
    "cut off": _cut,
    "no answer at all": _nothing,
    "a late first byte": _late,
    "50 MB": _huge,
}
