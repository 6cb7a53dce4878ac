"""The whole way on CodeDeploy: a deployment is heard of, judged by CloudWatch, and undone in place; with what can come between."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.deploy.targets.codedeploy.test_on_premises import GROUP, RACKS
from tests.fakes.aws.codedeploy.state import key_of
from tests.scenarios.aws.fleet import (
    ON_CODEDEPLOY,
    FleetCrowd,
    a_fleet,
    a_service_of_ecs,
    appspec,
    bundle,
    deploys,
    key,
    moves,
    runs,
    tag,
)
from tests.scenarios.aws.stage import ACT, READ, UNHURRIED, AwsStage, on_aws
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
READING = {
    "codedeploy:BatchGet*",
    "codedeploy:List*",
    "codedeploy:Get*",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
}
SLOWLY = partial(a_fleet, config="CodeDeployDefault.OneAtATime")


def told(folder: Path, story: Story, configuration: str = ON_CODEDEPLOY, **settings: Any) -> None:
    """*story*, on its stage, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, configuration=configuration, **{"make": a_fleet, **settings}) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


def mark(stage: AwsStage, number: int) -> str:
    """What the tags of the group say of a bundle."""
    arn = "arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:shop/prod"
    tags = stage.world.home.tagging.of(arn, stage.now())
    return next(
        (value for value in tags.values() if f" etag:{bundle(number)['s3Location']['eTag']}" in value), ""
    )


# ------------------------------------------------------------------------------------------------------- good and bad


def test_a_bad_release_is_heard_of_judged_and_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(30))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == [key(1)]
        assert runs(stage) == {key(1)}
        assert mark(stage, 2).startswith("quarantined ")
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_its_deployment_is_heard_of_by_the_event_before_it_is_read(tmp_path):
    once_a_day = ON_CODEDEPLOY.replace("  team: shop\n", "  team: shop\n  reads_live: 5m\n")

    async def story(stage: AwsStage) -> None:
        made = deploys(stage, 2)
        await stage.goes_on(seconds(stage.time() + 30))

        watch = await the_watch(stage)
        assert watch.deployment.source == "queue"
        assert made in watch.deployment.platform_ids
        assert watch.tag == tag(2)

    told(tmp_path, story, configuration=once_a_day)


def test_a_good_release_passes_and_the_group_says_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2)
        await stage.goes_on(minutes(30))

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == []
        assert mark(stage, 2).startswith("proven ")

    told(tmp_path, story)


def test_a_release_that_is_bad_while_it_is_being_rolled_out_is_stopped_and_undone(tmp_path):
    """Six minutes an instance: it is judged when the first has it, long after its deployment began; and its stop script fails."""

    async def story(stage: AwsStage) -> None:
        stage.world.codedeploy.behave(key(2), takes=minutes(6), fails_at="ApplicationStop")
        deploys(stage, 2, fails=0.5)
        await stage.goes_on(minutes(60))

        assert moves(stage) == ["stop", key(1)]
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert runs(stage) == {key(1)}

    told(tmp_path, story, make=SLOWLY)


def test_a_bad_release_whose_stop_hook_fails_is_undone_all_the_same(tmp_path):
    """It serves everywhere, and its own script fails on the way back: what another hand deploys does not get past that."""

    async def story(stage: AwsStage) -> None:
        stage.world.codedeploy.behave(key(2), fails_at="ApplicationStop")
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(5))
        assert runs(stage) == {key(2)}
        await stage.goes_on(minutes(30))

        assert moves(stage) == [key(1)]
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert runs(stage) == {key(1)}

    told(tmp_path, story)


def test_a_release_that_fails_its_own_deployment_half_way_is_undone_where_it_is_bad(tmp_path):
    """CodeDeploy gave up after two instances, and goes back by itself nowhere: both releases serve."""

    async def story(stage: AwsStage) -> None:
        stage.world.codedeploy.behave(key(2), fails_at="ValidateService", fails_on=("i-3",))
        deploys(stage, 2, fails=0.5)
        await stage.goes_on(minutes(30))

        assert moves(stage) == [key(1)]
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert runs(stage) == {key(1)}

    told(tmp_path, story, make=SLOWLY)


