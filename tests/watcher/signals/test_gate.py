"""A server that has enough says so by 429: all who ask it wait, as long as it says or for half a minute, and then one goes first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.model import Level
from rules.sample import Unavailable
from tests.scenarios.virtual import in_virtual_time
from watcher.http import Answer, Http, Request
from watcher.signals.gate import ServerGate
from watcher.signals.provider import Examined, Opening
from watcher.signals.registry import PROVIDERS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
REQUEST = Request("loki", "http://loki:3100/loki/api/v1/query_range")
AT_ONCE = 4  # calls, as providers make them


@dataclass
class Server:
    """Answers *status* after *takes* seconds; *retry_after* as it writes it.

    Attributes:
        asked: When, in seconds.
    """

    status: int = 429
    retry_after: str | None = None
    takes: float = 0.1
    asked: list[float] = field(default_factory=list)

    async def answer(self) -> Answer:
        self.asked.append(round(asyncio.get_running_loop().time(), 3))
        status, headers = self.status, {} if self.retry_after is None else {"retry-after": self.retry_after}
        await asyncio.sleep(self.takes)
        return Answer(
            status, {**headers, "content-type": "text/plain"}, b"too many outstanding requests", self.takes
        )


def a_gate() -> ServerGate:
    return ServerGate("http://loki:3100", lambda: NOON + timedelta(seconds=asyncio.get_running_loop().time()))


async def asked(gate: ServerGate, server: Server, timeout: float = 5) -> Unavailable | None:
    async with gate.turn(timedelta(seconds=timeout)) as left:
        return left if isinstance(left, Unavailable) else gate.heard(REQUEST, await server.answer())


async def look(gate: ServerGate, server: Server, calls: int = 11) -> list[Unavailable | None]:
    """So many calls of one round."""
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one() -> Unavailable | None:
        async with at_once:
            return await asked(gate, server)

    return list(await asyncio.gather(*(one() for _ in range(calls))))


def told(story: Callable[[], Any]) -> Any:
    return in_virtual_time(story())


@pytest.mark.parametrize(("retry_after", "seconds"), [(None, 30), ("8", 8), ("0", 1), ("soon", 30)])
def test_who_is_refused_closes_for_all_and_each_is_told_until_when(retry_after, seconds):
    async def story() -> tuple[list[Unavailable | None], list[float]]:
        server, gate = Server(retry_after=retry_after), a_gate()
        first = await look(gate, server)
        if seconds > 5:  # else they wait for it
            await asyncio.sleep(seconds - 3)
            first += await look(gate, server)
        return first, server.asked

    readings, when = told(story)

    # Those that were under way are refused; who waits for a moment is, if at all, one after the other.
    assert when[:AT_ONCE] == [0.0] * AT_ONCE
    assert len(when) == len(set(when)) + AT_ONCE - 1
    assert all(isinstance(each, Unavailable) and each.retry_at is not None for each in readings)
    assert readings[0].retry_at == NOON + timedelta(seconds=0.1 + seconds)
    assert seconds < 5 or {each.retry_at for each in readings} == {readings[0].retry_at}
    assert seconds < 5 or len(when) == AT_ONCE


def test_without_a_time_each_refusal_in_a_row_closes_for_longer_up_to_two_minutes():
    async def story() -> list[float]:
        server, gate = Server(takes=0), a_gate()
        for _ in range(60):  # ten minutes of rounds
            await look(gate, server)
            await asyncio.sleep(10)
        return server.asked

    assert told(story) == [*[0.0] * AT_ONCE, 30.0, 90.0, 210.0, 330.0, 450.0, 570.0]


def test_once_it_is_over_one_goes_first_and_the_others_follow_when_it_was_answered():
    async def story() -> tuple[list[Unavailable | None], list[float]]:
        server, gate = Server(), a_gate()
        await asked(gate, server)
        await asyncio.sleep(31)
        server.status = 200
        return await look(gate, server), server.asked[1:]

    readings, when = told(story)

    assert readings == [None] * 11
    assert when[:2] == [31.1, 31.2]
    assert max(when) < 31.6


def test_who_waits_for_one_that_hangs_is_told_in_time():
    async def story() -> tuple[list[Unavailable | None], float]:
        server, gate = Server(), a_gate()
        await asked(gate, server)
        await asyncio.sleep(31)
        server.takes = 600
        hangs = asyncio.create_task(asked(gate, server))
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        readings = await look(gate, server, AT_ONCE)
        hangs.cancel()
        await asyncio.gather(hangs, return_exceptions=True)
        return readings, asyncio.get_running_loop().time() - began

    readings, took = told(story)

    assert took == pytest.approx(2)
    assert {each.words for each in readings if each} == {
        "http://loki:3100 has refused, and has not answered the next call yet"
    }


def test_what_was_asked_before_the_refusal_opens_nothing():
    async def story() -> list[float]:
        server, gate = Server(), a_gate()
        slow = Server(status=200, takes=0.5)
        await asyncio.gather(asked(gate, slow), asked(gate, server))
        await look(gate, server)
        return server.asked

    assert told(story) == [0.0]


@pytest.mark.parametrize(("status", "retry_after", "calls"), [(503, None, 2), (503, "20", 1), (400, None, 2)])
def test_any_other_refusal_closes_only_where_it_says_until_when(status, retry_after, calls):
    async def story() -> int:
        server, gate = Server(status=status, retry_after=retry_after), a_gate()
        await asked(gate, server)
        await asked(gate, server)
        return len(server.asked)

    assert told(story) == calls


class Refusing(Http):
    """Answers all with 429, and never says until when."""

    def __init__(self) -> None:
        self.asked = 0

    async def send(self, request: Request) -> Answer:
        self.asked += 1
        return Answer(429, {"content-type": "text/plain"}, b"slower", 0.0)


@pytest.mark.parametrize(
    ("kind", "settings", "other"),
    [
        ("loki", {"url": "http://loki:3100", "tenant": "shop"}, {"tenant": "bank"}),
        ("loki", {"url": "http://loki:3100", "bearer": "one"}, {"bearer": "two"}),
        ("prometheus", {"url": "http://prometheus:9090", "tenant": "shop"}, {"tenant": "bank"}),
        ("prometheus", {"url": "http://prometheus:9090"}, {"url": "http://prometheus:9091"}),
        ("newrelic", {"account": 1, "key": "NRAK-ONE"}, {"key": "NRAK-TWO"}),
    ],
)
async def test_connections_that_are_limited_together_wait_together_and_no_others(kind, settings, other):
    http, shape = Refusing(), PROVIDERS[kind].settings
    assert shape is not None
    opening = Opening(http, lambda: NOON, lambda: 0.0)
    asked = []
    for given in (settings, settings, settings | other):
        made = shape.model_validate(given)
        async with PROVIDERS[kind].open(made, opening) as provider:
            assert isinstance(provider, Examined)
            assert {each.level for each in await provider.examine()} >= {Level.FAIL}
        asked.append(http.asked)

    assert asked == [1, 1, 2]
