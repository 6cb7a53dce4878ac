"""How long the operations of a target may take; what takes too long is called off, for whoever waits for it holds a lease.

An operation takes at most 7 s (`deploy.target.CALL_TIMEOUT`). A move first looks, then leaves its trace; what remains is for the one
call that counts.
"""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from deploy.errors import AwsRefused
from deploy.model import Unreadable
from deploy.targets.aws.wording import refusal

T = TypeVar("T")

READS = timedelta(seconds=6.5)
LOOKS = timedelta(seconds=3)
BEGINS = timedelta(seconds=6.9)
MOVES = timedelta(seconds=3.4)  # at least
RECALLS = timedelta(seconds=60)
MARKS = timedelta(seconds=30)
EXAMINES = timedelta(seconds=15)


async def within(most: timedelta, reading: Awaitable[T], whom: str = "AWS") -> T | Unreadable:
    """What *reading* gives; or why there is nothing: *whom* it asks said no, or took longer than *most*."""
    try:
        async with asyncio.timeout(most.total_seconds()):
            return await reading
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
    except TimeoutError:
        return Unreadable(f"{whom} did not answer within {most.total_seconds():.1f} s")


def ends(most: timedelta) -> float:
    """When what begins now has to end, by the clock of the event loop."""
    return asyncio.get_running_loop().time() + most.total_seconds()
