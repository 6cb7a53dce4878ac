"""What takes too long is called off: whoever waits for it holds a lease."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from deploy.errors import AwsRefused
from deploy.model import Unreadable
from deploy.targets.aws.wording import refusal

T = TypeVar("T")


async def within(most: timedelta, reading: Awaitable[T]) -> T | Unreadable:
    """What *reading* gives, or that it took longer than *most*."""
    try:
        async with asyncio.timeout(most.total_seconds()):
            return await reading
    except TimeoutError:
        return Unreadable(f"AWS did not answer within {most.total_seconds():.1f} s")


async def readable(most: timedelta, reading: Awaitable[T]) -> T | Unreadable:
    """What *reading* gives; or why it could not be read: AWS said no, or took too long."""
    try:
        return await within(most, reading)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
