"""A flag of Unleash whose percentage the daemon raises: the service counts by whether it was on, and both are compared."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.unleash import Unleash, strategy
from tests.scenarios.aws import test_flag_stages as by_launchdarkly
from tests.scenarios.aws import test_unleash as toggles
from tests.scenarios.aws.stage import RULES, AwsStage
from watcher.core.watch import State

CONFIGURATION = (
    toggles.CONFIGURATION.replace("flag: new-checkout,", "flag: new-checkout, percentages: shares,")
    + "      rollout: {stages: [{share: 5%}, {share: 25%}, {share: 100%}], bake: {at_least: 3m, at_most: 20m}}\n"
    + "      bake: {at_least: 5m, at_most: 2h}\n"
)
BESIDE = by_launchdarkly.BESIDE.replace('{Variation: "${arm.variation}"}', '{Flag: "${arm.state}"}')
ALL = [(False, ["5"]), (True, ["5"]), (True, ["25"]), (True, ["100"])]


class Counting(toggles.Visitors):
    """The service tells, with each request, whether the flag was on for it."""

    def come(self, start: datetime, seconds: float) -> None:
        super().come(start, seconds)
        new = self.unleash.share()
        for state, share, fails in (("on", new, self.fails), ("off", 1 - new, toggles.USUAL)):
            count = toggles.REQUESTS * seconds * share
            for metric, each in (("Requests", count), ("Errors", count * fails)):
                self.world.cloudwatch.put("Shop", metric, {"Flag": state}, start, [1.0], counts=[each])


def a_flag(world: AwsWorld) -> Counting:
    """It is off since a month, and its gradual rollout has what it was left with: 80 %."""
    unleash = Unleash(world.now)
    unleash.adds(strategy(80))
    return Counting(world, unleash)


told = partial(
    toggles.told, configuration=CONFIGURATION, rules=RULES.replace("rules:\n", BESIDE), make=a_flag
)
changes: Callable[[AwsStage], list[tuple[bool, list[str]]]] = lambda stage: toggles.flag(stage).changes  # noqa: E731


async def begins(stage: AwsStage, fails: float = toggles.USUAL) -> None:
    """The pipeline orders that what the flag gives is rolled out."""
    assert isinstance(stage.crowd, Counting)
    stage.crowd.fails = fails
    await stage.starts("checkout", "on.100")


async def has(stage: AwsStage, change: tuple[bool, list[str]], fails: float = toggles.USUAL) -> None:
    """Until the flag was changed so; from then on what it gives *fails*."""
    while change not in changes(stage) and stage.time() < toggles.LONGEST:
        await stage.goes_on(seconds(stage.time() + 10))
    assert isinstance(stage.crowd, Counting)
    stage.crowd.fails = fails


def test_a_good_flag_is_turned_on_for_a_twentieth_goes_to_everybody_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        await begins(stage)
        await stage.goes_on(minutes(35))

        (watch,) = await stage.watches()  # one, of all the percentages
        assert (watch.state, watch.tag) == (State.PASSED, "on.100")
        assert changes(stage) == ALL
        assert stage.told == []

    told(tmp_path, story)


def test_a_bad_flag_is_turned_off_from_its_first_share(tmp_path):
    async def story(stage: AwsStage) -> None:
        await begins(stage, fails=0.2)
        await stage.goes_on(minutes(20))

        (watch,) = await stage.watches()
        assert watch.state is State.ROLLED_BACK
        assert changes(stage) == [*ALL[:2], (False, ["5"])]

    told(tmp_path, story)


@pytest.mark.long
def test_a_person_who_gives_it_the_first_share_begins_the_rollout_too(tmp_path):
    async def story(stage: AwsStage) -> None:
        toggles.rises(stage, 5)
        await stage.goes_on(minutes(35))

        assert await toggles.states(stage) == [State.PASSED]
        assert changes(stage) == ALL[2:]

    told(tmp_path, story)


@pytest.mark.long
def test_a_flag_that_fails_only_with_a_quarter_of_the_people_is_taken_back_from_there(tmp_path):
    async def story(stage: AwsStage) -> None:
        await begins(stage)
        await has(stage, ALL[2], fails=0.2)
        await stage.goes_on(minutes(45))

        assert await toggles.states(stage) == [State.ROLLED_BACK]
        assert changes(stage) == [*ALL[:3], (False, ["25"])]

    told(tmp_path, story)


@pytest.mark.long
def test_a_person_who_sets_another_percentage_is_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        await begins(stage)
        await has(stage, ALL[1])
        toggles.flag(stage).changes_strategy(parameters={"rollout": "40"})
        await stage.goes_on(seconds(stage.time() + 900))

        assert changes(stage) == ALL[:2]
        assert await toggles.states(stage) == [State.ASKING]
        assert "another hand has moved it" in stage.told[-1][1].headline

    told(tmp_path, story)


@pytest.mark.long
def test_change_requests_that_block_a_stage_are_said_to_people_and_it_stays_where_it_is(tmp_path):
    async def story(stage: AwsStage) -> None:
        await begins(stage)
        await has(stage, ALL[1])
        toggles.flag(stage).requests = True
        await stage.goes_on(seconds(stage.time() + 600))

        assert changes(stage) == ALL[:2]
        assert await toggles.states(stage) == [State.ASKING]
        assert "a person has to request this change" in str(stage.told[-1][1])

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("after", range(10))
def test_a_daemon_that_is_killed_between_two_requests_gives_each_share_once(tmp_path, after):
    """From the first look before the flag is turned on to the last after it."""

    async def story(stage: AwsStage) -> None:
        await begins(stage)
        while not [each for watch in await stage.watches() for each in await stage.store.actions(watch.id)]:
            await stage.goes_on(seconds(stage.time() + 0.2), step=0.2)
        before = len(toggles.flag(stage).asked)
        while len(toggles.flag(stage).asked) < before + after:
            await stage.goes_on(seconds(stage.time() + 0.01), step=0.01)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(minutes(45))

        assert changes(stage) == ALL
        assert await toggles.states(stage) == [State.PASSED]

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("after", [0, 1, 2])
def test_whenever_it_is_killed_while_it_goes_back_it_is_turned_off_once(tmp_path, after):
    async def story(stage: AwsStage) -> None:
        await begins(stage, fails=0.2)
        await toggles.goes_back(stage)
        before = len(toggles.flag(stage).asked)
        while len(toggles.flag(stage).asked) < before + after and stage.time() < toggles.LONGEST:
            await stage.goes_on(seconds(stage.time() + 0.01), step=0.01)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(minutes(45))

        assert await toggles.states(stage) == [State.ROLLED_BACK]
        assert changes(stage) == [*ALL[:2], (False, ["5"])]

    told(tmp_path, story)


@pytest.mark.long
def test_a_store_that_is_lost_in_the_middle_does_not_lose_the_way_back(tmp_path):
    async def story(stage: AwsStage) -> None:
        await begins(stage)
        await has(stage, ALL[2], fails=0.2)
        await stage.loses_its_store()
        await stage.goes_on(minutes(75))

        (watch,) = await stage.watches()
        assert (watch.tag, watch.state) == ("on.100", State.ROLLED_BACK)
        assert changes(stage) == [*ALL[:3], (False, ["25"])]

    told(tmp_path, story)
