"""The whole way of a toggle on Unleash: its share is raised, CloudWatch judges, and it is set back to what was well."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.launchdarkly import Direct
from tests.fakes.unleash import READER, WRITER, Unleash, strategy
from tests.scenarios.aws.stage import BALANCER, AwsStage, on_aws, one_service
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

Story = Callable[[AwsStage], Awaitable[None]]
TARGET = "{unleash: {url: 'https://unleash.example.com', environment: production, flag: new-checkout, token: {env: UNLEASH_TOKEN}}}"
CONFIGURATION = one_service("checkout", TARGET) + "      rules: [{file: web.yaml}]\n"
REQUESTS, USUAL = 50.0, 0.001  # in a second, and which share of them fails as ever
LONGEST = 1200  # seconds that a story waits for what is to come


@dataclass
class Visitors:
    """Who comes to the balancer: the share that the flag gives the new version to fails as *fails* says."""

    world: AwsWorld
    unleash: Unleash
    fails: float = USUAL

    @property
    def send(self) -> Direct:
        """By which the daemon speaks with Unleash."""
        return Direct(self.unleash)

    def come(self, start: datetime, seconds: float) -> None:
        count, new = REQUESTS * seconds, self.unleash.share()
        told = {
            "RequestCount": count,
            "HTTPCode_Target_5XX_Count": count * (new * self.fails + (1 - new) * USUAL),
        }
        for metric, number in told.items():
            self.world.cloudwatch.put("AWS/ApplicationELB", metric, BALANCER, start, [1.0], counts=[number])


def a_flag(world: AwsWorld) -> Visitors:
    """It is off since a month, with a strategy for 5 %."""
    unleash = Unleash(world.now)
    unleash.adds(strategy(5))
    return Visitors(world, unleash)


def told(
    folder: Path, story: Story, token: str = WRITER, configuration: str = CONFIGURATION, **settings: Any
) -> None:
    """*story*, in virtual time."""

    async def staged() -> None:
        usual = {"configuration": configuration, "make": a_flag, "secret": token}
        async with on_aws(folder, **{**usual, **settings}) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


def flag(stage: AwsStage) -> Unleash:
    assert isinstance(stage.crowd, Visitors)
    return stage.crowd.unleash


def rises(stage: AwsStage, share: int, fails: float = USUAL) -> None:
    """A person gives it to so many percent."""
    assert isinstance(stage.crowd, Visitors)
    stage.crowd.fails = fails
    flag(stage).changes_strategy(parameters={"rollout": str(share)})
    flag(stage).turns(on=True)


async def states(stage: AwsStage) -> list[State]:
    return [each.state for each in await stage.watches()]


async def goes_back(stage: AwsStage) -> None:
    """Until the watch is going back; or for as long as a story waits for what is to come."""
    while not {State.ROLLING_BACK, State.STUCK} & {*await states(stage)} and stage.time() < LONGEST:
        await stage.goes_on(seconds(stage.time() + 0.2), step=0.2)


def test_a_bad_flag_is_turned_off_again(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        rises(stage, 100, fails=0.2)
        await stage.goes_on(minutes(40))

        (watch,) = await stage.watches()  # and none of our own move
        assert watch.state is State.ROLLED_BACK
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert flag(stage).changes == [(False, ["100"])]
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_a_good_flag_passes_and_a_share_that_was_too_much_goes_back_to_it(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        rises(stage, 5)
        await stage.goes_on(minutes(40))
        assert await states(stage) == [State.PASSED]
        rises(stage, 50, fails=0.3)
        await stage.goes_on(minutes(75))

        assert await states(stage) == [State.PASSED, State.ROLLED_BACK]
        assert flag(stage).changes == [(True, ["5"])]

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize(
    ("trouble", "words"), [("requests", "has to request this change"), ("archived", "nothing runs")]
)
def test_what_keeps_it_from_being_set_back_is_said_to_people(
    tmp_path: Path, trouble: str, words: str
) -> None:
    async def story(stage: AwsStage) -> None:
        flag(stage).requests = trouble == "requests"
        rises(stage, 100, fails=0.2)
        await goes_back(stage)
        flag(stage).archived = trouble == "archived"
        await stage.goes_on(seconds(stage.time() + 120))

        assert await states(stage) == [State.STUCK]
        (stuck,) = [notice for _, notice in stage.told if notice.event == "watch.stuck"]
        assert words in " ".join([stuck.headline, *map(str, stuck.lines)])

    told(tmp_path, story)


@pytest.mark.long
def test_a_person_who_turns_it_on_again_while_we_go_back_is_never_undone(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        rises(stage, 100, fails=0.2)
        await goes_back(stage)
        while not flag(stage).changes and stage.time() < LONGEST:
            await stage.goes_on(seconds(stage.time() + 0.5), step=0.5)
        rises(stage, 70)
        await stage.goes_on(minutes(60))

        assert len(flag(stage).changes) == 1
        assert flag(stage).share() == 0.7

    told(tmp_path, story)


@pytest.mark.long
def test_in_shadow_a_readers_token_is_enough_and_nothing_is_sent(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        rises(stage, 100, fails=0.2)
        await stage.goes_on(minutes(60))

        (watch,) = await stage.watches()
        assert watch.state is State.KEPT
        assert watch.would_have is not None
        assert {method for method, _, _ in flag(stage).asked} == {"GET"}

    told(tmp_path, story, READER, CONFIGURATION.replace("mode: auto", "mode: shadow"))


@pytest.mark.long
@pytest.mark.parametrize("after", [0, 1, 2])
def test_whenever_it_is_killed_while_it_goes_back_there_is_one_move(tmp_path: Path, after: int) -> None:
    async def story(stage: AwsStage) -> None:
        rises(stage, 100, fails=0.2)
        await goes_back(stage)
        before = len(flag(stage).asked)
        while len(flag(stage).asked) < before + after and stage.time() < LONGEST:
            await stage.goes_on(seconds(stage.time() + 0.01), step=0.01)
        await stage.lives[-1].die()
        await stage.bear()
        await stage.goes_on(minutes(40))

        assert await states(stage) == [State.ROLLED_BACK]
        assert flag(stage).changes == [(False, ["100"])]

    told(tmp_path, story)
