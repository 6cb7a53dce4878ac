"""Push, staging, production on ECS: what has passed in staging, where its tasks lived and a smoke suite went through, goes on without a person."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.ecs.state import Behaviour
from tests.scenarios.aws.stage import (
    CONFIGURATION,
    MONTH_AGO,
    UNHURRIED,
    AwsStage,
    Visitors,
    a_shop_on_ecs,
    on_aws,
)
from tests.scenarios.virtual import in_virtual_time
from watcher.api.asked import OneService
from watcher.api.auth import LOCAL
from watcher.api.bodies import AskToPass
from watcher.api.handlers import gates
from watcher.api.route import Call
from watcher.core.watch import State
from watcher.http import Answer, Http, Request
from watcher.http.lateness import Lateness

Story = Callable[[AwsStage], Awaitable[None]]
STAGING = "web-staging"
HEAD = CONFIGURATION[: CONFIGURATION.index("services:")].replace("at_least: 15m", "at_least: 5m")
PIPELINE = f"""{HEAD}services:
  web:
    staging:
      mode: auto
      runs_on: [{{ecs: {{cluster: prod, service: {STAGING}}}}}]
      rules: [{{pack: ecs-worker, with: {{cluster: prod, service: {STAGING}}}}}, {{file: smoke.yaml}}]
    production:
      mode: auto
      runs_on: [{{ecs: {{cluster: prod, service: web}}}}]
      rules: [{{file: web.yaml}}]
      gate: {{after: [staging]}}
"""
SMOKE = """\
version: 1
indicators:
  smoke:
    probe:
      steps:
        url: https://staging.example
        every: 30s
        steps: [{name: front, url: /}, {name: pay, url: /pay, expect: {text: paid}}]
rules:
  - {name: one can pay, indicator: smoke, judge: {threshold: {bad: 2, of: 3}}, on_breach: rollback}
"""


class Staging(Http):
    """The staging environment, as whoever comes to it sees it. *fails*: task definitions with which nobody can pay."""

    def __init__(self, world: AwsWorld) -> None:
        self._world = world
        self.fails: set[str] = set()
        self.lateness = Lateness()

    async def send(self, request: Request) -> Answer:
        serves = set(self._world.ecs.find(STAGING).traffic)
        broken = request.url.endswith("/pay") and serves & self.fails
        return Answer(500 if broken else 200, {}, b"paid", 0.05)


class Shop(Visitors):
    """Who comes to production; and what is asked of staging."""

    signals: Staging


def a_shop(world: AwsWorld) -> Shop:
    """``web:1`` serves in both environments."""
    a_shop_on_ecs(world)
    world.ecs.create_service(STAGING, "web:1", MONTH_AGO, desired=2)
    shop = Shop(world)
    shop.signals = Staging(world)
    return shop


def told(folder: Path, story: Story) -> None:
    (folder / "smoke.yaml").write_text(SMOKE, encoding="utf-8")

    async def staged() -> None:
        settings: dict[str, Any] = {"configuration": PIPELINE, "make": a_shop, "pace": UNHURRIED}
        async with on_aws(folder, **settings) as stage:
            await stage.goes_on(minutes(3), step=10)
            await story(stage)

    in_virtual_time(staged())


def pushes(stage: AwsStage) -> None:
    """The pipeline deploys ``web:2`` to staging."""
    stage.world.ecs.deploy(STAGING, "web:2", stage.now())


async def asks(stage: AwsStage) -> Any:
    """The pipeline asks whether ``web:2`` may be deployed to production: ``POST …/gate``."""
    image = stage.world.ecr.image("shop", "1.2").partition("@")[2]
    said = {"tag": "web:2", **({"names": {"digest": image}} if image else {})}
    body = AskToPass.model_validate_json(json.dumps(said))
    asked = OneService(service="web", environment="production")
    return await gates.ask(Call(stage.lives[-1].deps, LOCAL, asked, body, b"", {}, lambda: False))


async def waits(stage: AwsStage) -> Any:
    """Until that is decided, as ``rollbackd gate --wait`` does."""
    while (answer := await asks(stage)).state.value == "open":
        assert stage.time() < 3600
        await stage.goes_on(seconds(stage.time() + 30), step=10)
    return answer


async def ends(stage: AwsStage) -> list[tuple[str, State]]:
    return [(each.environment, each.state) for each in await stage.watches()]


def test_a_good_release_that_passed_in_staging_goes_on_to_production_without_a_person(tmp_path):
    async def story(stage: AwsStage) -> None:
        pushes(stage)
        await stage.goes_on(minutes(5), step=10)
        assert (await asks(stage)).because.value == "watched"
        answer = await waits(stage)
        assert (answer.state.value, answer.because.value) == ("passed", "clear")
        assert await ends(stage) == [("staging", State.PASSED)]

        stage.deploys("web:2")
        await stage.goes_on(seconds(stage.time()) + minutes(12), step=20)
        assert await ends(stage) == [("staging", State.PASSED), ("production", State.PASSED)]
        assert stage.told == []  # nobody was asked

    told(tmp_path, story)


def test_a_bad_release_whose_smoke_suite_fails_in_staging_is_not_approved_and_the_gate_says_why(tmp_path):
    async def story(stage: AwsStage) -> None:
        assert isinstance(stage.crowd, Shop)
        stage.crowd.signals.fails.add("web:2")
        pushes(stage)
        await stage.goes_on(minutes(4), step=10)
        answer = await waits(stage)

        assert (answer.state.value, answer.because.value) == ("refused", "failed")
        assert answer.words == "staging: web:2 is quarantined: rolled back: web:2 fails 100 % of probes"
        assert await ends(stage) == [("staging", State.ROLLED_BACK)]
        assert set(stage.world.ecs.find(STAGING).traffic) == {"web:1"}
        assert stage.runs == {"web:1"}

    told(tmp_path, story)


def test_a_release_whose_tasks_die_in_staging_is_not_approved_either(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(crashes_after=seconds(40)))
        pushes(stage)
        await stage.goes_on(minutes(4), step=10)
        answer = await waits(stage)

        assert (answer.state.value, answer.because.value) == ("refused", "failed")
        assert answer.words.startswith("staging: web:2 is quarantined: rolled back: web:2 fails ")
        assert "% of tasks" in answer.words
        assert await ends(stage) == [("staging", State.ROLLED_BACK)]

    told(tmp_path, story)
