"""One server a version for all tests that leave it as it is."""

from collections.abc import Iterator

import pytest

from tests.watcher.store.postgresql.server import Server, a_server


@pytest.fixture(scope="session")
def server_16() -> Iterator[Server]:
    with a_server(16) as server:
        yield server


@pytest.fixture(scope="session")
def server_18() -> Iterator[Server]:
    with a_server(18) as server:
        yield server
