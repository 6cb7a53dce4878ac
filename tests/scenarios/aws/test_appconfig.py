"""The whole way of a toggle on AppConfig: a version goes out step by step, CloudWatch judges, and it is taken back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.tags import Entry
from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.configurations.state import Strategy
from tests.scenarios.aws.killing import is_killed
from tests.scenarios.aws.stage import (
    ACT,
    BALANCER,
    MONTH_AGO,
    QUEUE,
    READ,
    AwsStage,
    on_aws,
    one_service,
)
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
PLACE, PROFILE, OTHER = ("ba8toh7", "pgil2o7"), "ga3tqep", "flags77"
BY_STEPS, ATONCE = "steps", "atonce"
CONFIGURATION = (
    one_service(
        "checkout",
        f"{{appconfig: {{application: {PLACE[0]}, environment: {PLACE[1]}, profile: {PROFILE}, strategy: {ATONCE}}}}}",
    )
    + "      rules: [{file: web.yaml}]\n"
)


@dataclass
class Customers:
    """Who comes to the balancer: each is served by the version that its process was given.

    Attributes:
        fails: By version: the share of its requests that fail; of the others 0.1 %.
    """

    world: AwsWorld
    rate: float = 50.0
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        count, bad = self.rate * seconds, 0.0
        for version, share in self.world.appconfig.shares(PLACE, PROFILE, start).items():
            bad += count * share * self.fails.get(str(version), 0.001)
        for metric, each in (("RequestCount", count), ("HTTPCode_Target_5XX_Count", bad)):
            self.world.cloudwatch.put("AWS/ApplicationELB", metric, BALANCER, start, [1.0], counts=[each])


def a_profile(world: AwsWorld) -> Customers:
    """Version 1 is given to all since a month; versions 2 and 3 are written."""
    appconfig = world.appconfig
    appconfig.create(*PLACE, PROFILE)
    appconfig.create(*PLACE, OTHER)
    appconfig.strategies |= {
        BY_STEPS: Strategy(BY_STEPS, duration=20, factor=25, bake=10),
        ATONCE: Strategy(ATONCE, bake=0),
    }
    for number in (1, 2, 3):
        appconfig.write(PLACE[0], PROFILE, f'{{"new-checkout": {number}}}')
    appconfig.write(PLACE[0], OTHER, "{}")
    appconfig.deploy(PLACE, PROFILE, "1", MONTH_AGO, ATONCE)
    world.advance()
    world.carry(QUEUE, ("On Deployment Start", "On Deployment Complete", "On Deployment Rolled Back"))
    return Customers(world)


def told(folder: Path, story: Story, **settings: Any) -> None:
    """*story*, on a stage where version 1 has been well for a day, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, **{"configuration": CONFIGURATION, "make": a_profile, **settings}) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def deploys(stage: AwsStage, version: str, fails: float = 0.001, strategy: str = BY_STEPS) -> int:
    """Another hand deploys *version*, which *fails*."""
    assert isinstance(stage.crowd, Customers)
    stage.crowd.fails[version] = fails
    return stage.world.appconfig.deploy(PLACE, PROFILE, version, stage.now(), strategy)


def shares(stage: AwsStage) -> dict[str | None, float]:
    return stage.world.appconfig.shares(PLACE, PROFILE, stage.now())


def moves(stage: AwsStage) -> list[str]:
    """The calls of ours that moved something, in order."""
    return [call.operation for call in stage.calls("StartDeployment", "StopDeployment") if not call.refused]


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


async def entry(stage: AwsStage, tag: str) -> Entry:
    return next(each for each in (await stage.ledger()).entries if each.release.tag == tag)


# ------------------------------------------------------------------------------------------------------- good and bad


def test_a_bad_version_that_a_quarter_has_is_stopped(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "2", fails=0.2)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)  # and none of our own move, of which the extension tells too
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == ["StopDeployment"]
        assert shares(stage) == {"1": 1.0}
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]
        assert {call.by for call in stage.world.mutating_calls() if call.service == "appconfig"} == {ACT}

    told(tmp_path, story)


def test_a_bad_version_that_all_have_at_once_is_reverted(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "2", fails=0.2, strategy=ATONCE)
        await stage.goes_on(minutes(25))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["StopDeployment"]
        assert shares(stage) == {"1": 1.0}

    told(tmp_path, story)


