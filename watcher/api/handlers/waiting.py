"""Waiting for news, for as long as somebody listens."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from watcher.api.route import AnyCall

SLICE = timedelta(
    seconds=2
)  # how long it may go unnoticed that somebody hung up, or that the daemon is about to end
T = TypeVar("T")


async def until(
    call: AnyCall,
    wait: timedelta,
    first: T,
    is_news: Callable[[T], bool],
    again: Callable[[T, timedelta], Awaitable[T]],
) -> T:
    """The first of what *again* gives that is news; or the last, when *wait* is over.

    *again* gets the last one and how long it may take.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + min(wait, call.deps.limits.longest_wait).total_seconds()
    latest = first
    while not is_news(latest) and not call.is_gone() and not call.deps.status().draining:
        left = timedelta(seconds=ends - loop.time())
        if left <= timedelta(0):
            break
        latest = await again(latest, min(left, SLICE))
    return latest
