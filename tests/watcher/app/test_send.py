"""How targets speak with systems over HTTP: once, guarded, bounded; and whether what was not answered may have been done."""

import pytest
from aiohttp import web

from deploy.errors import Unanswered
from tests.builders import NOON
from tests.fakes.serve import http_to_loopback, serving_app
from watcher.app.opening import LARGEST_PAGE, _sent
from watcher.http import Guard, Http
from watcher.telemetry.metrics import Metrics

SECRET = {"Authorization": "api-0123456789"}


def a_system(**answer: object) -> tuple[web.Application, list[tuple[str, str, bytes]]]:
    asked: list[tuple[str, str, bytes]] = []

    async def respond(request: web.Request) -> web.Response:
        asked.append((request.method, request.headers.get("Authorization", ""), await request.read()))
        if answer.get("drops") and request.transport is not None:
            request.transport.close()
        return web.Response(
            status=int(str(answer.get("status", 200))),
            body=answer.get("body", b"{}"),
            headers={"Location": "http://127.0.0.1:9/"},
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    return app, asked


@pytest.mark.parametrize("status", [200, 301, 409, 500])
async def test_it_is_sent_once_and_whatever_comes_back_is_given(status):
    app, asked = a_system(status=status, body=b"said")
    async with serving_app(app) as port, http_to_loopback(lambda: NOON) as http:
        got = await _sent(http, "PATCH", f"http://127.0.0.1:{port}/x", {}, SECRET, b"body")

    assert (got.status, got.body) == (status, b"said")
    assert asked == [("PATCH", SECRET["Authorization"], b"body")]


@pytest.mark.parametrize(("method", "happened"), [("PATCH", True), ("GET", False)])
async def test_what_was_sent_and_not_answered_may_have_been_done(method, happened):
    app, _ = a_system(drops=True)
    async with serving_app(app) as port, http_to_loopback(lambda: NOON) as http:
        with pytest.raises(Unanswered) as caught:
            await _sent(http, method, f"http://127.0.0.1:{port}/x", {}, SECRET)

    assert caught.value.may_have_happened is happened
    assert SECRET["Authorization"] not in str(caught.value)


async def test_an_answer_that_is_too_large_is_none_and_what_was_asked_for_may_have_been_done():
    app, _ = a_system(body=b"x" * (LARGEST_PAGE + 1))
    async with serving_app(app) as port, http_to_loopback(lambda: NOON) as http:
        with pytest.raises(Unanswered, match="larger than") as caught:
            await _sent(http, "POST", f"http://127.0.0.1:{port}/x", {}, SECRET)

    assert caught.value.may_have_happened


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no-such-host.invalid/", "ftp://x/"])
async def test_where_nobody_was_reached_nothing_was_done(url):
    async with http_to_loopback(lambda: NOON) as http:
        with pytest.raises(Unanswered) as caught:
            await _sent(http, "PATCH", url, {}, SECRET)

    assert not caught.value.may_have_happened


async def test_where_the_daemon_may_not_reach_nothing_is_sent():
    app, asked = a_system()
    async with serving_app(app) as port, Http.open(Guard(), Metrics(), lambda: NOON) as http:
        with pytest.raises(Unanswered) as caught:
            await _sent(http, "PATCH", f"http://127.0.0.1:{port}/", {}, SECRET)

    assert asked == []
    assert not caught.value.may_have_happened
    assert "daemon.reach" in caught.value.remedy