def test_a_good_version_passes_once_all_have_it_and_its_deployment_says_so(tmp_path):
    async def story(stage: AwsStage) -> None:
        number = deploys(stage, "2")
        await stage.goes_on(minutes(75))

        watch = await the_watch(stage)
        assert watch.state is State.PASSED
        assert watch.tag == "2"
        assert watch.complete_at is not None
        assert watch.complete_at - watch.opened_at > minutes(15)
        assert moves(stage) == []
        assert stage.told == []
        marks = stage.world.appconfig.tags(PLACE, number, stage.now())
        assert marks["rollbackd:checkout.production"].startswith("proven ")

    told(tmp_path, story)


def test_what_the_extension_tells_opens_a_watch_where_little_is_read(tmp_path):
    heard = CONFIGURATION.replace("mode: auto", "mode: auto\n      reads_live: 10m")

    async def story(stage: AwsStage) -> None:
        deploys(stage, "2", fails=0.2)
        await stage.goes_on(minutes(4))

        watch = await the_watch(stage)
        assert watch.tag == "2"
        assert watch.deployment.source == "queue"
        assert watch.deployment.platform_ids == ("ba8toh7/pgil2o7/2",)

    told(tmp_path, story, configuration=heard)


# -------------------------------------------------------------------------------------------------------------- shadow


def test_in_shadow_nothing_is_ever_tried_that_would_change_anything(tmp_path):
    shadow = CONFIGURATION.replace("mode: auto", "mode: shadow").replace(f', act: "{ACT}"', "")
    reading = {
        *("appconfig:ListDeployments", "appconfig:GetDeployment", "appconfig:GetConfigurationProfile"),
        *("appconfig:GetHostedConfigurationVersion", "appconfig:ListTagsForResource"),
        *("appconfig:GetEnvironment", "appconfig:GetDeploymentStrategy"),
        *("cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
    }

    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(READ, reading)
        deploys(stage, "2", fails=0.2)
        await stage.goes_on(minutes(60))

        watch = await the_watch(stage)
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert [call for call in stage.world.mutating_calls() if call.service == "appconfig"] == []
        assert [call for call in stage.world.calls if call.refused] == []

    told(tmp_path, story, configuration=shadow)


# ------------------------------------------------------------------------------------------------------------ a bad day


def test_a_role_that_may_not_act_is_said_to_people_with_what_they_can_run(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(ACT, {"appconfig:TagResource"})
        deploys(stage, "2", fails=0.2)
        await stage.goes_on(minutes(14))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "appconfig:StopDeployment" in said
        assert "aws appconfig stop-deployment --application-id ba8toh7" in said

    told(tmp_path, story)


# ---------------------------------------------------------------------------------------------------------- other hands


def test_where_appconfigs_own_alarm_takes_it_back_first_it_is_watched_and_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "2", fails=0.2)
        alarm = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:errors"
        stage.world.appconfig.rings(PLACE, alarm, stage.now() + minutes(2), stage.now() + minutes(30))
        await stage.goes_on(minutes(60))

        assert moves(stage) == []
        assert shares(stage) == {"1": 1.0}
        first, *_ = await stage.watches()
        assert (first.tag, first.state) == ("2", State.SUPERSEDED)

    told(tmp_path, story)


def test_a_person_who_deploys_while_we_go_back_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "2", fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        deploys(stage, "3", strategy=ATONCE)
        await stage.goes_on(minutes(60))

        assert moves(stage) == ["StopDeployment"]
        assert shares(stage) == {"3": 1.0}

    told(tmp_path, story)


# ----------------------------------------------------------------------------------------------- kills, and a lost store


@pytest.mark.long  # of the other targets some are killed at every call in each run
@pytest.mark.parametrize("call", [0, 3, 5])
def test_whenever_it_is_killed_while_it_goes_back_there_is_one_move(tmp_path, call):
    """Killed after each of the calls that follow the decision, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        deploys(stage, "2", fails=0.2)
        await stage.goes_on(minutes(4))
        await is_killed(stage, after=call)
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["StopDeployment"]
        assert shares(stage) == {"1": 1.0}

    told(tmp_path, story)


def test_a_store_that_is_lost_while_we_go_back_does_not_send_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "2", fails=0.2)
        while not moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(45))

        assert moves(stage) == ["StopDeployment"]
        assert (await entry(stage, "2")).quarantined is not None
        assert shares(stage) == {"1": 1.0}

    told(tmp_path, story)
