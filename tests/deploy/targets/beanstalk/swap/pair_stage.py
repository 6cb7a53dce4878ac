"""Two environments on the simulated AWS that swap a name, a target that looks at them, and time that a test turns."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from deploy.model import Move, Progress, Unreadable
from deploy.ports import Aws, AwsAccount
from deploy.targets.beanstalk import BeanstalkTarget
from tests.deploy.targets.beanstalk.stage import KEY, LONG_AGO, MAY_ACT, Stage

BLUE, GREEN = "shop-blue", "shop-green"
CNAME = "shop.eu-central-1.elasticbeanstalk.com"
TRACE = f"rollbackd:move.{CNAME}"


@dataclass
class PairStage(Stage):
    """``shop-blue`` runs ``v1`` and has the name since a month; ``shop-green`` runs ``v1`` too, and nobody comes there."""

    def __post_init__(self) -> None:
        Stage.__post_init__(self)
        for name, cname in ((BLUE, CNAME), (GREEN, CNAME.replace("shop", "shop-next"))):
            at = LONG_AGO + timedelta(hours=5)
            self.beanstalk.create_environment("shop", name, "v1", at, cname=cname)

    def target(self, account: AwsAccount = MAY_ACT, **settings: Any) -> BeanstalkTarget:
        pair = {"environment": None, "environments": (BLUE, GREEN), "cname": CNAME}
        return Stage.target(self, account, **{**pair, **settings})

    def meanwhile(self, wrap: Callable[[Aws], Any]) -> "PairStage":
        """Something happens while the daemon acts: *wrap* stands before its way to AWS."""
        self.ports = replace(self.ports, aws=wrap(self.aws))
        return self

    # -- what happens

    @property
    def named(self) -> str:
        """The environment that has the name."""
        return self.beanstalk.has_name(CNAME)

    @property
    def idle(self) -> str:
        return GREEN if self.named == BLUE else BLUE

    def swaps(self) -> None:
        """Another hand swaps the name; it leads elsewhere as soon as Beanstalk has done it."""
        self.world.advance()
        self.beanstalk.swap(self.named, self.idle, self.clock.time)
        self.goes_on(seconds=2)

    def deploys(self, label: str) -> None:
        """Another hand deploys *label* where nobody comes, to its end, and then swaps the name."""
        self.world.advance()
        self.beanstalk.deploy(self.idle, label, self.clock.time)
        self.goes_on(minutes=10)
        self.swaps()

    # -- what is seen

    def progress(
        self, move: Move, key: str = KEY, target: BeanstalkTarget | None = None
    ) -> Progress | Unreadable:
        return self.run((target or self.target()).progress(move, key))
