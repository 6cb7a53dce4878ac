"""One town with three replicas for all tests here, each of which has services of its own: to start a daemon takes seconds."""

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.replicas.house import House, a_house
from tests.replicas.town import a_town
from tests.watcher.store.postgresql.server import Server, a_server

SERVICES = ("killed", "called", "frozen", "cut", "crashed", "left", "told", "switched", "marked", "spread")
SERVICES_OF = {name: tuple(f"{name}-{number}" for number in range(3)) for name in SERVICES}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with a_server(18, safe=True) as server:
        yield server


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def three(tmp_path_factory, server) -> AsyncIterator[House]:
    """The house, as the test before has left it."""
    root = tmp_path_factory.mktemp("replicas")
    services = [service for each in SERVICES_OF.values() for service in each]
    async with a_town(root / "town", services) as town, a_house(town, server) as house:
        yield house
    shutil.rmtree(root)


@pytest_asyncio.fixture(loop_scope="session")
async def house(three: House) -> House:
    """All three live, and can work."""
    return await three.is_whole()
