"""Canaries that the daemon drives on AWS: an alias of Lambda, and weights of a rule behind a balancer."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.scenarios.aws import test_lambda as functions
from tests.scenarios.aws import test_load_balancer as balancing
from tests.scenarios.aws.stage import AwsStage, on_aws, one_service
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

Story = Callable[[AwsStage], Awaitable[None]]
ROLLOUT = (
    "      rollout: {stages: [{share: 5%}, {share: 25%}, {share: 100%}], bake: {at_least: 3m, at_most: 20m}}\n"
    "      bake: {at_least: 5m, at_most: 2h}\n"
)
LAMBDA = one_service("checkout", "{lambda: {function: checkout, alias: live, traffic: by_weight}}") + ROLLOUT
BALANCER = (
    one_service("checkout", f'{{load_balancer: {{rule: "{balancing.RULE}", traffic: by_weight}}}}') + ROLLOUT
)


@dataclass
class Counted(functions.Callers):
    """Who invokes the alias, and how many of them failed since the story began."""

    failed: float = 0.0
    since: datetime | None = field(default=None)

    def come(self, start: datetime, seconds: float) -> None:
        super().come(start, seconds)
        for version, share in self.world.functions.shares("checkout", "live").items():
            wrong = self.rate * seconds * share * self.fails.get(version, 0.001)
            self.failed += wrong if self.since is not None and start >= self.since else 0.0


def counted(world: AwsWorld) -> Counted:
    return Counted(functions.a_function(world).world)


def told(folder: Path, story: Story, configuration: str, make: Callable[[AwsWorld], object]) -> None:
    async def staged() -> None:
        async with on_aws(folder, configuration=configuration, make=make) as stage:  # type: ignore[arg-type]
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def on_lambda(folder: Path, story: Story, configuration: str = LAMBDA) -> None:
    told(folder, story, configuration, counted)


def behind_a_balancer(folder: Path, story: Story, configuration: str = BALANCER) -> None:
    told(folder, story, configuration, balancing.a_rule)


def given(stage: AwsStage) -> list[dict[str, float]]:
    """What the alias's second version was given, call by call."""
    return [
        call.parameters["RoutingConfig"]["AdditionalVersionWeights"]
        for call in stage.calls("UpdateAlias")
        if not call.refused
    ]


async def state(stage: AwsStage) -> State:
    return (await stage.watches())[0].state


# --------------------------------------------------------------------------------------------------------------- lambda


def test_a_good_version_goes_from_a_twentieth_to_all_calls_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        functions.points(stage, "1", v2=0.05)
        await stage.goes_on(minutes(40))

        assert given(stage) == [{"2": 0.25}, {}]
        assert functions.shares(stage) == {"2": 1.0}
        assert await state(stage) is State.PASSED
        assert stage.told == []

    on_lambda(tmp_path, story)


def failed_until_it_is_back(folder: Path, **points: float) -> float:
    """How many calls fail of a release of which a fifth does, until it is taken back."""
    failed: list[float] = []

    async def story(stage: AwsStage) -> None:
        assert isinstance(stage.crowd, Counted)
        stage.crowd.since = stage.now()
        version = "1" if points else "2"
        functions.points(stage, version, fails=0.2, **points)
        await stage.goes_on(minutes(20))
        assert await state(stage) is State.ROLLED_BACK
        assert functions.shares(stage) == {"1": 1.0}
        failed.append(stage.crowd.failed)

    on_lambda(folder, story, LAMBDA if points else functions.CONFIGURATION.replace("by_weight", "at_once"))
    return failed[0]


def test_of_a_bad_version_a_stage_lets_fewer_calls_fail_than_all_at_once_by_far(tmp_path):
    (tmp_path / "stage").mkdir()
    (tmp_path / "at_once").mkdir()

    staged = failed_until_it_is_back(tmp_path / "stage", v2=0.05)
    at_once = failed_until_it_is_back(tmp_path / "at_once")

    assert staged < at_once / 10


