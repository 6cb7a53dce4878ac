"""A flag of LaunchDarkly whose percentages the daemon raises: the service counts by variation, and both are compared."""

from datetime import datetime
from functools import partial
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.launchdarkly import ENVIRONMENT, LaunchDarkly, weighted
from tests.scenarios.aws import test_launchdarkly as toggles
from tests.scenarios.aws.stage import RULES, AwsStage
from watcher.core.watch import State

CONFIGURATION = (
    toggles.CONFIGURATION.replace("flag: new-checkout,", "flag: new-checkout, percentages: shares,")
    + "      rollout: {stages: [{share: 5%}, {share: 25%}, {share: 100%}], bake: {at_least: 3m, at_most: 20m}}\n"
    + "      bake: {at_least: 5m, at_most: 2h}\n"
)
BESIDE = """\
  by_variation:
    ratio:
      cloudwatch:
        namespace: Shop
        dimensions: {Variation: "${arm.variation}"}
        bad: {sum: [Errors]}
        total: {sum: [Requests]}
rules:
  - {name: the new variation is as good as the old one, indicator: by_variation, judge: {canary_vs_baseline: {ratio: 1.5, plus: 0.5%}}, on_breach: rollback}
"""
NAMES = {0: "true", 1: "false"}
LONGEST = 1_800  # seconds that a story waits for the next stage


class Counting(toggles.Customers):
    """The service tells, with each request, which variation it was given."""

    def come(self, start: datetime, seconds: float) -> None:
        super().come(start, seconds)
        for variation, share in self.flags.shares().items():
            count, fails = 50.0 * seconds * share, self.fails.get(variation, 0.001)
            told = {"Variation": NAMES.get(variation or 0, "other")}
            for metric, each in (("Requests", count), ("Errors", count * fails)):
                self.world.cloudwatch.put("Shop", metric, told, start, [1.0], counts=[each])


def a_flag(world: AwsWorld) -> Counting:
    return Counting(world, LaunchDarkly(world.now))


told = partial(
    toggles.told, configuration=CONFIGURATION, rules=RULES.replace("rules:\n", BESIDE), make=a_flag
)


def given(stage: AwsStage) -> list[float]:
    """What the new variation was given in percent, patch by patch."""
    return [percent(each) for each in toggles.flags(stage).changes]


def percent(configured: dict[str, Any]) -> float:
    served = configured["fallthrough"]
    if not configured["on"] or "variation" in served:
        return 100.0 if configured["on"] and served["variation"] == toggles.NEW else 0.0
    weights = {each["variation"]: each["weight"] for each in served["rollout"]["variations"]}
    return float(weights[toggles.NEW] / 1000)


def test_a_good_variation_goes_from_a_twentieth_to_everybody_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        toggles.turns_up(stage, **weighted(v0=5, v1=95))
        await stage.goes_on(minutes(32))

        watch = await toggles.the_watch(stage)  # one, of all the percentages
        assert (watch.state, watch.tag) == (State.PASSED, "on.true")
        assert given(stage) == [25.0, 100.0]
        assert stage.told == []

    told(tmp_path, story)


def test_a_bad_variation_is_taken_from_everybody_at_once(tmp_path):
    async def story(stage: AwsStage) -> None:
        toggles.turns_up(stage, fails=0.2, **weighted(v0=5, v1=95))
        await stage.goes_on(minutes(20))

        watch = await toggles.the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert given(stage) == [0.0]
        assert toggles.flags(stage).shares() == {toggles.OLD: 1.0}

    told(tmp_path, story)


@pytest.mark.long
def test_a_variation_that_fails_only_with_a_quarter_of_the_people_is_taken_back_from_there(tmp_path):
    async def story(stage: AwsStage) -> None:
        toggles.turns_up(stage, **weighted(v0=5, v1=95))
        while not toggles.flags(stage).changes:
            await stage.goes_on(seconds(stage.time() + 10))
        assert isinstance(stage.crowd, Counting)
        stage.crowd.fails[toggles.NEW] = 0.2
        await stage.goes_on(minutes(40))

        assert given(stage) == [25.0, 0.0]
        assert (await toggles.the_watch(stage)).state is State.ROLLED_BACK

    told(tmp_path, story)


@pytest.mark.long
def test_a_person_who_sets_another_percentage_is_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        toggles.turns_up(stage, **weighted(v0=5, v1=95))
        await stage.goes_on(minutes(5))
        toggles.turns_up(stage, **weighted(v0=40, v1=60))
        await stage.goes_on(minutes(20))

        assert given(stage) == []
        assert (await toggles.the_watch(stage)).state is State.ASKING
        assert "another hand has moved it" in stage.told[-1][1].headline

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_daemon_that_is_killed_between_two_requests_gives_each_share_once(tmp_path, after):
    async def story(stage: AwsStage) -> None:
        toggles.turns_up(stage, **weighted(v0=5, v1=95))
        while not [each for watch in await stage.watches() for each in await stage.store.actions(watch.id)]:
            await stage.goes_on(seconds(stage.time() + 0.2), step=0.2)
        before = len(toggles.flags(stage).asked)
        while len(toggles.flags(stage).asked) < before + after:
            await stage.goes_on(seconds(stage.time() + 0.01), step=0.01)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(minutes(40))

        assert given(stage) == [25.0, 100.0]
        assert (await toggles.the_watch(stage)).state is State.PASSED

    told(tmp_path, story)


def for_everybody(world: AwsWorld) -> Counting:
    """The flag gives `true` to everybody since a month; off, it would give `false`."""
    made = a_flag(world)
    made.flags.states[-1][1][ENVIRONMENT] |= {"on": True}
    return made


@pytest.mark.long
@pytest.mark.parametrize("fails", [0.001, 0.2])
def test_a_store_that_is_lost_in_the_middle_does_not_lose_the_way_back_and_nothing_goes_on_unasked(
    tmp_path, fails
):
    """Of a rollout the other way: what is given when off is the new one, and has most of it. Nobody knows what served before."""

    async def story(stage: AwsStage) -> None:
        toggles.flags(stage).sets(fallthrough=weighted(v1=5, v0=95))
        while not toggles.flags(stage).changes and stage.time() < LONGEST:
            await stage.goes_on(seconds(stage.time() + 10))
        assert isinstance(stage.crowd, Counting)
        stage.crowd.fails[toggles.OLD] = fails
        await stage.loses_its_store()
        await stage.goes_on(minutes(75))

        (watch,) = await stage.watches()
        is_bad = fails > 0.1
        assert (watch.tag, watch.state) == ("on.false", State.ROLLED_BACK if is_bad else State.ASKING)
        assert given(stage) == ([25.0, 100.0] if is_bad else [25.0])

    told(tmp_path, story, configuration=CONFIGURATION.replace("25%", "75%"), make=for_everybody)