@pytest.mark.parametrize("is_told", [True, False], ids=["told by an event", "seen alone"])
def test_a_release_whose_deployment_was_broken_off_is_not_proven_by_the_old_one_that_serves(
    tmp_path, is_told
):
    """It fails on the third instance. The balancer, which does not tell the two apart, is as well as ever."""
    hasty = ON_CODEDEPLOY.replace("at_most: 2h", "at_most: 40m").replace(
        "  team: shop\n", "  team: shop\n  rollout_timeout: 10m\n"
    )
    deaf = hasty if is_told else hasty.replace("  rollout_timeout", "  heard_from: []\n  rollout_timeout")

    async def story(stage: AwsStage) -> None:
        stage.world.codedeploy.behave(key(2), fails_at="ValidateService", fails_on=("i-3",))
        deploys(stage, 2)
        await stage.goes_on(minutes(60))

        first = (await stage.watches())[0]
        assert first.deployment.source == ("queue" if is_told else "live")
        assert (first.tag, first.state) == (tag(2), State.UNPROVEN)
        assert not mark(stage, 2).startswith("proven ")

    told(tmp_path, story, make=SLOWLY, configuration=deaf)


def test_codedeploy_that_is_quicker_is_watched_and_not_ordered_about(tmp_path):
    own = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}

    async def story(stage: AwsStage) -> None:
        stage.world.codedeploy.behave(key(2), fails_at="ValidateService")
        deploys(stage, 2, fails=0.5, autoRollbackConfiguration=own)
        await stage.goes_on(minutes(40))

        assert moves(stage) == []
        assert runs(stage) == {key(1)}
        assert all(watch.state.is_final for watch in await stage.watches())

    told(tmp_path, story)


def test_a_bad_release_on_machines_on_premises_is_put_back_on_each_of_them_and_the_end_is_verified(tmp_path):
    """Registered by name, found by tags of their own, and without a balancer that CodeDeploy knows."""

    async def story(stage: AwsStage) -> None:
        made = deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(20))

        watch = await the_watch(stage)
        assert (watch.deployment.source, watch.state) == ("queue", State.ROLLED_BACK)
        assert made in watch.deployment.platform_ids
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == [key(1)]
        assert stage.world.codedeploy.running("shop", "prod") == dict.fromkeys(RACKS, key(1))

    told(tmp_path, story, make=partial(a_fleet, **GROUP))


# ----------------------------------------------------------------------------------------------------------- ECS, by weights


def shifts(stage: AwsStage, number: int, fails: float, **asked: str) -> None:
    """Another hand deploys ``web:NUMBER``, of which that share fails."""
    revision, crowd = appspec(number), stage.crowd
    assert isinstance(crowd, FleetCrowd)
    crowd.fails[key_of(revision)] = fails
    stage.world.codedeploy.deploy("shop", "prod", revision, stage.now(), **asked)


def test_on_ecs_a_bad_release_is_given_back_its_traffic_while_the_old_one_stands(tmp_path):
    async def story(stage: AwsStage) -> None:
        shifts(stage, 2, fails=0.8)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.tag is not None
        assert watch.tag.startswith("web:2@")
        assert [call.parameters for call in stage.calls("StopDeployment")] == [
            {"deploymentId": watch.deployment.platform_ids[0], "autoRollbackEnabled": True}
        ]
        assert stage.calls("CreateDeployment") == []
        assert stage.world.codedeploy.find("shop", "prod").traffic == {key_of(appspec(1)): 1.0}

    told(tmp_path, story, make=a_service_of_ecs)


def test_on_ecs_a_good_release_passes_with_all_the_traffic(tmp_path):
    async def story(stage: AwsStage) -> None:
        shifts(stage, 2, fails=0.0)
        await stage.goes_on(minutes(60))

        assert (await the_watch(stage)).state is State.PASSED
        assert stage.calls("StopDeployment", "CreateDeployment") == []
        assert stage.world.codedeploy.find("shop", "prod").traffic == {key_of(appspec(2)): 1.0}

    told(tmp_path, story, make=a_service_of_ecs)


