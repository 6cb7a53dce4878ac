"""The receiver of the daemon's messages: it believes what is signed, and keeps what comes twice once."""

import hashlib
import hmac
import json

import aiohttp
import pytest

from watcher.demo.play.channel import Channel

SECRET = "a-secret-of-this-test"


def a_message(**changes) -> bytes:
    told = {
        "id": "m1",
        "watch": "w_1",
        "at": "2027-01-15T08:00:00+00:00",
        "headline": "v2 fails 6 %",
        "lines": ["41 of 672"],
        "tone": "alarm",
        "event": "watch.breached",
        "orders": [{"label": "Hold 15 min"}],
    }
    return json.dumps(told | changes).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    mac = hmac.new(secret.encode(), b"1800000000." + body, hashlib.sha256).hexdigest()
    return {"x-rollbackd-timestamp": "1800000000", "x-rollbackd-signature": f"v1={mac}"}


@pytest.fixture
async def channel():
    """One that listens."""
    found = Channel(SECRET)
    async with found.open():
        yield found


async def told(channel: Channel, body: bytes, headers: dict[str, str]) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{channel.port}/", data=body, headers=headers) as answer,
    ):
        return answer.status


async def test_what_was_told_is_kept(channel):
    body = a_message()

    assert await told(channel, body, signed(body)) == 204

    (said,) = channel.of("w_1")
    assert said.headline == "v2 fails 6 %"
    assert said.buttons == ("Hold 15 min",)
    assert said.loud
    assert channel.of("w_2") == []
    assert channel.all() == [said]


@pytest.mark.parametrize("again", ["m1", "m2"], ids=["once more", "in the thread"])
async def test_what_comes_twice_stands_there_once(channel, again):
    body, other = a_message(), a_message(id=again)

    await told(channel, body, signed(body))
    await told(channel, other, signed(other))

    assert len(channel.of("w_1")) == 1


@pytest.mark.parametrize("headers", [{}, signed(a_message(), secret="another")])
async def test_what_is_not_signed_is_not_believed(channel, headers):
    assert await told(channel, a_message(), headers) == 401
    assert channel.of("w_1") == []
