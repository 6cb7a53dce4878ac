"""The whole way of a toggle on LaunchDarkly: a flag is turned up, CloudWatch judges, and the flag is set back to what it was."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.launchdarkly import READER, WRITER, Direct, LaunchDarkly, weighted
from tests.scenarios.aws.stage import BALANCER, AwsStage, on_aws, one_service
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
TOKEN = "LAUNCHDARKLY_TOKEN"
CONFIGURATION = (
    one_service(
        "checkout",
        f"{{launchdarkly: {{project: shop, environment: production, flag: new-checkout, token: {{env: {TOKEN}}}}}}}",
    )
    + "      rules: [{file: web.yaml}]\n"
)
NEW, OLD = 0, 1  # variations
LONGEST = 1200  # seconds that a story waits for what is to come


@dataclass
class Customers:
    """Who comes to the balancer: each is served by the variation that the flag gives them.

    Attributes:
        fails: By variation: the share of its requests that fail; of the others 0.1 %.
    """

    world: AwsWorld
    flags: LaunchDarkly
    fails: dict[int | None, float] = field(default_factory=dict)

    @property
    def send(self) -> Direct:
        """By which the daemon speaks with LaunchDarkly."""
        return Direct(self.flags)

    def come(self, start: datetime, seconds: float) -> None:
        count, bad = 50.0 * seconds, 0.0
        for variation, share in self.flags.shares().items():
            bad += count * share * self.fails.get(variation, 0.001)
        for metric, each in (("RequestCount", count), ("HTTPCode_Target_5XX_Count", bad)):
            self.world.cloudwatch.put("AWS/ApplicationELB", metric, BALANCER, start, [1.0], counts=[each])


def a_flag(world: AwsWorld) -> Customers:
    """It is off since a month."""
    return Customers(world, LaunchDarkly(world.now))


def told(folder: Path, story: Story, token: str = WRITER, **settings: Any) -> None:
    """*story*, on a stage where the flag has been off and well for a day, in virtual time."""

    async def staged() -> None:
        async with on_aws(
            folder, **{"configuration": CONFIGURATION, "make": a_flag, "secret": token, **settings}
        ) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def flags(stage: AwsStage) -> LaunchDarkly:
    assert isinstance(stage.crowd, Customers)
    return stage.crowd.flags


def turns_up(stage: AwsStage, fails: float = 0.001, **fallthrough: Any) -> None:
    """A person turns the flag on: the new variation *fails*."""
    assert isinstance(stage.crowd, Customers)
    stage.crowd.fails[NEW] = fails
    flags(stage).sets(on=True, fallthrough=fallthrough or {"variation": NEW})


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


def test_a_bad_flag_is_turned_off_again(tmp_path):
    async def story(stage: AwsStage) -> None:
        turns_up(stage, fails=0.2)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)  # and none of our own move
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert flags(stage).shares() == {OLD: 1.0}
        assert len(flags(stage).changes) == 1
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_a_good_flag_passes(tmp_path):
    async def story(stage: AwsStage) -> None:
        turns_up(stage)
        await stage.goes_on(minutes(40))

        watch = await the_watch(stage)
        assert (watch.state, watch.tag) == (State.PASSED, "on.true")
        assert flags(stage).changes == []
        assert stage.told == []

    told(tmp_path, story)


def test_a_rollout_that_rose_goes_back_to_the_share_that_was_well(tmp_path):
    async def story(stage: AwsStage) -> None:
        turns_up(stage, **weighted(v0=5, v1=95))
        await stage.goes_on(minutes(40))
        turns_up(stage, fails=0.2, **weighted(v0=50, v1=50))
        await stage.goes_on(minutes(65))

        assert [watch.state for watch in await stage.watches()] == [State.PASSED, State.ROLLED_BACK]
        assert flags(stage).shares() == {NEW: 0.05, OLD: 0.95}

    told(tmp_path, story)


def test_a_rollout_that_rises_faster_than_it_is_judged_goes_back_to_what_was_well_and_not_to_the_step_before(
    tmp_path,
):
    async def story(stage: AwsStage) -> None:
        turns_up(stage, **weighted(v0=5, v1=95))
        await stage.goes_on(minutes(6))
        turns_up(stage, **weighted(v0=10, v1=90))
        await stage.goes_on(minutes(9))
        turns_up(stage, fails=0.5, **weighted(v0=25, v1=75))
        await stage.goes_on(minutes(30))

        states = [watch.state for watch in await stage.watches()]
        assert states == [State.SUPERSEDED, State.SUPERSEDED, State.ROLLED_BACK]
        assert flags(stage).shares() == {OLD: 1.0}
        assert len(flags(stage).changes) == 1

    told(tmp_path, story)


def test_a_person_who_changes_the_flag_while_we_go_back_is_never_undone(tmp_path):
    async def story(stage: AwsStage) -> None:
        turns_up(stage, fails=0.2)
        while not flags(stage).changes and stage.time() < LONGEST:
            await stage.goes_on(seconds(stage.time() + 1))
        flags(stage).sets(on=True, fallthrough={"variation": 2})
        await stage.goes_on(minutes(60))

        assert len(flags(stage).changes) == 1
        assert flags(stage).shares() == {2: 1.0}

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("approvals", "requires approvals"), ("archived", "was archived")],
)
def test_what_keeps_it_from_being_set_back_is_said_to_people(tmp_path, trouble, words):
    async def story(stage: AwsStage) -> None:
        flags(stage).approvals = trouble == "approvals"
        turns_up(stage, fails=0.2)
        while (await state(stage)) is not State.ROLLING_BACK and stage.time() < LONGEST:
            await stage.goes_on(seconds(stage.time() + 0.5), step=0.5)
            if trouble == "archived" and (await state(stage)) is State.ROLLING_BACK:
                flags(stage).archived = True
        await stage.goes_on(seconds(stage.time() + 120))

        assert (await the_watch(stage)).state is State.STUCK
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        assert words in " ".join([stuck.headline, *map(str, stuck.lines)])
        assert len(flags(stage).changes) == (trouble == "archived")  # just before it was

    told(tmp_path, story)


async def state(stage: AwsStage) -> State | None:
    watches = await stage.watches()
    return watches[0].state if watches else None


def test_in_shadow_a_readers_token_is_enough_and_nothing_is_sent(tmp_path):
    async def story(stage: AwsStage) -> None:
        turns_up(stage, fails=0.2)
        await stage.goes_on(minutes(60))

        watch = await the_watch(stage)
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert {method for method, _, _ in flags(stage).asked} == {"GET"}

    shadow = CONFIGURATION.replace("mode: auto", "mode: shadow")
    told(
        tmp_path,
        story,
        token=READER,
        configuration=shadow,
    )


@pytest.mark.long  # of the other targets some are killed at every call in each run
@pytest.mark.parametrize("request_", [0, 2])
def test_whenever_it_is_killed_while_it_goes_back_there_is_one_move(tmp_path, request_):
    """Killed after each of the requests that follow the decision, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        turns_up(stage, fails=0.2)
        while (await state(stage)) is not State.ROLLING_BACK and stage.time() < LONGEST:
            await stage.goes_on(seconds(stage.time() + 0.2), step=0.2)
        before = len(flags(stage).asked)
        while len(flags(stage).asked) < before + request_:
            await stage.goes_on(seconds(stage.time() + 0.01), step=0.01)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert len(flags(stage).changes) == 1
        assert flags(stage).shares() == {OLD: 1.0}

    told(tmp_path, story)
