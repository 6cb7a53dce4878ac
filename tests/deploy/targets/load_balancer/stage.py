"""One rule of a balancer on the simulated AWS, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.load_balancer import LoadBalancerTarget, Settings
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.balancing.state import forwarding
from tests.fakes.aws.fixtures import NOON, Clock
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"
MAY_ACT = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
READS_ONLY = replace(MAY_ACT, may_act=False)
ACTOR = "arn:aws:iam::123456789012:role/rollbackd-act"
LONG_AGO = NOON - timedelta(days=30)
MARK = "rollbackd:checkout.production"


@dataclass
class Stage:
    """The group ``blue`` serves ``v1`` since a month and has all the traffic; ``green`` serves ``v2`` since an hour."""

    listener: bool = False

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.elb = self.world.balancing
        for group, release, since in (("blue", "v1", LONG_AGO), ("green", "v2", NOON - timedelta(hours=1))):
            self.elb.create_group(group, LONG_AGO)
            self.elb.release(group, release, since)
        weights = {self.elb.group("blue").arn: 100, self.elb.group("green").arn: 0}
        self.rule = self.elb.create_rule(LONG_AGO, [forwarding(weights)], listener=self.listener)
        act = self.world.identities.role(ACTOR)
        self.aws: Aws = Direct(self.world, {"shop": Scope("eu-central-1", act=act)})
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)

    def target(self, account: AwsAccount = MAY_ACT, **settings: Any) -> LoadBalancerTarget:
        place = Place("checkout", "production", "service", account)
        said = {"listener" if self.listener else "rule": self.rule, **settings}
        return LoadBalancerTarget(Settings.model_validate(said), place, self.ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: nothing that it kept is there any more."""
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)
        return self

    # -- what happens

    def weighs(self, sticky: int = 0, **weights: int) -> None:
        """Another hand changes the weights."""
        self.elb.weigh(self.rule, weights, self.clock.time, sticky)

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    # -- what is seen

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, target: LoadBalancerTarget | None = None) -> Live:
        live = self.run((target or self.target()).observe())
        assert isinstance(live, Live), live
        return live

    def move(self, expect: str = "v2", to: str = "v1") -> Move:
        return Move("service", expect=Release.of_tag(expect), to=Release.of_tag(to))

    def weights(self) -> dict[str, int]:
        return self.elb.weights(self.rule)

    def changed(self) -> list[str]:
        """The calls that could have changed something, but for tags."""
        return [call.operation for call in self.world.mutating_calls() if call.operation != "AddTags"]
