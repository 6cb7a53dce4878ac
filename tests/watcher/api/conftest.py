"""The API that most tests speak to: one service, one token that may everything, a store in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.watcher.api.daemon import Api, an_api

# pytest-asyncio asks for the loop that was there before: in Python 3.11 that makes one, which nobody closes.
asyncio.set_event_loop(None)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with an_api() as served:
        yield served
