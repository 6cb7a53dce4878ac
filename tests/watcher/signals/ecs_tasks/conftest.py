"""What tests of tasks stand on."""

from collections.abc import AsyncIterator

import pytest

from tests.fakes.serve import http_to_loopback
from tests.fakes.world import START
from watcher.http import Http


@pytest.fixture
async def aws_http() -> AsyncIterator[Http]:
    """A way out to this machine."""
    async with http_to_loopback(lambda: START) as http:
        yield http
