"""A workflow of GitHub Actions that deploys tags of git, GitHub's webhook that tells of it, and who comes to what it deploys."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.github import REPOSITORY, SECRET, TOKEN, Actions, GitHubWorld, Hook, Run, app
from tests.fakes.in_memory import InMemory
from tests.scenarios.aws.stage import BALANCER, AwsStage, on_aws, one_service
from tests.scenarios.virtual import in_virtual_time
from watcher.api.asked import OneHook
from watcher.api.auth import NOBODY
from watcher.api.bodies import Delivery as Body
from watcher.api.handlers import hooks
from watcher.api.route import Call
from watcher.app.opening import sources_of

Story = Callable[[AwsStage], Awaitable[None]]
USUAL = 0.001  # share of the requests that fails as ever
RUNS = timedelta(seconds=40)  # for so long a job deploys
SECRETS = {"GITHUB_TOKEN": TOKEN, "GITHUB_SECRET": SECRET, "ROOM_SECRET": SECRET}
TARGET = f"{{github_actions: {{repository: {REPOSITORY}, environment: production, workflow: deploy.yml, token: {{env: GITHUB_TOKEN}}}}}}"
SOURCE = f"  github: {{github: {{secret: {{env: GITHUB_SECRET}}, repositories: [{REPOSITORY}], tag: ref}}}}\n"
HEARD = f"      reads_live: 10m\n      heard_from: [{{github: {{repository: {REPOSITORY}, environment: production}}}}]\n"
CONFIGURATION = (
    one_service("checkout", TARGET).replace("sources:\n", "sources:\n" + SOURCE)
    + HEARD
    + "      rules: [{file: web.yaml}]\n"
)

BY_READING = CONFIGURATION.replace("      reads_live: 10m\n", "")  # and not by the event alone


@dataclass
class Shoppers:
    """Who comes to the balancer: the release that a job has put there last serves all of them.

    Attributes:
        fails: By tag: the share of its requests that fail; of the others `USUAL`.
        serves: That tag.
    """

    world: AwsWorld
    actions: Actions
    http: InMemory
    hook: Hook
    serves: str = "v1"
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        """Those of the span that begins at *start*."""
        self.actions.advance()
        count = 50.0 * seconds
        told = {
            "RequestCount": count,
            "HTTPCode_Target_5XX_Count": count * self.fails.get(self.serves, USUAL),
        }
        for metric, number in told.items():
            self.world.cloudwatch.put("AWS/ApplicationELB", metric, BALANCER, start, [1.0], counts=[number])

    def is_served(self, tag: str) -> None:
        """A job has put it there."""
        self.serves = tag


def a_repository(world: AwsWorld) -> Shoppers:
    """``v1`` was deployed by a push, and serves; ``v2`` and ``v3`` are tags as well. Of what was so far no webhook tells."""
    github = GitHubWorld(world.now)
    github.permissions |= {"actions": "write", "contents": "read"}
    actions = Actions(github)
    for tag in ("v1", "v2", "v3"):
        actions.sha(tag)
    actions.begin("v1", {}, "push")
    actions.lasts = RUNS
    hook = Hook(github)
    hook.deliveries()
    shoppers = Shoppers(world, actions, InMemory(app(github, actions=actions)), hook)
    actions.deployed = shoppers.is_served
    return shoppers


def told(folder: Path, story: Story, **settings: Any) -> None:
    """*story*, on a stage where ``v1`` has been well for a day, in virtual time."""

    async def staged() -> None:
        usual = {"configuration": CONFIGURATION, "make": a_repository, "secret": SECRETS}
        async with on_aws(folder, **{**usual, **settings}) as stage:
            await goes_on(stage, minutes(3))
            await story(stage)

    in_virtual_time(staged())


def shoppers(stage: AwsStage) -> Shoppers:
    """Who comes."""
    assert isinstance(stage.crowd, Shoppers)
    return stage.crowd


def actions(stage: AwsStage) -> Actions:
    """The workflow."""
    return shoppers(stage).actions


def deploys(stage: AwsStage, tag: str, fails: float = USUAL, event: str = "push") -> Run:
    """Another hand runs the workflow at *tag*, of which that share fails."""
    shoppers(stage).fails[tag] = fails
    return actions(stage).begin(tag, {}, event)


def served(stage: AwsStage) -> str:
    """What people meet."""
    return shoppers(stage).serves


def moves(stage: AwsStage) -> list[str]:
    """The tags that we have dispatched the workflow at, in order."""
    return [each["ref"] for each in actions(stage).dispatches]


async def goes_on(stage: AwsStage, until: timedelta, step: float = 5.0) -> None:
    """Until *until*: and what GitHub has to tell is delivered at once."""
    while stage.time() < until.total_seconds():
        await stage.goes_on(min(until, seconds(stage.time() + step)), step=step)
        await _delivers(stage)


async def _delivers(stage: AwsStage) -> None:
    sources = sources_of(stage.configuration)
    for each in shoppers(stage).hook.deliveries():
        deps = replace(stage.lives[-1].deps, sources=lambda: sources)
        headers = {name.lower(): value for name, value in each.headers.items()}
        call: Any = Call(deps, NOBODY, OneHook(source="github"), Body(), each.body, headers, lambda: False)
        await hooks.hook(call)
