"""CodeDeploy moves the traffic of a function in steps, and the daemon answers its lifecycle hooks: the way from the example's function to its word."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.builders import minutes
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.codedeploy.service import KIND
from tests.fakes.aws.codedeploy.state import sha_of
from tests.fakes.aws.hooks import PARAMETER, install
from tests.scenarios.aws.fleet import ON_CODEDEPLOY, FleetCrowd, a_service_of_ecs
from tests.scenarios.aws.fleet import appspec as ecs_appspec
from tests.scenarios.aws.stage import ACT, MONTH_AGO, QUEUE, UNHURRIED, AwsStage, on_aws
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

Story = Callable[[AwsStage], Awaitable[None]]
ANSWERS = ON_CODEDEPLOY.replace(
    "deployment_group: prod", f'deployment_group: prod, hook_parameter: "{PARAMETER}"'
).replace(
    "      mode: auto\n",
    "      mode: auto\n      rollout: {hooks: answer, bake: {at_least: 5m, at_most: 40m}, before_traffic: go_on}\n",
)


def appspec(number: int, *stages: str) -> dict[str, Any]:
    """Of a version of a function, whose hooks are functions of the example."""
    told = {
        "Resources": [{"f": {"Properties": {"TargetVersion": str(number)}}}],
        "Hooks": [{stage: f"CodeDeployHook_rollbackd_{stage}"} for stage in stages],
    }
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(told)}}


def a_function(world: AwsWorld) -> FleetCrowd:
    """Version 1 serves; a deployment gives a tenth of the traffic for five minutes, then all."""
    config = "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    world.codedeploy.create_group(
        "shop", "prod", MONTH_AGO, instances=("f:live",), config=config, computePlatform="Lambda"
    )
    world.codedeploy.deploy("shop", "prod", appspec(1), MONTH_AGO)
    world.codedeploy.advance(world.now())
    world.carry(QUEUE, [KIND])
    install(world, QUEUE)
    return FleetCrowd(world)


def told(folder: Path, story: Story, make: Callable[[AwsWorld], FleetCrowd] = a_function) -> None:
    async def staged() -> None:
        async with on_aws(folder, configuration=ANSWERS, make=make, pace=UNHURRIED) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def deploys(stage: AwsStage, fails: float = 0.001) -> None:
    """Version 2, with a hook before its traffic and one after all of it."""
    new = appspec(2, "BeforeAllowTraffic", "AfterAllowTraffic")
    assert isinstance(stage.crowd, FleetCrowd)
    stage.crowd.fails[sha_of(new)] = fails
    stage.world.codedeploy.deploy("shop", "prod", new, stage.now())


def said(stage: AwsStage) -> list[str]:
    """What CodeDeploy was told by us."""
    names = ("PutLifecycleEventHookExecutionStatus", "StopDeployment", "CreateDeployment")
    sent = [call for call in stage.calls(*names) if call.by == ACT]
    return [call.parameters.get("status", call.operation) for call in sent]


def test_a_good_version_is_let_go_on_at_both_hooks_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage)
        await stage.goes_on(minutes(50), step=20)

        (watch,) = await stage.watches()
        assert said(stage) == ["Succeeded", "Succeeded"]
        assert watch.state is State.PASSED

    told(tmp_path, story)


def test_a_bad_version_is_stopped_and_has_no_traffic_any_more(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, fails=0.3)
        await stage.goes_on(minutes(35), step=20)

        (watch,) = await stage.watches()
        assert said(stage) == ["Succeeded", "StopDeployment"]
        assert watch.state is State.ROLLED_BACK
        assert stage.world.codedeploy.find("shop", "prod").traffic == {sha_of(appspec(1)): 1.0}

    told(tmp_path, story)


def test_a_daemon_that_is_dead_lets_nothing_pass(tmp_path):
    async def story(stage: AwsStage) -> None:
        await stage.lives[-1].die()
        deploys(stage, fails=0.3)
        await stage.goes_on(minutes(70), step=60)
        await stage.bear()
        await stage.goes_on(minutes(75), step=20)

        assert said(stage) == []
        assert stage.world.codedeploy.find("shop", "prod").traffic == {sha_of(appspec(1)): 1.0}

    told(tmp_path, story)


# ------------------------------------------------------------------------------------------------------- a service of ECS


def a_service(world: AwsWorld) -> FleetCrowd:
    """``web:1`` serves; CodeDeploy goes back by itself from a deployment that has failed."""
    crowd = a_service_of_ecs(world, auto_rollback=("DEPLOYMENT_FAILURE",))
    install(world, QUEUE)
    return crowd


def shifts(stage: AwsStage, fails: float = 0.001) -> dict[str, Any]:
    """``web:2``, with a hook when its tasks stand and one after all the traffic, which it gets in one move. Gives its AppSpec."""
    stages = ("AfterAllowTestTraffic", "AfterAllowTraffic")
    told = {
        "TaskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:2",
        "Hooks": [{each: f"CodeDeployHook_rollbackd_{each}"} for each in stages],
    }
    new = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(told)}}
    assert isinstance(stage.crowd, FleetCrowd)
    stage.crowd.fails[sha_of(new)] = fails
    at_once = {"deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce"}
    stage.world.codedeploy.deploy("shop", "prod", new, stage.now(), **at_once)
    return new


def ended(stage: AwsStage) -> list[tuple[str, str]]:
    """The lifecycle hooks of the first deployment of ``web:2``, as they have ended."""
    second = stage.world.codedeploy.find("shop", "prod").deployments[1]
    return [(name, status) for name, status, _ in stage.world.codedeploy.known(second).events]


def test_on_ecs_a_good_release_is_told_succeeded_at_each_hook_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        new = shifts(stage)
        await stage.goes_on(minutes(42), step=30)

        (watch,) = await stage.watches()
        assert said(stage) == ["Succeeded", "Succeeded"]
        assert ended(stage) == [("AfterAllowTestTraffic", "Succeeded"), ("AfterAllowTraffic", "Succeeded")]
        assert watch.state is State.PASSED
        assert stage.world.codedeploy.find("shop", "prod").traffic == {sha_of(new): 1.0}

    told(tmp_path, story, a_service)


def test_on_ecs_a_bad_release_is_told_failed_at_the_hook_after_its_traffic_and_codedeploy_goes_back(tmp_path):
    async def story(stage: AwsStage) -> None:
        shifts(stage, fails=0.3)
        await stage.goes_on(minutes(32), step=30)

        (watch,) = await stage.watches()
        assert said(stage) == ["Succeeded", "Failed"]
        assert ended(stage) == [("AfterAllowTestTraffic", "Succeeded"), ("AfterAllowTraffic", "Failed")]
        group = stage.world.codedeploy.find("shop", "prod")
        assert stage.world.codedeploy.known(group.deployments[-1]).creator == "codeDeployRollback"
        assert group.traffic == {sha_of(ecs_appspec(1)): 1.0}
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True

    told(tmp_path, story, a_service)


def test_on_ecs_what_a_dead_daemon_does_not_answer_fails_after_an_hour_and_codedeploy_goes_back_before_any_traffic(
    tmp_path,
):
    async def story(stage: AwsStage) -> None:
        await stage.lives[-1].die()
        new = shifts(stage, fails=0.3)
        await stage.goes_on(minutes(60), step=60)
        assert stage.world.codedeploy.find("shop", "prod").traffic == {sha_of(ecs_appspec(1)): 1.0}
        await stage.goes_on(minutes(70), step=60)
        await stage.bear()
        await stage.goes_on(minutes(80), step=20)

        assert said(stage) == []
        assert ended(stage) == [("AfterAllowTestTraffic", "Failed")]  # CodeDeploy waits for an hour
        assert sha_of(new) not in stage.world.codedeploy.find("shop", "prod").traffic

    told(tmp_path, story, a_service)
