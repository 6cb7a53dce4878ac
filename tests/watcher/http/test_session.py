"""A session that is lent to a library: whatever the library does, it gets no further than our own requests do."""

import asyncio
import json
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.http import Fault, Guard, Http, HttpRefused, Request
from watcher.http.session import MOST
from watcher.telemetry.metrics import Metrics


def noon():
    return START


def asked(timeout=5.0) -> Request:
    return Request("test", "http://127.0.0.1/secret?token=s3", timeout=timedelta(seconds=timeout))


def an_app(**handlers) -> web.Application:
    app = web.Application()
    for path, handle in handlers.items():
        app.router.add_get(f"/{path}", handle)
    return app


async def fault(url: str, http: Http, timeout: float = 5.0) -> HttpRefused:
    """How a library that reads JSON at *url* fails."""
    async with http.lend() as session:
        with pytest.raises(HttpRefused) as caught:
            async with http.asking(asked(timeout)), session.get(url) as answer:
                await answer.json()
    return caught.value


async def test_what_is_asked_is_answered_and_counted():
    async def answers(_request):
        return web.json_response({"ok": True})

    metrics = Metrics()
    async with (
        serving_app(an_app(good=answers)) as port,
        http_to_loopback(noon, metrics) as http,
        http.lend() as session,
        http.asking(asked()),
        session.get(f"http://127.0.0.1:{port}/good") as answer,
    ):
        assert await answer.json() == {"ok": True}

    labels = {"system": "test", "result": "answered"}
    assert metrics.registry.get_sample_value("rollbackd_outgoing_requests_total", labels) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_followed_elsewhere(status):
    reached = []

    async def sends_away(_request):
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async def elsewhere(request):
        reached.append(request)
        return web.json_response({})

    async with (
        serving_app(an_app(away=sends_away, elsewhere=elsewhere)) as port,
        http_to_loopback(noon) as http,
    ):
        refused = await fault(f"http://127.0.0.1:{port}/away", http)
        async with http.lend() as session:
            with pytest.raises(HttpRefused):
                async with http.asking(asked()):
                    await session.ws_connect(f"http://127.0.0.1:{port}/away")

    assert (refused.fault, refused.status) == (Fault.STATUS, status)
    assert reached == []


async def test_a_body_that_is_too_large_is_cut_off_while_it_comes():
    sent = 0

    async def floods(request):
        nonlocal sent
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        piece = b" " * 65_536
        while sent < 64 * MOST:
            await response.write(piece)
            sent += len(piece)
        return response

    async with serving_app(an_app(flood=floods)) as port, http_to_loopback(noon) as http:
        refused = await fault(f"http://127.0.0.1:{port}/flood", http)

    assert "1024 KiB" in refused.words or refused.fault in {Fault.MALFORMED, Fault.TRUNCATED}
    assert sent < 32 * MOST


async def test_a_body_of_just_the_size_is_read():
    async def answers(_request):
        return web.json_response(text=json.dumps("x" * (MOST - 2)))

    async with (
        serving_app(an_app(large=answers)) as port,
        http_to_loopback(noon) as http,
        http.lend() as session,
        session.get(f"http://127.0.0.1:{port}/large") as answer,
    ):
        assert len(await answer.json()) == MOST - 2


async def test_an_address_that_is_not_allowed_is_not_connected_to():
    async def answers(_request):
        return web.json_response({})

    async with serving_app(an_app(inside=answers)) as port, Http.open(Guard(), Metrics(), noon) as http:
        by_address = await fault(f"http://127.0.0.1:{port}/inside", http)
        by_name = await fault(f"http://localhost:{port}/inside", http)
        odd = await fault(f"http://0x7f000001:{port}/inside", http)

    assert {by_address.fault, by_name.fault, odd.fault} == {Fault.BLOCKED}


async def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password of-the-file\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    heard = []

    async def answers(request):
        heard.append(dict(request.headers))
        return web.json_response({})

    async with (
        serving_app(an_app(good=answers)) as port,
        http_to_loopback(noon) as http,
        http.lend() as session,
        session.get(f"http://127.0.0.1:{port}/good") as answer,
    ):
        assert await answer.json() == {}

    assert "Authorization" not in heard[0]


async def test_silence_ends_with_the_time_of_the_call_and_says_nothing_of_the_path():
    async def is_silent(_request):
        await asyncio.Event().wait()

    async with serving_app(an_app(silent=is_silent)) as port, http_to_loopback(noon) as http:
        refused = await fault(f"http://127.0.0.1:{port}/silent", http, timeout=0.2)

    assert refused.fault is Fault.READ_TIMEOUT
    assert "0.2 s" in refused.words
    assert "secret" not in refused.words


async def test_a_call_that_is_given_up_is_counted_as_that():
    async def is_silent(_request):
        await asyncio.Event().wait()

    metrics = Metrics()
    async with serving_app(an_app(silent=is_silent)) as port, http_to_loopback(noon, metrics) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), http.lend() as session, http.asking(asked()):
                await session.get(f"http://127.0.0.1:{port}/silent")

    labels = {"system": "test", "result": "cancelled"}
    assert metrics.registry.get_sample_value("rollbackd_outgoing_requests_total", labels) == 1


async def test_a_cookie_is_not_kept():
    heard = []

    async def sets(request):
        heard.append(request.cookies)
        response = web.json_response({})
        response.set_cookie("session", "x")
        return response

    async with (
        serving_app(an_app(good=sets)) as port,
        http_to_loopback(noon) as http,
        http.lend() as session,
    ):
        for _ in range(2):
            async with session.get(f"http://127.0.0.1:{port}/good") as answer:
                await answer.read()

    assert heard == [{}, {}]
    assert isinstance(session, aiohttp.ClientSession)
    assert session.closed
