"""Time that runs faster in a process of its own: its clock, and its event loop, by the same factor.

A rollback takes half a minute of waiting: for buckets, for the platform, for the signals to be well again. A hundred of
them are run here, so the daemon is given a clock and a loop whose second is a tenth of ours. What it computes takes as
long as ever, so that the factor is bounded by the shortest time-out that a slow machine has to keep.
"""

import asyncio
import selectors
from datetime import UTC, datetime, timedelta

from watcher import clock

_EPOCH = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Hurried:
    """The time since *began* (of ``clock.monotonic``, which all processes of a machine share), *factor* times as long."""

    def __init__(self, factor: float, began: float) -> None:
        self.factor = factor
        self.began = began

    def monotonic(self) -> float:
        return (clock.monotonic() - self.began) * self.factor

    def now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.monotonic())


class _Selector(selectors.EpollSelector):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self._factor = factor

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / self._factor if timeout is not None and timeout > 0 else timeout)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, factor: float) -> None:
        self._factor = factor
        super().__init__(_Selector(factor))

    def time(self) -> float:
        return super().time() * self._factor


class Policy(asyncio.DefaultEventLoopPolicy):
    """Every loop that is made hurries."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self._factor = factor

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        return _Loop(self._factor)
