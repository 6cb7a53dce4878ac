"""Bodies that are being read of those who have not signed yet: they may be anybody, and whoever is slow costs only itself.

A signature covers the body, so the body has to be had before it is known who sends. There is room for so many at once. When it
is full and one more comes, somebody goes who takes more of it than it should: of the address that holds the most places the one
that has been there longest, or, where all come from one address (a load balancer's), whoever has been slow. An honest sender's
body is there within milliseconds, so it is neither. A body that is there with its headers needs no room here at all: so it is
heard also while more slow ones come, from more addresses, than there is room for.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from watcher.api.limits import CROWDED_FOR, crowded


@dataclass(eq=False)
class Reader:
    """One body that is being read.

    Attributes:
        began: In seconds of the loop's clock.
        deadline: Of its reading, once that has begun.
        gone: Its place was given to another.
    """

    address: str
    began: float
    deadline: asyncio.Timeout | None = None
    gone: bool = False

    def go(self, now: float) -> None:
        """Give up: what reads it is told at its next turn."""
        self.gone = True
        if self.deadline is not None:
            self.deadline.reschedule(now)


class Readers:
    """All that are being read for one route."""

    def __init__(self, most: int, slow: timedelta, clock: Callable[[], float] | None = None) -> None:
        self._most = most
        self._slow = slow.total_seconds()
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._reading: dict[Reader, None] = {}  # in the order in which they came

    @contextmanager
    def enter(self, address: str) -> Iterator[Reader]:
        """Be read, for a while.

        Raises:
            Declined: There is no room, and nobody who has to go (503).
        """
        reader = Reader(address, self._clock())
        if len(self._reading) >= self._most:
            self._make_room(reader)
        self._reading[reader] = None
        try:
            yield reader
        finally:
            self._reading.pop(reader, None)

    def _make_room(self, newcomer: Reader) -> None:
        goes = self._of_the_greediest(newcomer) or self._slowest(newcomer.began)
        if goes is None:
            raise crowded(self._most, CROWDED_FOR)
        del self._reading[goes]
        goes.go(newcomer.began)

    def _of_the_greediest(self, newcomer: Reader) -> Reader | None:
        """The oldest of the address that has the most places, if that is more than the newcomer would have with this one."""
        held = Counter(each.address for each in self._reading)
        address, many = held.most_common(1)[0]
        if many <= held[newcomer.address] + 1:
            return None
        return next(each for each in self._reading if each.address == address)

    def _slowest(self, now: float) -> Reader | None:
        oldest = next(iter(self._reading))
        return oldest if now - oldest.began >= self._slow else None
