"""A workflow that deploys tags of git, and time that a test turns: in one process, by our own client of GitHub."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploy.github import Access
from deploy.model import Live
from deploy.ports import Got, Rest, World
from deploy.target import Place
from deploy.targets.github_actions import GitHubActionsTarget, Settings
from tests.fakes.aws.fixtures import Clock
from tests.fakes.github import REPOSITORY, TOKEN, Actions, GitHubWorld, app
from tests.fakes.in_memory import InMemory
from tests.scenarios.virtual import in_virtual_time
from watcher import command
from watcher.notify.github.connection import rest

T = TypeVar("T")


@dataclass
class Stage:
    """Tags that were deployed by a push, one each day."""

    tags: Sequence[str] = ("v1", "v2")
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.github_world = GitHubWorld(self.clock)
        self.github_world.permissions |= {"actions": "write", "contents": "read"}
        self.world = Actions(self.github_world)
        for tag in self.tags:
            self.world.sha(tag)
            self.world.begin(tag, {}, "push")
            self.goes_on(hours=24)

    def goes_on(self, **span: float) -> None:
        """Time goes by, and runs go on."""
        self.clock.go_on(**span)
        self.world.advance()

    def github(self, access: Access) -> Rest:
        """By which GitHub is asked; in whichever loop that is."""
        return rest(InMemory(app(self.github_world, actions=self.world)), self.clock, access)

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return in_virtual_time(story)

    def live(self) -> Live:
        settings = Settings.model_validate(
            {"repository": REPOSITORY, "environment": "production", "workflow": "deploy.yml", "token": TOKEN},
            strict=False,
        )
        ports = World(command=command.run, now=self.clock, page=nobody, github=self.github)
        live = self.run(
            GitHubActionsTarget(settings, Place("checkout", "production", "service"), ports).observe()
        )
        assert isinstance(live, Live), live
        return live


async def nobody(url: str) -> Got:
    raise AssertionError("no page is configured")
