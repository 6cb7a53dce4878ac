"""What boto3 would stream is read by the thread that asked for it, and is bounded."""

import asyncio

import pytest

from deploy.errors import AwsRefused
from tests.fakes.aws import AwsWorld, serving
from tests.fakes.aws.fixtures import NOON
from watcher.aws import AwsRoles, open_aws
from watcher.aws.capability import MOST_STREAMED
from watcher.telemetry.metrics import Metrics


async def read(size: int) -> bytes:
    world = AwsWorld(lambda: NOON)
    world.s3.create_bucket("shop-site")
    world.s3.put("shop-site", "index.html", b"x" * size, NOON)
    with serving(world) as url:
        async with open_aws(
            {"shop": AwsRoles("shop", "eu-central-1")}, Metrics(), lambda: NOON, endpoint=url
        ) as aws:
            answer = await aws.read("shop", "s3", "get_object", Bucket="shop-site", Key="index.html")
    body = answer["Body"]
    assert isinstance(body, bytes)
    return body


async def test_a_page_is_its_bytes():
    assert await read(1000) == b"x" * 1000


async def test_what_is_as_large_as_it_may_be_is_read():
    assert len(await read(MOST_STREAMED)) == MOST_STREAMED


async def test_what_is_larger_is_refused():
    with pytest.raises(AwsRefused, match="larger than 2048 KiB"):
        await read(MOST_STREAMED + 1)


async def test_a_page_whose_connection_breaks_is_no_shorter_page():
    async def cut(asks: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        await asks.readuntil(b"\r\n\r\n")
        answers.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "abc"\r\n\r\nonly the beginning')
        await answers.drain()
        answers.close()

    server = await asyncio.start_server(cut, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    roles = {"shop": AwsRoles("shop", "eu-central-1")}
    async with server, open_aws(roles, Metrics(), lambda: NOON, endpoint=url) as aws:
        with pytest.raises(AwsRefused) as refused:
            await aws.read("shop", "s3", "get_object", Bucket="shop-site", Key="index.html")

    assert "1000" in str(refused.value)
    assert not refused.value.may_have_happened
