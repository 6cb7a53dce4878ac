"""Many that wait, and one that waits for long: none hides another, and none is forgotten."""

from dataclasses import replace
from datetime import timedelta

from tests.deploy.sources.github.said import CHECKOUT
from tests.watcher.runtime.doorkeeping import a_door


async def test_parts_of_one_service_have_one_gate():
    async with a_door(whose=(replace(CHECKOUT, part="api"), replace(CHECKOUT, part="worker"))) as door:
        run = door.run()

        await door.keeper().go_round()

    assert [state for state, _ in run.comments] == ["approved"]


async def test_a_run_for_several_services_is_told_why_it_gets_no_leave():
    async with a_door(whose=(CHECKOUT, replace(CHECKOUT, service="basket"))) as door:
        run = door.run()

        await door.keeper().go_round()

    ((state, words),) = run.comments
    assert state == "rejected"
    assert "basket/production, checkout/production are all heard from the environment 'production'" in words


async def test_a_run_that_cannot_be_read_hides_no_other():
    async with a_door() as door:
        runs = [door.run(f"v{number}") for number in range(3)]
        door.actions.unread.add(runs[1].id)

        await door.keeper().go_round()

    assert [[state for state, _ in run.comments] for run in runs] == [["approved"], [], ["approved"]]


async def test_all_that_wait_are_read_though_they_are_more_than_a_page():
    async with a_door() as door:
        runs = [door.run(f"v{number}") for number in range(31)]

        await door.keeper().go_round()

    assert [run.comments[0][0] for run in runs if run.comments] == ["approved"] * 31


async def test_a_second_job_of_a_run_that_was_answered_is_answered_too():
    async with a_door() as door:
        door.actions.lasts = timedelta(hours=1)
        run, keeper = door.run(), door.keeper()
        await keeper.go_round()
        run.rule = True  # another job of it, before anybody looked again
        await keeper.go_round()
        door.time[0] += timedelta(minutes=5)
        await keeper.go_round()

    assert [state for state, _ in run.comments] == ["approved", "approved"]


async def test_what_passed_before_a_freeze_and_was_not_told_waits():
    async with a_door() as door:
        run, keeper = door.run(), door.keeper()
        door.actions.fails_review = 503
        await keeper.go_round()
        await door.freeze()
        door.actions.fails_review = None
        await keeper.go_round()
        await keeper.go_round()

    assert [state for state, _ in run.comments] == [None]


async def test_what_waits_on_costs_nothing_of_the_limit_while_nothing_changes():
    async with a_door() as door:
        await door.freeze()
        door.run()
        keeper = door.keeper()
        await keeper.go_round()
        door.github.answers.clear()
        await keeper.go_round()

    assert door.github.answers == [304, 304]
