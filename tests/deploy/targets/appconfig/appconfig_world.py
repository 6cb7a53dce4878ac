"""The target ``appconfig`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.appconfig import AppConfigTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.configurations.state import Strategy
from tests.fakes.aws.fixtures import NOON
from watcher import command

PLACE = ("ba8toh7", "pgil2o7")
PROFILE = "ga3tqep"
ATONCE, SLOWLY = "atonce", "slowly"
TAKES = timedelta(minutes=1)


class Configurations(TargetWorld):
    """Versions 1, 2 and 3 of one profile. What is bad was deployed an hour ago: it is reverted, or stopped.

    Args:
        age: How long ago the last deployment was complete.
    """

    def __init__(self, age: timedelta = timedelta(hours=1)) -> None:
        self._time, self._age = NOON, age
        self.aws_world = AwsWorld(lambda: self._time)
        self.aws_world.identities.role(ACT)
        self.appconfig = self.aws_world.appconfig
        self.appconfig.create(*PLACE, PROFILE)
        self.appconfig.find(*PLACE).validates = timedelta(0)
        for number in (1, 2, 3):
            self.appconfig.write(PLACE[0], PROFILE, f'{{"limit": {number}}}')
        self.appconfig.strategies |= {
            ATONCE: Strategy(ATONCE, bake=0),
            SLOWLY: Strategy(SLOWLY, duration=30, factor=10),
        }
        self.aws: Aws | None = None

    def target(self) -> AppConfigTarget:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        settings = Settings(application=PLACE[0], environment=PLACE[1], profile=PROFILE, strategy=ATONCE)
        return AppConfigTarget(
            settings, place, World(command=command.run, now=lambda: self._time, aws=self.aws)
        )

    def runs(self, tag, *, moving_to=None, key=None):
        self._time += timedelta(hours=1)
        environment = self.appconfig.find(*PLACE)
        if tag is None:
            environment.deployments.clear()
            return
        if not environment.deployments and tag != "1":
            self._deploy("1")
        self._deploy(tag)
        self._time += self._age
        if moving_to is not None:
            self.appconfig.deploy(PLACE, PROFILE, moving_to, self._time, SLOWLY)
            self._time += timedelta(minutes=2)

    def _deploy(self, version: str) -> None:
        self.appconfig.deploy(PLACE, PROFILE, version, self._time, ATONCE)
        self._time += timedelta(minutes=1)

    def arrives(self):
        self._time += TAKES + timedelta(minutes=1)

    def is_slow(self):
        for deployment in self.appconfig.find(*PLACE).deployments:
            deployment.takes_back = TAKES
        self.appconfig.strategies[ATONCE] = Strategy(ATONCE, duration=1, bake=0)

    def is_down(self):
        self.aws_world.faults.fail("appconfig", times=None)

    def hangs(self):
        self.aws_world.faults.slow("appconfig", seconds=5, times=None)

    def moves_hang(self):
        for operation in ("StartDeployment", "StopDeployment"):
            self.aws_world.faults.slow("appconfig", operation, seconds=5, times=None)

    def refuses(self, words):
        error = AwsError("AccessDeniedException", words, 403)
        for operation in ("StartDeployment", "StopDeployment"):
            self.aws_world.faults.fail("appconfig", operation, error=error, times=None)

    def loses_answers(self):
        for operation in ("StartDeployment", "StopDeployment"):
            self.aws_world.faults.lose_answer("appconfig", operation, times=None)

    def changes(self):
        """What was stopped or reverted brought back what was there before it."""
        found = []
        for call in self.aws_world.calls:
            if call.refused is not None or call.operation not in {"StartDeployment", "StopDeployment"}:
                continue
            number = call.parameters.get("DeploymentNumber")
            undone = self.appconfig.find(*PLACE).deployments[number - 1].before if number else None
            found.append(undone or call.parameters["ConfigurationVersion"])
        return found


@contextlib.asynccontextmanager
async def appconfig_over_http(world: Configurations) -> AsyncIterator[Configurations]:
    """A world that answers over HTTP, and doors to it that try once."""
    with serving(world.aws_world) as url:
        async with at(url, world.aws_world.now, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
