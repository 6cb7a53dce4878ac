"""One service of ECS on the simulated AWS, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Aws, AwsAccount, AwsCall, World
from deploy.target import Place
from deploy.targets.ecs import EcsTarget, Settings
from tests.fakes.aws import AwsWorld, Behaviour, Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"
MAY_ACT = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
READS_ONLY = replace(MAY_ACT, may_act=False)
ACTOR = "arn:aws:iam::123456789012:role/rollbackd-act"
LONG_AGO = NOON - timedelta(days=30)


@dataclass
class Ended:
    """AWS, in which every service deployment has ended so."""

    aws: Aws
    status: str

    @property
    def act(self) -> AwsCall:
        return self.aws.act

    @property
    def poll(self) -> AwsCall:
        return self.aws.poll

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        answer = await self.aws.read(scope, service, operation, **parameters)
        for told in answer.get("serviceDeployments", ()):
            told |= {"status": self.status, "statusReason": "it went wrong"}
        return answer


@dataclass
class Stage:
    """``web:1`` serves since a month, with four tasks; ``web:2`` and ``web:3`` are registered.

    A rollout takes about a minute: two new tasks in the first half, two in the second. What is in their images is told
    when the first one runs, after 21 seconds.
    """

    service: Mapping[str, Any] = field(default_factory=dict)
    images: tuple[str, ...] = ("shop:1.0", "shop:2.0", "shop:3.0")

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.clock.time = LONG_AGO
        for image in self.images:
            self.world.ecs.register("web", image, LONG_AGO)
        arguments = {"desired": 4, "configuration": {"maximumPercent": 150}, **self.service}
        self.world.ecs.create_service("web", "web:1", LONG_AGO, **arguments)
        self.world.ecs.advance(LONG_AGO + timedelta(hours=1))
        self.clock.time = NOON
        act = self.world.identities.role(ACTOR)
        self.aws: Aws = Direct(self.world, {"shop": Scope("eu-central-1", act=act)})
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)

    def target(self, name: str = "web", account: AwsAccount = MAY_ACT, **settings: Any) -> EcsTarget:
        place = Place("checkout", "production", "service", account)
        return EcsTarget(Settings(cluster="prod", service=name, **settings), place, self.ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: nothing that it kept is there any more."""
        self.ports = World(command=command.run, now=self.clock, aws=self.aws)
        return self

    # -- what happens

    def deploy(self, tag: str, **configuration: Any) -> str:
        """Another hand deploys; gives the id of the event."""
        self.world.ecs.deploy("web", tag, self.clock.time, **configuration)
        return self.world.ecs.find("web").primary.id

    def deploy_and_arn(self, tag: str) -> str:
        """The same; gives the ARN of the service deployment."""
        return self.world.ecs.deploy("web", tag, self.clock.time)

    def deployed(self, tag: str, **configuration: Any) -> str:
        """Another hand has deployed, and it is complete."""
        deployment = self.deploy(tag, **configuration)
        self.goes_on(minutes=10)
        return deployment

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    def behaves(self, tag: str, **behaviour: Any) -> None:
        self.world.ecs.behave(tag, Behaviour(**behaviour))

    # -- what is seen

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, target: EcsTarget | None = None) -> Any:
        """What is observed. A test knows which release is there."""
        live = self.run((target or self.target()).observe())
        assert isinstance(live, Live), live
        return live

    def release(self, tag: str) -> Release:
        """The release that a task definition is, by its content: seen once, on a stage of its own."""
        seen = Stage(self.service, self.images)
        if tag != "web:1":
            seen.deployed(tag)
        release: Release = seen.live().release
        assert release.tag == tag
        return release

    def move(self, expect: str = "web:2", to: str = "web:1") -> Move:
        return Move("service", expect=self.release(expect), to=self.release(to))

    def changed(self) -> list[str]:
        """The calls that could have changed something, but for tags."""
        return [call.operation for call in self.world.mutating_calls() if call.operation != "TagResource"]

    def wanted(self) -> str:
        """What the service was last told to run."""
        return self.world.ecs.find("web").task_definition.rpartition("/")[2]
