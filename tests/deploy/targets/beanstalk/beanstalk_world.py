"""The target ``beanstalk`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.beanstalk import BeanstalkTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.fixtures import NOON
from watcher import command

NONE = timedelta(0)
CNAME = "shop.eu-central-1.elasticbeanstalk.com"
UPDATES = timedelta(minutes=10)  # longer than any update takes here


class Environments(TargetWorld):
    """The environment ``shop-prod``, whose deployments take no time unless it is slow."""

    moves = "UpdateEnvironment"

    def __init__(self) -> None:
        self._time = NOON
        self.aws_world = AwsWorld(lambda: self._time)
        self.aws_world.identities.role(ACT)
        beanstalk = self.aws_world.beanstalk
        for number in (1, 2, 3):
            beanstalk.create_version("shop", f"v{number}", f"code {number}", NOON - timedelta(days=1))
        self.aws: Aws | None = None
        self.begins()

    def begins(self):
        beanstalk = self.aws_world.beanstalk
        beanstalk.create_environment(
            "shop", "shop-prod", "v1", NOON - timedelta(days=1), starts=NONE, takes=NONE
        )
        beanstalk.deploys_by("shop-prod", "Rolling", batch=2)

    def settings(self) -> Settings:
        return Settings(application="shop", environment="shop-prod")

    def target(self) -> BeanstalkTarget:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        ports = World(command=command.run, now=lambda: self._time, aws=self.aws)
        return BeanstalkTarget(self.settings(), place, ports)

    def runs(self, tag, *, moving_to=None, key=None):
        beanstalk = self.aws_world.beanstalk
        self._time += UPDATES
        self.aws_world.advance()
        if tag is None:
            beanstalk.create_environment("shop", "shop-prod", "", self._time, instances=0)
            return
        if beanstalk.find("shop-prod").states.latest.label != tag:
            beanstalk.deploy("shop-prod", tag, self._time)
            self.arrives()
        if moving_to is not None:
            self.is_slow()
            beanstalk.deploy("shop-prod", moving_to, self._time)

    def arrives(self):
        self._time += UPDATES
        self.aws_world.advance()

    def is_slow(self):
        self.aws_world.beanstalk.find("shop-prod").takes = timedelta(minutes=1)

    def is_down(self):
        self.aws_world.faults.fail("elasticbeanstalk", times=None)

    def hangs(self):
        self.aws_world.faults.slow("elasticbeanstalk", seconds=5, times=None)

    def moves_hang(self):
        self.aws_world.faults.slow("elasticbeanstalk", self.moves, seconds=5, times=None)

    def refuses(self, words):
        error = AwsError("AccessDenied", words, 403)
        self.aws_world.faults.fail("elasticbeanstalk", self.moves, error=error, times=None)

    def loses_answers(self):
        self.aws_world.faults.lose_answer("elasticbeanstalk", self.moves, times=None)

    def changes(self):
        calls = [
            call
            for call in self.aws_world.calls
            if call.operation == "UpdateEnvironment" and call.refused is None
        ]
        return [call.parameters["VersionLabel"] for call in calls]


class Pair(Environments):
    """``shop-blue`` and ``shop-green``: somebody deploys where nobody comes, and then swaps the name."""

    moves = "SwapEnvironmentCNAMEs"

    def begins(self):
        long_ago, beanstalk = NOON - timedelta(days=1), self.aws_world.beanstalk
        beanstalk.swaps.takes = NONE
        for color, cname in (("blue", CNAME), ("green", CNAME.replace("shop", "shop-next"))):
            beanstalk.create_environment(
                "shop", f"shop-{color}", "v1", long_ago, cname=cname, starts=NONE, takes=NONE
            )

    def settings(self) -> Settings:
        return Settings(application="shop", environments=("shop-blue", "shop-green"), cname=CNAME)

    def runs(self, tag, *, moving_to=None, key=None):
        beanstalk = self.aws_world.beanstalk
        self.arrives()
        if tag is None:
            beanstalk.create_environment("shop", "shop-blue", "", self._time, instances=0, cname=CNAME)
            return
        if beanstalk.find(beanstalk.has_name(CNAME)).states.latest.label != tag:
            self._swaps_in(tag)
            self.arrives()
        if moving_to is not None:
            self._swaps_in(moving_to)

    def _swaps_in(self, tag):
        beanstalk = self.aws_world.beanstalk
        source = beanstalk.has_name(CNAME)
        destination = "shop-green" if source == "shop-blue" else "shop-blue"
        beanstalk.deploy(destination, tag, self._time)
        self.arrives()
        beanstalk.swap(source, destination, self._time)

    def is_slow(self):
        self.aws_world.beanstalk.swaps.takes = timedelta(minutes=1)

    def changes(self):
        find = self.aws_world.beanstalk.find
        calls = [call for call in self.aws_world.calls if call.operation == self.moves and not call.refused]
        states = [find(call.parameters["DestinationEnvironmentName"]).states.at(call.at) for call in calls]
        return [state.label for state in states if state is not None]


@contextlib.asynccontextmanager
async def beanstalk_over_http(world: Environments) -> AsyncIterator[Environments]:
    """A world that answers over HTTP, and doors to it that try once."""
    with serving(world.aws_world) as url:
        async with at(url, world.aws_world.now, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
