"""A rollback is one run of the workflow: found again, never sent twice, and told how it stands."""

from datetime import timedelta

import pytest

from deploy.github import Trace
from deploy.model import Begun, Drifted, Failed, Move, Moving, Refused, Release, Serving, Unclear
from deploy.targets.github_actions.moving import SOON
from tests.contract.target_contract import KEY
from tests.deploy.targets.github_actions.github_world import TAKES


async def test_the_tag_is_the_ref_and_our_mark_goes_along(world):
    world.runs("v2")

    answer = await world.target().begin(world.move(), KEY)

    (sent,) = world.actions.dispatches
    assert sent == {
        "ref": "v1",
        "inputs": {"rollbackd": f"rollbackd {KEY} to v1"},
        "return_run_details": True,
    }
    assert isinstance(answer, Begun)
    assert answer.platform_id == str(world.actions.runs[-1].id)


async def test_with_a_branch_the_tag_is_an_input(world):
    world.runs("v2")
    world.actions.text = world.actions.text.replace("inputs:", "inputs:\n      tag: {}\n      why: {}")
    given = {"tag": "${tag}", "why": "${service} leaves ${expect}"}
    target = world.target(ref="main", live={"url": f"{world.url}/version", "json": "build.tag"}, inputs=given)

    await target.begin(Move("service", Release.of_tag("v2"), Release.of_tag("v1")), KEY)

    (sent,) = world.actions.dispatches
    assert sent["ref"] == "main"
    assert sent["inputs"]["tag"] == "v1"
    assert sent["inputs"]["why"] == "checkout leaves v2"


async def test_after_a_restart_the_run_is_found_by_its_name_and_not_sent_again(world):
    world.runs("v2")
    world.actions.waits_for = ("ada",)  # so that no deployment shows yet what comes
    await world.target().begin(world.move(), KEY)

    again = await world.target().begin(world.move(), KEY)
    progress = await world.target().progress(world.move(), KEY)

    assert isinstance(again, Begun)
    assert isinstance(progress, Moving)
    assert world.changes() == ["v1"]


async def test_a_run_that_is_listed_late_is_known_by_the_id_that_github_answered(world):
    world.runs("v2")
    world.actions.waits_for, world.actions.listed_after = ("ada",), timedelta(hours=1)
    target = world.target()
    await target.begin(world.move(), KEY)

    progress = await target.progress(world.move(), KEY)

    assert isinstance(progress, Moving)
    assert "waits for the approval of ada (production)" in progress.words


async def test_a_server_that_names_no_run_is_followed_by_the_name_of_the_run(world):
    world.runs("v2")
    world.actions.returns_run, world.actions.lasts = False, TAKES
    target = world.target()

    answer = await target.begin(world.move(), KEY)
    world.goes_on()

    assert answer == Begun(None, "deploy.yml of acme/shop is dispatched")
    assert await target.progress(world.move(), KEY) == Serving()


async def test_a_run_that_never_shows_fails_after_three_minutes_and_says_why_it_may_not(world):
    world.runs("v2")
    world.actions.forgets_key, world.actions.waits_for, world.actions.returns_run = True, ("ada",), False
    target = world.target()
    await target.begin(world.move(), KEY)

    at_first = await target.progress(world.move(), KEY)
    world.goes_on(timedelta(minutes=3))
    later = await target.progress(world.move(), KEY)

    assert isinstance(at_first, Moving)
    assert isinstance(later, Failed)
    assert "run-name: … ${{ inputs.rollbackd }}" in later.words
    assert later.by_hand.startswith("gh workflow run deploy.yml --repo 127.0.0.1:")


async def test_a_tag_that_was_moved_is_another_release_and_nothing_is_sent(world):
    world.runs("v2")
    move = world.move()
    world.actions.tags["v1"] = "ee" * 20

    answer = await world.target().begin(move, KEY)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "v1 points to eeeeeeeeeeee now, and was 010101010101" in answer.words
    assert world.changes() == []


@pytest.mark.parametrize(("status", "again_in"), [(502, SOON), (429, SOON), (404, None)])
async def test_a_tag_that_cannot_be_looked_at_now_is_looked_at_again_before_anything_is_sent(
    world, status, again_in
):
    world.runs("v2")
    world.actions.fails_commits = status

    answer = await world.target().begin(world.move(), KEY)

    assert isinstance(answer, Refused)
    assert "whether v1 is still the release that it was cannot be read" in answer.words
    assert answer.again_in == again_in
    assert world.changes() == []


@pytest.mark.parametrize(("ref", "tag"), [("v3", "v1"), ("v1", "v3")])
async def test_a_run_to_which_somebody_gave_our_mark_is_not_taken_for_ours(world, ref, tag):
    world.runs("v2")
    world.actions.waits_for = ("ada",)
    world.actions.begin(ref, {"rollbackd": Trace(KEY, tag).mark})

    answer = await world.target().begin(world.move(), KEY)

    assert isinstance(answer, Begun)
    assert world.changes() == ["v1"]
    assert answer.platform_id == str(world.actions.runs[-1].id)


