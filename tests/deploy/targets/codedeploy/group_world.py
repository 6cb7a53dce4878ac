"""The target ``codedeploy`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.codedeploy import CodeDeployTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.deploy.targets.codedeploy.revisions import bundle, key, tag
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.fixtures import NOON
from watcher import command

MOVES = ("CreateDeployment", "StopDeployment")
LONG = timedelta(minutes=30)  # whatever was under way is over
HALF = timedelta(seconds=20)  # a deployment is under way
NUMBERS = {tag(number): number for number in (1, 2, 3)}
TAGS = {key(number): tag(number) for number in (1, 2, 3)}


class Fleet(TargetWorld):
    """The group ``prod`` of ``shop``. Its clock stands still while moves are slow; else each move is over at the next look."""

    def __init__(self) -> None:
        self._time = NOON
        self._slow = False
        self._seen = 0
        self._made = False
        self.aws_world = AwsWorld(self.now)
        self.aws_world.identities.role(ACT)
        self.aws: Aws | None = None

    def now(self) -> datetime:
        """The clock of AWS and of the daemon."""
        if not self._slow and self._seen < len(self.changes()):
            self._seen = len(self.changes())
            self._time += LONG
        return self._time

    def target(self) -> CodeDeployTarget:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        ports = World(command=command.run, now=self.now, aws=self.aws)
        return CodeDeployTarget(Settings(application="shop", deployment_group="prod"), place, ports)

    def runs(self, tag, *, moving_to=None, key=None):
        codedeploy = self.aws_world.codedeploy
        if not self._made:
            self._made = True
            codedeploy.create_group("shop", "prod", self._time)
            for number in NUMBERS.values():  # what was deployed once can be deployed again
                if tag is not None:
                    codedeploy.deploy("shop", "prod", bundle(number), self._time)
                    self._goes_on(LONG)
        if tag is not None:
            self._goes_on(LONG)  # CodeDeploy takes one deployment at a time
            codedeploy.deploy("shop", "prod", bundle(NUMBERS[tag]), self._time)
            self._goes_on(LONG)
        if moving_to is not None:
            codedeploy.deploy("shop", "prod", bundle(NUMBERS[moving_to]), self._time)
            self._goes_on(HALF)

    def arrives(self):
        self._goes_on(LONG)

    def is_slow(self):
        self._slow = True

    def is_down(self):
        self.aws_world.faults.fail("codedeploy", times=None)

    def hangs(self):
        self.aws_world.faults.slow("codedeploy", seconds=5, times=None)

    def moves_hang(self):
        for operation in MOVES:
            self.aws_world.faults.slow("codedeploy", operation, seconds=5, times=None)

    def refuses(self, words):
        for operation in MOVES:
            error = AwsError("AccessDeniedException", words)
            self.aws_world.faults.fail("codedeploy", operation, error=error, times=None)

    def loses_answers(self):
        for operation in MOVES:
            self.aws_world.faults.lose_answer("codedeploy", operation, times=None)

    def changes(self):
        moves = [call for call in self.aws_world.calls if call.operation in MOVES and call.refused is None]
        places = [call.parameters.get("revision", {}).get("s3Location", {}) for call in moves]
        return [TAGS.get(place.get("key"), "what was before") for place in places]

    def _goes_on(self, span: timedelta) -> None:
        self._time += span
        self.aws_world.advance()


@contextlib.asynccontextmanager
async def codedeploy_over_http() -> AsyncIterator[Fleet]:
    """A world that answers over HTTP, and doors to it that try once."""
    world = Fleet()
    with serving(world.aws_world) as url:
        async with at(url, world.now, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
