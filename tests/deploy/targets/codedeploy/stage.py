"""One deployment group on the simulated AWS, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.codedeploy import CodeDeployTarget, Settings
from deploy.targets.codedeploy.revision import revision_of
from tests.deploy.targets.codedeploy.revisions import BUCKET, bundle, content, key
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.fakes.aws.s3.state import Written
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"
MAY_ACT = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
READS_ONLY = replace(MAY_ACT, may_act=False)
ACTOR = "arn:aws:iam::123456789012:role/rollbackd-act"
LONG_AGO = NOON - timedelta(days=30)
GROUP = "arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:shop/prod"


@dataclass
class Stage:
    """The first bundle serves since a month on four instances, of which two may be away at once.

    A deployment takes a bit more than a minute: five seconds until it starts, thirty for two instances, thirty for the others.
    """

    group: Mapping[str, Any] = field(default_factory=dict)
    first: Mapping[str, Any] = field(default_factory=lambda: bundle(1))
    how: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.codedeploy = self.world.codedeploy
        self.clock.time = LONG_AGO
        self.bucket = self.world.s3.create_bucket(BUCKET)
        for number in range(1, 8):
            self.bucket.put(key(number), Written(f"v{number}", content(number), LONG_AGO), {})
        self.codedeploy.create_group("shop", "prod", LONG_AGO, **self.group)
        self.codedeploy.deploy("shop", "prod", self.first, LONG_AGO, **self.how)
        self.clock.time = NOON
        self.world.advance()
        act = self.world.identities.role(ACTOR)
        self.aws: Aws = Direct(self.world, {"shop": Scope("eu-central-1", act=act)})
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)

    def target(self, name: str = "prod", account: AwsAccount = MAY_ACT) -> CodeDeployTarget:
        place = Place("checkout", "production", "service", account)
        return CodeDeployTarget(Settings(application="shop", deployment_group=name), place, self.ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: nothing that it kept is there any more."""
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)
        return self

    # -- what happens

    def deploy(self, revision: Mapping[str, Any] | int, **asked: Any) -> str:
        """Another hand deploys; gives the id."""
        told = bundle(revision) if isinstance(revision, int) else revision
        return self.codedeploy.deploy("shop", "prod", told, self.clock.time, **asked)

    def deployed(self, revision: Mapping[str, Any] | int, **asked: Any) -> str:
        """Another hand has deployed, and it is over."""
        made = self.deploy(revision, **asked)
        self.goes_on(minutes=10)
        return made

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    def behaves(self, number: int, **behaviour: Any) -> None:
        self.codedeploy.behave(key(number), **behaviour)

    # -- what is seen

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, target: CodeDeployTarget | None = None) -> Live:
        live = self.run((target or self.target()).observe())
        assert isinstance(live, Live), live
        return live

    def move(self, expect: int = 2, to: int = 1) -> Move:
        return Move("service", expect=release(expect), to=release(to))

    def changed(self) -> list[str]:
        """The calls that could have changed something, but for tags."""
        return [call.operation for call in self.world.mutating_calls() if "Tag" not in call.operation]

    def sent(self, operation: str = "CreateDeployment") -> Mapping[str, Any]:
        """What the one such call was given."""
        (call,) = [each for each in self.world.mutating_calls() if each.operation == operation]
        return call.parameters

    def last(self) -> Any:
        """The deployment that was tried last, as AWS knows it."""
        return self.codedeploy.last("shop", "prod", self.clock.time)

    def running(self) -> set[str | None]:
        """Which bundles serve; none, where an instance is away."""
        return set(self.codedeploy.running("shop", "prod").values())

    def tags(self) -> Mapping[str, str]:
        """Of the group."""
        return self.world.home.tagging.of(GROUP, self.clock.time)


def release(number: int) -> Release:
    """The release that a bundle is."""
    found = revision_of(bundle(number))
    assert found is not None
    return found.release
