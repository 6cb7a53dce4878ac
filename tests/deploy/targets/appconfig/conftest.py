from collections.abc import Iterator

import pytest

from tests.deploy.targets.appconfig.stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """After the test: the fake itself has done nothing wrong."""
    made = Stage()
    yield made
    assert made.world.bugs == []
