"""Patience: Sentry counts calls by endpoint and in windows of time, and says in headers how many are left, and until when.

Its 429 has no ``Retry-After``: the window ends at ``X-Sentry-Rate-Limit-Reset``, by its own clock. So waits are reckoned
on its clock, which may not be ours. What stands before an own Sentry may refuse too, and has ``Retry-After`` at best.
Who waits waits together, and after a refusal one goes first.

Source:
    https://docs.sentry.io/api/ratelimits/
"""

import asyncio
import email.utils
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from watcher.http import Answer

LEAST = timedelta(milliseconds=200)  # a window is a second or more; its end is told in whole seconds
CROWDED = timedelta(seconds=1)  # where too many ask at once, and no window tells when there will be fewer
MOST = timedelta(hours=1)
_LIMIT = "x-sentry-rate-limit-"


class Gate:
    """Before one endpoint.

    Attributes:
        open_at: When it may be asked again, on the monotonic clock.
        allowed: Calls in one window, as Sentry said last; ``None``: it did not. How long a window is it does not say.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._first = asyncio.Lock()
        self._refused = False
        self.open_at = 0.0
        self.allowed: int | None = None

    @property
    def closed_for(self) -> timedelta:
        """How long it stays closed."""
        return timedelta(seconds=max(self.open_at - self._monotonic(), 0.0))

    @asynccontextmanager
    async def passed(self, patience: timedelta) -> AsyncIterator[bool]:
        """Wait until it is open, and go through; ``False``: it stays closed for longer than *patience*.

        After a refusal one call at a time goes through, until one was answered.
        """
        until = self._monotonic() + patience.total_seconds()
        async with self._first:
            while (at := self.open_at) > self._monotonic():
                if at >= until:
                    yield False
                    return
                await asyncio.sleep(at - self._monotonic())
                if at == self.open_at:
                    break
            if self._refused:
                yield True
                return
        yield True

    def heard(self, answer: Answer, now: datetime, retry_at: datetime | None) -> timedelta | None:
        """Learn from *answer*; how long to wait if it is a refusal, else ``None``. *retry_at*: what ``Retry-After`` says."""
        refused = answer.status == HTTPStatus.TOO_MANY_REQUESTS
        self.allowed = _number(answer.headers, "limit") or self.allowed
        wait = _until_reset(answer.headers, now)
        if refused:
            crowded = _number(answer.headers, "remaining") not in {None, 0}
            wait = CROWDED if crowded or wait is None else wait
            wait = wait if retry_at is None else max(wait, retry_at - now)
        elif _number(answer.headers, "remaining") != 0:
            wait = None
        if wait is not None:
            self.open_at = max(self.open_at, self._monotonic() + wait.total_seconds())
        self._refused = refused
        return wait if refused else None


def clock(headers: Mapping[str, str]) -> datetime | None:
    """What time it is there; ``None``: it does not say."""
    try:
        at = email.utils.parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def left(answer: Answer) -> tuple[int | None, int | None]:
    """How many calls are left in this window, and how many it allows; ``None``: it does not say."""
    return _number(answer.headers, "remaining"), _number(answer.headers, "limit")


def _until_reset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    reset = _number(headers, "reset")
    if reset is None:
        return None
    there = clock(headers) or now
    wait = timedelta(seconds=reset - there.timestamp())
    return min(max(wait, LEAST), MOST)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(_LIMIT + name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None  # noqa: PLR2004 - seconds have ten digits
