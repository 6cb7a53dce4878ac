"""One flag of a profile of AppConfig: it goes back alone; and its variant, whose percentage the daemon raises, from everybody at once."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.deploy.targets.appconfig.flag_stage import (
    FLAG,
    FLAGS,
    KIND,
    NEW,
    OLD,
    PRICING,
    document,
    plain,
    pricing,
)
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.configurations.state import Strategy
from tests.scenarios.aws.killing import is_killed
from tests.scenarios.aws.stage import (
    ACT,
    BALANCER,
    MONTH_AGO,
    QUEUE,
    RULES,
    UNHURRIED,
    AwsStage,
    on_aws,
    one_service,
)
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
PLACE, ATONCE, BY_STEPS = ("ba8toh7", "pgil2o7"), "atonce", "steps"
ENDS = (State.PASSED, State.ROLLED_BACK)
LONGEST = 3_000  # seconds that a story waits for its end
WRITES = ["CreateHostedConfigurationVersion", "StartDeployment"]


def configured(more: str, rest: str = "") -> str:
    where = f"application: {PLACE[0]}, environment: {PLACE[1]}, profile: {FLAGS}, strategy: {ATONCE}"
    runs_on = f"{{appconfig: {{{where}, {more}}}}}"
    return one_service("checkout", runs_on) + f"{rest}      rules: [{{file: web.yaml}}]\n"


ONE_FLAG = configured(f"flag: {FLAG}")
IN_STAGES = configured(
    f"flag: {PRICING}, variant: {NEW}",
    "      rollout: {stages: [{share: 5%}, {share: 25%}, {share: 100%}], bake: {at_least: 3m, at_most: 20m}}\n"
    "      bake: {at_least: 5m, at_most: 2h}\n",
)
BESIDE = """\
  by_variant:
    ratio:
      cloudwatch:
        namespace: Shop
        dimensions: {Variant: "${arm.variant}"}
        bad: {sum: [Errors]}
        total: {sum: [Requests]}
rules:
  - {name: the new variant is as good as the old one, indicator: by_variant, judge: {canary_vs_baseline: {ratio: 1.5, plus: 0.5%}}, on_breach: rollback}
"""


@dataclass
class Customers:
    """Who comes to the balancer; the service tells, with each request, which variant AppConfig's agent gave it.

    Attributes:
        fails: By what a user is given: the share of the requests that fail; of the others 0.1 %.
    """

    world: AwsWorld
    flag: str
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        count, bad = 50.0 * seconds, 0.0
        for variant, share in self.world.appconfig.given(PLACE, FLAGS, self.flag, start).items():
            wrong = count * share * self.fails.get(variant, 0.001)
            bad += wrong
            for metric, each in (("Requests", count * share), ("Errors", wrong)):
                self.world.cloudwatch.put("Shop", metric, {"Variant": variant}, start, [1.0], counts=[each])
        for metric, each in (("RequestCount", count), ("HTTPCode_Target_5XX_Count", bad)):
            self.world.cloudwatch.put("AWS/ApplicationELB", metric, BALANCER, start, [1.0], counts=[each])


def a_profile(world: AwsWorld, flag: str = FLAG) -> Customers:
    """Since a month all flags are off, and nobody has the new price."""
    appconfig = world.appconfig
    appconfig.create(*PLACE, FLAGS, kind=KIND)
    appconfig.strategies |= {
        ATONCE: Strategy(ATONCE, bake=0),
        BY_STEPS: Strategy(BY_STEPS, duration=20, factor=25, bake=10),
    }
    first = appconfig.write(PLACE[0], FLAGS, json.dumps(document()), at=MONTH_AGO)
    appconfig.deploy(PLACE, FLAGS, first, MONTH_AGO, ATONCE)
    world.advance()
    world.carry(QUEUE, ("On Deployment Start", "On Deployment Complete", "On Deployment Rolled Back"))
    return Customers(world, flag)


def told(folder: Path, story: Story, **settings: Any) -> None:
    """*story*, on a stage where all has been well for a day, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, **{"configuration": ONE_FLAG, "make": a_profile, **settings}) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


in_stages = partial(
    told,
    configuration=IN_STAGES,
    rules=RULES.replace("rules:\n", BESIDE),
    make=partial(a_profile, flag=PRICING),
)


def gives(
    stage: AwsStage, strategy: str = ATONCE, fails: dict[str, float] | None = None, **flags: Any
) -> int:
    """Another hand writes a version and deploys it; who is given something may *fail* by it."""
    assert isinstance(stage.crowd, Customers)
    stage.crowd.fails |= fails or {}
    appconfig = stage.world.appconfig
    version = appconfig.write(PLACE[0], FLAGS, json.dumps(document(**flags)), at=stage.now())
    return appconfig.deploy(PLACE, FLAGS, version, stage.now(), strategy)


