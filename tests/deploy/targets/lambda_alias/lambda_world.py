"""The target ``lambda`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.lambda_alias import LambdaTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.fixtures import NOON
from watcher import command

LATE = timedelta(seconds=20)  # reads of Lambda, while it is slow


class Functions(TargetWorld):
    """The alias ``checkout:live``. Lambda moves at one word: where it is slow, reads are late."""

    def __init__(self) -> None:
        self._time = NOON
        self.aws_world = AwsWorld(lambda: self._time)
        self.aws_world.identities.role(ACT)
        functions = self.aws_world.functions
        functions.create("checkout", "first", NOON - timedelta(days=2))
        for number in (1, 2, 3):
            functions.deploy("checkout", f"code {number}", NOON - timedelta(days=1))
        self.aws: Aws | None = None

    def target(self) -> LambdaTarget:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        ports = World(command=command.run, now=lambda: self._time, aws=self.aws)
        return LambdaTarget(Settings(function="checkout", alias="live"), place, ports)

    def runs(self, tag, *, moving_to=None, key=None):
        functions = self.aws_world.functions
        self._time += timedelta(minutes=1)
        if tag is None:
            functions.point("checkout", "live", "1", self._time)
            functions.delete_alias("checkout", "live", self._time)
        else:
            weights = {} if moving_to is None else {moving_to: 0.1}
            functions.point("checkout", "live", tag, self._time, weights)
        self._time += timedelta(minutes=1)

    def arrives(self):
        self._time += LATE

    def is_slow(self):
        self.aws_world.faults.stale("lambda", by=LATE, times=None)

    def is_down(self):
        self.aws_world.faults.fail("lambda", times=None)

    def hangs(self):
        self.aws_world.faults.slow("lambda", seconds=5, times=None)

    def moves_hang(self):
        self.aws_world.faults.slow("lambda", "UpdateAlias", seconds=5, times=None)

    def refuses(self, words):
        error = AwsError("AccessDeniedException", words, 403)
        self.aws_world.faults.fail("lambda", "UpdateAlias", error=error, times=None)

    def loses_answers(self):
        self.aws_world.faults.lose_answer("lambda", "UpdateAlias", times=None)

    def changes(self):
        calls = [
            call for call in self.aws_world.calls if call.operation == "UpdateAlias" and call.refused is None
        ]
        return [call.parameters["FunctionVersion"] for call in calls]


@contextlib.asynccontextmanager
async def lambda_over_http() -> AsyncIterator[Functions]:
    """A world that answers over HTTP, and doors to it that try once."""
    world = Functions()
    with serving(world.aws_world) as url:
        async with at(url, world.aws_world.now, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
