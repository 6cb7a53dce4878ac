"""One gate before one rate limit: after a refusal it is closed for a while, and then one goes first.

Who comes while it is closed waits for a moment, or is told when somebody will ask again. So of all who ask for the same nobody
is refused twice for one reason, and nobody stampedes once it is open.

Some tell how near a limit is, and until when (Datadog, Sentry): they have rules of their own, in their packages.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from rules.sample import Unavailable, Who
from watcher.http import Answer, Request, refusal

PATIENT = (
    2.0  # seconds that a call waits for its turn: a round has six, and the call itself needs the most of them
)
LEAST = 1.0  # seconds: who says "again at once" beside a refusal would else be asked by everybody


@dataclass(frozen=True, slots=True)
class Closing:
    """How long it is closed where nobody tells: *first* seconds, after each further refusal in a row *times* as long, *longest* at most."""

    first: float
    times: float
    longest: float

    def after(self, refused: int) -> float:
        """How long, after so many refusals before this one."""
        return min(self.first * self.times ** min(refused, 16), self.longest)


class Gate:
    """Before what is limited together.

    Args:
        clock: The time in seconds, from whenever: when it opens is reckoned on it. Who waits waits on the loop's.
        closing: Where the far end does not tell how long.

    Attributes:
        open_at: When it opens, on *clock*.
    """

    def __init__(self, clock: Callable[[], float], closing: Closing) -> None:
        self._clock = clock
        self._closing = closing
        self._first = asyncio.Lock()
        self._refused = 0
        self.open_at = 0.0

    @property
    def closed_for(self) -> float:
        """How long it stays closed, in seconds."""
        return max(self.open_at - self._clock(), 0.0)

    @asynccontextmanager
    async def passed(self, patience: float = PATIENT) -> AsyncIterator[bool]:
        """Wait until it is open, and go through; ``False``: that takes longer than *patience*. After a refusal one goes first."""
        if not self._refused:
            yield True
            return
        until = loop_time() + patience
        if not await self._is_first(until):
            yield False
            return
        try:
            if self.closed_for > until - loop_time():
                yield False
                return
            await asyncio.sleep(self.closed_for)
            if self._refused:
                yield True
                return
        finally:
            self._first.release()
        yield True

    async def _is_first(self, until: float) -> bool:
        """Wait for the turn, which may be with a call that hangs; ``False``: it did not come in time."""
        try:
            async with asyncio.timeout_at(until):
                return await self._first.acquire()
        except TimeoutError:
            return False

    def opened(self) -> None:
        """A call was answered."""
        self._refused, self.open_at = 0, 0.0

    def refused(self, told: float | None = None) -> None:
        """A call was refused; *told*: for how many seconds, where the far end says so."""
        was_closed = bool(self.closed_for)
        if was_closed and told is None:
            return  # of those that were under way together the first has closed it
        closed = self._closing.after(self._refused) if told is None else max(told, LEAST)
        self.open_at = max(self.open_at, self._clock() + closed)
        self._refused += not was_closed


def loop_time() -> float:
    """The time of the running loop, in seconds."""
    return asyncio.get_running_loop().time()


# A server that has too much to do is let alone for some rounds; one that stays so is asked every two minutes, since a release that
# nobody sees for longer may be bad all the while. Both are guesses.
UNTOLD = Closing(first=30.0, times=2.0, longest=120.0)


class ServerGate:
    """The gate before a server over HTTP, which says by 429 that it has enough, and by ``Retry-After`` (if at all) until when.

    Args:
        where: The server, for people.
        now: The clock, aware UTC.
        closing: Where a 429 does not tell how long.
    """

    def __init__(self, where: str, now: Callable[[], datetime], closing: Closing = UNTOLD) -> None:
        self._where = where
        self._now = now
        self._gate = Gate(lambda: now().timestamp(), closing)

    @asynccontextmanager
    async def turn(self, timeout: timedelta) -> AsyncIterator[timedelta | Unavailable]:
        """Wait for one's turn: what is left of *timeout* then, or why nobody is asked."""
        began = loop_time()
        async with self._gate.passed(min(PATIENT, timeout.total_seconds())) as is_open:
            yield timeout - timedelta(seconds=loop_time() - began) if is_open else self._patience()

    def heard(self, request: Request, answer: Answer) -> Unavailable | None:
        """What *answer* (with any status) means for all who ask; if it is that they are to wait, why and until when.

        What is answered while it is closed was asked before, and opens nothing.
        """
        now = self._now()
        refused = refusal(request, answer, now)
        at = refused.retry_at if refused is not None else None
        if refused is None or (at is None and answer.status != HTTPStatus.TOO_MANY_REQUESTS):
            if not self._gate.closed_for:
                self._gate.opened()
            return None
        self._gate.refused(None if at is None else (at - now).total_seconds())
        return Unavailable(refused.who, f"{self._where}: {refused.words}", self._open_at())

    def _patience(self) -> Unavailable:
        at, now = self._open_at(), self._now()
        if at > now:
            words = f"{self._where} has refused: not asked again before {at:%H:%M:%S} UTC"
            return Unavailable(Who.PROVIDER, words, at)
        words = f"{self._where} has refused, and has not answered the next call yet"
        return Unavailable(Who.PROVIDER, words, now)

    def _open_at(self) -> datetime:
        return datetime.fromtimestamp(self._gate.open_at, UTC)
