"""The whole way on AWS: a deployment is heard of, judged by CloudWatch, and undone by ECS; with everything that can come between."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import Behaviour
from tests.scenarios.aws.stage import ACT, CONFIGURATION, READ, UNHURRIED, AwsStage, on_aws
from tests.scenarios.stage import EPOCH
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
READING = {
    "ecs:Describe*",
    "ecs:List*",
    "ecr:DescribeImages",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "cloudwatch:DescribeAlarms",
}
QUEUEING = {"sqs:ReceiveMessage", "sqs:DeleteMessage"}


def told(folder: Path, story: Story, **settings: Any) -> None:
    """*story*, on its stage, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, **settings) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


def moves(stage: AwsStage) -> list[str]:
    """What was sent to move the service, in order."""
    sent = stage.calls("UpdateService", "StopServiceDeployment")
    return [call.parameters.get("taskDefinition", "stop") for call in sent if call.by == ACT]


# ------------------------------------------------------------------------------------------------------- good and bad


def test_a_bad_release_is_heard_of_judged_and_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(25))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == ["web:1"]
        assert stage.runs == {"web:1"}
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_it_is_undone_as_soon_as_cloudwatch_allows(tmp_path):
    """Of the minute in which it takes traffic nothing is judged; two more are needed, each final 3 min after its end."""

    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(12))

        watch = await the_watch(stage)
        assert watch.traffic_at is not None
        assert watch.decided_at is not None
        next_minute = watch.traffic_at.replace(second=0, microsecond=0) + minutes(1)
        assert watch.decided_at - next_minute < minutes(2) + minutes(3) + seconds(10)

    told(tmp_path, story)


def test_a_good_release_passes_and_its_task_definition_says_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2")
        await stage.goes_on(minutes(30))

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == []
        assert stage.told == []
        assert mark(stage, "web:2").startswith("proven ")

    told(tmp_path, story)


def mark(stage: AwsStage, tag: str) -> str:
    """What the tag of a task definition says of a release of this service."""
    arn = stage.world.ecs.definitions.named(tag).arn
    return stage.world.home.tagging.of(arn, stage.now()).get("rollbackd:web.production", "")


def test_what_was_rolled_back_is_marked_where_people_see_it(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(25))

        assert mark(stage, "web:2").startswith("quarantined ")

    told(tmp_path, story)


# -------------------------------------------------------------------------------------------------------------- shadow


def test_in_shadow_nothing_is_ever_tried_that_would_change_a_service(tmp_path):
    shadow = CONFIGURATION.replace("mode: auto", "mode: shadow").replace(f', act: "{ACT}"', "")

    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(READ, READING | QUEUEING)
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert {call.operation for call in stage.world.mutating_calls()} <= {
            "DeleteMessage",
            "DeleteMessageBatch",
        }
        assert {call.by for call in stage.world.calls} == {READ}
        assert [call for call in stage.world.calls if call.refused] == []

    told(tmp_path, story, configuration=shadow)


def test_only_what_changes_something_is_done_with_the_role_to_act(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(25))

        acted = {call.operation for call in stage.world.calls if call.by == ACT}
        assert acted == {"UpdateService", "TagResource"}

    told(tmp_path, story)


# ------------------------------------------------------------------------------------------------------------- a bad day


def test_a_storm_of_throttling_is_sat_out_with_few_calls_and_the_rollback_lands(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(7))
        storm = stage.now() + minutes(10)
        stage.world.faults.throttle("ecs", until=storm)
        stage.world.faults.throttle("cloudwatch", until=storm)
        before = len(stage.world.calls)
        await stage.goes_on(minutes(17))

        in_the_storm = [call for call in stage.world.calls[before:] if call.service in {"ecs", "cloudwatch"}]
        assert moves(stage) == [] or all(call.refused for call in stage.calls("UpdateService"))
        assert len(in_the_storm) < 600  # a call a second: far below any limit
        await stage.goes_on(minutes(30))
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert stage.runs == {"web:1"}

    told(tmp_path, story)


@pytest.mark.parametrize("operation", ["UpdateService", "TagResource"])
def test_an_order_whose_answer_is_lost_is_not_sent_again(tmp_path, operation):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("ecs", operation)
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["web:1"]
        assert stage.runs == {"web:1"}

    told(tmp_path, story)


