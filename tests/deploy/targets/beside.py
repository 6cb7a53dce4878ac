"""Targets that are no part of AWS, each with what is bad live: for what holds at any of them, whose token says who asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.model import Move
from deploy.targets.unleash import UnleashTarget
from tests.deploy.targets.github_actions.stage import Stage as Workflow
from tests.deploy.targets.launchdarkly.stage import Stage as LaunchDarkly
from tests.deploy.targets.unleash.stage import URL
from tests.deploy.targets.unleash.stage import Stage as Unleash
from tests.fakes import github, launchdarkly, unleash
from tests.fakes.github.world import OTHERS


@dataclass(frozen=True)
class Beside:
    """One target.

    Attributes:
        make: A stage on which what is bad is live.
        well: One on which what is gone back to is.
        tokens: That may write it, and only read; one that nobody knows is `NOBODYS`.
        remembers: Its platform knows what was well.
    """

    make: Callable[[], Any]
    well: Callable[[], Any]
    kind: str
    settings: Mapping[str, str]
    tokens: Mapping[str, str]
    remembers: bool = False

    def runs_on(self, folder: Path, token: str) -> Mapping[str, Any]:
        """As a configuration has it: the token, which *writes*, *reads* or is *nobodys*, is in a file."""
        (folder / "token").write_text({**self.tokens, "nobodys": NOBODYS}[token])
        return {self.kind: {**self.settings, "token": {"file": str(folder / "token")}}}

    def way(self, stage: Any) -> Move:
        """The way back from what is live on *stage*."""
        live, well = stage.live(), self.well().live()
        return Move("service", live.in_flight or live.release, well.release)

    @staticmethod
    def changed(stage: Any) -> list[Any]:
        """What was changed on *stage* by calls."""
        world = stage.world
        return list(world.dispatches if isinstance(stage, Workflow) else world.changes)


NOBODYS = "a-token-that-nobody-has-made"


def _launchdarkly() -> LaunchDarkly:
    stage = LaunchDarkly()
    stage.sets(on=True)
    return stage


def _unleash() -> Unleash:
    stage = Unleash()
    stage.world.turns(on=True)
    return stage


class InStages(Unleash):
    """Whose percentage is the share of what it gives."""

    def target(self, **settings: Any) -> UnleashTarget:
        return super().target(percentages="shares", **settings)


def _unleash_in_stages() -> InStages:
    stage = InStages()
    stage.world.adds(unleash.strategy(25))
    stage.world.turns(on=True)
    return stage


_UNLEASH = {"url": URL, "environment": unleash.ENVIRONMENT, "flag": unleash.FLAG}
_UNLEASH_TOKENS = {"writes": unleash.WRITER, "reads": unleash.READER}
BESIDE: Mapping[str, Beside] = {
    "launchdarkly": Beside(
        _launchdarkly,
        LaunchDarkly,
        "launchdarkly",
        {
            "project": launchdarkly.PROJECT,
            "environment": launchdarkly.ENVIRONMENT,
            "flag": launchdarkly.FLAG,
        },
        {"writes": launchdarkly.WRITER, "reads": launchdarkly.READER},
    ),
    "unleash": Beside(_unleash, Unleash, "unleash", _UNLEASH, _UNLEASH_TOKENS, remembers=True),
    "unleash, in stages": Beside(
        _unleash_in_stages,
        InStages,
        "unleash",
        {**_UNLEASH, "percentages": "shares"},
        _UNLEASH_TOKENS,
        remembers=True,
    ),
    "github_actions": Beside(
        Workflow,
        lambda: Workflow(("v1",)),
        "github_actions",
        {"repository": github.REPOSITORY, "environment": "production", "workflow": "deploy.yml"},
        {"writes": github.TOKEN, "reads": OTHERS},
    ),
}