def test_on_ecs_a_stop_that_comes_too_late_is_followed_by_the_old_appspec(tmp_path):
    """It is told to stop some seconds before the old one is gone, and that takes ten."""
    kept = {"terminationWaitTimeInMinutes": 6, "action": "TERMINATE"}
    config = {"terminateBlueInstancesOnDeploymentSuccess": kept}

    async def story(stage: AwsStage) -> None:
        shifts(stage, 2, fails=0.2, deploymentConfigName="CodeDeployDefault.ECSAllAtOnce")
        await stage.goes_on(minutes(60))

        (call,) = stage.calls("CreateDeployment")
        told_again = call.parameters["revision"]["appSpecContent"]["content"]
        assert told_again == appspec(1)["appSpecContent"]["content"]
        assert len(stage.calls("StopDeployment")) == 1
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert stage.world.codedeploy.find("shop", "prod").traffic == {key_of(appspec(1)): 1.0}

    make = partial(a_service_of_ecs, blueGreenDeploymentConfiguration=config)
    told(tmp_path, story, make=make)


# -------------------------------------------------------------------------------------------------------------- shadow


def test_in_shadow_nothing_is_ever_tried_that_would_change_a_group(tmp_path):
    shadow = ON_CODEDEPLOY.replace("mode: auto", "mode: shadow").replace(f', act: "{ACT}"', "")

    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(READ, READING)
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert {call.operation for call in stage.world.mutating_calls()} <= {
            "DeleteMessage",
            "DeleteMessageBatch",
        }
        assert {call.by for call in stage.world.calls} == {READ}
        # Whether the old bundle is there still is asked for, and need not be allowed.
        assert {call.operation for call in stage.world.calls if call.refused} <= {"HeadObject"}

    told(tmp_path, story, configuration=shadow)


def test_a_blue_green_group_is_watched_and_its_undoing_is_asked_for(tmp_path):
    blue_green = partial(a_fleet, deploymentStyle={"deploymentType": "BLUE_GREEN"})

    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(20))

        watch = await the_watch(stage)
        assert watch.state is State.ASKING
        assert "BLUE_GREEN" in " ".join(watch.obstacles)
        assert moves(stage) == []

    told(tmp_path, story, make=blue_green)


REPLACING: dict[str, Any] = {
    "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
    "blueGreenDeploymentConfiguration": {
        "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
        "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE",
            "terminationWaitTimeInMinutes": 20,
        },
    },
}


def test_a_good_release_on_new_instances_passes_once_the_old_ones_have_ended(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2)
        await stage.goes_on(minutes(55), step=20)

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == []
        assert runs(stage) == {key(2)}

    told(tmp_path, story, make=partial(a_fleet, **REPLACING), pace=UNHURRIED)


def test_a_bad_release_on_new_instances_goes_back_while_the_old_ones_stand(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.3)
        await stage.goes_on(minutes(30), step=20)

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["go back"]
        assert runs(stage) == {key(1)}

    told(tmp_path, story, make=partial(a_fleet, **REPLACING), pace=UNHURRIED)


# ------------------------------------------------------------------------------------------------------------- a bad day


def test_an_order_whose_answer_is_lost_is_not_sent_again(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("codedeploy", "CreateDeployment")
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(30))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == [key(1)]

    told(tmp_path, story)


def test_what_is_read_may_be_half_a_minute_old(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.stale("codedeploy", by=seconds(30))
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(30))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        done = [call for call in stage.calls("CreateDeployment") if not call.refused]
        assert len(done) == 1
        assert runs(stage) == {key(1)}

    told(tmp_path, story)


def test_a_storm_of_throttling_is_sat_out_and_the_rollback_lands(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(7))
        stage.world.faults.throttle("codedeploy", until=stage.now() + minutes(10))
        await stage.goes_on(minutes(45))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert runs(stage) == {key(1)}

    told(tmp_path, story)


def test_a_role_that_may_not_act_is_said_to_people_with_what_they_can_run(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(ACT, {"codedeploy:TagResource"})
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(12))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "codedeploy:CreateDeployment" in said
        assert "aws deploy create-deployment" in said

    told(tmp_path, story)


