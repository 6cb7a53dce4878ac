"""One flag of LaunchDarkly, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Send, World
from deploy.target import Place
from deploy.targets.launchdarkly import LaunchDarklyTarget, Settings, opened
from tests.fakes.aws.fixtures import Clock
from tests.fakes.launchdarkly import ENVIRONMENT, FLAG, PROJECT, WRITER, Direct, LaunchDarkly
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"


@dataclass
class Stage:
    """The flag is off since a month."""

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.world = LaunchDarkly(self.clock)
        self.send: Send = Direct(self.world)

    def target(self, **settings: Any) -> LaunchDarklyTarget:
        said = {"project": PROJECT, "environment": ENVIRONMENT, "flag": FLAG, "token": WRITER, **settings}
        ports = World(command=command.run, now=self.clock, send=self.send)
        return opened(
            Settings.model_validate(said, strict=False), Place("checkout", "production", "service"), ports
        )

    def sets(self, **change: Any) -> Release:
        """A person sets the flag; gives how it is then."""
        self.clock.go_on(minutes=1)
        self.world.sets(**change)
        release = self.live().release
        assert release is not None
        return release

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, **settings: Any) -> Live:
        live = self.run(self.target(**settings).observe())
        assert isinstance(live, Live), live
        return live

    def begin(self, expect: Release, to: Release, **settings: Any) -> Any:
        return self.run(self.target(**settings).begin(Move("service", expect, to), KEY))

    def progress(self, expect: Release, to: Release) -> Any:
        return self.run(self.target().progress(Move("service", expect, to), KEY))

    def foretell(self, expect: Release, to: Release) -> Any:
        return self.run(self.target().foretell(self.back(expect, to)))

    @staticmethod
    def back(expect: Release, to: Release) -> Move:
        return Move("service", expect, to)

    def sent(self) -> int:
        """How many patches arrived."""
        return sum(method == "PATCH" for method, _, _ in self.world.asked)
