from collections.abc import Iterator

import pytest

from tests.deploy.targets.s3_cloudfront.stage import INDEX_POINTER, KEY_VALUE_STORE, ORIGIN_PATH, Stage


@pytest.fixture(params=[INDEX_POINTER, ORIGIN_PATH, KEY_VALUE_STORE])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """Each layout. After the test: the fake itself has done nothing wrong."""
    made = Stage(request.param)
    yield made
    assert made.world.bugs == []


@pytest.fixture
def page_stage() -> Iterator[Stage]:
    """The layout in which the page itself is the pointer."""
    made = Stage(INDEX_POINTER)
    yield made
    assert made.world.bugs == []
