"""The whole way on two environments of Elastic Beanstalk that swap a name: a swap is heard of, judged where its release runs, and swapped back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.beanstalk.service import KIND
from tests.scenarios.aws import test_beanstalk
from tests.scenarios.aws.killing import is_killed
from tests.scenarios.aws.stage import ACT, MONTH_AGO, QUEUE, AwsStage, on_aws
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

Story = Callable[[AwsStage], Awaitable[None]]
BLUE, GREEN = "shop-blue", "shop-green"
CNAME = "shop.eu-central-1.elasticbeanstalk.com"
BALANCERS = {BLUE: "app/blue/0123456789abcdef", GREEN: "app/green/0123456789abcdef"}
TTL = timedelta(seconds=60)
ONE = f"environment: {test_beanstalk.ENVIRONMENT}, load_balancer: {test_beanstalk.BALANCER}"
TWO = f"environments: [{BLUE}, {GREEN}], cname: {CNAME}, load_balancers: [{', '.join(BALANCERS.values())}]"
CONFIGURATION = test_beanstalk.CONFIGURATION.replace(ONE, TWO)
assert TWO in CONFIGURATION


@dataclass
class Guests:
    """Who comes by the name: whoever has asked within a minute goes where it led then.

    Attributes:
        fails: By label: the share of its requests that fail; of the others 0.1 %.
    """

    world: AwsWorld
    rate: float = 50.0
    fails: dict[str, float] = field(default_factory=dict)

    def come(self, start: datetime, seconds: float) -> None:
        share = dict.fromkeys(BALANCERS, 0.0)
        for age in (timedelta(0), TTL / 2):  # half of them ask anew, half have the answer of before
            led = self.led(start - age)
            if led is not None:  # to what is terminated nobody comes
                share[led] += 0.5
        put = self.world.cloudwatch.put
        for name, part in share.items():
            health = {"EnvironmentName": name}
            put("AWS/ElasticBeanstalk", "EnvironmentHealth", health, start, [0.0])
            count, of = self.rate * seconds * part, {"LoadBalancer": BALANCERS[name]}
            environment = self.world.beanstalk.environments.get(name)
            state = environment.states.at(start) if environment is not None else None
            if not count or state is None:
                continue
            bad = count * self.fails.get(state.label, 0.001)
            put("AWS/ApplicationELB", "RequestCount", of, start, [1.0], counts=[count])
            put("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", of, start, [1.0], counts=[bad])
            put("AWS/ApplicationELB", "TargetResponseTime", of, start, [0.08], counts=[count])

    def led(self, at: datetime) -> str | None:
        """Where the name led to, at that moment; ``None``: to what is there no more."""
        for name, environment in self.world.beanstalk.environments.items():
            state = environment.states.at(at)
            if state is not None and state.cname == CNAME:
                return name
        return None


def a_pair(world: AwsWorld) -> Guests:
    """``v1`` is on both since a month, and blue has the name; ``v2`` and ``v3`` are there."""
    for number in (1, 2, 3):
        world.beanstalk.create_version("shop", f"v{number}", f"code {number}", MONTH_AGO)
    for name, cname in ((BLUE, CNAME), (GREEN, CNAME.replace("shop", "shop-next"))):
        world.beanstalk.create_environment("shop", name, "v1", MONTH_AGO, cname=cname)
    world.carry(QUEUE, (KIND[1],))
    return Guests(world)


def told(folder: Path, story: Story, configuration: str = CONFIGURATION) -> None:
    """*story*, on a stage where ``v1`` has been well for a day, in virtual time."""

    async def staged() -> None:
        async with on_aws(folder, configuration=configuration, make=a_pair) as stage:
            await stage.goes_on(minutes(3))
            await story(stage)

    in_virtual_time(staged())


async def deploys(stage: AwsStage, label: str, fails: float = 0.001) -> None:
    """Another hand deploys *label* where nobody comes, and swaps the name when that is done."""
    assert isinstance(stage.crowd, Guests)
    stage.crowd.fails[label] = fails
    beanstalk, source = stage.world.beanstalk, stage.world.beanstalk.has_name(CNAME)
    idle = GREEN if source == BLUE else BLUE
    beanstalk.deploy(idle, label, stage.now())
    await stage.goes_on(seconds(stage.time() + 120))
    beanstalk.swap(source, idle, stage.now())


def swaps_in(stage: AwsStage, label: str, fails: float = 0.001) -> None:
    """The same, where *label* is deployed in no time."""
    assert isinstance(stage.crowd, Guests)
    stage.crowd.fails[label] = fails
    beanstalk, source = stage.world.beanstalk, stage.world.beanstalk.has_name(CNAME)
    idle = GREEN if source == BLUE else BLUE
    environment = beanstalk.find(idle)
    environment.starts = environment.takes = timedelta(0)
    beanstalk.deploy(idle, label, stage.now())
    stage.world.advance()
    beanstalk.swap(source, idle, stage.now())


def met(stage: AwsStage) -> set[str]:
    """The labels that people meet, who have asked for the name now or up to a minute ago."""
    assert isinstance(stage.crowd, Guests)
    beanstalk, crowd = stage.world.beanstalk, stage.crowd
    led = {crowd.led(stage.now() - age) for age in (timedelta(0), TTL)}
    return {beanstalk.find(name).states.latest.label for name in led if name is not None}


def swaps(stage: AwsStage) -> list[str]:
    """Where we have swapped the name to."""
    calls = stage.calls("SwapEnvironmentCNAMEs")
    return [
        call.parameters["DestinationEnvironmentName"] for call in calls if not call.refused and call.by == ACT
    ]


def test_a_bad_release_is_judged_where_it_runs_and_the_name_swapped_back_once(tmp_path):
    async def story(stage: AwsStage) -> None:
        await deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(45))

        (watch,) = await stage.watches()
        assert (watch.tag, watch.state) == ("v2", State.ROLLED_BACK)
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert swaps(stage) == [BLUE]
        assert stage.world.beanstalk.has_name(CNAME) == BLUE
        assert test_beanstalk.moves(stage) == []
        assert test_beanstalk.mark(stage, "v2").startswith("quarantined ")
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_a_good_release_passes_and_nothing_is_swapped(tmp_path):
    async def story(stage: AwsStage) -> None:
        await deploys(stage, "v2")
        await stage.goes_on(minutes(50))

        (watch,) = await stage.watches()
        assert (watch.tag, watch.state) == ("v2", State.PASSED)
        assert (swaps(stage), stage.told) == ([], [])
        assert test_beanstalk.mark(stage, "v2").startswith("proven ")

    told(tmp_path, story)


@pytest.mark.long
def test_an_environment_that_is_terminated_too_soon_is_foretold_and_needs_a_person_when_it_is_needed(
    tmp_path,
):
    async def story(stage: AwsStage) -> None:
        await deploys(stage, "v2", fails=0.2)
        await stage.goes_on(seconds(stage.time() + 3))
        stage.world.beanstalk.terminate(BLUE)
        await stage.goes_on(seconds(stage.time() + 90))
        early = [notice.event for _, notice in stage.told]
        await stage.goes_on(minutes(40))

        (watch,) = await stage.watches()
        assert watch.state in {State.STUCK, State.ASKING}
        said = " ".join(" ".join([notice.headline, *map(str, notice.lines)]) for _, notice in stage.told)
        assert early == ["watch.way_lost"]
        assert f"the other environment {BLUE} is not there" in said
        assert swaps(stage) == []

    told(tmp_path, story)


@pytest.mark.long
def test_what_another_hand_swaps_back_ends_the_watch_and_is_not_swapped_again(tmp_path):
    async def story(stage: AwsStage) -> None:
        await deploys(stage, "v2")
        await stage.goes_on(seconds(stage.time() + 180))
        stage.world.beanstalk.swap(GREEN, BLUE, stage.now())
        await stage.goes_on(minutes(40))

        first, *_ = await stage.watches()
        assert (first.tag, first.state) == ("v2", State.SUPERSEDED)
        assert swaps(stage) == []
        assert stage.world.beanstalk.has_name(CNAME) == BLUE

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("call", range(14))
def test_whenever_it_is_killed_around_the_swap_the_name_is_swapped_once(tmp_path, call):
    """Killed after each of the calls that follow the decision, in turn; the next life has what was stored."""

    async def story(stage: AwsStage) -> None:
        await deploys(stage, "v2", fails=0.2)
        await stage.goes_on(seconds(stage.time() + 120))
        await is_killed(stage, after=call)
        await stage.goes_on(minutes(60))

        (watch,) = await stage.watches()
        assert watch.state is State.ROLLED_BACK
        assert swaps(stage) == [BLUE]
        assert stage.world.beanstalk.has_name(CNAME) == BLUE

    told(tmp_path, story)


@pytest.mark.long
@pytest.mark.parametrize("operation", ["SwapEnvironmentCNAMEs", "UpdateTagsForResource"])
def test_a_swap_whose_answer_is_lost_is_not_sent_again(tmp_path, operation):
    async def story(stage: AwsStage) -> None:
        stage.world.faults.lose_answer("elasticbeanstalk", operation)
        await deploys(stage, "v2", fails=0.2)
        await stage.goes_on(minutes(45))

        (watch,) = await stage.watches()
        assert watch.state is State.ROLLED_BACK
        assert swaps(stage) == [BLUE]

    told(tmp_path, story)


@pytest.mark.long
def test_a_store_that_is_lost_while_it_goes_back_does_not_swap_it_twice(tmp_path):
    async def story(stage: AwsStage) -> None:
        await deploys(stage, "v2", fails=0.2)
        while not swaps(stage):
            await stage.goes_on(seconds(stage.time() + 5))
        await stage.loses_its_store()
        await stage.goes_on(minutes(60))

        assert swaps(stage) == [BLUE]
        bad = [each for each in (await stage.ledger()).entries if each.quarantined is not None]
        assert [each.release.tag for each in bad] == ["v2"]

    told(tmp_path, story)