def test_what_is_read_may_be_half_a_minute_old(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.stale("ecs", by=seconds(30))
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["web:1"]

    told(tmp_path, story)


def test_a_role_that_may_not_act_is_said_to_people(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(ACT, {"ecs:TagResource"})
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(12))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "ecs:UpdateService" in said
        assert "aws ecs update-service" in said

    told(tmp_path, story)


# ----------------------------------------------------------------------------------------------------------- other hands


def test_a_person_who_deploys_while_we_go_back_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        stage.deploys("web:3")
        await stage.goes_on(minutes(45))

        assert moves(stage) == ["web:1"]
        assert stage.runs == {"web:3"}
        assert [(each.tag, each.state) for each in await stage.watches()] == [
            ("web:2", State.SUPERSEDED),
            ("web:3", State.PASSED),
        ]

    told(tmp_path, story)


def test_a_person_who_deploys_just_before_we_move_is_never_undone(tmp_path):
    """Between our look, by which the rollback was still right, and our move: only the look just before it keeps that."""

    async def story(stage: AwsStage) -> None:
        stage.world.ecs.register(
            "web", f"shop@sha256:{'6' * 64}", stage.now()
        )  # known before a task has pulled it
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(8.9))
        while (await the_watch(stage)).state is not State.ROLLING_BACK:
            await stage.goes_on(seconds(stage.time() + 0.001))
        looks = stage.world.count("ecs", "DescribeServices")
        while stage.world.count("ecs", "DescribeServices") == looks:
            await stage.goes_on(seconds(stage.time() + 0.001))
        assert moves(stage) == []
        stage.deploys("web:6")
        await stage.goes_on(minutes(45))

        assert moves(stage) == []
        assert stage.runs == {"web:6"}
        assert (await stage.watches())[-1].state is State.PASSED

    told(tmp_path, story)


def test_a_circuit_breaker_that_is_quicker_is_watched_and_not_ordered_about(tmp_path):
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}

    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(crashes_after=seconds(5)))
        stage.visitors.fails["web:2"] = 0.5
        stage.world.ecs.deploy("web", "web:2", stage.now(), **breaker)
        await stage.goes_on(minutes(30))

        assert moves(stage) == []
        assert stage.runs == {"web:1"}

    told(tmp_path, story)


# ------------------------------------------------------------------------------------------------ the known-good is gone


@pytest.mark.long  # the story below is the shorter one
def test_where_the_image_of_the_known_good_release_is_gone_it_goes_back_to_the_one_before_and_says_so(
    tmp_path,
):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2")
        await stage.goes_on(minutes(25), step=20)
        stage.world.ecr.expire("shop", "1.2")
        stage.deploys("web:3", fails=0.2)
        await stage.goes_on(minutes(60), step=20)

        assert [watch.state for watch in await stage.watches()] == [State.PASSED, State.ROLLED_BACK]
        assert moves(stage) == ["web:1"]
        assert stage.runs == {"web:1"}
        lost, *_ = [notice for _, notice in stage.told]
        assert lost.event == "watch.way_lost"
        assert "ECR has no image" in lost.headline
        assert lost.lines[0] == "It would go to web:1"

    told(tmp_path, story, pace=UNHURRIED)


def test_where_the_only_known_good_image_is_gone_nothing_is_moved_and_people_are_told_which(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.ecr.expire("shop", "1.1")
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(20))

        assert moves(stage) == []
        assert (await the_watch(stage)).state is State.ASKING
        lost, asked = [notice for _, notice in stage.told]
        assert (lost.event, asked.event) == ("watch.way_lost", "watch.asked")
        assert "shop:1.1 any more: push it again" in lost.headline
        assert "there is no known-good release to go back to" in asked.headline

    told(tmp_path, story, pace=UNHURRIED)


# ------------------------------------------------------------------------------------------------- a store that is lost


def test_a_store_that_is_lost_in_the_middle_of_a_watch_costs_nothing(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        await stage.goes_on(minutes(6))
        assert (await the_watch(stage)).state is State.WATCHING
        await stage.loses_its_store()
        await stage.goes_on(minutes(25))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert moves(stage) == ["web:1"]
        assert watch.decided_at is not None
        assert watch.decided_at - EPOCH < minutes(9)  # as soon as if it had never been lost

    told(tmp_path, story)


def test_a_store_that_is_lost_while_we_go_back_does_not_send_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2", fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(45))

        assert moves(stage) == ["web:1"]
        assert stage.runs == {"web:1"}
        ledger = await stage.ledger()
        bad = next(each for each in ledger.entries if each.release.tag == "web:2")
        assert bad.quarantined is not None

    told(tmp_path, story)


def test_what_was_proven_is_still_proven_after_the_store_is_lost(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.deploys("web:2")
        await stage.goes_on(minutes(30))
        await stage.loses_its_store()
        stage.deploys("web:3", fails=0.2)
        await stage.goes_on(minutes(50))

        watch = await the_watch(stage)
        assert watch.tag == "web:3"
        assert moves(stage) == ["web:2"]
        assert stage.runs == {"web:2"}

    told(tmp_path, story)
