"""Bodies of those who have not signed yet: whoever is slow costs only itself, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from tests.watcher.api.daemon import Api, a_watch, an_api
from tests.watcher.api.test_limits import ORDER, answered, head, wire
from watcher.api.limits import Limits

PUSH = head(2).replace(b"/v1/watches/w_1/orders", b"/v1/alerts/am")
PUSH_SLOWLY = head(100).replace(b"/v1/watches/w_1/orders", b"/v1/alerts/am") + b"{"


async def in_pieces(api: Api) -> tuple[int, dict[str, object]]:
    """What an honest sender is told whose body comes right behind its headers, and not with them."""
    async with wire(api) as (reader, writer):
        writer.write(PUSH)
        await asyncio.sleep(0.02)
        writer.write(b"{}")
        return await answered(reader)


async def test_who_has_not_signed_yet_takes_no_room_from_an_order_nor_from_a_click():
    async with an_api(limits=Limits(at_once=1, signed=2)) as api:
        await api.daemon.has(a_watch())
        wires = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(2)]
        for _, writer in wires:
            writer.write(PUSH_SLOWLY)
        await asyncio.sleep(0.2)
        pushed, problem = await in_pieces(api)
        clicked = await api.post(
            "/v1/slack/slack", b"payload", None, Content_Type="application/x-www-form-urlencoded"
        )
        ordered = await api.post("/v1/watches/w_1/orders", ORDER)
        for _, writer in wires:
            writer.close()

    assert (pushed, problem["type"]) == (503, "urn:rollbackd:crowded")
    assert clicked.status == 401
    assert ordered.status == 202


@asynccontextmanager
async def slow_ones(
    api: Api, many: int, address: str = "127.0.0.1"
) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many that have begun a push, and do not go on."""
    wires: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    try:
        for _ in range(many):
            wires.append(await asyncio.open_connection("127.0.0.1", api.port, local_addr=(address, 0)))
            wires[-1][1].write(PUSH_SLOWLY)
        await asyncio.sleep(0.1)
        yield [reader for reader, _ in wires]
    finally:
        for _, writer in wires:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in wires), return_exceptions=True)


async def test_who_is_slow_costs_only_itself_wherever_it_comes_from():
    """Behind a load balancer all come from one address: then who has been slow goes, the oldest first, one for each newcomer."""
    limits = Limits(signed=3, slow=timedelta(milliseconds=80))
    async with an_api(limits=limits) as api, slow_ones(api, 3) as readers:
        pushed, _ = await in_pieces(api)
        status, problem = await answered(readers[0])
        others = [reader for reader in readers[1:] if not reader.at_eof()]

    assert pushed == 401  # it was looked at: nobody of that name is configured
    assert (status, problem["detail"]) == (408, "the body came slowly, and others needed the room")
    assert len(others) == 2


async def test_an_address_that_takes_all_the_room_gives_it_back_at_once():
    limits = Limits(signed=4, slow=timedelta(seconds=10))
    async with an_api(limits=limits) as api, slow_ones(api, 4, "127.0.0.2") as readers:
        pushed = [(await in_pieces(api))[0] for _ in range(3)]
        status, _ = await answered(readers[0])

    assert pushed == [401, 401, 401]
    assert status == 408


async def test_who_takes_no_more_than_others_is_not_sent_away_for_them():
    limits = Limits(signed=2, slow=timedelta(seconds=10))
    async with (
        an_api(limits=limits) as api,
        slow_ones(api, 1, "127.0.0.2"),
        slow_ones(api, 1, "127.0.0.3"),
        slow_ones(api, 1, "127.0.0.4") as [late],
    ):
        status, problem = await answered(late)

    assert (status, problem["type"]) == (503, "urn:rollbackd:crowded")


async def test_what_came_with_its_headers_is_heard_though_there_is_no_room():
    """More slow ones than there is room for, each from an address of its own, and none of them slow enough to go."""
    limits = Limits(signed=2, slow=timedelta(seconds=10))
    async with (
        an_api(limits=limits) as api,
        slow_ones(api, 1, "127.0.0.2"),
        slow_ones(api, 1, "127.0.0.3"),
        wire(api) as (reader, writer),
    ):
        writer.write(PUSH + b"{}")
        status, _ = await answered(reader)

    assert status == 401  # it was looked at: nobody of that name is configured


async def test_wave_after_wave_of_slow_ones_does_not_keep_a_quick_one_out():
    limits = Limits(signed=16, bad_tokens=1000)
    async with an_api(limits=limits) as api, asyncio.TaskGroup() as group:
        stop = asyncio.Event()

        async def attack(number: int) -> None:
            while not stop.is_set():
                async with slow_ones(api, 16, f"127.0.0.{2 + number % 3}"):
                    await asyncio.sleep(0.05)

        attacks = [group.create_task(attack(number)) for number in range(4)]
        await asyncio.sleep(0.3)
        statuses = []
        for _ in range(10):
            statuses.append((await in_pieces(api))[0])
            await asyncio.sleep(0.02)
        stop.set()
        await asyncio.wait(attacks)

    assert statuses.count(401) == len(statuses)
