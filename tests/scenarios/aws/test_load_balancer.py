"""The whole way behind a balancer: weights are moved, CloudWatch judges by target group, and all traffic goes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.balancing.state import forwarding
from tests.scenarios.aws.killing import is_killed
from tests.scenarios.aws.stage import ACCOUNT, ACT, MONTH_AGO, QUEUE, READ, AwsStage, on_aws, one_service
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
ID = "ffeeddccbbaa9988"
RULE = f"arn:aws:elasticloadbalancing:eu-central-1:{ACCOUNT}:listener-rule/app/shop/0123456789abcdef/00112233445566aa/{ID}"
CONFIGURATION = one_service("checkout", f'{{load_balancer: {{rule: "{RULE}", traffic: by_weight}}}}')


@dataclass
class Guests:
    """Who comes to the balancer: each meets a target group, by the weights.

    Attributes:
        fails: By release: the share of its requests that fail; of the others 0.1 %.
    """

    world: AwsWorld
    rate: float = 50.0
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        elb, put, whole = (
            self.world.balancing,
            self.world.cloudwatch.put,
            {"LoadBalancer": "app/shop/0123456789abcdef"},
        )
        for name, share in elb.shares(RULE).items():
            arn = elb.group(name).arn
            of, count = whole | {"TargetGroup": arn.rpartition(":")[2]}, self.rate * seconds * share
            failing = self.fails.get(elb.tags(arn, start)["rollbackd:release"], 0.001)
            put("AWS/ApplicationELB", "RequestCount", of, start, [1.0], counts=[count])
            put("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", of, start, [1.0], counts=[count * failing])
            put("AWS/ApplicationELB", "TargetResponseTime", of, start, [0.08], counts=[count])
        put("AWS/ApplicationELB", "RequestCount", whole, start, [1.0], counts=[self.rate * seconds])


def a_rule(world: AwsWorld) -> Guests:
    """``blue`` serves ``v1`` and has all the traffic; ``green`` waits."""
    elb = world.balancing
    for group, release in (("blue", "v1"), ("green", "v0")):
        elb.create_group(group, MONTH_AGO)
        elb.release(group, release, MONTH_AGO)
    weights = {elb.group("blue").arn: 100, elb.group("green").arn: 0}
    assert elb.create_rule(MONTH_AGO, [forwarding(weights)], named=ID) == RULE
    world.carry(QUEUE, ("AWS API Call via CloudTrail",))
    return Guests(world)


def told(folder: Path, story: Story, configuration: str = CONFIGURATION) -> None:
    """*story*, on a stage where ``v1`` has been well for a day, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, configuration=configuration, make=a_rule) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def deploys(stage: AwsStage, release: str, group: str = "green", fails: float = 0.001) -> None:
    """Another hand deploys *release* into *group*, which has no traffic yet."""
    assert isinstance(stage.crowd, Guests)
    stage.crowd.fails[release] = fails
    stage.world.balancing.release(group, release, stage.now())


def weighs(stage: AwsStage, sticky: int = 0, **weights: int) -> None:
    """Another hand changes the weights."""
    stage.world.balancing.weigh(RULE, weights, stage.now(), sticky)


def weights(stage: AwsStage) -> dict[str, int]:
    return stage.world.balancing.weights(RULE)


def moves(stage: AwsStage) -> int:
    """How often we have changed the weights."""
    return len([call for call in stage.calls("ModifyRule") if not call.refused and call.by == ACT])


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


# ------------------------------------------------------------------------------------------------------- good and bad


def test_a_bad_release_with_a_tenth_of_the_traffic_is_taken_back_and_those_bound_to_it_are_freed(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=90, green=10, sticky=3600)
        stage.world.balancing.bind(RULE, "ada", "green", stage.now())
        await stage.goes_on(minutes(25))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert weights(stage) == {"blue": 100, "green": 0}
        assert moves(stage) == 1
        assert stage.world.balancing.guest(RULE, "ada", stage.now()) == "blue"
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_a_bad_release_that_has_all_the_traffic_is_taken_back_as_well(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=0, green=100)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert weights(stage) == {"blue": 100, "green": 0}

    told(tmp_path, story, CONFIGURATION.replace("by_weight", "at_once"))


def test_a_good_release_passes_and_its_group_says_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        weighs(stage, blue=90, green=10)
        await stage.goes_on(minutes(10))
        weighs(stage, blue=0, green=100)
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == 0
        assert stage.told == []
        green = stage.world.balancing.group("green").arn
        mark = stage.world.balancing.tags(green, stage.now())["rollbackd:checkout.production"]
        assert mark.startswith("proven ")

    told(tmp_path, story)


def test_the_trail_tells_of_weights_and_the_tags_of_what_they_are(tmp_path):
    heard = CONFIGURATION.replace("mode: auto", "mode: auto\n      reads_live: 10m")

    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=90, green=10)
        await stage.goes_on(minutes(6))

        watch = await the_watch(stage)
        assert (watch.tag, watch.deployment.source) == ("v2", "queue")

    told(tmp_path, story, heard)


def test_in_shadow_nothing_is_ever_tried_that_would_change_a_rule(tmp_path):
    shadow = CONFIGURATION.replace("mode: auto", "mode: shadow").replace(f', act: "{ACT}"', "")
    reading = {
        "elasticloadbalancing:Describe*",
        "cloudwatch:GetMetricData",
        "cloudwatch:ListMetrics",
        "sqs:*",
    }

    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(READ, reading)
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=0, green=100)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert [call for call in stage.world.mutating_calls() if call.service == "elbv2"] == []
        assert [call for call in stage.world.calls if call.refused] == []

    told(tmp_path, story, shadow)


# ------------------------------------------------------------------------------------------------------------- a bad day


def test_a_group_without_a_healthy_target_is_not_gone_back_to_and_a_person_is_needed(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=0, green=100)
        stage.world.balancing.have("blue", stage.now(), "unhealthy", reason="Target.Timeout")
        await stage.goes_on(minutes(12))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "no target of blue is healthy" in said
        assert "aws elbv2 modify-rule" in said
        assert weights(stage) == {"blue": 0, "green": 100}

    told(tmp_path, story, CONFIGURATION.replace("by_weight", "at_once"))


@pytest.mark.parametrize("operation", ["ModifyRule", "AddTags"])
def test_an_order_whose_answer_is_lost_is_not_sent_again(tmp_path, operation):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("elbv2", operation)
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=90, green=10)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == 1

    told(tmp_path, story)


def test_a_person_who_deploys_while_we_go_back_from_a_bad_release_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.balancing.create_group("red", stage.now())
        deploys(stage, "v3", "red")
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=90, green=10)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        deploys(stage, "v3", "red")
        weighs(stage, blue=0, red=100)
        await stage.goes_on(seconds(stage.time() + 900))

        assert moves(stage) == 1
        assert weights(stage) == {"blue": 0, "red": 100}

    told(tmp_path, story)


@pytest.mark.long  # of the other targets some are killed at every call in each run
@pytest.mark.parametrize("call", range(8))
def test_whenever_it_is_killed_while_it_goes_back_the_weights_are_changed_once(tmp_path, call):
    """Killed after each of the calls that follow the decision, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=90, green=10)
        await stage.goes_on(minutes(7))
        await is_killed(stage, after=call)
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == 1

    told(tmp_path, story)


def test_a_store_that_is_lost_while_we_go_back_does_not_send_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        weighs(stage, blue=90, green=10)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(45))

        assert moves(stage) == 1
        bad = next(each for each in (await stage.ledger()).entries if each.release.tag == "v2")
        assert bad.quarantined is not None

    told(tmp_path, story)
