"""What waits at our protection rule on GitHub is answered by the gate, and by nothing else; over HTTP, as an app."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from deploy.github import Trace
from deploy.model import Level
from deploy.sources.github.barrier import GitHubBarrier
from tests.watcher.runtime.doorkeeping import a_door
from watcher.core.gate import Passing
from watcher.core.service import Approval, Gating
from watcher.core.watch import Order, OrderKind, State
from watcher.runtime.doorkeeper import OURS


async def test_what_the_gate_lets_pass_is_approved_as_an_app():
    async with a_door() as door:
        run = door.run()

        await door.keeper().go_round()

    assert [state for state, _ in run.comments] == ["approved"]
    assert run.comments[0][1].startswith("rollbackd: ")
    assert door.actions.status(run) == ("completed", "success")


async def test_a_run_that_nobody_holds_is_not_answered():
    async with a_door() as door:
        door.actions.rule = False
        run = door.run()

        await door.keeper().go_round()

    assert run.comments == []


async def test_in_a_freeze_it_waits_and_people_can_read_why_once():
    async with a_door() as door:
        await door.freeze()
        run, keeper = door.run(), door.keeper()
        for _ in range(3):
            await keeper.go_round()
            door.time[0] += timedelta(minutes=1)
        waits = list(run.comments)
        door.time[0] += timedelta(hours=2)
        await keeper.go_round()

    assert [state for state, _ in waits] == [None]
    assert "the fair" in waits[0][1]
    assert [state for state, _ in run.comments] == [None, "approved"]


async def test_a_restart_forgets_nothing_that_waits_and_says_nothing_twice():
    async with a_door() as door:
        await door.freeze()
        run = door.run()
        for _ in range(3):
            await door.keeper().go_round()  # each of them has just been started
        open_ = await door.store.passages(state=Passing.OPEN)
        door.time[0] += timedelta(hours=2)
        await door.keeper().go_round()

    assert len(open_) == 1
    assert [state for state, _ in run.comments] == [None, "approved"]


@pytest.mark.parametrize(
    ("order", "state"), [(OrderKind.APPROVE, "approved"), (OrderKind.REFUSE, "rejected")]
)
async def test_a_person_answers_where_one_is_asked(order, state):
    async with a_door(Gating(approval=Approval.PERSON)) as door:
        run, keeper = door.run(), door.keeper()
        await keeper.go_round()
        (passage,) = await door.store.passages(state=Passing.OPEN)
        await door.gates.order(passage.id, Order(order, "olga", reason="I looked"), door.time[0])
        await keeper.go_round()

    assert passage.by == f"github:acme/shop/actions/runs/{run.id}/attempts/1"
    assert [each for each, _ in run.comments] == [None, state]


async def test_a_question_that_nobody_answers_ends_the_run():
    async with a_door(Gating(approval=Approval.PERSON, asking=timedelta(hours=1))) as door:
        run, keeper = door.run(), door.keeper()
        await keeper.go_round()
        door.time[0] += timedelta(hours=1, minutes=1)
        await keeper.go_round()

    assert [state for state, _ in run.comments] == [None, "rejected"]
    assert door.actions.status(run) == ("completed", "failure")


async def test_our_own_way_back_passes_at_once_whatever_the_gate_says():
    async with a_door(Gating(approval=Approval.PERSON)) as door:
        await door.freeze()
        await door.goes_back()
        run = door.run("v42", rollbackd=Trace("w_1.6.0", "v42").mark)

        await door.keeper().go_round()

        asked = await door.store.passages()

    assert run.comments == [("approved", f"rollbackd: {OURS}")]
    assert asked == []


@pytest.mark.parametrize(
    ("key", "tag", "state"),
    [
        ("w_1.6.1", "v42", State.ROLLING_BACK),  # another key
        ("w_1.6.0", "v41", State.ROLLING_BACK),  # another tag
        ("w_1.6.0", "v42", State.WATCHING),  # nothing is ordered
    ],
)
async def test_a_run_that_only_says_that_it_is_ours_asks_like_any_other(key, tag, state):
    async with a_door(Gating(approval=Approval.PERSON)) as door:
        await door.goes_back(state)
        run = door.run("v42", rollbackd=Trace(key, tag).mark)

        await door.keeper().go_round()

    assert [state for state, _ in run.comments] == [None]


async def test_a_push_whose_title_looks_like_our_mark_asks_like_any_other():
    async with a_door(Gating(approval=Approval.PERSON)) as door:
        await door.goes_back()
        run = door.actions.begin("v42", {"rollbackd": Trace("w_1.6.0", "v42").mark}, "push")

        await door.keeper().go_round()

    assert [state for state, _ in run.comments] == [None]


async def test_nothing_of_a_fork_is_passed():
    async with a_door() as door:
        run = door.run()
        run.fork = True

        await door.keeper().go_round()

    assert [state for state, _ in run.comments] == ["rejected"]


async def test_what_somebody_else_still_holds_is_answered_once():
    async with a_door() as door:
        door.actions.waits_for = ("ada",)
        run, keeper = door.run(), door.keeper()
        for _ in range(3):
            await keeper.go_round()

    said = [each for each in door.github.requests if each.startswith("POST /repos")]
    assert [state for state, _ in run.comments] == ["approved"]
    assert len(said) == 1


async def test_the_gate_is_asked_by_the_commit_and_by_the_tag_where_it_is_one_of_git():
    async with a_door(Gating(approval=Approval.PERSON), tag="ref") as door:
        door.run("v1")
        await door.keeper().go_round()
        (passage,) = await door.store.passages()

    assert passage.candidate.tag == "v1"
    assert passage.candidate.names["commit"] == door.actions.sha("v1")


async def test_a_run_that_is_run_again_asks_again():
    async with a_door(Gating(approval=Approval.PERSON)) as door:
        run, keeper = door.run(), door.keeper()
        await keeper.go_round()
        (passage,) = await door.store.passages()
        order = Order(OrderKind.REFUSE, "olga", reason="not today")
        await door.gates.order(passage.id, order, door.time[0])
        await keeper.go_round()
        run.attempt, run.ended_at, run.conclusion = 2, None, "success"
        await keeper.go_round()
        passages = await door.store.passages()

    assert [each.by[-1] for each in passages] == ["2", "1"]


async def test_github_that_cannot_be_read_is_said_once_and_then_that_it_can_be_again():
    async with a_door() as door:
        run, keeper = door.run(), door.keeper()
        door.github.down = True
        with capture_logs() as logs:
            await keeper.go_round()
            await keeper.go_round()
            door.github.down = False
            await keeper.go_round()

    said = [each["event"] for each in logs if each["event"].startswith("barrier.")]
    assert said == ["barrier.unreadable", "barrier.recovered", "barrier.answered"]
    assert [state for state, _ in run.comments] == ["approved"]


async def test_an_answer_that_github_does_not_take_is_given_again():
    async with a_door() as door:
        run, keeper = door.run(), door.keeper()
        door.actions.fails_review = 503
        with capture_logs() as logs:
            await keeper.go_round()
            await keeper.go_round()
        door.actions.fails_review = None
        await keeper.go_round()

    assert [each["log_level"] for each in logs if each["event"] == "barrier.unanswered"] == ["warning"]
    assert [state for state, _ in run.comments] == ["approved"]


async def test_the_doctor_says_whether_what_waits_can_be_read():
    async with a_door() as door:
        door.run()
        assert isinstance(door.barrier, GitHubBarrier)
        (good,) = await door.barrier.examine()
        door.github.down = True
        (bad,) = await door.barrier.examine()

    assert (good.level, bad.level) == (Level.OK, Level.FAIL)
    assert "what waits in acme/shop is read (1 now)" in good.words
    assert bad.words == "/repos/acme/shop/actions/runs: HTTP 502"
