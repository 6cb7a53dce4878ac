"""A channel takes about one message a second: each channel has its turn, and nobody waits for it for long.

Source:
    https://docs.slack.dev/apis/web-api/rate-limits
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncIterator

APART = 1.0  # seconds between two messages in one channel
PATIENCE = 3.0  # seconds that a message waits for its turn inside of one try
MOST = 1000  # channels that are remembered


class Turns:
    """The turns of all channels."""

    def __init__(self, apart: float = APART, patience: float = PATIENCE) -> None:
        """*apart*, *patience*: in seconds."""
        self._apart = apart
        self._patience = patience
        self._turns: OrderedDict[str, _Turn] = OrderedDict()

    @property
    def remembered(self) -> int:
        """Channels whose last message is known."""
        return len(self._turns)

    @contextlib.asynccontextmanager
    async def taken(self, channel: str) -> AsyncIterator[bool]:
        """Have the turn of *channel* for as long as the context lasts; false: it did not come in time."""
        turn = self._turns.setdefault(channel, _Turn(self._apart))
        self._turns.move_to_end(channel)
        if len(self._turns) > MOST and not next(iter(self._turns.values())).is_taken:
            self._turns.popitem(last=False)
        if not await turn.comes(self._patience):
            yield False
            return
        try:
            yield True
        finally:
            turn.over()


class _Turn:
    def __init__(self, apart: float) -> None:
        self._apart = apart
        self._lock = asyncio.Lock()
        self._last = float("-inf")

    @property
    def is_taken(self) -> bool:
        """Somebody has it, or waits for it."""
        return self._lock.locked()

    async def comes(self, patience: float) -> bool:
        try:
            async with asyncio.timeout(patience):
                await self._lock.acquire()
        except TimeoutError:
            return False
        try:
            await asyncio.sleep(max(self._last + self._apart - asyncio.get_running_loop().time(), 0))
        except asyncio.CancelledError:
            self._lock.release()
            raise
        return True

    def over(self) -> None:
        self._last = asyncio.get_running_loop().time()
        self._lock.release()
