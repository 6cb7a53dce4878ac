"""What takes too long is called off: whoever waits for it holds a lease."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from deploy.model import Unreadable

T = TypeVar("T")


async def within(most: timedelta, reading: Awaitable[T]) -> T | Unreadable:
    """What *reading* gives, or that it took longer than *most*."""
    try:
        async with asyncio.timeout(most.total_seconds()):
            return await reading
    except TimeoutError:
        return Unreadable(f"AWS did not answer within {most.total_seconds():.1f} s")