def served(stage: AwsStage) -> dict[str, Any]:
    """The version that clients have, without AppConfig's own times."""
    appconfig = stage.world.appconfig
    written = appconfig.profiles[PLACE[0], FLAGS].versions[appconfig.version(PLACE, FLAGS, stage.now()) or ""]
    assert written is not None
    return plain(json.loads(written[0]))


def moves(stage: AwsStage) -> list[str]:
    """The calls of ours that changed something, in order."""
    return [call.operation for call in stage.calls(*WRITES, "StopDeployment") if not call.refused]


def deployed(stage: AwsStage) -> list[str]:
    """Those of them that reached users."""
    return [each for each in moves(stage) if each != WRITES[0]]


def given(stage: AwsStage, flag: str) -> dict[str, float]:
    """What of *flag* which share of the users gets."""
    return stage.world.appconfig.given(PLACE, FLAGS, flag, stage.now())


def percents(stage: AwsStage) -> list[str]:
    """What the variant was given in percent, by each version that was written for it."""
    rules = [
        json.loads(call.parameters["Content"])["values"][PRICING]["_variants"][0]["rule"]
        for call in stage.calls(WRITES[0])
        if not call.refused
    ]
    return [each.partition("pct::")[2].partition(" ")[0] for each in rules]


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


async def to_its_end(stage: AwsStage) -> Watch:
    await stage.goes_on(seconds(stage.time() + 60))
    while (watch := await the_watch(stage)).state not in ENDS and stage.time() < LONGEST:
        await stage.goes_on(seconds(stage.time() + 15))
    return watch


# ------------------------------------------------------------------------------------------------------------ one flag off


def test_a_bad_flag_goes_off_alone_and_what_others_have_changed_since_stays(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, checkout=True, fails={"on": 0.2})
        await stage.goes_on(minutes(4))
        gives(stage, checkout=True, other=True)
        await stage.goes_on(minutes(20))

        watch = await the_watch(
            stage
        )  # one: the other flag is no deployment of this one, nor is our own version
        assert (watch.tag, watch.state) == ("on", State.ROLLED_BACK)
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == WRITES
        assert served(stage) == document(checkout=False, other=True)
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]
        assert {call.by for call in stage.world.mutating_calls() if call.service == "appconfig"} == {ACT}

    told(tmp_path, story, pace=UNHURRIED)


def test_a_good_flag_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, checkout=True)
        await stage.goes_on(minutes(35))

        watch = await the_watch(stage)
        assert (watch.tag, watch.state) == ("on", State.PASSED)
        assert moves(stage) == []
        assert stage.told == []

    told(tmp_path, story, pace=UNHURRIED)


@pytest.mark.long
def test_a_bad_flag_that_still_goes_out_is_stopped(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, BY_STEPS, checkout=True, fails={"on": 0.2})
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["StopDeployment"]
        assert served(stage) == document()

    told(tmp_path, story)