async def test_what_somebody_else_deploys_meanwhile_stops_the_move_before_and_after_it_is_sent(world):
    world.runs("v2")
    world.actions.lasts = TAKES
    target = world.target()
    await target.begin(world.move(), KEY)
    world.deploys("v3", "in_progress")

    assert isinstance(await target.progress(world.move(), KEY), Drifted)
    refused = await target.begin(world.move(), "w_2.1.0")
    assert isinstance(refused, Refused)
    assert refused.third_tag == "v3"
    assert world.changes() == ["v1"]


STANDS = {
    "waits_for": (("ada", "ops"), "waits for the approval of ada, ops (production)"),
    "rule": (True, "waits for a protection rule of production"),
    "wait_timer": (30, "waits 30 min, as production says: a wait timer delays each way back"),
    "in_line": (True, "waits for another run of its concurrency group to end"),
}


@pytest.mark.parametrize("why", STANDS)
async def test_a_run_that_waits_says_for_whom(world, why):
    value, words = STANDS[why]
    world.runs("v2")
    setattr(world.actions, why, value)
    target = world.target()
    await target.begin(world.move(), KEY)

    waits = await target.progress(world.move(), KEY)
    world.actions.approve(world.actions.runs[-1])

    assert isinstance(waits, Moving)
    assert words in waits.words
    assert f"/actions/runs/{world.actions.runs[-1].id}" in waits.words
    assert await target.progress(world.move(), KEY) == Serving()


async def test_a_run_that_fails_is_a_failure_with_its_address(world):
    world.runs("v2")
    world.actions.ends = "failure"
    target = world.target()
    await target.begin(world.move(), KEY)

    failed = await target.progress(world.move(), KEY)

    assert isinstance(failed, Failed)
    assert failed.words.startswith("the run failed: https://github.com/acme/shop/actions/runs/")
    assert "--ref v1 -f 'rollbackd=rollbackd by-hand to v1'" in failed.by_hand


async def test_a_run_that_was_cancelled_says_by_whom_it_may_have_been(world):
    world.runs("v2")
    world.actions.in_line = True
    target = world.target()
    await target.begin(world.move(), KEY)
    world.actions.cancel(world.actions.runs[-1])

    failed = await target.progress(world.move(), KEY)

    assert isinstance(failed, Failed)
    assert "cancelled: by a person, or by a newer run of its concurrency group" in failed.words


async def test_a_run_that_ends_well_without_deploying_the_tag_is_a_failure(world):
    world.runs("v2")
    world.actions.tag_of = lambda _run: "v2"
    target = world.target()
    await target.begin(world.move(), KEY)

    at_first = await target.progress(world.move(), KEY)
    world.goes_on(timedelta(minutes=4))
    later = await target.progress(world.move(), KEY)

    assert isinstance(at_first, Moving)
    assert isinstance(later, Failed)
    assert "does the workflow deploy the tag that it is given?" in later.words


REFUSALS = {
    401: ("Bad credentials", {}, None, "make a new one"),
    403: ("Resource not accessible", {}, None, "the permission Actions: write"),
    307: ("Moved", {}, None, "the repository was renamed: write its new name"),
    404: ("Not Found", {}, None, "the workflow is not there, or the token lacks"),
    422: ("Unexpected inputs provided: ['rollbackd']", {}, None, "rollbackd doctor"),
    429: ("Too many requests", {"Retry-After": "17"}, timedelta(seconds=17), "nobody need act"),
}


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_refusal_says_who_must_act(world, status):
    words, headers, again_in, remedy = REFUSALS[status]
    world.runs("v2")
    world.actions.refusal = (status, words, headers)

    answer = await world.target().begin(world.move(), KEY)

    assert isinstance(answer, Refused)
    assert answer.again_in == again_in
    assert words in answer.words
    assert remedy in answer.words


@pytest.mark.parametrize(
    ("headers", "again_in"),
    [
        ({}, timedelta(minutes=1)),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "RESET"}, timedelta(minutes=10)),
    ],
)
async def test_a_limit_of_requests_is_waited_for(world, headers, again_in):
    world.runs("v2")
    reset = str(int((world.time + timedelta(minutes=10)).timestamp()))
    given = {name: value.replace("RESET", reset) for name, value in headers.items()}
    world.actions.refusal = (403, "You have exceeded a secondary rate limit", given)

    answer = await world.target().begin(world.move(), KEY)

    assert isinstance(answer, Refused)
    assert answer.again_in == again_in


async def test_a_server_error_may_have_been_taken(world):
    world.runs("v2")
    world.actions.refusal = (502, "Unicorn!", {})

    assert isinstance(await world.target().begin(world.move(), KEY), Unclear)


async def test_a_disabled_workflow_is_told_in_githubs_words(world):
    world.runs("v2")
    world.actions.state = "disabled_inactivity"

    answer = await world.target().begin(world.move(), KEY)

    assert isinstance(answer, Refused)
    assert "Cannot trigger a 'workflow_dispatch' on a disabled workflow" in answer.words


async def test_what_may_not_stand_in_an_input_is_not_sent(world):
    world.runs("v2")
    move = Move("service", world.release("v2"), Release.of_tag("v1 --force"))

    answer = await world.target(inputs={"tag": "${tag}"}).begin(move, KEY)

    assert isinstance(answer, Refused)
    assert world.changes() == []
