import pytest

from tests.deploy.targets.launchdarkly.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
