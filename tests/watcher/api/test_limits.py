"""What a request may cost: bytes, seconds, company. Raw sockets, as those who mean harm would send them."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import ClientError

from tests.watcher.api.daemon import ADA, Api, a_watch, an_api
from watcher.api.limits import Limits

QUICK = Limits(body_timeout=timedelta(milliseconds=200))
ORDER = b'{"order": "hold"}'
MIB = 1024 * 1024


def head(length: int | None, token: str = ADA.secret, **more: str) -> bytes:
    """The head of an order to a watch."""
    size = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
    headers = {"Host": "x", "Authorization": f"Bearer {token}", "Content-Type": "application/json", **size}
    sent = headers | {name.replace("_", "-"): value for name, value in more.items()}
    lines = [f"{name}: {value}" for name, value in sent.items()]
    return "\r\n".join(["POST /v1/watches/w_1/orders HTTP/1.1", *lines, "", ""]).encode()


@asynccontextmanager
async def wire(api: Api) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of our own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def answered(reader: asyncio.StreamReader) -> tuple[int, dict[str, object]]:
    """The status and the body that come back."""
    async with asyncio.timeout(5):
        told = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in told.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        body = await reader.readexactly(int(length.split(b":")[1]))
    return int(told.split()[1]), json.loads(body)


async def is_closed(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(5):
        try:
            return await reader.read() == b""
        except ConnectionError:
            return True


async def test_a_body_that_does_not_come_is_answered_408_and_the_connection_closed(caplog):
    async with an_api(limits=QUICK) as api, wire(api) as (reader, writer):
        writer.write(head(100) + b'{"or')
        status, problem = await answered(reader)
        closed = await is_closed(reader)

    assert (status, problem["status"]) == (408, 408)
    assert closed
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_body_that_trickles_is_cut_off_all_the_same():
    async with an_api(limits=QUICK) as api, wire(api) as (reader, writer):
        writer.write(head(100))

        async def trickle() -> None:
            for _ in range(100):
                writer.write(b" ")
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            trickling = group.create_task(trickle())
            status, _ = await answered(reader)
            trickling.cancel()

    assert status == 408


@pytest.mark.parametrize("token", [ADA.secret, "of-a-stranger"])
@pytest.mark.parametrize("sent", [b"", b'{"or'])
async def test_who_hangs_up_in_the_middle_of_a_body_leaves_no_error_in_the_log(token, sent, caplog, capsys):
    async with an_api() as api:
        async with wire(api) as (_, writer):
            writer.write(head(100, token) + sent)
            await writer.drain()
            await asyncio.sleep(0.05)
        async with wire(api) as (reader, writer):
            writer.write(head(100, token) + sent)
            writer.write_eof()
            await is_closed(reader)
        await asyncio.sleep(0.05)

    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "request.failed" not in capsys.readouterr().out


@pytest.mark.parametrize("length", [256 * 1024 + 1, 50 * MIB, 10**15])
async def test_a_body_that_says_it_is_too_large_is_not_read(length):
    async with an_api() as api, wire(api) as (reader, writer):
        writer.write(head(length))
        status, problem = await answered(reader)

    assert status == 413
    assert problem["remedy"] == "send at most 256 KiB"


async def test_a_body_that_turns_out_to_be_too_large_is_not_kept():
    async with an_api() as api, wire(api) as (reader, writer):
        writer.write(head(None))
        for _ in range(64):
            writer.write(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        status, _ = await answered(reader)

    assert status == 413


async def test_fifty_megabytes_are_refused_by_a_client_that_sends_them_to_the_end(api):
    headers = {"Authorization": f"Bearer {ADA.secret}", "Content-Type": "application/json"}
    sent = io.BytesIO(b" " * 50 * MIB)

    async with api.session.post(f"{api.url}/v1/deployments", data=sent, headers=headers) as response:
        assert response.status == 413


async def test_a_body_of_just_the_size_is_read(api):
    await api.daemon.has(a_watch())

    answer = await api.post("/v1/watches/w_1/orders", ORDER + b" " * (256 * 1024 - len(ORDER)))

    assert answer.status == 202


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "application/json, text/plain"},
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "br"},
    ],
)
async def test_a_body_of_another_kind_is_not_read(api, headers):
    answer = await api.post("/v1/deployments", ORDER, **headers)

    assert answer.status == 415
    assert answer.json["remedy"]


async def test_a_compressed_bomb_is_never_unpacked(api):
    answer = await api.post("/v1/deployments", b"\x1f\x8b" + b"\0" * 1000, Content_Encoding="deflate")

    assert answer.status == 415


async def test_more_requests_than_have_room_are_told_to_come_again():
    crowded = Limits(at_once=3, waiting=2)
    async with an_api(limits=crowded) as api:
        await api.daemon.has(a_watch())
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(api.get("/v1/watches/w_1/verdict?wait=1s")) for _ in range(2)]
            await asyncio.sleep(0.2)
            one_more = await api.get("/v1/watches/w_1/verdict?wait=1s")
            another = await api.get("/v1/watches/w_1")
            alive = await api.get("/livez", None)

    assert [task.result().status for task in waiting] == [200, 200]
    assert one_more.status == 503
    assert one_more.headers["Retry-After"]
    assert another.status == 200
    assert alive.status == 200


async def test_five_hundred_slow_senders_do_not_keep_anybody_waiting():
    async with an_api(limits=Limits(at_once=1000)) as api:
        wires = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(400)]
        for number, (_, writer) in enumerate(wires):
            writer.write(head(100) + b"{" if number % 2 else b"POST /v1/deployments HTTP/1.1\r\nHos")
        async with asyncio.timeout(1):
            answer = await api.post(
                "/v1/deployments", {"service": "checkout", "environment": "production", "tag": "v44"}
            )
        for _, writer in wires:
            writer.close()

    assert answer.status == 202


async def test_what_is_no_http_leaves_no_error_in_the_log(caplog):
    told = b""
    async with an_api() as api:
        for sent in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\nX: \0\r\n\r\n", b"GET " + b"x" * 10_000):
            async with wire(api) as (reader, writer):
                writer.write(sent + b"\r\n\r\n")
                told = await reader.readline()

    assert b" 400 " in told
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_who_waits_is_answered_before_the_daemon_ends(api):
    await api.daemon.has(a_watch())
    waiting = asyncio.ensure_future(api.get("/v1/watches/w_1/verdict?wait=30s"))
    await asyncio.sleep(0.1)
    api.daemon.status = replace(api.daemon.status, draining=True)

    async with asyncio.timeout(4):
        answer = await waiting

    assert answer.json["decided"] is False


async def test_the_server_ends_quickly_with_clients_that_wait():
    loop = asyncio.get_running_loop()
    async with an_api() as api:
        await api.daemon.has(a_watch())
        waiting = asyncio.ensure_future(api.get("/v1/watches/w_1/verdict?wait=30s"))
        await asyncio.sleep(0.1)
        began = loop.time()
    ended = loop.time()
    with pytest.raises(ClientError):
        await waiting

    assert ended - began < 6


async def test_a_body_may_be_announced_first(api):
    await api.daemon.has(a_watch())
    async with wire(api) as (reader, writer):
        writer.write(head(len(ORDER), Expect="100-continue"))
        async with asyncio.timeout(5):
            first = await reader.readuntil(b"\r\n\r\n")
        writer.write(ORDER)
        status, _ = await answered(reader)

    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert status == 202


async def test_anything_else_that_is_expected_is_a_problem(api):
    async with wire(api) as (reader, writer):
        writer.write(head(len(ORDER), Expect="a miracle"))
        status, problem = await answered(reader)

    assert status == 417
    assert problem["remedy"]
