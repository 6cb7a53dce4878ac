"""The whole way on Elastic Beanstalk: an update is heard of, judged by the pack of its stack, and put back; with what can come between."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsError, AwsWorld
from tests.fakes.aws.beanstalk.service import KIND
from tests.fakes.aws.beanstalk.state import DEPLOYED
from tests.scenarios.aws.killing import is_killed
from tests.scenarios.aws.stage import ACCOUNT, ACT, MONTH_AGO, QUEUE, READ, AwsStage, on_aws
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
BALANCER = "app/shop/0123456789abcdef"
ENVIRONMENT = "shop-prod"
READING = {
    *("elasticbeanstalk:Describe*", "elasticbeanstalk:ListTagsForResource", "s3:GetObject"),
    *("cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
}
CONFIGURATION = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts:
  shop: {{region: eu-central-1, read: "{READ}", act: "{ACT}"}}
connections:
  room: {{webhook: {{url: "https://room.example/hook", secret: {{env: ROOM_SECRET}}}}}}
teams:
  shop: {{tell: [room]}}
sources:
  queue: {{sqs: {{account: shop, url: "https://sqs.eu-central-1.amazonaws.com/{ACCOUNT}/{QUEUE}"}}}}
defaults:
  team: shop
  account: shop
  bake: {{at_least: 15m, at_most: 2h}}
services:
  checkout:
    production:
      mode: auto
      runs_on: [{{beanstalk: {{application: shop, environment: {ENVIRONMENT}, load_balancer: {BALANCER}}}}}]
"""


@dataclass
class Guests:
    """Who comes to the balancer: each meets an instance that has been deployed to.

    Attributes:
        fails: By label: the share of its requests that fail; of the others 0.1 %.
    """

    world: AwsWorld
    rate: float = 50.0
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        state = self.world.beanstalk.find(ENVIRONMENT).states.at(start)
        serve = [each.label for each in state.instances if each.status == DEPLOYED] if state else []
        put, of = self.world.cloudwatch.put, {"LoadBalancer": BALANCER}
        health = 0.0 if state and state.health in {"Ok", "Info"} else 20.0
        put("AWS/ElasticBeanstalk", "EnvironmentHealth", {"EnvironmentName": ENVIRONMENT}, start, [health])
        for label in serve:
            count = self.rate * seconds / len(serve)
            bad = count * self.fails.get(label, 0.001)
            put("AWS/ApplicationELB", "RequestCount", of, start, [1.0], counts=[count])
            put("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", of, start, [1.0], counts=[bad])
            put("AWS/ApplicationELB", "TargetResponseTime", of, start, [0.08], counts=[count])


def an_environment(world: AwsWorld, policy: str = "Rolling") -> Guests:
    """``v1`` is on four instances since a month, and is deployed to one after another; ``v2`` and ``v3`` are there."""
    for number in (1, 2, 3):
        world.beanstalk.create_version("shop", f"v{number}", f"code {number}", MONTH_AGO)
    world.beanstalk.create_environment("shop", ENVIRONMENT, "v1", MONTH_AGO)
    world.beanstalk.deploys_by(ENVIRONMENT, policy)
    world.carry(QUEUE, (KIND[1],))
    return Guests(world)


def told(folder: Path, story: Story, configuration: str = CONFIGURATION, policy: str = "Rolling") -> None:
    """*story*, on a stage where ``v1`` has been well for a day, in virtual time."""

    def make(world: AwsWorld) -> Guests:
        return an_environment(world, policy)

    async def staged() -> None:
        async with on_aws(folder, configuration=configuration, make=make) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def deploys(stage: AwsStage, label: str, fails: float = 0.001) -> None:
    """Another hand deploys *label*."""
    assert isinstance(stage.crowd, Guests)
    stage.crowd.fails[label] = fails
    stage.world.beanstalk.deploy(ENVIRONMENT, label, stage.now())


def moves(stage: AwsStage) -> list[Any]:
    """What we have ordered: the labels, and ``abort``."""
    calls = stage.calls("UpdateEnvironment", "AbortEnvironmentUpdate")
    return [
        call.parameters.get("VersionLabel", "abort") for call in calls if not call.refused and call.by == ACT
    ]


def runs(stage: AwsStage) -> dict[str, int]:
    return stage.world.beanstalk.runs(ENVIRONMENT)


def mark(stage: AwsStage, label: str) -> str:
    tags = stage.world.beanstalk.tags("shop", label, stage.now())
    return tags.get("rollbackd:checkout.production", "")


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


# ------------------------------------------------------------------------------------------------------- good and bad


def test_a_bad_release_is_heard_of_judged_by_its_pack_and_put_back(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage)[-1] == "v1"
        assert runs(stage) == {"v1": 4}
        assert mark(stage, "v2").startswith("quarantined ")
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_a_good_release_passes_and_its_version_says_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        await stage.goes_on(minutes(50))

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == []
        assert stage.told == []
        assert mark(stage, "v2").startswith("proven ")

    told(tmp_path, story)


def test_its_update_is_heard_of_by_the_event_before_it_is_read(tmp_path):
    seldom = CONFIGURATION.replace("mode: auto", "mode: auto\n      reads_live: 10m")

    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        await stage.goes_on(seconds(stage.time() + 30))

        watch = await the_watch(stage)
        assert (watch.tag, watch.deployment.source) == ("v2", "queue")

    told(tmp_path, story, seldom)


