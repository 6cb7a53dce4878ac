"""The whole way on Lambda: an alias is moved, CloudTrail tells of it or nobody does, CloudWatch judges, and the alias goes back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.scenarios.aws.killing import is_killed
from tests.scenarios.aws.stage import ACT, MONTH_AGO, QUEUE, READ, AwsStage, on_aws, one_service
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
CONFIGURATION = one_service("checkout", "{lambda: {function: checkout, alias: live, traffic: by_weight}}")


@dataclass
class Callers:
    """Who invokes the alias: each invocation meets one of its versions, by their shares.

    Attributes:
        fails: By version: the share of its invocations that fail; of the others 0.1 %.
    """

    world: AwsWorld
    rate: float = 50.0
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        put, alias = self.world.cloudwatch.put, {"FunctionName": "checkout", "Resource": "checkout:live"}
        for version, share in self.world.functions.shares("checkout", "live").items():
            of, count = alias | {"ExecutedVersion": version}, self.rate * seconds * share
            put("AWS/Lambda", "Invocations", of, start, [1.0], counts=[count])
            put("AWS/Lambda", "Errors", of, start, [1.0], counts=[count * self.fails.get(version, 0.001)])
            put("AWS/Lambda", "Duration", of, start, [80.0], counts=[count])
        put("AWS/Lambda", "Invocations", alias, start, [1.0], counts=[self.rate * seconds])


def a_function(world: AwsWorld) -> Callers:
    """``checkout:live`` points to version 1; versions 2 and 3 are published."""
    world.functions.create("checkout", "first", MONTH_AGO)
    for number in (1, 2, 3):
        world.functions.deploy("checkout", f"code {number}", MONTH_AGO)
    world.functions.point("checkout", "live", "1", MONTH_AGO)
    world.advance()
    world.carry(QUEUE, ("AWS API Call via CloudTrail",))
    return Callers(world)


def told(folder: Path, story: Story, **settings: Any) -> None:
    """*story*, on a stage where ``checkout:live`` has been well for a day, in virtual time."""

    async def staged() -> None:
        async with on_aws(
            folder, **{"configuration": CONFIGURATION, "make": a_function, **settings}
        ) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def points(stage: AwsStage, version: str, fails: float = 0.001, **weights: float) -> None:
    """Another hand points the alias to *version*; ``v2=0.1`` gives version 2 a share. The newest *fails*."""
    given = {name.removeprefix("v"): share for name, share in weights.items()}
    assert isinstance(stage.crowd, Callers)
    stage.crowd.fails[max([version, *given], key=int)] = fails
    stage.world.functions.point("checkout", "live", version, stage.now(), given)


def shares(stage: AwsStage) -> dict[str, float]:
    return stage.world.functions.shares("checkout", "live")


def moves(stage: AwsStage) -> list[str]:
    """The versions that we pointed the alias to, in order."""
    return [call.parameters["FunctionVersion"] for call in stage.calls("UpdateAlias") if not call.refused]


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


# ------------------------------------------------------------------------------------------------------- good and bad


def test_a_bad_release_with_a_tenth_of_the_calls_is_taken_back_at_once(tmp_path):
    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1, fails=0.2)
        await stage.goes_on(minutes(25))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == ["1"]
        assert shares(stage) == {"1": 1.0}
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]
        assert {call.by for call in stage.world.mutating_calls() if call.service == "lambda"} == {ACT}

    told(tmp_path, story)


def test_a_bad_release_that_has_all_calls_is_taken_back_as_well(tmp_path):
    at_once = CONFIGURATION.replace("by_weight", "at_once")

    async def story(stage: AwsStage) -> None:
        points(stage, "2", fails=0.2)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["1"]

    told(tmp_path, story, configuration=at_once)


def test_a_good_release_that_is_moved_by_weights_passes_and_its_function_says_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1)
        await stage.goes_on(minutes(10))
        points(stage, "2")
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.PASSED
        assert (watch.tag, watch.traffic_at is not None) == ("2", True)
        assert moves(stage) == []
        assert stage.told == []
        marks = stage.world.functions.tags("checkout", stage.now())
        assert marks["rollbackd:checkout.production.2"].startswith("proven ")

    told(tmp_path, story)


def test_what_the_trail_tells_minutes_late_joins_the_watch_that_reading_has_opened(tmp_path):
    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1)
        await stage.goes_on(minutes(4))
        before = (await the_watch(stage)).deployment.platform_ids
        await stage.goes_on(minutes(8))

        after = (await the_watch(stage)).deployment.platform_ids
        assert before == ()
        assert len(after) == 1

    told(tmp_path, story)


def test_the_trail_alone_opens_a_watch_where_little_is_read(tmp_path):
    heard = CONFIGURATION.replace("mode: auto", "mode: auto\n      reads_live: 10m")

    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1, fails=0.2)
        moved = stage.now()
        await stage.goes_on(minutes(6))

        watch = await the_watch(stage)
        assert watch.tag == "2"
        assert watch.deployment.source == "queue"
        assert watch.traffic_at == moved

    told(tmp_path, story, configuration=heard)


# -------------------------------------------------------------------------------------------------------------- shadow


def test_in_shadow_nothing_is_ever_tried_that_would_change_a_function(tmp_path):
    shadow = CONFIGURATION.replace("mode: auto", "mode: shadow").replace(f', act: "{ACT}"', "")
    reading = {
        *("lambda:GetAlias", "lambda:GetFunctionConfiguration", "lambda:ListTags"),
        *("cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
        *("lambda:GetProvisionedConcurrencyConfig", "lambda:ListEventSourceMappings"),
    }

    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(READ, reading)
        points(stage, "1", v2=0.1, fails=0.2)
        await stage.goes_on(minutes(10))
        points(stage, "2", fails=0.2)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert [call for call in stage.world.mutating_calls() if call.service == "lambda"] == []
        assert {call.by for call in stage.world.calls} == {READ}
        # So Lambda says that nothing is kept warm.
        assert {call.refused for call in stage.world.calls if call.refused} <= {
            "ProvisionedConcurrencyConfigNotFoundException"
        }

    told(tmp_path, story, configuration=shadow)


# ------------------------------------------------------------------------------------------------------------- a bad day


def test_an_order_whose_answer_is_lost_is_not_sent_again(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("lambda", "UpdateAlias")
        points(stage, "1", v2=0.1, fails=0.2)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["1"]

    told(tmp_path, story)


def test_what_is_read_may_be_half_a_minute_old(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.stale("lambda", by=seconds(30))
        points(stage, "1", v2=0.1, fails=0.2)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["1"]

    told(tmp_path, story)


def test_a_role_that_may_not_act_is_said_to_people_with_what_they_can_run(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(ACT, {"lambda:TagResource"})
        points(stage, "1", v2=0.1, fails=0.2)
        await stage.goes_on(minutes(12))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "lambda:UpdateAlias" in said
        assert "aws lambda update-alias --function-name checkout --name live --function-version 1" in said

    told(tmp_path, story)


# ----------------------------------------------------------------------------------------------------------- other hands


def test_a_person_who_deploys_while_we_go_back_from_a_bad_release_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1, fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        points(stage, "3")
        await stage.goes_on(seconds(stage.time() + 900))

        assert moves(stage) == ["1"]
        assert shares(stage) == {"3": 1.0}

    told(tmp_path, story)


def test_whoever_gives_the_bad_version_calls_again_is_not_fought_and_a_person_is_needed(tmp_path):
    """As CodeDeploy does at its next step, where nobody has said that it moves the alias."""

    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1, fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 0.5))
        points(stage, "1", v2=0.2, fails=0.2)
        await stage.goes_on(minutes(20))

        assert moves(stage) == ["1"]
        assert (await the_watch(stage)).state is State.STUCK
        assert any("somebody has moved the alias since" in str(notice) for _, notice in stage.told)

    told(tmp_path, story)


def test_what_codedeploy_is_moving_is_asked_about_and_not_fought(tmp_path):
    owned = CONFIGURATION.replace("by_weight", "by_weight, codedeploy: {application: shop, group: checkout}")
    commit = {
        "revisionType": "GitHub",
        "gitHubLocation": {"repository": "shop/checkout", "commitId": "a" * 40},
    }

    def made(world: AwsWorld) -> Callers:
        world.codedeploy.create_group("shop", "checkout", MONTH_AGO, config="CodeDeployDefault.OneAtATime")
        return a_function(world)

    async def story(stage: AwsStage) -> None:
        deployment = stage.world.codedeploy.deploy("shop", "checkout", commit, stage.now())
        points(stage, "1", v2=0.1, fails=0.2)
        stage.world.codedeploy.behave("a" * 40, takes=timedelta(hours=1))
        await stage.goes_on(minutes(12))

        watch = await the_watch(stage)
        assert watch.state is State.ASKING
        assert deployment in " ".join(watch.obstacles)
        assert moves(stage) == []

    told(tmp_path, story, configuration=owned, make=made)


# ------------------------------------------------------------------------------------------------- kills, and a lost store


@pytest.mark.long  # of the other targets some are killed at every call in each run
@pytest.mark.parametrize("call", range(6))
def test_whenever_it_is_killed_while_it_goes_back_there_is_one_move(tmp_path, call):
    """Killed after each of the calls that follow the decision, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1, fails=0.2)
        await stage.goes_on(minutes(7))
        await is_killed(stage, after=call)
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["1"]
        assert shares(stage) == {"1": 1.0}

    told(tmp_path, story)


def test_a_store_that_is_lost_while_we_go_back_does_not_send_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        points(stage, "1", v2=0.1, fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(45))

        assert moves(stage) == ["1"]
        bad = next(each for each in (await stage.ledger()).entries if each.release.tag == "2")
        assert bad.quarantined is not None

    told(tmp_path, story)


def test_what_was_proven_is_still_the_way_back_after_the_store_is_lost(tmp_path):
    async def story(stage: AwsStage) -> None:
        points(stage, "2")
        await stage.goes_on(minutes(40))
        await stage.loses_its_store()
        points(stage, "2", v3=0.1, fails=0.2)
        await stage.goes_on(minutes(65))

        assert [watch.tag for watch in await stage.watches()] == ["3"]
        assert moves(stage) == ["2"]

    told(tmp_path, story, configuration=CONFIGURATION.replace("by_weight", "at_once"))
