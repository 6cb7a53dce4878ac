"""Ends the process when its event loop hangs, so that another replica takes over before the leases are lost in silence.

A loop that hangs renews no lease and answers no liveness check; whoever waits for it waits for nothing. The watchdog is
a thread: it writes down where every thread is, and ends the process with status 70 (``EX_SOFTWARE``).
"""

import asyncio
import contextlib
import faulthandler
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from watcher.telemetry.metrics import Metrics

STATUS = 70
BEAT = 0.25  # seconds between two signs of life, and between two looks for one


@dataclass
class Watchdog:
    """Beaten by the loop, watched by a thread.

    Attributes:
        limit: Without a beat for this long the process ends: the lease's length, less the time that a call may take.
        monotonic: The clock.
        last_words: Called with the seconds without a beat before the end; by default every thread's stack on stderr.
        end: Ends the process.
    """

    limit: timedelta
    monotonic: Callable[[], float]
    metrics: Metrics
    last_words: Callable[[float], None] = field(default_factory=lambda: stacks_to(2))
    end: Callable[[int], None] = os._exit
    beaten_at: float = 0.0

    async def beat(self, stop: asyncio.Event) -> None:
        """Beat until *stop*, and measure how late each beat comes."""
        while not stop.is_set():
            due = self.monotonic() + BEAT
            self.beaten_at = self.monotonic()
            await asyncio.sleep(BEAT)
            self.metrics.loop_lag.observe(max(0.0, self.monotonic() - due))

    def is_alive(self) -> bool:
        """The loop has beaten within the limit: for ``/livez``."""
        return self.monotonic() - self.beaten_at < self.limit.total_seconds()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch from a thread until the context ends."""
        self.beaten_at = self.monotonic()
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,), name="watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(2 * BEAT)

    def _watch(self, over: threading.Event) -> None:
        looked = self.monotonic()
        while not over.wait(BEAT):
            before, looked = looked, self.monotonic()
            if looked - before > 4 * BEAT:
                self.beaten_at = (
                    looked  # this thread did not run either: the process was stopped, and goes on now
                )
            elif looked - self.beaten_at > self.limit.total_seconds():
                self.last_words(looked - self.beaten_at)
                self.end(STATUS)
                return


def stacks_to(fd: int) -> Callable[[float], None]:
    """Writes every thread's stack to *fd*; whoever reads it may be hanging too, and is not waited for."""

    def write(silent: float) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.set_blocking(fd, False)
            os.write(fd, f"rollbackd: the event loop has been hanging for {silent:.1f} s; ending\n".encode())
            faulthandler.dump_traceback(fd, all_threads=True)

    return write
