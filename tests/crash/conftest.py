"""One victim for all tests here: it takes seconds to import the daemon."""

import pytest
import pytest_asyncio

from tests.crash.drive import the_store_before
from tests.crash.hurried import Hurried
from tests.crash.ward import a_ward
from watcher import clock

FASTER = 10.0  # times: the shortest time-out, of a page that is read, is 100 ms then


@pytest.fixture(scope="session")
def time():
    return Hurried(FASTER, clock.monotonic())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ward(time):
    async with a_ward(time) as ward:
        yield ward


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def before(ward, time, tmp_path_factory):
    """The store of a daemon that knows v1."""
    return await the_store_before(ward, time, tmp_path_factory.mktemp("before"))
