"""A document of flags in a bucket of the simulated AWS, a flagd that reads it, a target that looks at both."""

from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Aws, AwsAccount, World
from deploy.target import Place
from deploy.targets.flagd import FlagdTarget, Settings
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.fixtures import NOON, Clock
from tests.fakes.flagd import BUCKET, KEY, URL, Flagd, document, flag
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
MOVE = "w_1.3.0"
OFF, ON = document(new_checkout=flag("off")), document(new_checkout=flag("on"))
MAY_ACT = AwsAccount("shop", "eu-central-1", "123456789012", may_act=True)
READER, ACTOR = (f"arn:aws:iam::123456789012:role/rollbackd-{name}" for name in ("read", "act"))


@dataclass
class Stage:
    """The flag is off since a month."""

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = AwsWorld(self.clock)
        self.world.s3.create_bucket(BUCKET)
        self.world.s3.put(BUCKET, KEY, OFF, NOON - timedelta(days=30))
        for role in (READER, ACTOR):
            self.world.identities.role(role)
        self.aws: Aws = Direct(self.world, {"shop": Scope("eu-central-1", READER, ACTOR)})
        self.flagd = Flagd(self.world)

    def target(self, *, may_act: bool = True, **settings: Any) -> FlagdTarget:
        said = {"bucket": BUCKET, "key": KEY, "serves": URL, **settings}
        place = Place("checkout", "production", "service", replace(MAY_ACT, may_act=may_act))
        ports = World(command=command.run, now=self.clock, aws=self.aws, send=self.flagd)
        return FlagdTarget(Settings.model_validate(said), place, ports)

    def restarted(self) -> "Stage":
        """The daemon starts anew: what a target keeps is of that one alone."""
        return self

    def goes_on(self, **span: float) -> None:
        self.clock.go_on(**span)
        self.world.advance()

    def puts(self, body: str | bytes, **settings: Any) -> Release:
        """Somebody puts a document there; what it is then."""
        self.clock.go_on(minutes=1)
        self.world.s3.put(BUCKET, KEY, body, self.clock.time)
        self.clock.go_on(minutes=1, seconds=1)
        release = self.live(**settings).release
        assert release is not None
        return release

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, **settings: Any) -> Live:
        live = self.run(self.target(**settings).observe())
        assert isinstance(live, Live), live
        return live

    def move(self) -> Move:
        """From on to off: each seen once, on a stage of its own."""
        seen = Stage()
        off = seen.live().release
        assert off is not None
        return Move("service", expect=seen.puts(ON), to=off)

    def begin(self, expect: Release, to: Release, target: FlagdTarget | None = None, **settings: Any) -> Any:
        return self.run((target or self.target(**settings)).begin(Move("service", expect, to), MOVE))

    def progress(
        self, expect: Release, to: Release, target: FlagdTarget | None = None, **settings: Any
    ) -> Any:
        return self.run((target or self.target(**settings)).progress(Move("service", expect, to), MOVE))

    def foretell(self, expect: Release, to: Release, **settings: Any) -> Any:
        return self.run(self.target(**settings).foretell(Move("service", expect, to)))

    def findings(self, **settings: Any) -> list[tuple[str, str]]:
        return [(each.level.value, each.words) for each in self.run(self.target(**settings).examine())]

    @property
    def body(self) -> bytes:
        """What is in the bucket."""
        written = self.world.s3.find(BUCKET).now(KEY)
        assert written is not None
        return written.body

    def sent(self) -> list[str]:
        """The calls that would change anything."""
        return [
            call.operation
            for call in self.world.calls
            if call.operation.startswith(("Put", "Copy", "Delete"))
        ]
