"""Who answers is in time on whatever machine, and who does not is given up: what the loop of all tests promises."""

import asyncio
import threading

import pytest

from tests.waiting import IdleTime, passes
from watcher import clock

LIMIT = 0.2  # seconds


def works(seconds: float) -> None:
    """Use up the time of the clock on the wall, as who computes or is given no processor."""
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        pass


async def test_who_answers_late_because_the_machine_is_slow_is_in_time():
    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await reader.readline()
            works(LIMIT)
            writer.write(b"here\n")
        writer.close()

    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with asyncio.timeout(LIMIT):
            for _ in range(2):
                writer.write(b"who is there?\n")
                assert await reader.readline() == b"here\n"
        writer.close()
        await writer.wait_closed()


async def test_who_does_not_answer_is_given_up_after_as_long_as_was_said():
    began = clock.monotonic()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(LIMIT):
            await asyncio.Event().wait()

    assert clock.monotonic() - began >= LIMIT
    assert asyncio.get_running_loop().time() == pytest.approx(LIMIT, abs=0.05)


async def test_a_thread_that_does_not_answer_is_given_up_too():
    over = threading.Event()
    answer = asyncio.get_running_loop().run_in_executor(None, over.wait, 60)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(LIMIT):
            await asyncio.shield(answer)
    over.set()

    assert await answer


async def test_a_minute_passes_at_once():
    sleeping = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)

    passes(60)

    await sleeping


def test_time_is_turned_on_in_no_other_loop():
    async def turned() -> None:
        passes(1)

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner, pytest.raises(TypeError):
        runner.run(turned())


async def test_it_is_the_loop_of_the_tests():
    assert isinstance(asyncio.get_running_loop(), IdleTime)
