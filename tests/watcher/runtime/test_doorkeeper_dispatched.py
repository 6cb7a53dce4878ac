"""What a run deploys that somebody dispatched GitHub tells nobody: what is known of it, and whether our mark may be believed."""

import pytest

from deploy.github import Trace
from deploy.model import Level
from deploy.sources.github.barrier import GitHubBarrier
from tests.watcher.runtime.doorkeeping import a_door
from watcher.core.service import Approval, Gating


async def test_of_a_dispatched_run_whose_inputs_nobody_tells_it_is_not_known_what_it_deploys():
    async with a_door(dispatched=None) as door:
        pushed, dispatched = door.actions.begin("v1", {}, "push"), door.run("main", tag="v0")

        await door.keeper().go_round()

    assert [state for state, _ in pushed.comments] == ["approved"]
    ((state, words),) = dispatched.comments
    assert state == "rejected"
    assert "run-name show `tag=${{ inputs.tag }}`" in words


async def test_the_doctor_says_that_dispatched_runs_will_be_rejected():
    async with a_door(dispatched=None) as door:
        assert isinstance(door.barrier, GitHubBarrier)
        found = await door.barrier.examine()

    assert [each.level for each in found] == [Level.OK, Level.WARN]
    assert "gate.dispatched" in found[-1].remedy


async def test_where_releases_are_tags_of_git_a_dispatched_run_deploys_its_own():
    async with a_door(dispatched=None, tag="ref") as door:
        run = door.run("v1")

        await door.keeper().go_round()

    assert [state for state, _ in run.comments] == ["approved"]


async def test_the_tag_that_the_name_of_a_dispatched_run_shows_is_what_the_gate_is_asked_about():
    async with a_door(Gating(approval=Approval.PERSON), dispatched="title") as door:
        door.run("main", rollbackd="tag=v7")
        await door.keeper().go_round()
        (passage,) = await door.store.passages()

    assert (passage.candidate.tag, passage.candidate.names) == ("v7", {})


@pytest.mark.parametrize("name", ["", "tag=", "xtag=v7", "tag=../v7", "tag=v7 tag=v8"])
async def test_a_name_that_shows_no_tag_or_several_tells_nothing(name):
    async with a_door(dispatched="title") as door:
        run = door.run("main", rollbackd=name)

        await door.keeper().go_round()

    assert [state for state, _ in run.comments] == ["rejected"]


@pytest.mark.parametrize(
    ("ref", "more", "state"),
    [
        ("v42", "", "approved"),  # at the tag itself
        ("main", "tag=v42 ", "approved"),
        ("main", "", "rejected"),  # nobody can tell
        ("main", "tag=v43 ", None),  # it deploys something else: the gate is asked
        ("v42", "tag=v43 ", None),
    ],
)
async def test_our_mark_opens_nothing_to_a_run_that_is_not_seen_to_deploy_what_it_names(ref, more, state):
    async with a_door(Gating(approval=Approval.PERSON), dispatched="title") as door:
        await door.goes_back()
        run = door.run(ref, rollbackd=more + Trace("w_1.6.0", "v42").mark)

        await door.keeper().go_round()

    assert [said for said, _ in run.comments] == [state]
