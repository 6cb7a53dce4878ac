"""A static site whose viewers the daemon gives a new release to in stages: sessions are counted by the release that they began on."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest

from deploy.targets.s3_cloudfront.shares import Shares, read_shares
from tests.builders import minutes, seconds
from tests.deploy.targets.s3_cloudfront.pages import SITE
from tests.fakes.aws import AwsWorld
from tests.scenarios.aws import test_site as sites
from tests.scenarios.aws.stage import ACCOUNT, AwsStage, on_aws
from tests.scenarios.stage import EPOCH
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

ROLLOUT = (
    "      rollout: {stages: [{share: 5%}, {share: 25%}, {share: 100%}], bake: {at_least: 3m, at_most: 20m}}\n"
    "      bake: {at_least: 5m, at_most: 2h}\n"
)
Story = Callable[[AwsStage], Awaitable[None]]


class Sharing(sites.Pointed):
    """Viewers begin sessions on the release that the function picks for them, by the key as the edges know it."""

    def come(self, start: datetime, span: float) -> None:
        store = self.world.cloudfront.stores.find(self.store)
        shares = shared(store.value("release", start - store.spreads_in))
        for name, share in ((shares.old, 1 - shares.share), (shares.new, shares.share)):
            if name is None or share <= 0:
                continue
            count = self.rate * span * share
            for metric, value in (
                ("Sessions", count),
                ("CrashedSessions", count * self.fails.get(name, 2e-4)),
            ):
                told = {"release": name}
                self.world.cloudwatch.put("Shop/Browser", metric, told, start, [1.0], counts=[value])


def shared(value: str | None) -> Shares:
    return read_shares(value or "none") or Shares(None, value or "none")


def a_site(world: AwsWorld) -> Sharing:
    made = sites.trees(world, store=True)
    return Sharing(world, store=made.store)


def told(folder: Path, story: Story) -> None:
    # The id of a store is drawn: the same in every run, so a world of its own tells it.
    store = a_site(AwsWorld(lambda: EPOCH, ACCOUNT, "eu-central-1")).store
    more = f', layout: key_value_store, store: "{store}", traffic: by_weight'
    configuration = sites.CONFIGURATION.replace(f'site: "{SITE}"', f'site: "{SITE}"{more}') + ROLLOUT

    async def staged() -> None:
        async with on_aws(folder, configuration, sites.RULES, a_site) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def shares_out(stage: AwsStage, value: str, fails: float = 2e-4) -> None:
    """A pipeline writes the key; ``v2`` *fails*."""
    assert isinstance(stage.crowd, Sharing)
    stage.crowd.fails["v2"] = fails
    stage.crowd.deploys(value, stage.now())


def written(stage: AwsStage) -> list[str]:
    """What the key was told to say, in order."""
    return [call.parameters["Puts"][0]["Value"] for call in stage.calls("UpdateKeys") if call.refused is None]


async def state(stage: AwsStage) -> State:
    (watch,) = await stage.watches()
    return watch.state


def test_a_good_release_goes_from_a_twentieth_of_the_viewers_to_all_of_them_and_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        shares_out(stage, "v1|v2|5")
        await stage.goes_on(minutes(34))

        assert written(stage) == ["v1|v2|25", "v2"]
        assert await state(stage) is State.PASSED
        assert stage.told == []

    told(tmp_path, story)


def test_a_bad_release_is_taken_from_all_viewers_by_one_call(tmp_path):
    async def story(stage: AwsStage) -> None:
        shares_out(stage, "v1|v2|5", fails=0.2)
        await stage.goes_on(minutes(20))

        assert written(stage) == ["v1"]
        assert await state(stage) is State.ROLLED_BACK

    told(tmp_path, story)


@pytest.mark.long
def test_a_person_who_writes_another_weight_is_not_fought(tmp_path):
    async def story(stage: AwsStage) -> None:
        shares_out(stage, "v1|v2|5")
        await stage.goes_on(minutes(5))
        shares_out(stage, "v1|v2|40")
        await stage.goes_on(minutes(20))

        assert written(stage) == []
        assert await state(stage) is State.ASKING
        assert "another hand has moved it" in stage.told[-1][1].headline

    told(tmp_path, story)


@pytest.mark.long
def test_while_the_edge_gives_something_else_the_stage_is_not_over(tmp_path):
    """Its share is written, and does not count before viewers have it."""

    async def story(stage: AwsStage) -> None:
        shares_out(stage, "v1|v2|5")
        while not written(stage):
            await stage.goes_on(seconds(stage.time() + 1))
        assert isinstance(stage.crowd, Sharing)
        stage.crowd.page.status = 503
        await stage.goes_on(seconds(stage.time() + 600))
        assert written(stage) == ["v1|v2|25"]
        stage.crowd.page.status = None
        await stage.goes_on(minutes(60))

        assert written(stage) == ["v1|v2|25", "v2"]

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("after", [0, 2, 4, 5, 6, 8])
def test_a_daemon_that_is_killed_between_two_calls_gives_each_share_once(tmp_path, after):
    async def story(stage: AwsStage) -> None:
        shares_out(stage, "v1|v2|5")
        while not [each for watch in await stage.watches() for each in await stage.store.actions(watch.id)]:
            await stage.goes_on(seconds(stage.time() + 0.2), step=0.2)
        before = len(stage.world.calls)
        while len(stage.world.calls) < before + after:
            await stage.goes_on(seconds(stage.time() + 0.01), step=0.01)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(minutes(50))

        assert written(stage) == ["v1|v2|25", "v2"]
        assert await state(stage) is State.PASSED

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("fails", [2e-4, 0.2])
def test_a_store_that_is_lost_in_the_middle_loses_neither_the_stages_nor_the_way_back(tmp_path, fails):
    async def story(stage: AwsStage) -> None:
        shares_out(stage, "v1|v2|5")
        while not written(stage):
            await stage.goes_on(seconds(stage.time() + 10))
        assert isinstance(stage.crowd, Sharing)
        stage.crowd.fails["v2"] = fails
        await stage.loses_its_store()
        await stage.goes_on(minutes(60))

        is_bad = fails > 0.1
        assert written(stage) == ["v1|v2|25", "v1" if is_bad else "v2"]
        assert await state(stage) is (State.ROLLED_BACK if is_bad else State.PASSED)

    told(tmp_path, story)