def test_what_is_bad_while_it_rolls_is_broken_off_and_then_put_back(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.beanstalk.find(ENVIRONMENT).takes = minutes(6)
        deploys(stage, "v2", fails=0.5)
        await stage.goes_on(minutes(90))

        assert moves(stage) == ["abort", "v1"]
        assert runs(stage) == {"v1": 4}
        assert (await the_watch(stage)).state is State.ROLLED_BACK

    told(tmp_path, story)


@pytest.mark.parametrize("policy", ["TrafficSplitting", "Immutable"])
def test_what_is_bad_beside_the_old_instances_is_gone_with_one_call(tmp_path, policy):
    async def story(stage: AwsStage) -> None:
        stage.world.beanstalk.find(ENVIRONMENT).takes = minutes(20)
        deploys(stage, "v2", fails=0.5)
        await stage.goes_on(minutes(90))

        assert moves(stage) == ["abort"]
        assert runs(stage) == {"v1": 4}
        assert (await the_watch(stage)).state is State.ROLLED_BACK

    told(tmp_path, story, policy=policy)


@pytest.mark.parametrize("policy", ["TrafficSplitting", "Immutable"])
def test_a_good_release_beside_the_old_instances_passes(tmp_path, policy):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        await stage.goes_on(minutes(60))

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == []
        assert runs(stage) == {"v2": 4}

    told(tmp_path, story, policy=policy)


def test_in_shadow_nothing_is_ever_tried_that_would_change_an_environment(tmp_path):
    shadow = CONFIGURATION.replace("mode: auto", "mode: shadow").replace(f', act: "{ACT}"', "")

    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(READ, READING)
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(50))

        watch = await the_watch(stage)
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert [call for call in stage.world.mutating_calls() if call.service == "elasticbeanstalk"] == []
        assert [call for call in stage.world.calls if call.refused] == []

    told(tmp_path, story, shadow)


# ------------------------------------------------------------------------------------------------------------- a bad day


def test_a_change_of_settings_is_no_deployment(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.beanstalk.deploy(
            ENVIRONMENT, "v1", stage.now()
        )  # Beanstalk tells of it with the same words
        await stage.goes_on(minutes(20))

        assert await stage.watches() == []

    told(tmp_path, story)


def test_what_beanstalk_takes_back_by_itself_is_watched_and_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        environment = stage.world.beanstalk.find(ENVIRONMENT)
        environment.bad.add("v2")
        environment.takes = minutes(3)
        deploys(stage, "v2")
        await stage.goes_on(minutes(100))

        first, *_ = await stage.watches()
        assert (first.tag, first.state) == ("v2", State.SUPERSEDED)
        assert moves(stage) == []
        assert runs(stage) == {"v1": 4}
        assert not mark(stage, "v2").startswith("proven")

    told(tmp_path, story, policy="Immutable")


def test_a_version_that_a_lifecycle_rule_has_deleted_needs_a_person_who_is_told_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(5))
        stage.world.beanstalk.delete_version("shop", "v1")
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "v1 is no application version any more" in said
        assert moves(stage) in ([], ["abort"])

    told(tmp_path, story)


def test_must_be_ready_is_waited_for(tmp_path):
    async def story(stage: AwsStage) -> None:
        words = f"Environment named {ENVIRONMENT} is in an invalid state for this operation. Must be Ready."
        busy = AwsError("InvalidParameterValue", words)
        stage.world.faults.fail("elasticbeanstalk", "UpdateEnvironment", error=busy, times=3)
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(45))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert runs(stage) == {"v1": 4}

    told(tmp_path, story)


@pytest.mark.parametrize("operation", ["UpdateEnvironment", "UpdateTagsForResource"])
def test_an_order_whose_answer_is_lost_is_not_sent_again(tmp_path, operation):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("elasticbeanstalk", operation)
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(45))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage).count("v1") == 1

    told(tmp_path, story)


def test_a_person_who_deploys_while_we_go_back_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        while "v1" not in moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        stage.world.beanstalk.abort(ENVIRONMENT, stage.now())
        await stage.goes_on(seconds(stage.time() + 45))
        deploys(stage, "v3")
        await stage.goes_on(minutes(60))

        assert moves(stage).count("v1") == 1
        assert runs(stage) == {"v3": 4}

    told(tmp_path, story)


@pytest.mark.long  # of the other targets some are killed at every call in each run
@pytest.mark.parametrize("call", range(12))
def test_whenever_it_is_killed_while_it_goes_back_the_label_is_set_once(tmp_path, call):
    """Killed after each of the calls that follow the decision, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(7))
        await is_killed(stage, after=call)
        await stage.goes_on(minutes(60))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage).count("v1") == 1
        assert runs(stage) == {"v1": 4}

    told(tmp_path, story)


def test_a_store_that_is_lost_while_we_go_back_does_not_send_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        while "v1" not in moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(60))

        assert moves(stage).count("v1") == 1
        bad = [each for each in (await stage.ledger()).entries if each.quarantined is not None]
        assert [each.release.tag for each in bad] == ["v2"]

    told(tmp_path, story)
