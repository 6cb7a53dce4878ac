"""Nobody loses a session in the middle of a form: what a way back behind a balancer does to those who fill one in, as `sessions:` promises it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.builders import minutes, seconds
from tests.fakes.aws import AwsWorld
from tests.scenarios.aws.forms import Clerks, a_rule_and_its_clerks, clerks
from tests.scenarios.aws.stage import ACCOUNT, UNHURRIED, AwsStage, on_aws
from tests.scenarios.aws.test_load_balancer import (
    CONFIGURATION,
    RULE,
    deploys,
    moves,
    the_watch,
    weighs,
    weights,
)
from tests.scenarios.stage import EPOCH
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import State

Story = Callable[[AwsStage], Awaitable[None]]
BINDS = 3600  # seconds, for which a browser is bound to a group
STAYING = CONFIGURATION.replace("traffic: by_weight", "traffic: by_weight, sessions: stay")


def told(folder: Path, story: Story, configuration: str = CONFIGURATION) -> None:
    async def staged() -> None:
        settings: dict[str, Any] = {
            "configuration": configuration,
            "make": a_rule_and_its_clerks,
            "pace": UNHURRIED,
        }
        async with on_aws(folder, **settings) as stage:
            weighs(stage, blue=100, green=0, sticky=BINDS)
            clerks(stage).begin = 0.5
            await stage.goes_on(minutes(4))
            await story(stage)

    in_virtual_time(staged())


async def goes_back(stage: AwsStage) -> tuple[set[int], set[int]]:
    """``v2`` with a tenth of the guests is bad, and taken back. Gives who had a form half filled in just then, on the good group and on the bad one."""
    deploys(stage, "v2", fails=0.2)
    weighs(stage, blue=90, green=10, sticky=BINDS)
    while not moves(stage):
        await stage.goes_on(seconds(stage.time() + 5))
    good, bad = clerks(stage).filling_in("blue"), clerks(stage).filling_in("green")
    assert len(good) > 50
    assert len(bad) > 5
    return good, bad


async def is_well_again(stage: AwsStage) -> None:
    await stage.goes_on(seconds(stage.time()) + minutes(11), step=20)
    watch = await the_watch(stage)
    assert watch.state is State.ROLLED_BACK
    assert watch.ending is not None
    assert watch.ending.recovered is True
    assert weights(stage) == {"blue": 100, "green": 0}


def on(crowd: Clerks, group: str, who: set[int]) -> set[int]:
    """Who of them has sent a form that was kept in *group*."""
    return {each for each in who if each in crowd.done and crowd.done[each][0] == group}


def test_when_a_bad_release_goes_back_nobody_on_the_good_group_loses_a_form_and_those_on_the_bad_one_begin_anew(
    tmp_path,
):
    async def story(stage: AwsStage) -> None:
        good, bad = await goes_back(stage)
        moved, crowd = stage.now(), clerks(stage)
        await is_well_again(stage)

        assert {each.who for each in crowd.lost} == bad  # as `plan` has said: once each, and nobody before
        assert len(crowd.lost) == len(bad)
        assert {(each.had[0], each.came_to[0]) for each in crowd.lost} == {("green", "blue")}
        assert on(crowd, "blue", good | bad) == good | bad
        assert {each.group for each in crowd.sent if each.at >= moved} == {"blue"}
        assert crowd.cut == []  # what was under way to the bad group has ended there

    told(tmp_path, story)


def test_with_sessions_that_stay_nobody_at_all_loses_a_form_when_a_bad_release_goes_back(tmp_path):
    async def story(stage: AwsStage) -> None:
        good, bad = await goes_back(stage)
        moved, crowd = stage.now(), clerks(stage)
        before = {*crowd.done, *(each.who for each in crowd.forms)}
        await is_well_again(stage)

        assert crowd.lost == []
        assert crowd.cut == []
        assert on(crowd, "blue", good) == good
        assert on(crowd, "green", bad) == bad  # on the release that is bad, which is the price
        assert {home[0] for who, home in crowd.done.items() if who not in before} == {"blue"}
        assert moved < stage.now()

    told(tmp_path, story, STAYING)


def test_a_good_release_gets_everybody_and_nobody_loses_a_form(tmp_path):
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        weighs(stage, blue=90, green=10, sticky=BINDS)
        await stage.goes_on(minutes(10), step=20)
        weighs(stage, blue=0, green=100, sticky=BINDS)
        await stage.goes_on(minutes(33), step=20)

        crowd = clerks(stage)
        assert (await the_watch(stage)).state is State.PASSED
        assert moves(stage) == 0
        assert crowd.lost == []
        assert crowd.cut == []
        assert {home[0] for home in crowd.done.values()} == {"blue", "green"}

    told(tmp_path, story)


# ------------------------------------------------------------------------------------------- that forms can be lost here


def filled_in(sticky: int, then: Callable[[AwsWorld], object] = lambda _world: None) -> Clerks:
    """Ten minutes of forms, half of the guests to each group, without a daemon; *then* something is done, and five more follow."""
    now = EPOCH
    world = AwsWorld(lambda: now, ACCOUNT, "eu-central-1")
    crowd = a_rule_and_its_clerks(world)
    crowd.begin = 0.5
    world.balancing.weigh(RULE, {"blue": 50, "green": 50}, now, sticky)
    for step in range(90):
        if step == 60:
            then(world)
        crowd.come(now, 10)
        now += seconds(10)
    return crowd


def test_where_no_cookie_binds_a_browser_the_good_group_loses_forms_as_well():
    assert filled_in(BINDS).lost == []
    assert {each.had[0] for each in filled_in(0).lost} == {"blue", "green"}


def test_what_is_under_way_to_a_bad_group_is_cut_off_where_its_targets_may_not_drain():
    def leaves(world: AwsWorld, within: int) -> None:
        world.balancing.weigh(RULE, {"blue": 100, "green": 0}, world.now())
        world.balancing.group("green").attributes["deregistration_delay.timeout_seconds"] = str(within)
        world.balancing.have("green", world.now(), "draining", "draining", "draining")

    assert filled_in(BINDS, lambda world: leaves(world, 300)).cut == []
    cut = filled_in(BINDS, lambda world: leaves(world, 5)).cut
    assert {each.group for each in cut} == {"green"}
