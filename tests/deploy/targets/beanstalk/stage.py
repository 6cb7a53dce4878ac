"""One environment on the simulated AWS, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.model import Foretold, Live, Move, Release
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.beanstalk import BeanstalkTarget, Settings
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
ENVIRONMENT, NOTHING = "shop-prod", "shop-empty"
MARK = "rollbackd:checkout.production"
TRACE = "rollbackd:move.shop-prod"
BUCKET = "elasticbeanstalk-eu-central-1-123456789012"


@dataclass
class Stage:
    """``shop-prod`` runs ``v1`` on four instances since a month, and is deployed rolling; ``v2`` and ``v3`` are there."""

    policy: str = "Rolling"

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.beanstalk = self.world.beanstalk
        for number in (1, 2, 3):
            at = LONG_AGO + timedelta(hours=number)
            self.beanstalk.create_version("shop", f"v{number}", f"code {number}", at)
        self.environment = self.beanstalk.create_environment(
            "shop", ENVIRONMENT, "v1", LONG_AGO + timedelta(hours=4)
        )
        self.beanstalk.deploys_by(ENVIRONMENT, self.policy)
        act = self.world.identities.role(ACTOR)
        self.aws: Aws = Direct(self.world, {"shop": Scope("eu-central-1", act=act)})
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)

    def target(self, account: AwsAccount = MAY_ACT, **settings: Any) -> BeanstalkTarget:
        place = Place("checkout", "production", "service", account)
        said = {"application": "shop", "environment": ENVIRONMENT, **settings}
        return BeanstalkTarget(Settings.model_validate(said), place, self.ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: nothing that it kept is there any more."""
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)
        return self

    # -- what happens

    def deploys(self, label: str) -> None:
        """Another hand deploys *label*."""
        self.world.advance()
        self.beanstalk.deploy(ENVIRONMENT, label, self.clock.time)

    def deployed(self, label: str) -> None:
        """The same, to its end."""
        self.deploys(label)
        self.goes_on(minutes=10)

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    # -- what is seen

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, target: BeanstalkTarget | None = None) -> Live:
        live = self.run((target or self.target()).observe())
        assert isinstance(live, Live), live
        return live

    def foretold(self, move: Move | None = None) -> Foretold:
        return self.run(self.target().foretell(move or self.move()))

    def release(self, label: str) -> Release:
        """The release that a version is, by its content: seen once, on a stage of its own."""
        seen = Stage(policy="AllAtOnce")
        if label != "v1":
            seen.deployed(label)
        release = seen.live().release
        assert release is not None
        assert release.tag == label
        return release

    def move(self, expect: str = "v2", to: str = "v1") -> Move:
        return Move("service", expect=self.release(expect), to=self.release(to))

    def changed(self) -> list[str]:
        """The calls that changed something or could have, but for tags."""
        calls = self.world.mutating_calls()
        return [call.operation for call in calls if call.operation != "UpdateTagsForResource"]

    def asked(self, operation: str) -> int:
        return self.world.count("elasticbeanstalk", operation)

    def tags(self, label: str) -> dict[str, str]:
        return dict(self.beanstalk.tags("shop", label, self.clock.time))
