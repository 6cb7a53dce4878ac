"""How late our own event loop was while somebody was waited for: what a time-out means depends on it.

A loop that stands still (a busy machine, swap, SIGSTOP) reads no answer, and then finds every deadline over at once: whoever
answered in time looks as if they had not. So while anything is measured a timer beats on the loop, and how much too late
each beat comes is added up, by the loop's own clock. A process that is stopped is late too: that clock goes on. Time in
which there was nothing to do is none of it, so a far end that hangs does not make us late.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta

BEAT = 0.05  # seconds; a shorter stall may be missed
# Of a time-out. Timers are never so late where a machine is busy as usual, and what is left is time enough.
BEARABLE = 0.2

Late = Callable[[], float]


class Lateness:
    """Of the event loop. It beats only while somebody measures, once for all who do."""

    def __init__(self) -> None:
        self._measuring = 0
        self._sum = 0.0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.contextmanager
    def measured(self) -> Iterator[Late]:
        """Gives a function that says for how many seconds, in all, the loop was late since this context began.

        It is to be asked before the context ends.
        """
        loop = asyncio.get_running_loop()
        if not self._measuring:
            self._wait(loop)
        self._measuring += 1
        before = self._until_now(loop)
        try:
            yield lambda: self._until_now(loop) - before
        finally:
            self._measuring -= 1
            if not self._measuring and self._timer is not None:
                self._timer.cancel()

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + BEAT
        self._timer = loop.call_at(self._due, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sum = self._until_now(loop)
        self._wait(loop)

    def _until_now(self, loop: asyncio.AbstractEventLoop) -> float:
        """With the beat that is due and has not come: it may stand behind whoever asks."""
        return self._sum + max(0.0, loop.time() - self._due)


def too_late(late: float, whole: timedelta) -> float:
    """*late*, if somebody who had *whole* has lost too much of it; else 0. Both of them in seconds."""
    return late if late > BEARABLE * whole.total_seconds() else 0.0
