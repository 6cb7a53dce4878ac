"""The users: a client that sends requests at random moments, whether earlier ones were answered or not, and records each."""

import asyncio
import random

import aiohttp

from watcher.clock import monotonic, now
from watcher.demo.record import Answer, Record

RATE = 240.0  # requests a second; one core of two is left to the daemon
PATIENCE = 2.0  # seconds that a user waits
TICK = 0.01  # seconds between two looks at what is due
MOST_UNDERWAY = 400  # beyond it users stay away: a machine that cannot keep up should not fall over


class Users:
    """Sends requests to *url* until it is told to stop."""

    def __init__(self, url: str, record: Record, seed: int, rate: float = RATE) -> None:
        self._url = url
        self._record = record
        self._chance = random.Random(seed)
        self._rate = rate
        self._underway: set[asyncio.Task[None]] = set()

    async def come(self) -> None:
        """Send requests until cancelled."""
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=PATIENCE)
            ) as session,
            asyncio.TaskGroup() as group,
        ):
            due = monotonic()
            while True:
                while due <= monotonic():
                    due += self._chance.expovariate(self._rate)
                    self._send(session, group)
                await asyncio.sleep(TICK)

    def _send(self, session: aiohttp.ClientSession, group: asyncio.TaskGroup) -> None:
        if len(self._underway) >= MOST_UNDERWAY:
            return
        task = group.create_task(self._ask(session))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        at, began = now().timestamp(), monotonic()
        status, release = 0, ""
        try:
            async with session.get(self._url) as answer:
                await answer.read()
                status, release = answer.status, answer.headers.get("x-release", "")
        except (aiohttp.ClientError, TimeoutError):
            pass
        self._record.add(Answer(at, monotonic() - began, status, release))
