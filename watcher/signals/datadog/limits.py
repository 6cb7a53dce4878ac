"""How often Datadog may be asked: learnt from its answers, and kept by all who ask with one key.

Every answer says by which limit it was counted, how many more there may be, and when it begins anew. Several ways of asking
may share a limit. Who was refused tells all others, so that nobody is refused a second time; when it begins anew one goes
first, and the others wait for what that one hears.

Source:
    https://docs.datadoghq.com/api/latest/rate-limits/
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

from watcher.http import Answer
from watcher.signals.budget import Budget

PREFIX = "x-ratelimit-"
UNSAID = timedelta(seconds=30)  # after a refusal that says nothing of when; a guess
LONGEST = timedelta(hours=1)  # that a limit is believed to last: they are of an hour at most
LONGEST_NAME = 60


@dataclass(slots=True, eq=False)
class Limit:
    """One limit.

    Attributes:
        name: As Datadog calls it; empty until it has said so.
        allowed: Requests in each `period`; ``None``: not known, either.
        remaining: Requests until `resets_at`; ``None``: not known.
        is_doubtful: The last answer was a refusal, or there was none yet: one asks at a time.
    """

    name: str = ""
    allowed: int | None = None
    period: timedelta | None = None
    remaining: int | None = None
    resets_at: datetime | None = None
    is_doubtful: bool = True
    one: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Closed:
    """Nobody is to ask before *until*."""

    name: str
    until: datetime


class Limits:
    """All that is known of the limits of one key."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._of_way: dict[str, Limit] = {}
        self._named: dict[str, Limit] = {}

    @contextlib.asynccontextmanager
    async def turn(self, way: str) -> AsyncIterator[None]:
        """One's turn to ask in this *way* (an endpoint); then it has to be looked whether it is `closed`."""
        limit = self._of_way.setdefault(way, Limit())
        if limit.is_doubtful:
            async with limit.one:
                yield
        else:
            yield

    def closed(self, way: str) -> Closed | None:
        """Until when nobody is to ask in this *way*; ``None``: one may."""
        limit = self._of_way.get(way)
        if limit is None or limit.resets_at is None or limit.remaining != 0 or self._now() >= limit.resets_at:
            return None
        return Closed(limit.name or "not named", limit.resets_at)

    def heard(self, way: str, answer: Answer, retry_at: datetime | None, budget: Budget) -> Closed | None:
        """What *answer* says of the limits; and, if it is a refusal, until when.

        Args:
            way: In which was asked.
            answer: With any status.
            retry_at: What its ``Retry-After`` says.
            budget: Of who asked: there it is shown.
        """
        name = answer.headers.get(f"{PREFIX}name", "")[:LONGEST_NAME]
        limit = self._of_way.setdefault(way, Limit())
        if name and limit.name != name:
            limit = self._of_way[way] = self._renamed(limit, name)
        reset = _number(answer, "reset")
        limit.allowed = _number(answer, "limit") or limit.allowed
        limit.period = timedelta(seconds=_number(answer, "period") or 0) or limit.period
        is_refused = answer.status == HTTPStatus.TOO_MANY_REQUESTS
        limit.is_doubtful = is_refused
        if is_refused:
            # What it says beside a refusal to be left over is not to be believed: it was refused.
            after = max(timedelta(seconds=reset), timedelta(seconds=1)) if reset is not None else None
            limit.remaining = 0
            limit.resets_at = self._now() + min(after, LONGEST) if after else retry_at or self._now() + UNSAID
        else:
            limit.remaining = _number(answer, "remaining")
            limit.resets_at = (
                self._now() + min(timedelta(seconds=reset), LONGEST) if reset is not None else None
            )
        budget.told(limit.name, limit.remaining, limit.allowed)
        return self.closed(way)

    def of(self, way: str) -> Limit:
        """The limit by which asking in this *way* is counted, as far as it is known."""
        return self._of_way.get(way) or Limit()

    def left(self) -> list[str]:
        """In words, what is left of each limit."""
        return [
            f"{limit.remaining} of {limit.allowed} requests left of the limit {limit.name}"
            for limit in self._named.values()
            if limit.remaining is not None and limit.allowed is not None
        ]

    def _renamed(self, limit: Limit, name: str) -> Limit:
        """The limit that goes by *name*; *limit*, if nobody has heard of it before."""
        if name not in self._named:
            self._named[name] = limit if not limit.name else Limit()
            self._named[name].name = name
        return self._named[name]


def _number(answer: Answer, name: str) -> int | None:
    text = answer.headers.get(f"{PREFIX}{name}", "").strip()
    return int(text[:9]) if text.isascii() and text.isdigit() else None
