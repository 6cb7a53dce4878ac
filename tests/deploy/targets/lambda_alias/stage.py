"""One alias of a function on the simulated AWS, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.lambda_alias import LambdaTarget, Settings
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"
MAY_ACT = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
READS_ONLY = replace(MAY_ACT, may_act=False)
ACTOR = "arn:aws:iam::123456789012:role/rollbackd-act"
LONG_AGO = NOON - timedelta(days=30)
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
MARK = "rollbackd:checkout.production"


@dataclass
class Stage:
    """``checkout:live`` points to version 1 since a month; versions 2 and 3 are published."""

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.functions = self.world.functions
        self.functions.create("checkout", "first", LONG_AGO)
        for number in (1, 2, 3):
            self.functions.deploy("checkout", f"code {number}", LONG_AGO + timedelta(hours=number))
        self.functions.point("checkout", "live", "1", LONG_AGO + timedelta(hours=4))
        act = self.world.identities.role(ACTOR)
        self.aws: Aws = Direct(self.world, {"shop": Scope("eu-central-1", act=act)})
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)

    def target(self, account: AwsAccount = MAY_ACT, **settings: Any) -> LambdaTarget:
        place = Place("checkout", "production", "service", account)
        said = {"function": "checkout", "alias": "live", **settings}
        return LambdaTarget(Settings.model_validate(said), place, self.ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: nothing that it kept is there any more."""
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)
        return self

    # -- what happens

    def points(self, version: str, **weights: float) -> None:
        """Another hand points the alias to *version*; ``v2=0.1`` gives version 2 a share."""
        given = {name.removeprefix("v"): share for name, share in weights.items()}
        self.functions.point("checkout", "live", version, self.clock.time, given)

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    # -- what is seen

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, target: LambdaTarget | None = None) -> Live:
        live = self.run((target or self.target()).observe())
        assert isinstance(live, Live), live
        return live

    def release(self, version: str) -> Release:
        """The release that a version is, by its content: seen once, on a stage of its own."""
        seen = Stage()
        seen.points(version)
        release = seen.live().release
        assert release is not None
        assert release.tag == version
        return release

    def move(self, expect: str = "2", to: str = "1") -> Move:
        return Move("service", expect=self.release(expect), to=self.release(to))

    def changed(self) -> list[str]:
        """The calls that could have changed something, but for tags."""
        calls = self.world.mutating_calls()
        return [call.operation for call in calls if call.operation not in {"TagResource", "UntagResource"}]

    def shares(self) -> dict[str, float]:
        return self.functions.shares("checkout", "live")
