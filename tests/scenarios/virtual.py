"""Time that jumps: an event loop in which nobody waits. While anything can be done time stands still; then it is the next timer's.

No thread and no socket may have a part in it: what comes from outside comes never.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class _NobodyWaits(selectors.SelectSelector):
    """Where the loop would wait for a timer, it is at once that late."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits, and nothing will ever happen")
        self.now += timeout
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time begins at 0, and jumps."""

    def __init__(self) -> None:
        self._nobody = _NobodyWaits()
        super().__init__(self._nobody)

    def time(self) -> float:
        """Seconds since it began."""
        return self._nobody.now

    def call_exception_handler(self, context: Mapping[str, Any]) -> None:
        """What nobody caught fails the test: it is not to be read in a log."""
        raise AssertionError(context["message"]) from context.get("exception")


def in_virtual_time(story: Coroutine[Any, Any, T]) -> T:
    """What *story* comes to, in as little time as it takes to compute."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)
