"""The fake over HTTP: for unmodified boto3, which is told so by ``endpoint_url`` or ``AWS_ENDPOINT_URL``."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from aiohttp import web

from tests.fakes.aws import wire
from tests.fakes.aws.spoilt import SPOILT
from tests.fakes.aws.trouble import AwsError, FakeBug
from tests.fakes.aws.world import Answer, AwsWorld

_MOST = 2**24  # bytes of a request
_LONGEST_POLL = 20  # seconds [D]; of real time


def app(world: AwsWorld, door: Callable[[web.Application, AwsWorld], None] | None = None) -> web.Application:
    """AWS at one address, every service of it; before it, a *door* for whoever rules the world."""

    async def serve(request: web.Request) -> web.StreamResponse:
        return await _served(world, request)

    made = web.Application(client_max_size=_MOST)
    if door is not None:
        door(made, world)
    made.router.add_route("*", "/{path:.*}", serve)
    return made


async def _served(world: AwsWorld, request: web.Request) -> web.StreamResponse:
    try:
        path, _, query = request.raw_path.partition("?")
        path = urlsplit(path).path if "://" in path else path  # asked as a proxy is
        said = wire.read(request.headers, await request.read(), request.method, path, query)
        answer = await _asked(world, said)
    except (FakeBug, wire.NotSpoken) as bug:
        return _sent(_dated(wire.broken(str(bug)), world.now()))
    await asyncio.sleep(answer.delay)
    if answer.lost and request.transport is not None:
        request.transport.close()
    named = world.draw("request")[:32]
    if answer.error is not None:
        return _sent(_dated(wire.refused(said, answer.error, named), world.now()))
    true = _dated(wire.answered(said, answer.content, named), world.now())
    if answer.spoilt:
        return await SPOILT[answer.spoilt](request, true)
    return _sent(true)


async def _asked(world: AwsWorld, said: wire.Said) -> Answer:
    """The answer; to a long poll when there is something, or when its time is over."""
    try:
        who = world.identities.of(said.key_id, world.now())
    except AwsError as error:
        return Answer(error=error)
    if said.operation == "ReceiveMessage":
        await _something(world, said, who.account)
    return world.ask(said.service, said.operation, said.parameters, who, said.region)


async def _something(world: AwsWorld, said: wire.Said, account: str) -> None:
    waits = said.parameters.get("WaitTimeSeconds", 0)
    until = asyncio.get_running_loop().time() + (waits if waits <= _LONGEST_POLL else 0)
    while asyncio.get_running_loop().time() < until:
        if world.has_message(said.parameters["QueueUrl"], account, said.region):
            return
        await asyncio.sleep(0.05)


def _sent(response: wire.Response) -> web.Response:
    return web.Response(status=response.status, headers=response.headers, body=response.body)


def _dated(response: wire.Response, now: datetime) -> wire.Response:
    """With AWS's own time, by which a client sees how far its clock is off."""
    return replace(response, headers={**response.headers, "Date": format_datetime(now, usegmt=True)})


@contextlib.contextmanager
def serving(world: AwsWorld) -> Iterator[str]:
    """The URL at which *world* answers, from a thread of its own, so that a test may block in boto3."""
    started: list[str] = []
    ready = threading.Event()
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        runner = web.AppRunner(app(world), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        started.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        ready.set()
        await stop.wait()
        await runner.cleanup()

    def thread() -> None:
        loop.run_until_complete(run())
        loop.close()

    running = threading.Thread(target=thread, name="fake AWS", daemon=True)
    running.start()
    if not ready.wait(60):
        raise RuntimeError("the fake AWS did not start")
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        running.join(60)
