"""What would be sent, and whether the workflow takes it: read from its own file, before it is needed."""

import pytest

from deploy.model import Level, Move, Release
from tests.fakes.github.actions import WORKFLOW


async def test_the_call_is_foretold_with_its_inputs_and_how_a_person_makes_it(world):
    world.runs("v2")

    foretold = await world.target().foretell(world.move())

    (call,) = foretold.calls
    assert call == (
        "POST /repos/acme/shop/actions/workflows/deploy.yml/dispatches ref=v1 rollbackd='rollbackd foretold to v1'"
    )
    assert "no compare-and-set" in foretold.takes
    assert foretold.obstacles == ()
    assert foretold.by_hand.endswith("--ref v1 -f 'rollbackd=rollbackd by-hand to v1'")


async def test_a_tag_that_was_moved_or_is_gone_is_an_obstacle(world):
    world.runs("v2")
    moved, gone = world.move(), Move("service", world.release("v2"), Release("ab" * 20, "v0"))
    world.actions.tags["v1"] = "ee" * 20

    found = await world.target().foretell(moved)
    assert "it is another release" in found.obstacles[0]
    assert found.gone == found.obstacles
    found = await world.target().foretell(gone)
    assert "No commit found for SHA: v0" in found.obstacles[0]
    assert found.gone == found.obstacles[:1]


async def test_a_commit_that_may_not_be_read_is_an_obstacle_and_not_taken_for_gone(world):
    world.runs("v2")
    world.actions.hides_commits = True

    found = await world.target().foretell(world.move())

    assert "whether v1 is still the release that it was cannot be read" in found.obstacles[0]
    assert found.gone == ()
    assert found.unread


async def test_while_nothing_can_be_read_the_call_is_told_all_the_same(world):
    world.runs("v2")
    move = world.move()
    world.is_down()

    foretold = await world.target().foretell(move)

    assert foretold.calls
    assert "HTTP 502" in foretold.obstacles[0]
    assert foretold.gone == ()


FILES = {
    "takes what it is sent": (lambda text: text, Level.OK, "was not tried"),
    "cannot be dispatched": (
        lambda text: text.replace("workflow_dispatch:", "workflow_call:"),
        Level.FAIL,
        "add `workflow_dispatch:`",
    ),
    "does not know the inputs rollbackd": (
        lambda text: text.replace("rollbackd: {", "other: {"),
        Level.FAIL,
        "add them under",
    ),
    "needs the inputs region": (
        lambda text: text.replace("inputs:", "inputs:\n      region: {required: true}"),
        Level.FAIL,
        "give them a default",
    ),
    "does not show the input `rollbackd`": (
        lambda text: text.replace("run-name:", "name_of:"),
        Level.FAIL,
        "write `run-name: … ${{ inputs.rollbackd }}`",
    ),
    "has no `concurrency`": (
        lambda text: text.replace("concurrency:", "other:"),
        Level.WARN,
        "one `concurrency` group",
    ),
    "is not YAML": (lambda text: f"{text}\n  - }}", Level.FAIL, "correct the file"),
}


@pytest.mark.parametrize("words", FILES)
async def test_the_doctor_reads_the_workflow(world, words):
    change, level, remedy = FILES[words]
    world.actions.text = change(WORKFLOW)

    found = await world.target().examine()

    assert [each.level for each in found if words in each.words] == [level]
    assert remedy in " ".join(f"{each.words} {each.remedy}" for each in found)


async def test_a_workflow_with_the_short_form_of_its_events_is_read_too(world):
    world.actions.text = (
        "on: [push, workflow_dispatch]\nrun-name: ${{ inputs.rollbackd }}\nconcurrency: x\njobs: {}\n"
    )

    (found,) = await world.target().examine()

    assert "does not know the inputs rollbackd" in found.words


async def test_a_disabled_workflow_is_found_with_the_command_that_enables_it(world):
    world.actions.state = "disabled_manually"

    (found,) = await world.target().examine()

    assert (found.level, found.remedy) == (Level.FAIL, "gh workflow enable deploy.yml --repo acme/shop")


async def test_a_workflow_that_is_not_there_is_found(world):
    (found,) = await world.target(workflow="other.yml").examine()

    assert found.level is Level.FAIL
    assert "other.yml: HTTP 404 (Not Found); it is not there, or the token does not see it" in found.words


async def test_what_stands_in_the_way_at_the_tag_itself_is_an_obstacle(world):
    world.runs("v2")
    world.actions.text = WORKFLOW.replace("rollbackd: {", "other: {")

    foretold = await world.target().foretell(world.move())

    assert "deploy.yml of acme/shop at v1 does not know the inputs rollbackd" in foretold.obstacles[0]
