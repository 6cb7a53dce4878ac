import asyncio

import pytest

from deploy.errors import AwsRefused
from deploy.targets.aws.batching import Batch
from deploy.targets.aws.keeping import Kept
from tests.scenarios.virtual import in_virtual_time


class Platform:
    """Answers with what it is asked for, one second later."""

    def __init__(self):
        self.asked = []
        self.refuses: frozenset[str] = frozenset()

    async def fetch(self, keys):
        self.asked.append(list(keys))
        await asyncio.sleep(1)
        if self.refuses & set(keys):
            raise AwsRefused("describe", "Throttling", "slow down", may_have_happened=False)
        return {key: key.upper() for key in keys if key != "nobody"}


@pytest.fixture
def platform():
    return Platform()


def test_what_is_asked_together_is_one_call_and_each_gets_its_own_answer(platform):
    async def story():
        batch = Batch(10, platform.fetch)
        return await asyncio.gather(*(batch.ask(key) for key in "abc"), batch.ask("nobody"))

    assert in_virtual_time(story()) == ["A", "B", "C", None]
    assert platform.asked == [["a", "b", "c", "nobody"]]


def test_one_thing_that_several_ask_for_is_asked_for_once(platform):
    async def story():
        batch = Batch(10, platform.fetch)
        return await asyncio.gather(batch.ask("a"), batch.ask("a"))

    assert in_virtual_time(story()) == ["A", "A"]
    assert platform.asked == [["a"]]


def test_who_asks_while_a_call_is_under_way_gets_an_answer_that_was_read_later(platform):
    async def story():
        batch = Batch(10, platform.fetch)
        first = asyncio.ensure_future(batch.ask("a"))
        await asyncio.sleep(0.5)
        await batch.ask("a")
        return await first

    in_virtual_time(story())

    assert platform.asked == [["a"], ["a"]]


def test_more_than_a_call_takes_is_several_calls_at_one_time(platform):
    async def story():
        batch = Batch(2, platform.fetch)
        await asyncio.gather(*(batch.ask(key) for key in "abcde"))
        return asyncio.get_running_loop().time()

    assert in_virtual_time(story()) < 1.1
    assert platform.asked == [["a", "b"], ["c", "d"], ["e"]]


def test_a_refusal_is_heard_by_those_alone_who_were_asked_for_in_that_call(platform):
    platform.refuses = frozenset({"c"})

    async def story():
        batch = Batch(2, platform.fetch)
        return await asyncio.gather(*(batch.ask(key) for key in "abcd"), return_exceptions=True)

    a, b, c, d = in_virtual_time(story())

    assert (a, b) == ("A", "B")
    assert isinstance(c, AwsRefused)
    assert isinstance(d, AwsRefused)


def test_what_nobody_expected_is_raised_as_it_is_and_the_other_calls_are_answered():
    async def fetch(keys):
        await asyncio.sleep(0 if "a" in keys else 1)
        return {key: {"b": "B"}[key] for key in keys}

    async def story():
        batch = Batch(1, fetch)
        return await asyncio.gather(*(batch.ask(key) for key in "ab"), return_exceptions=True)

    a, b = in_virtual_time(story())

    assert isinstance(a, KeyError)
    assert b == "B"


@pytest.mark.parametrize("after", [0.005, 0.5])
def test_the_others_are_answered_though_the_one_who_asks_for_them_is_called_off(platform, after):
    async def story():
        batch = Batch(10, platform.fetch)
        leader = asyncio.ensure_future(batch.ask("a"))
        others = [asyncio.ensure_future(batch.ask(key)) for key in "bc"]
        await asyncio.sleep(after)
        leader.cancel()
        return await asyncio.gather(*others)

    assert in_virtual_time(story()) == ["B", "C"]


def test_one_who_is_called_off_does_not_take_the_answer_from_the_others(platform):
    async def story():
        batch = Batch(10, platform.fetch)
        leader = asyncio.ensure_future(batch.ask("a"))
        same = [asyncio.ensure_future(batch.ask("a")) for _ in range(2)]
        await asyncio.sleep(0.5)
        same[0].cancel()
        return await leader, await same[1]

    assert in_virtual_time(story()) == ("A", "A")


def test_what_was_not_used_for_longest_is_forgotten_first():
    kept: Kept[str, int] = Kept(2)
    kept.keep("a", 1)
    kept.keep("b", 2)
    kept.get("a")
    kept.keep("c", 3)

    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)