def test_instances_that_do_not_come_back_are_said_to_people_with_their_scripts_words(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(5))
        stage.world.codedeploy.behave(
            key(1), fails_at="AfterInstall", log="web.config is locked", fails_on=("i-2",)
        )
        await stage.goes_on(minutes(30))

        said = " ".join(str(line) for _, notice in stage.told for line in (notice.headline, *notice.lines))
        assert "i-2 at AfterInstall: web.config is locked" in said

    told(tmp_path, story)


# ----------------------------------------------------------------------------------------------------------- other hands


def test_a_person_who_deploys_before_we_move_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(8))
        deploys(stage, 3)
        await stage.goes_on(minutes(45))

        assert moves(stage) == []
        assert runs(stage) == {key(3)}
        assert [(each.tag, each.state) for each in await stage.watches()] == [
            (tag(2), State.SUPERSEDED),
            (tag(3), State.PASSED),
        ]

    told(tmp_path, story)


def test_a_person_who_stops_our_way_back_and_deploys_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        ours = stage.world.codedeploy.last("shop", "prod", stage.now())
        assert ours is not None
        stage.world.codedeploy.stop(ours.id, stage.now(), goes_back=False)
        await stage.goes_on(seconds(stage.time() + 15))
        deploys(stage, 3)
        await stage.goes_on(minutes(60))

        assert moves(stage) == [key(1)]
        assert runs(stage) == {key(3)}

    told(tmp_path, story)


def test_auto_scaling_in_the_middle_of_it_disturbs_nothing(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(5))
        stage.world.codedeploy.scale_out("shop", "prod", "i-5", stage.now())
        await stage.goes_on(minutes(30))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == [key(1)]
        assert runs(stage) == {key(1)}

    told(tmp_path, story)


# ------------------------------------------------------------------------------------------- killed, and its store is lost


def test_a_store_that_is_lost_in_the_middle_of_a_watch_costs_nothing(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        await stage.goes_on(minutes(6))
        assert (await the_watch(stage)).state is State.WATCHING
        await stage.loses_its_store()
        await stage.goes_on(minutes(30))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == [key(1)]

    told(tmp_path, story)


def test_a_store_that_is_lost_while_we_go_back_does_not_send_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, 2, fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(45))

        assert moves(stage) == [key(1)]
        assert runs(stage) == {key(1)}
        bad = next(each for each in (await stage.ledger()).entries if each.release.tag == tag(2))
        assert bad.quarantined is not None

    told(tmp_path, story)


@pytest.mark.parametrize("number", range(1, 15))
def test_at_whichever_call_it_is_killed_while_it_stops_and_deploys_there_is_one_move(tmp_path, number):
    """The release is bad on one instance of four: a stop, then a deployment. At the n-th call, which is done, its answer is lost."""

    async def story(stage: AwsStage) -> None:
        stage.world.codedeploy.behave(key(2), takes=minutes(6))
        deploys(stage, 2, fails=0.5)
        while (await the_watch_if_any(stage)) is not State.ROLLING_BACK:
            await stage.goes_on(seconds(stage.time() + 1), step=1)
        slow, before = stage.world.faults.slow("codedeploy", seconds=0.4, times=None), asked(stage)
        while asked(stage) < before + number:
            await stage.goes_on(seconds(stage.time() + 0.1), step=0.1)
        await stage.lives[-1].die()
        stage.world.faults.lift(slow)
        await stage.bear()
        await stage.goes_on(minutes(45))

        done = [call.parameters["revision"] for call in stage.calls("CreateDeployment") if not call.refused]
        assert done == [bundle(1)]
        assert runs(stage) == {key(1)}
        assert (await the_watch(stage)).state is State.ROLLED_BACK

    told(tmp_path, story, make=SLOWLY)


async def the_watch_if_any(stage: AwsStage) -> State | None:
    return next((watch.state for watch in await stage.watches()), None)


def asked(stage: AwsStage) -> int:
    """How often CodeDeploy was asked for anything."""
    return sum(call.service == "codedeploy" for call in stage.world.calls)
