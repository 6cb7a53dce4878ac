from collections.abc import Iterator

import pytest

from tests.deploy.targets.beanstalk.swap.pair_stage import PairStage


@pytest.fixture
def stage() -> Iterator[PairStage]:
    """After the test: the fake itself has done nothing wrong."""
    made = PairStage()
    yield made
    assert made.world.bugs == []