def test_while_cloudwatch_answers_nothing_no_call_is_shared_out(tmp_path):
    async def story(stage: AwsStage) -> None:
        functions.points(stage, "1", v2=0.05)
        stage.world.faults.fail("cloudwatch", times=None)
        await stage.goes_on(minutes(30))

        assert given(stage) == []
        assert await state(stage) is State.ASKING
        assert "stays at 5 % of the traffic" in stage.told[-1][1].headline

    on_lambda(tmp_path, story)


async def is_killed_while_it_is_moved(stage: AwsStage, after: int) -> None:
    """*after* so many calls of AWS since it was decided that it goes on."""
    while not [each for watch in await stage.watches() for each in await stage.store.actions(watch.id)]:
        await stage.goes_on(seconds(stage.time() + 0.2), step=0.2)
    before = len(stage.world.calls)
    while len(stage.world.calls) < before + after:  # noqa: ASYNC110 - virtual time: a moment is what is waited for
        await asyncio.sleep(0.001)
    await stage.lives[-1].die()
    await stage.bear()


@pytest.mark.parametrize("after", [1, 2])
def test_a_daemon_that_is_killed_between_two_calls_gives_each_share_once(tmp_path, after):
    async def story(stage: AwsStage) -> None:
        functions.points(stage, "1", v2=0.05)
        await stage.goes_on(minutes(6))
        await is_killed_while_it_is_moved(stage, after)
        await stage.goes_on(minutes(24))

        assert given(stage) == [{"2": 0.25}, {}]

    on_lambda(tmp_path, story)


async def begins_and_is_killed(stage: AwsStage, after: int) -> None:
    """Version 2 is published, and begun with; the daemon is killed *after* so many calls of AWS from then on."""
    assert (await stage.starts("checkout", "2")).first == pytest.approx(0.05)
    before = len(stage.world.calls)
    while len(stage.world.calls) < before + after:  # noqa: ASYNC110 - virtual time: a moment is what is waited for
        await asyncio.sleep(0.001)
    await stage.lives[-1].die()
    await stage.bear()


@pytest.mark.parametrize("after", [2, *(pytest.param(calls, marks=pytest.mark.long) for calls in (0, 1, 3))])
def test_a_version_that_is_published_is_given_its_first_calls_by_order_once_whenever_it_is_killed(
    tmp_path, after
):
    async def story(stage: AwsStage) -> None:
        await begins_and_is_killed(stage, after)
        await stage.goes_on(minutes(5))

        assert given(stage) == [{"2": 0.05}]
        assert functions.shares(stage) == {"1": 0.95, "2": 0.05}

    on_lambda(tmp_path, story)


