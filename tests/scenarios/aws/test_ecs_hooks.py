"""ECS moves the traffic, and the daemon is the judge at its hooks: it lets a good release go on at each, and tells a bad one to go back.

A hook that nobody answers is ECS's own way back: a daemon that is dead lets nothing pass.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.scenarios.aws.stage import (
    ACT,
    CONFIGURATION,
    MONTH_AGO,
    PACE,
    QUEUE,
    UNHURRIED,
    AwsStage,
    Visitors,
    on_aws,
)
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
ANSWERS = CONFIGURATION.replace(
    "      mode: auto\n",
    "      mode: auto\n      rollout: {hooks: answer, bake: {at_least: 5m, at_most: 1h}, before_traffic: go_on}\n",
)


def hook(*stages: str, within: int = 120) -> dict[str, Any]:
    return {
        "targetType": "PAUSE",
        "lifecycleStages": list(stages),
        "timeoutConfiguration": {"timeoutInMinutes": within, "action": "ROLLBACK"},
    }


BLUE_GREEN = {
    "strategy": "BLUE_GREEN",
    "bakeTimeInMinutes": 5,
    "lifecycleHooks": [hook("POST_TEST_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT")],
}
CANARY = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 5,
    "canaryConfiguration": {"canaryPercent": 20.0, "canaryBakeTimeInMinutes": 1},
    "lifecycleHooks": [hook("PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT")],
}
LINEAR = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 5,
    "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 1},
    "lifecycleHooks": [hook("PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT")],
}
ONE_HOOK = {**BLUE_GREEN, "lifecycleHooks": [hook("POST_PRODUCTION_TRAFFIC_SHIFT")]}


def a_shop(**configuration: Any) -> Callable[[AwsWorld], Visitors]:
    """``web:1`` serves, four tasks; its deployments go so."""

    def make(world: AwsWorld) -> Visitors:
        for number in range(1, 4):
            world.ecr.push("shop", f"1.{number}", at=MONTH_AGO)
            world.ecs.register("web", world.ecr.image("shop", f"1.{number}"), MONTH_AGO)
        world.ecs.create_service("web", "web:1", MONTH_AGO, desired=4, configuration=configuration)
        world.carry(QUEUE)
        return Visitors(world)

    return make


def told(folder: Path, story: Story, deploys: dict[str, Any], **settings: Any) -> None:
    async def staged() -> None:
        async with on_aws(
            folder, **{"configuration": ANSWERS, "make": a_shop(**deploys), "pace": UNHURRIED, **settings}
        ) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def said(stage: AwsStage) -> list[str]:
    """What ECS was told by us to move, or to let go on."""
    names = ("UpdateService", "StopServiceDeployment", "ContinueServiceDeployment")
    sent = [call for call in stage.calls(*names) if call.by == ACT]
    return [call.parameters.get("action") or call.parameters.get("taskDefinition", "stop") for call in sent]


async def goes_on(stage: AwsStage, until: float) -> None:
    """Until so many minutes have passed, in long steps."""
    await stage.goes_on(minutes(until), step=20)


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


def hooks(stage: AwsStage) -> list[tuple[str, str]]:
    """Those that the newest deployment has met."""
    return [(each.stage, each.status) for each in stage.world.ecs.find("web").history[0].hooks]


# ------------------------------------------------------------------------------------------------------- good and bad


@pytest.mark.parametrize(
    ("configuration", "words"),
    [(BLUE_GREEN, 2), (CANARY, 3), (LINEAR, 5)],
    ids=["blue-green", "canary", "linear"],
)
def test_a_good_release_is_let_go_on_at_each_hook_and_passes(tmp_path, configuration, words):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2")
        await goes_on(stage, 40 + 10 * words)  # the bake, and of each hook its own, as late as CloudWatch is

        assert said(stage) == ["CONTINUE"] * words
        assert stage.told == []  # nobody is asked to answer what the daemon answers
        assert {status for _, status in hooks(stage)} == {"SUCCEEDED"}
        assert stage.world.ecs.find("web").history[0].status == "SUCCESSFUL"
        assert stage.runs == {"web:2"}
        assert (await the_watch(stage)).state is State.PASSED

    told(tmp_path, story, configuration)


@pytest.mark.parametrize(
    "configuration", [BLUE_GREEN, CANARY, LINEAR], ids=["blue-green", "canary", "linear"]
)
def test_a_bad_release_is_told_to_go_back_at_the_hook_after_its_first_traffic(tmp_path, configuration):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await goes_on(stage, 35)

        assert said(stage) == ["CONTINUE", "ROLLBACK"]
        assert stage.world.ecs.find("web").history[0].status == "ROLLBACK_SUCCESSFUL"
        assert stage.runs == {"web:1"}
        assert (await the_watch(stage)).state is State.ROLLED_BACK

    told(tmp_path, story, configuration)


# ------------------------------------------------------------------------------------------------------------- a bad day


def test_a_daemon_that_is_dead_lets_nothing_pass_and_finds_it_gone_back(tmp_path):
    """ECS goes back by itself: that is recognised, watched, and not fought."""
    short = {**CANARY, "lifecycleHooks": [hook("PRE_PRODUCTION_TRAFFIC_SHIFT", within=20)]}

    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(4.5))
        await stage.lives[-1].die()
        await goes_on(stage, 32)
        assert stage.world.ecs.find("web").history[0].status == "ROLLBACK_SUCCESSFUL"
        assert ("PRE_PRODUCTION_TRAFFIC_SHIFT", "TIMED_OUT") in hooks(stage)
        await stage.bear()
        await goes_on(stage, 50)

        assert said(stage) == ["CONTINUE"]
        assert stage.runs == {"web:1"}
        assert State.PASSED not in {each.state for each in await stage.watches() if each.tag == "web:2"}

    told(tmp_path, story, short)


@pytest.mark.parametrize("after", [3, 5])
def test_killed_between_the_intent_and_the_word_it_says_it_once(tmp_path, after):
    """``kill -9`` *after* so many calls since the word was decided on: before it was said, and before its answer was written down."""

    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2")
        await goes_on(stage, 8)
        while (at := (await the_watch(stage)).at) is None or at.action is None:
            await stage.goes_on(seconds(stage.time() + 0.1), step=0.1)
        assert said(stage) == []
        before = len(stage.world.calls)
        while len(stage.world.calls) < before + after:  # noqa: ASYNC110 - virtual time: a moment is what is waited for
            await asyncio.sleep(0.001)
        await stage.lives[-1].die()
        await stage.bear()
        await goes_on(stage, 30)

        taken = [call for call in stage.calls("ContinueServiceDeployment") if not call.refused]
        assert len(taken) == 1
        assert stage.world.ecs.find("web").history[0].status == "SUCCESSFUL"

    told(tmp_path, story, ONE_HOOK, pace=PACE)


def test_a_word_whose_answer_is_lost_is_said_again_only_while_the_hook_still_waits(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("ecs", "ContinueServiceDeployment", times=None)
        stage.deploys("web:2")
        await goes_on(stage, 30)

        assert said(stage) == ["CONTINUE"]
        assert stage.runs == {"web:2"}

    told(tmp_path, story, ONE_HOOK)


# ----------------------------------------------------------------------------------------------------------- other hands


@pytest.mark.parametrize(("action", "runs"), [("CONTINUE", "web:2"), ("ROLLBACK", "web:1")])
def test_a_person_who_answers_first_is_obeyed(tmp_path, action, runs):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2")
        await stage.goes_on(minutes(5))
        found = stage.world.ecs.find("web").history[0]
        (waits,) = [each for each in found.hooks if each.status == "AWAITING_ACTION"]
        asked = {"serviceDeploymentArn": found.arn, "hookId": waits.id, "action": action}
        stage.world.ask("ecs", "ContinueServiceDeployment", asked, stage.world.identities.own, "eu-central-1")
        await goes_on(stage, 25)

        assert said(stage) == []
        assert stage.runs == {runs}

    told(tmp_path, story, ONE_HOOK)


def test_without_the_setting_hooks_are_left_to_people_and_a_bad_release_goes_back_by_them_all_the_same(
    tmp_path,
):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await goes_on(stage, 20)

        assert said(stage) == ["ROLLBACK"]
        assert any(notice.event == "watch.paused" for _, notice in stage.told)
        assert (await the_watch(stage)).state is State.ROLLED_BACK

    told(tmp_path, story, ONE_HOOK, configuration=CONFIGURATION)
