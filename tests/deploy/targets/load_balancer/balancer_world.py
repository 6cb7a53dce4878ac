"""The target ``load_balancer`` for the contract: unmodified boto3, over HTTP, against the simulated AWS."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.load_balancer import LoadBalancerTarget, Settings
from tests.contract.target_contract import TargetWorld
from tests.deploy.targets.aws.over_http import ACT, at, slow_in
from tests.fakes.aws import AwsError, AwsWorld, serving
from tests.fakes.aws.balancing.state import forwarding
from tests.fakes.aws.fixtures import NOON
from watcher import command

LATE = timedelta(seconds=20)  # reads of the balancer, while it is slow
MOVE = "ModifyRule"
SERVES = {"blue": "v1", "green": "v2", "red": "v3"}


class Balancer(TargetWorld):
    """A rule with three target groups. It moves at one word: where it is slow, reads are late."""

    def __init__(self) -> None:
        self._time = NOON
        self.aws_world = AwsWorld(lambda: self._time)
        self.aws_world.identities.role(ACT)
        self._elb = self.aws_world.balancing
        for number, (group, release) in enumerate(SERVES.items()):
            self._elb.create_group(group, NOON - timedelta(days=9))
            self._elb.release(group, release, NOON - timedelta(days=9 - number))
        weights = {self._elb.group(group).arn: 0 for group in SERVES}
        self._rule = self._elb.create_rule(NOON - timedelta(days=1), [forwarding(weights)])
        self.aws: Aws | None = None

    def target(self) -> LoadBalancerTarget:
        account = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
        place = Place("checkout", "production", "service", account)
        ports = World(command=command.run, now=lambda: self._time, aws=self.aws)
        return LoadBalancerTarget(Settings(rule=self._rule), place, ports)

    def runs(self, tag, *, moving_to=None, key=None):
        shares = {tag: 100} if moving_to is None else {tag: 90, moving_to: 10}
        self._time += timedelta(minutes=1)
        weights = {group: shares.get(release, 0) for group, release in SERVES.items()}
        self._elb.weigh(self._rule, weights, self._time)
        self._time += timedelta(minutes=1)

    def arrives(self):
        self._time += LATE

    def is_slow(self):
        self.aws_world.faults.stale("elbv2", by=LATE, times=None)

    def is_down(self):
        self.aws_world.faults.fail("elbv2", times=None)

    def hangs(self):
        self.aws_world.faults.slow("elbv2", seconds=5, times=None)

    def moves_hang(self):
        self.aws_world.faults.slow("elbv2", MOVE, seconds=5, times=None)

    def refuses(self, words):
        error = AwsError("AccessDenied", words.removeprefix("AccessDenied: "), 403)
        self.aws_world.faults.fail("elbv2", MOVE, error=error, times=None)

    def loses_answers(self):
        self.aws_world.faults.lose_answer("elbv2", MOVE, times=None)

    def changes(self):
        """A repetition that asks for what is so already changes nothing."""
        found: list[str] = []
        for call in self.aws_world.calls:
            if call.operation == MOVE and call.refused is None:
                groups = call.parameters["Actions"][0]["ForwardConfig"]["TargetGroups"]
                given = next(each["TargetGroupArn"] for each in groups if each["Weight"])
                found.append(SERVES[self._elb.groups[given].name])
        return [tag for before, tag in zip([None, *found], found, strict=False) if tag != before]


@contextlib.asynccontextmanager
async def balancer_over_http() -> AsyncIterator[Balancer]:
    """A world that answers over HTTP, and doors to it that try once."""
    world = Balancer()
    with serving(world.aws_world) as url:
        async with at(url, world.aws_world.now, slow_in(world.aws_world)) as aws:
            world.aws = aws
            yield world
    assert world.aws_world.bugs == []