@pytest.mark.long
def test_a_version_whose_environments_are_not_warm_is_not_called_until_they_are(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.functions.keep_warm("checkout", "2", 10, stage.now())
        await stage.starts("checkout", "2")
        await stage.goes_on(seconds(stage.time() + 45))
        assert given(stage) == []
        await stage.goes_on(minutes(8))

        assert given(stage)[:1] == [{"2": 0.05}]

    on_lambda(tmp_path, story, LAMBDA.replace("rollout: {", "rollout: {warm_up: {}, "))


@pytest.mark.long
def test_a_version_that_is_begun_by_order_goes_to_all_calls_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        await stage.starts("checkout", "2")
        await stage.goes_on(minutes(42))

        assert given(stage) == [{"2": 0.05}, {"2": 0.25}, {}]
        assert await state(stage) is State.PASSED

    on_lambda(tmp_path, story)


# ------------------------------------------------------------------------------------------------------------- balancer


def test_a_second_group_is_given_its_first_requests_by_order_when_it_is_warm_and_loses_them_when_it_is_bad(
    tmp_path,
):
    async def story(stage: AwsStage) -> None:
        balancing.deploys(stage, "v2", fails=0.2)
        stage.world.balancing.have("green", stage.now(), "healthy", "initial")
        await stage.starts("checkout", "v2")
        await stage.goes_on(minutes(5))
        assert balancing.moves(stage) == 0
        stage.world.balancing.have("green", stage.now(), "healthy", "healthy")
        await stage.goes_on(minutes(14))

        sent = [call.parameters["Actions"][0]["ForwardConfig"] for call in stage.calls("ModifyRule")]
        assert [[each["Weight"] for each in config["TargetGroups"]] for config in sent] == [[95, 5], [100, 0]]
        assert await state(stage) in {State.RECOVERING, State.ROLLED_BACK}

    behind_a_balancer(tmp_path, story, BALANCER.replace("rollout: {", "rollout: {warm_up: {}, "))


def test_a_good_release_gets_all_requests_in_stages_and_who_is_bound_by_a_cookie_stays(tmp_path):
    async def story(stage: AwsStage) -> None:
        balancing.deploys(stage, "v2")
        balancing.weighs(stage, sticky=600, blue=95, green=5)
        await stage.goes_on(minutes(40))

        assert balancing.moves(stage) == 2
        assert balancing.weights(stage) == {"blue": 0, "green": 100}
        sent = [call.parameters["Actions"][0]["ForwardConfig"] for call in stage.calls("ModifyRule")]
        assert [[each["Weight"] for each in config["TargetGroups"]] for config in sent] == [
            [75, 25],
            [0, 100],
        ]
        assert all(config["TargetGroupStickinessConfig"]["Enabled"] for config in sent)
        assert await state(stage) is State.PASSED

    behind_a_balancer(tmp_path, story)


def test_a_bad_release_loses_its_requests_and_its_cookies(tmp_path):
    async def story(stage: AwsStage) -> None:
        balancing.deploys(stage, "v2", fails=0.2)
        balancing.weighs(stage, sticky=600, blue=95, green=5)
        await stage.goes_on(minutes(20))

        assert balancing.moves(stage) == 1
        assert balancing.weights(stage) == {"blue": 100, "green": 0}
        (sent,) = stage.calls("ModifyRule")
        assert not sent.parameters["Actions"][0]["ForwardConfig"]["TargetGroupStickinessConfig"]["Enabled"]

    behind_a_balancer(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("after", range(6))
def test_behind_a_balancer_a_daemon_that_is_killed_at_any_call_gives_each_weight_once(tmp_path, after):
    """Killed after each of the calls that follow the decision to go on, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        balancing.deploys(stage, "v2")
        balancing.weighs(stage, blue=95, green=5)
        await stage.goes_on(minutes(5))
        await is_killed_while_it_is_moved(stage, after)
        await stage.goes_on(minutes(35))

        sent = [call.parameters["Actions"][0]["ForwardConfig"] for call in stage.calls("ModifyRule")]
        given = [[each["Weight"] for each in config["TargetGroups"]] for config in sent]
        assert given == [[75, 25], [0, 100]]
        assert balancing.weights(stage) == {"blue": 0, "green": 100}
        assert await state(stage) is State.PASSED

    behind_a_balancer(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("after", range(5))
def test_behind_a_balancer_a_release_is_begun_with_once_whenever_the_daemon_is_killed(tmp_path, after):
    async def story(stage: AwsStage) -> None:
        balancing.deploys(stage, "v2")
        assert (await stage.starts("checkout", "v2")).first == pytest.approx(0.05)
        before = len(stage.world.calls)
        while len(stage.world.calls) < before + after:  # noqa: ASYNC110 - virtual time: a moment is what is waited for
            await asyncio.sleep(0.001)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(minutes(5))

        assert balancing.moves(stage) == 1
        assert balancing.weights(stage) == {"blue": 95, "green": 5}

    behind_a_balancer(tmp_path, story)


def test_a_person_who_moves_the_weights_is_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        balancing.deploys(stage, "v2")
        balancing.weighs(stage, blue=95, green=5)
        await stage.goes_on(minutes(5))
        balancing.weighs(stage, blue=60, green=40)
        await stage.goes_on(minutes(20))

        assert balancing.moves(stage) == 0
        assert await state(stage) is State.ASKING
        assert "another hand has moved it" in stage.told[-1][1].headline

    behind_a_balancer(tmp_path, story)