@pytest.mark.long
def test_where_appconfigs_own_alarm_takes_it_back_first_it_is_watched_and_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, BY_STEPS, checkout=True, fails={"on": 0.2})
        alarm = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:errors"
        stage.world.appconfig.rings(PLACE, alarm, stage.now() + minutes(2), stage.now() + minutes(30))
        await stage.goes_on(minutes(60))

        assert moves(stage) == []
        first, *_ = await stage.watches()
        assert (first.tag, first.state) == ("on", State.SUPERSEDED)

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("call", range(10))
def test_whenever_it_is_killed_while_it_goes_back_one_version_is_written_and_deployed(tmp_path, call):
    """Killed after each of the calls that follow the decision, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        gives(stage, checkout=True, fails={"on": 0.2})
        await stage.goes_on(minutes(4))
        await is_killed(stage, after=call)
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == WRITES
        assert served(stage) == document()

    told(tmp_path, story)


@pytest.mark.long
def test_a_store_that_is_lost_while_it_goes_back_does_not_send_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, checkout=True, fails={"on": 0.2})
        while "StartDeployment" not in moves(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(45))

        assert moves(stage) == WRITES
        assert served(stage) == document()

    told(tmp_path, story)


# --------------------------------------------------------------------------------------------------------------- in stages


def test_a_good_variant_goes_from_a_twentieth_to_everybody_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5))
        watch = await to_its_end(stage)

        assert watch.state is State.PASSED  # one, of all the percentages
        assert watch.tag is not None
        assert watch.tag.startswith("New@")
        assert percents(stage) == ["25", "100"]
        assert moves(stage) == WRITES * 2
        assert given(stage, PRICING) == {NEW: 1.0}
        assert stage.told == []

    in_stages(tmp_path, story, pace=UNHURRIED)


def test_a_bad_variant_is_taken_from_everybody_at_once(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5), other=True, fails={NEW: 0.2})
        watch = await to_its_end(stage)

        assert watch.state is State.ROLLED_BACK
        assert percents(stage) == ["0"]
        assert served(stage) == document(other=True)
        assert given(stage, PRICING) == {OLD: 1.0}

    in_stages(tmp_path, story, pace=UNHURRIED)


@pytest.mark.long
def test_a_variant_that_fails_only_with_a_quarter_of_the_people_is_taken_back_from_there(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5))
        while not percents(stage):
            await stage.goes_on(seconds(stage.time() + 10))
        assert isinstance(stage.crowd, Customers)
        stage.crowd.fails[NEW] = 0.2
        assert (await to_its_end(stage)).state is State.ROLLED_BACK
        assert percents(stage) == ["25", "0"]

    in_stages(tmp_path, story)


@pytest.mark.long
def test_a_person_who_sets_another_percentage_is_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5))
        await stage.goes_on(minutes(5))
        gives(stage, prices=pricing(40))
        await stage.goes_on(minutes(20))

        assert percents(stage) == []
        assert (await the_watch(stage)).state is State.ASKING
        assert "another hand has moved it" in stage.told[-1][1].headline

    in_stages(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("after", range(10))
def test_a_daemon_that_is_killed_between_two_calls_gives_each_share_once(tmp_path, after):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5))
        while not [each for watch in await stage.watches() for each in await stage.store.actions(watch.id)]:
            await stage.goes_on(seconds(stage.time() + 0.2), step=0.2)
        before = len(stage.world.calls)
        while len(stage.world.calls) < before + after:
            await stage.goes_on(seconds(stage.time() + 0.01), step=0.01)
        await stage.lives[-1].die()
        await stage.bear()

        assert (await to_its_end(stage)).state is State.PASSED
        assert percents(stage) == ["25", "100"]
        assert moves(stage) == WRITES * 2

    in_stages(tmp_path, story)


@pytest.mark.long
def test_a_stage_that_meets_somebody_elses_deployment_waits_for_it_and_keeps_what_it_brought(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5))
        await stage.goes_on(minutes(5))
        gives(stage, BY_STEPS, prices=pricing(5), other=True)
        watch = await to_its_end(stage)
        while watch.state not in ENDS and stage.time() < 2 * LONGEST:
            await stage.goes_on(seconds(stage.time() + 60))
            watch = await the_watch(stage)

        assert watch.state is State.PASSED
        assert percents(stage) == ["25", "100"]
        assert served(stage) == document(other=True, prices=pricing(100))

    in_stages(tmp_path, story)


@pytest.mark.long
def test_by_order_the_variant_gets_its_first_share_from_nobody_and_goes_to_everybody(tmp_path):
    async def story(stage: AwsStage) -> None:
        assert (await stage.starts("checkout", NEW)).first == pytest.approx(0.05)
        watch = await to_its_end(stage)

        assert watch.state is State.PASSED
        assert percents(stage) == ["5", "25", "100"]
        assert moves(stage) == WRITES * 3

    in_stages(tmp_path, story)


@pytest.mark.long
def test_a_store_that_is_lost_in_the_middle_does_not_lose_the_way_back(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5))
        while not percents(stage):
            await stage.goes_on(seconds(stage.time() + 10))
        assert isinstance(stage.crowd, Customers)
        stage.crowd.fails[NEW] = 0.2
        await stage.loses_its_store()
        watch = await to_its_end(stage)

        assert watch.state is State.ROLLED_BACK
        assert percents(stage) == ["25", "0"]

    in_stages(tmp_path, story)


@pytest.mark.long
def test_a_person_who_deploys_while_we_go_back_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        gives(stage, prices=pricing(5), fails={NEW: 0.2})
        while "StartDeployment" not in moves(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        await stage.goes_on(seconds(stage.time() + 3))
        gives(stage, prices=pricing(0, price=3), other=True)
        await stage.goes_on(minutes(40))

        assert moves(stage) == WRITES
        assert served(stage) == document(other=True, prices=pricing(0, price=3))

    in_stages(tmp_path, story)


@pytest.mark.long
def test_a_role_that_may_not_write_versions_is_said_to_people_with_what_they_can_run(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.identities.role(ACT, {"appconfig:TagResource", "appconfig:StartDeployment"})
        gives(stage, checkout=True, fails={"on": 0.2})
        await stage.goes_on(minutes(14))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        said = " ".join([stuck.headline, *map(str, stuck.lines)])
        assert "appconfig:CreateHostedConfigurationVersion" in said
        assert "aws appconfig get-hosted-configuration-version" in said

    told(tmp_path, story)
