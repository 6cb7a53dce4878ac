"""How every loop goes round, and what it does when a round fails."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.watcher.runtime.at_work import blunder, hang, virtual
from watcher.errors import StoreUnavailable
from watcher.runtime.rounds import Boundary, Bug, Loop, in_slices


def unavailable() -> StoreUnavailable:
    return StoreUnavailable("the disk is full", remedy="free some space")


class Rounds:
    """Rounds that end as they are told to, one after the other; the last goes on for ever. *at*: when each began."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.at = []

    async def go(self):
        self.at.append(asyncio.get_running_loop().time())
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def run(loop, seconds, stop=None):
    """Let *loop* run for so long."""
    stop = stop or asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    await loop.run(stop)


@virtual
async def test_a_loop_that_finds_nothing_pauses():
    rounds = Rounds(False)

    await run(Loop("loop", rounds.go, 2.0), 5)

    assert rounds.at == [0, 2, 4]


@virtual
async def test_a_loop_that_finds_work_goes_round_again_at_once():
    rounds = Rounds(True, True, False)

    await run(Loop("loop", rounds.go, 2.0), 3)

    assert rounds.at == [0, 0, 0, 2]


@virtual
async def test_a_bell_ends_the_pause():
    rounds, bell = Rounds(False), asyncio.Event()
    asyncio.get_running_loop().call_later(1, bell.set)

    await run(Loop("loop", rounds.go, 10.0, bell), 5)

    assert rounds.at == [0, 1]


@virtual
async def test_a_bell_that_rings_during_a_round_is_not_lost():
    bell, at = asyncio.Event(), []

    async def go():
        at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        if len(at) == 1:
            bell.set()
        return False

    await run(Loop("loop", go, 10.0, bell), 5)

    assert at == [0, 1]


@virtual
async def test_the_round_that_is_under_way_is_finished_when_it_is_told_to_stop():
    finished = []

    async def go():
        await asyncio.sleep(3)
        finished.append(asyncio.get_running_loop().time())
        return True

    await run(Loop("loop", go, 1.0), 4)

    assert finished == [3, 6]


@virtual
async def test_a_bug_in_a_round_does_not_end_the_loop_and_is_reported():
    rounds, bugs = Rounds(RuntimeError("oh"), False), []

    with capture_logs() as log:
        await run(Loop("patrol", rounds.go, 1.0, failed=lambda loop, bug: bugs.append((loop, str(bug)))), 3)

    assert rounds.at == [0, 2]
    assert bugs == [("patrol", "oh")]
    assert [line["event"] for line in log] == ["loop.failed", "loop.recovered"]


@virtual
async def test_pauses_grow_while_it_fails_and_are_short_again_afterwards():
    rounds = Rounds(*[RuntimeError("oh")] * 7, False)

    await run(Loop("loop", rounds.go, 1.0), 130)

    pauses = [after - before for before, after in zip(rounds.at, rounds.at[1:], strict=False)]
    assert pauses[:8] == [2, 4, 8, 16, 30, 30, 30, 1]


@virtual
async def test_what_waits_for_the_store_is_not_late_once_it_is_back():
    rounds = Rounds(*[unavailable()] * 7, False)

    await run(Loop("loop", rounds.go, 0.25), 20)

    pauses = [after - before for before, after in zip(rounds.at, rounds.at[1:], strict=False)]
    assert pauses[:8] == [0.5, 1, 2, 2, 2, 2, 2, 0.25]


@virtual
async def test_a_store_that_is_away_is_said_once_and_again_when_it_is_back_and_is_no_bug():
    rounds, bugs = Rounds(*[unavailable()] * 3, False), []

    with capture_logs() as log:
        await run(Loop("loop", rounds.go, 1.0, failed=lambda *bug: bugs.append(bug)), 30)

    assert [line["event"] for line in log] == ["store.unavailable", "loop.recovered"]
    assert log[0]["remedy"] == "free some space"
    assert bugs == []


@virtual
async def test_a_store_that_goes_away_after_a_bug_is_said_too():
    rounds = Rounds(RuntimeError("oh"), unavailable(), unavailable(), False)

    with capture_logs() as log:
        await run(Loop("loop", rounds.go, 1.0), 30)

    assert [line["event"] for line in log] == ["loop.failed", "store.unavailable", "loop.recovered"]


# ---------------------------------------------------------------------------------------------------------- the boundary


async def done(into, what):
    await asyncio.sleep(1)
    into.append(what)


@virtual
async def test_a_bug_in_one_unit_of_work_spoils_no_other():
    into: list[str] = []
    bugs: list[Exception] = []
    boundary = Boundary("loop", lambda _, bug: bugs.append(bug))

    failed = await boundary.each({"a": done(into, "a"), "b": blunder(), "c": done(into, "c")})

    assert failed == {"b"}
    assert into == ["a", "c"]
    assert [str(bug) for bug in bugs] == ["a mistake of ours"]


@virtual
async def test_which_unit_it_was_stands_in_the_log():
    with capture_logs() as log:
        await Boundary("patrol").each({"w_1": blunder()})

    assert (log[0]["loop"], log[0]["subject"]) == ("patrol", "w_1")


@virtual
async def test_a_store_that_goes_away_in_one_unit_is_raised_when_the_others_are_done():
    into: list[str] = []

    async def fails():
        raise unavailable()

    with pytest.raises(StoreUnavailable):
        await Boundary("loop").each({"a": fails(), "b": done(into, "b")})

    assert into == ["b"]


@virtual
async def test_units_that_are_cancelled_before_they_began_leave_nothing_behind():
    doing = asyncio.ensure_future(Boundary("loop").each({"a": hang(), "b": hang()}))
    await asyncio.sleep(0)

    doing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await doing


@virtual
async def test_around_gives_the_answer_or_the_bug():
    async def answer():
        return 42

    assert await Boundary("loop").around(answer()) == 42
    assert isinstance(await Boundary("loop").around(blunder()), Bug)


# ------------------------------------------------------------------------------------------------- work without a wait


@virtual
async def test_between_two_slices_of_a_work_others_have_their_turn():
    order: list[object] = []

    def work():
        for number in range(3):
            order.append(number)
            yield
        return "done"

    async def other():
        for _ in range(2):
            order.append("other")
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as tasks:
        found = tasks.create_task(in_slices(work()))
        tasks.create_task(other())

    assert order == [0, "other", 1, "other", 2]
    assert found.result() == "done"


@virtual
async def test_a_bug_in_a_slice_is_whose_work_it_is():
    def work():
        yield
        raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await in_slices(work())
