"""Waiting for what should happen, with a deadline: no sleep here assumes that a machine is fast."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_EVERY = 0.1  # seconds between two looks at a condition


class DemoError(Exception):
    """Root of the demo's errors: it says what did not happen, and where to look."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class DidNotHappen(DemoError):
    """What was waited for did not come in time."""

    def __init__(self, what: str, within: float, remedy: str) -> None:
        super().__init__(f"{what}: not within {within:.0f} s", remedy=remedy)


class Ended(DemoError):
    """A process that should run has ended."""


async def until(look: Callable[[], T | None], within: float, what: str, remedy: str = "") -> T:
    """Look again and again until there is something true, and give that.

    Raises:
        DidNotHappen: There was not, *within* so many seconds.
    """

    async def ask() -> T | None:
        return look()

    return await until_told(ask, within, what, remedy)


async def until_told(ask: Callable[[], Awaitable[T | None]], within: float, what: str, remedy: str = "") -> T:
    """The same, where looking means to ask somebody."""
    try:
        async with asyncio.timeout(within):
            while True:
                if found := await ask():
                    return found
                await asyncio.sleep(LOOK_EVERY)
    except TimeoutError:
        raise DidNotHappen(
            what, within, remedy or "the machine may be too slow or too busy: try again"
        ) from None
