import pytest

from tests.deploy.targets.unleash.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
