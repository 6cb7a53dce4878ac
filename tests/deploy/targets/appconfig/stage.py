"""One profile on the simulated AWS, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.appconfig import AppConfigTarget, Settings
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.configurations.state import Strategy
from tests.fakes.aws.fixtures import NOON, Clock
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"
MAY_ACT = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
READS_ONLY = replace(MAY_ACT, may_act=False)
ACTOR = "arn:aws:iam::123456789012:role/rollbackd-act"
LONG_AGO = NOON - timedelta(days=30)
PLACE, PROFILE, OTHER = ("ba8toh7", "pgil2o7"), "ga3tqep", "flags77"
SLOWLY, BARE = "slowly", "bare"
ALARM = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:errors"
MARK = "rollbackd:checkout.production"


@dataclass
class Stage:
    """Version 1 is deployed since a month; versions 2 and 3 are written."""

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.appconfig = self.world.appconfig
        self.appconfig.create(*PLACE, PROFILE)
        self.appconfig.create(*PLACE, OTHER)
        for number in (1, 2, 3):
            self.appconfig.write(PLACE[0], PROFILE, f'{{"limit": {number}}}', f"v4{number}")
        self.appconfig.write(PLACE[0], OTHER, "{}")
        self.appconfig.strategies |= {
            SLOWLY: Strategy(SLOWLY, duration=30, factor=10),
            BARE: Strategy(BARE, bake=0),
        }
        self.appconfig.deploy(PLACE, PROFILE, "1", LONG_AGO)
        act = self.world.identities.role(ACTOR)
        self.aws: Aws = Direct(self.world, {"shop": Scope("eu-central-1", act=act)})
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)

    def target(self, account: AwsAccount = MAY_ACT, **settings: Any) -> AppConfigTarget:
        place = Place("checkout", "production", "service", account)
        said = {"application": PLACE[0], "environment": PLACE[1], "profile": PROFILE, **settings}
        return AppConfigTarget(Settings.model_validate(said), place, self.ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: nothing that it kept is there any more."""
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)
        return self

    # -- what happens

    def deploys(self, version: str, strategy: str = "AppConfig.AllAtOnce", profile: str = PROFILE) -> int:
        """Another hand deploys *version*."""
        return self.appconfig.deploy(PLACE, profile, version, self.clock.time, strategy)

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    # -- what is seen

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, target: AppConfigTarget | None = None) -> Live:
        live = self.run((target or self.target()).observe())
        assert isinstance(live, Live), live
        return live

    def release(self, version: str) -> Release:
        """The release that a version is, by its content: seen once, on a stage of its own."""
        seen = Stage()
        if version != "1":
            seen.deploys(version)
            seen.goes_on(minutes=1)
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

    def last(self, operation: str) -> Any:
        """What *operation* was given the last time."""
        return [call for call in self.world.calls if call.operation == operation][-1].parameters

    def shares(self) -> dict[str | None, float]:
        return self.appconfig.shares(PLACE, PROFILE, self.clock.time)
