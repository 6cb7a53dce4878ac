import asyncio

import pytest

from deploy.model import Refused, Unclear, Unreadable
from deploy.target import CALL_TIMEOUT
from tests.contract.target_contract import KEY, TargetContract
from tests.deploy.targets.ecs.ecs_world import ecs_over_http
from tests.deploy.targets.programs import Programs


class TestCommand(TargetContract):
    """Two programs, started for real; the platform is a file that both know."""

    @pytest.fixture
    def world(self, tmp_path):
        return Programs(tmp_path)


class TestEcs(TargetContract):
    """A service on the simulated AWS, by unmodified boto3 over HTTP."""

    good, bad, third = "web:1", "web:2", "web:3"

    @pytest.fixture
    async def world(self, tmp_path):
        async with ecs_over_http() as world:
            yield world

    async def test_no_call_takes_longer_than_its_time(self, world, move):
        """A move of ECS looks first: where even that hangs nothing was sent, and that is a refusal for now."""
        world.runs(self.bad)
        world.hangs()
        target = world.target()

        async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
            assert isinstance(await target.observe(), Unreadable)
        async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
            answer = await target.begin(move, KEY)
        assert isinstance(answer, Refused)
        assert answer.again_in is not None
        assert world.changes() == []

    async def test_a_move_that_hangs_is_unclear_in_its_time(self, world, move):
        world.runs(self.bad)
        world.moves_hang()

        async with asyncio.timeout(CALL_TIMEOUT.total_seconds()):
            assert isinstance(await world.target().begin(move, KEY), Unclear)
        assert world.changes() == [self.good]
