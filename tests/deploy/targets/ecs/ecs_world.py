"""The target ``ecs`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.ecs import EcsTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.fixtures import NOON
from watcher import command

MOVES = ("UpdateService", "StopServiceDeployment")
LONG = timedelta(minutes=30)  # whatever was under way is over
HALF = timedelta(seconds=25)  # a rollout is half done, and has told its images


class Ecs(TargetWorld):
    """The service ``web``. Its clock stands still while moves are slow; else each move is over at the next look."""

    def __init__(self) -> None:
        self._time = NOON
        self._slow = False
        self._seen = 0
        self._made = False
        self.aws_world = AwsWorld(self.now)
        self.aws_world.identities.role(ACT)
        for image in ("shop:1", "shop:2", "shop:3"):
            self.aws_world.ecs.register("web", image, NOON)
        self.aws: Aws | None = None

    def now(self) -> datetime:
        """The clock of AWS and of the daemon."""
        if not self._slow and self._seen < len(self.changes()):
            self._seen = len(self.changes())
            self._time += LONG
        return self._time

    def target(self) -> EcsTarget:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        ports = World(command=command.run, now=self.now, aws=self.aws)
        return EcsTarget(Settings(cluster="prod", service="web"), place, ports)

    def runs(self, tag, *, moving_to=None, key=None):
        ecs = self.aws_world.ecs
        if not self._made:
            self._made = True
            configuration = {"maximumPercent": 150}
            ecs.create_service("web", tag or "web:1", self._time, desired=4, configuration=configuration)
        elif tag is not None:
            ecs.deploy("web", tag, self._time)
        if tag is None:
            ecs.scale("web", 0, self._time)
        self._goes_on(LONG)
        if moving_to is not None:
            ecs.deploy("web", moving_to, self._time)
            self._goes_on(HALF)

    def arrives(self):
        self._goes_on(LONG)

    def is_slow(self):
        self._slow = True

    def is_down(self):
        self.aws_world.faults.fail("ecs", times=None)

    def hangs(self):
        self.aws_world.faults.slow("ecs", seconds=5, times=None)

    def moves_hang(self):
        for operation in MOVES:
            self.aws_world.faults.slow("ecs", operation, seconds=5, times=None)

    def refuses(self, words):
        for operation in MOVES:
            error = AwsError("AccessDeniedException", words)
            self.aws_world.faults.fail("ecs", operation, error=error, times=None)

    def loses_answers(self):
        for operation in MOVES:
            self.aws_world.faults.lose_answer("ecs", operation, times=None)

    def changes(self):
        moves = [call for call in self.aws_world.calls if call.operation in MOVES and call.refused is None]
        tags = [call.parameters.get("taskDefinition", "what was before") for call in moves]
        return [tag for before, tag in zip([None, *tags], tags, strict=False) if tag != before]

    def _goes_on(self, span: timedelta) -> None:
        self._time += span
        self.aws_world.advance()


@contextlib.asynccontextmanager
async def ecs_over_http() -> AsyncIterator[Ecs]:
    """A world that answers over HTTP, and doors to it that try once."""
    world = Ecs()
    with serving(world.aws_world) as url:
        async with at(url, world.now, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
