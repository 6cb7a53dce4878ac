import pytest

from tests.deploy.targets.github_actions.github_world import pipeline_over_http


@pytest.fixture
async def world():
    async with pipeline_over_http() as world:
        yield world
