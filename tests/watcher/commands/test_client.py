"""How a command speaks to a daemon, and what it says when it cannot."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.watcher.api.daemon import ADA, AToken, a_watch, an_api, served
from tests.watcher.commands.speaking import run, speak
from watcher.commands._client import Client, Failed, Misused, Refused, Unreachable, at

NOBODY = "http://127.0.0.1:1"  # tcpmux: nobody listens there


@asynccontextmanager
async def answering(*answers: web.Response) -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A server that gives these answers, one after the other, and then the last one again."""
    heard: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        heard.append(request)
        given = answers[min(len(heard), len(answers)) - 1]
        return web.Response(status=given.status, body=given.body, headers=given.headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with served(app) as port:
        yield f"http://127.0.0.1:{port}", heard


async def asked(url: str, ask: Callable[[Client], object]) -> tuple[object, list[float]]:
    pauses: list[float] = []
    try:
        return await asyncio.to_thread(ask, Client(url, pause=pauses.append)), pauses
    except Failed as failed:
        return failed, pauses


BUSY = web.json_response({"detail": "crowded", "remedy": "later"}, status=503)
FINE = web.json_response({"fine": True})


async def test_what_may_pass_is_tried_again():
    async with answering(BUSY, BUSY, FINE) as (url, heard):
        answer, pauses = await asked(url, lambda client: client.get("/v1/services"))

    assert answer == {"fine": True}
    assert pauses == [1.0, 2.0]
    assert len(heard) == 3


async def test_a_post_is_tried_again_with_the_same_key():
    async with answering(BUSY, FINE) as (url, heard):
        await asked(url, lambda client: client.post("/v1/deployments", {"tag": "v1"}, key="k-1"))

    assert [request.headers["Idempotency-Key"] for request in heard] == ["k-1", "k-1"]


async def test_after_three_tries_it_is_over():
    async with answering(BUSY) as (url, heard):
        answer, _ = await asked(url, lambda client: client.get("/v1/services"))

    assert isinstance(answer, Unreachable)
    assert answer.format_message() == "crowded\n    try: later"
    assert len(heard) == 3


@pytest.mark.parametrize(
    ("status", "kind", "exit_code"),
    [
        (400, Misused, 2),
        (404, Misused, 2),
        (401, Refused, 3),
        (403, Refused, 3),
        (409, Refused, 3),
        (429, Refused, 3),
    ],
)
async def test_a_refusal_is_not_tried_again(status, kind, exit_code):
    told = web.json_response({"detail": "no", "remedy": "do this"}, status=status)
    async with answering(told) as (url, heard):
        answer, _ = await asked(url, lambda client: client.get("/v1/services"))

    assert isinstance(answer, kind)
    assert answer.exit_code == exit_code
    assert len(heard) == 1


@pytest.mark.parametrize(
    "given",
    [
        web.Response(status=200, body=b"<html>welcome</html>"),
        web.Response(status=502, body=b"<html>bad gateway</html>"),
        web.Response(status=500, body=b"[1, 2]"),
        web.Response(status=200, body=b"\xff\xfe"),
    ],
)
async def test_what_is_no_daemon_of_ours_is_told_as_that(given):
    async with answering(given) as (url, _):
        answer, _ = await asked(url, lambda client: client.get("/v1/services"))

    assert isinstance(answer, Unreachable)
    assert url in answer.format_message()


async def test_a_path_in_the_address_is_kept():
    async with answering(FINE) as (url, heard):
        await asked(f"{url}/behind/a/proxy/", lambda client: client.get("/v1/services"))

    assert heard[0].path == "/behind/a/proxy/v1/services"


async def test_a_redirect_is_not_followed_with_the_token():
    async with answering(web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})) as (
        url,
        heard,
    ):
        answer, _ = await asked(url, lambda client: client.get("/v1/services"))

    assert isinstance(answer, Unreachable)
    assert len(heard) == 3


def test_a_name_with_a_slash_is_one_step_of_a_path():
    assert at("v1", "releases", "a/../b?c", "orders") == "/v1/releases/a%2F..%2Fb%3Fc/orders"


def test_nobody_there_is_status_4_with_the_address():
    said = run("watches", ROLLBACKD_URL=NOBODY)

    assert said.status == 4
    assert said.err.startswith(f"Error: no daemon answers at {NOBODY}")
    assert "try: ROLLBACKD_URL says where it listens" in said.err
    assert not said.out


@pytest.mark.parametrize(
    "url", ["localhost:8080", "ftp://localhost", "http://", "http://user:password@localhost:8080"]
)
def test_an_address_that_is_none_is_status_2_and_is_not_repeated(url):
    said = run("watches", ROLLBACKD_URL=url)

    assert said.status == 2
    assert "password" not in said.err


async def test_a_wrong_token_is_status_3():
    async with an_api() as api:
        said = await speak(api, "watches", ROLLBACKD_TOKEN="wrong")

    assert said.status == 3
    assert "rollbackd token NAME" in said.err


async def test_a_token_without_the_scope_is_status_3():
    reader = AToken("reader", frozenset({"read"}))
    async with an_api(tokens=[ADA, reader]) as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "hold", "w_1", ROLLBACKD_TOKEN=reader.secret)

    assert said.status == 3
    assert "token:reader may not order" in said.err
