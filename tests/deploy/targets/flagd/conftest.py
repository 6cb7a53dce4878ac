import pytest

from tests.deploy.targets.flagd.stage import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()
