"""Waiting for what another process does: nobody says when it has done it, so one looks, again and again."""

import asyncio
import os
from collections.abc import Awaitable, Callable

LOOKS = 0.03  # seconds between two looks
PATIENCE = float(os.environ.get("PATIENCE", "120"))  # seconds for a whole story; one takes two to five


async def until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until it *holds*. How long is for the caller to say, with ``asyncio.timeout``."""
    while True:
        answer = holds()
        if answer is True or (isinstance(answer, Awaitable) and await answer):
            return
        await asyncio.sleep(LOOKS)
