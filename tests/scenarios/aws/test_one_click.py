"""One click back, at any time, at every target: the last known-good release by one order, though no watch lives."""

import pytest

from deploy.model import Live
from deploy.targets.registry import TARGETS
from tests.builders import minutes, seconds
from tests.scenarios.aws.cases import CASES
from tests.scenarios.aws.other_cases import OTHERS
from tests.scenarios.aws.stage import AwsStage
from watcher.core.watch import State

ALL = {**CASES, **OTHERS}
ELSEWHERE = {"command"}  # its contract is held in tests/contract, over programs
LONGEST = minutes(25)


def test_every_target_is_among_them():
    assert set(ALL) | ELSEWHERE == set(TARGETS)


async def has_long_been_served(stage: AwsStage) -> None:
    """The release was deployed while no daemon was there, and its watch is long over: the ledger knows that it serves."""
    await stage.lives[-1].die()
    key = next(iter(stage.configuration.services))
    life = stage.lives[-1].made
    target = life.current.targets(key)["service"]
    await stage.goes_on(seconds(stage.time()) + minutes(8))
    live = await target.observe()
    assert isinstance(live, Live)
    ahead = live.in_flight or live.release
    assert ahead is not None
    await stage.store.adopt(*key, "service", ahead, stage.now(), adopted=False)
    await stage.bear()


@pytest.mark.parametrize("target", [*CASES, *(pytest.param(each, marks=pytest.mark.long) for each in OTHERS)])
def test_with_no_watch_one_order_puts_the_last_known_good_release_back(tmp_path, target):
    case = ALL[target]

    async def story(stage: AwsStage) -> None:
        (service, _), *_ = stage.configuration.services
        case.deploys(stage, 2, 0.001)
        await has_long_been_served(stage)
        assert await stage.watches() == []
        assert case.runs(stage) != case.before

        await stage.order(service, order="roll_back", reason="a customer called")
        ends = seconds(stage.time()) + LONGEST
        while case.runs(stage) != case.before and seconds(stage.time()) < ends:
            await stage.goes_on(seconds(stage.time() + 10))

        assert case.runs(stage) == case.before
        assert case.moves(stage)[-1:] == [case.sent]
        (watch,) = await stage.watches()
        assert watch.ordered_by == "local"
        assert watch.state in {State.ROLLING_BACK, State.RECOVERING, State.ROLLED_BACK}

    case.told(tmp_path, story)
