"""How systems send: over real HTTP, again after 5xx if they do that, many at once, or a byte at a time."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

import aiohttp

from tests.fakes.alerts.log import Delivery, System

TRIES = 4


async def post(
    session: aiohttp.ClientSession,
    url: str,
    system: System,
    deliveries: Sequence[Delivery],
    clock: Callable[[datetime], None],
) -> list[int]:
    """Send *deliveries* one after another, each at its time; gives the last status of each."""
    found: list[int] = []
    for delivery in deliveries:
        clock(delivery.at)
        status = 0
        for _ in range(TRIES if system.retries else 1):
            status = await once(session, url, delivery)
            if status < 500:
                break
        found.append(status)
    return found


async def burst(
    session: aiohttp.ClientSession, url: str, deliveries: Sequence[Delivery], at_once: int = 50
) -> list[int]:
    """All of them, as many at once as a system may have connections."""
    room = asyncio.Semaphore(at_once)

    async def one(delivery: Delivery) -> int:
        async with room:
            return await once(session, url, delivery)

    return list(await asyncio.gather(*(one(each) for each in deliveries)))


async def once(session: aiohttp.ClientSession, url: str, delivery: Delivery) -> int:
    async with session.post(url, data=delivery.body, headers=delivery.headers) as response:
        await response.read()
        return response.status


async def trickled(host: str, port: int, path: str, delivery: Delivery, pause: float) -> bytes:
    """A byte at a time, until it is hung up on, or answered; gives what was answered."""
    reader, writer = await asyncio.open_connection(host, port)
    head = [f"POST {path} HTTP/1.1", f"Host: {host}:{port}", f"Content-Length: {len(delivery.body)}"]
    head += [f"{name}: {value}" for name, value in delivery.headers.items()]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    answered = asyncio.ensure_future(reader.readline())
    try:
        for byte in delivery.body:
            writer.write(bytes([byte]))
            await writer.drain()
            done, _ = await asyncio.wait([answered], timeout=pause)
            if done:
                break
        return await answered
    except ConnectionError:
        return b""
    finally:
        answered.cancel()
        writer.close()
