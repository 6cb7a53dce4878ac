"""The event loop of the tests: its time passes only while there is nothing to do.

A limit of 200 ms says how long somebody who does not answer is waited for. On a machine that is slow, or stands still for a
second, by the clock on the wall it would also catch somebody who answers: who had it to say was not given the processor, or
who was to hear it. So here it takes no time to compute, and none to find what is there already: a client and a server in one
loop are never late for each other, on whatever machine. Only who finds nothing and has to wait, waits as long as ever.

What comes from elsewhere (a thread, another process) takes its time by the clock on the wall, and so do limits that others
keep: of boto3, of PostgreSQL, of a program. Where those answer, the limit has to be one for a machine that is busy.
"""

import asyncio
import selectors

from watcher import clock

Ready = list[tuple[selectors.SelectorKey, int]]


class _Waits(selectors.DefaultSelector):
    """Counts the seconds in which nothing was there."""

    def __init__(self) -> None:
        super().__init__()
        self.waited = 0.0

    def select(self, timeout: float | None = None) -> Ready:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        began = clock.monotonic()
        ready = super().select(timeout)
        took = clock.monotonic() - began
        # Ended by a timer, it took what the timer says, however late we hear of it.
        self.waited += took if timeout is None else min(took, timeout) if ready else timeout
        return ready


class IdleTime(asyncio.SelectorEventLoop):
    """A loop to which a slow machine is as good as a quick one."""

    def __init__(self) -> None:
        self._waits = _Waits()
        super().__init__(self._waits)

    def time(self) -> float:
        """Seconds for which it had nothing to do."""
        return self._waits.waited

    def turn(self, seconds: float) -> None:
        """It is so much later."""
        self._waits.waited += seconds


def passes(seconds: float) -> None:
    """At once it is so much later for the loop that runs: who waits for longer than that has waited in vain."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, IdleTime):
        raise TypeError(f"time cannot be turned on in a {type(loop).__name__}")
    loop.turn(seconds)
