"""One flag of Unleash, a target that looks at it, and time that a test turns."""

from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from deploy.model import Live, Move, Release
from deploy.ports import Send, World
from deploy.target import Place
from deploy.targets.unleash import Settings, UnleashTarget, opened
from tests.fakes.aws.fixtures import Clock
from tests.fakes.launchdarkly import Direct
from tests.fakes.unleash import ENVIRONMENT, FLAG, WRITER, Unleash
from tests.scenarios.virtual import in_virtual_time
from watcher import command

T = TypeVar("T")
KEY = "w_1.3.0"
URL = "https://unleash.shop.example"


@dataclass
class Stage:
    """The flag is off since a month, and has no strategy."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.world = Unleash(self.clock)
        self.send: Send = Direct(self.world)

    def target(self, **settings: Any) -> UnleashTarget:
        said = {"url": URL, "environment": ENVIRONMENT, "flag": FLAG, "token": WRITER, **settings}
        ports = World(command=command.run, now=self.clock, send=self.send)
        place = Place("checkout", "production", "service")
        return opened(Settings.model_validate(said, strict=False), place, ports)

    def later(self, **by: float) -> Release:
        """Time goes by; how the flag is set then."""
        self.clock.go_on(**(by or {"minutes": 1}))
        release = self.live().release
        assert release is not None
        return release

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self, **settings: Any) -> Live:
        live = self.run(self.target(**settings).observe())
        assert isinstance(live, Live), live
        return live

    def begin(self, expect: Release, to: Release, target: UnleashTarget | None = None) -> Any:
        return self.run((target or self.target()).begin(Move("service", expect, to), KEY))

    def progress(self, expect: Release, to: Release, target: UnleashTarget | None = None) -> Any:
        return self.run((target or self.target()).progress(Move("service", expect, to), KEY))

    def foretell(self, expect: Release, to: Release, **settings: Any) -> Any:
        return self.run(self.target(**settings).foretell(Move("service", expect, to)))

    def findings(self, **settings: Any) -> list[tuple[str, str]]:
        found = self.run(self.target(**settings).examine())
        return [(each.level.value, each.words) for each in found]

    def recalled(self, age: timedelta = timedelta(days=3)) -> Any:
        now: datetime = self.clock.time + age
        return self.run(self.target().recall(now))

    def sent(self) -> list[str]:
        """The calls that would change anything, in order: their method, and the end of their path."""
        return [
            f"{method} {path.rpartition('/')[2]}" for method, path, _ in self.world.asked if method != "GET"
        ]
