"""What serves: by GitHub's deployments, or by a page of the service; and what a reading costs."""

from datetime import timedelta

import pytest

from deploy.github import Trace, trace_in
from deploy.model import Live, Release, Unreadable
from tests.contract.target_contract import KEY


async def live(world, **said):
    found = await world.target(**said).observe()
    assert isinstance(found, Live), found
    return found


async def test_a_release_is_known_by_its_commit_and_called_by_its_tag(world):
    world.runs("v2")

    found = await live(world)

    assert found.release == Release(world.actions.sha("v2"), "v2", {"commit": world.actions.sha("v2")})
    assert found.since is not None


async def test_a_deployment_that_failed_or_was_made_inactive_serves_nothing(world):
    world.runs("v1")
    world.deploys("v2", "in_progress", "failure")
    world.deploys("v3", "in_progress", "success", "inactive")

    found = await live(world)

    assert found.release is not None
    assert (found.release.tag, found.in_flight) == ("v1", None)


async def test_what_the_daemon_itself_says_of_a_deployment_says_nothing_of_what_serves(world):
    world.runs("v2")
    made = world.github.log[-1].made
    world.github.sets(made, "failure", "rollbackd: checkout · production: v1 serves again", "rollbackd[bot]")

    found = await live(world)

    assert found.release is not None
    assert found.release.tag == "v2"


async def test_what_was_begun_and_never_ended_is_not_on_its_way_for_ever(world):
    world.runs("v1", moving_to="v2")
    before = await live(world)
    world.goes_on(timedelta(hours=6))

    after = await live(world)

    assert before.in_flight is not None
    assert after.in_flight is None


async def test_an_older_deployment_that_was_let_through_later_serves(world):
    late = world.github.deploys("production", "github-actions[bot]", "v1", sha=world.actions.sha("v1"))
    world.github.sets(late, "queued")
    world.runs("v2")
    world.github.sets(late, "in_progress")
    during = await live(world)
    world.goes_on()
    world.github.sets(late, "success")

    after = await live(world)

    assert during.release is not None
    assert during.in_flight is not None
    assert (during.release.tag, during.in_flight.tag) == ("v2", "v1")
    assert after.release is not None
    assert (after.release.tag, after.in_flight) == ("v1", None)


async def test_what_an_older_deployment_says_again_or_never_ended_is_not_in_the_way(world):
    world.deploys("v3", "in_progress")
    world.runs("v1")
    said = world.github.log[-1].made
    world.runs("v2")
    world.github.sets(said, "success", "its address was changed")

    found = await live(world)

    assert found.release is not None
    assert (found.release.tag, found.in_flight) == ("v2", None)


async def test_ten_failures_in_a_row_do_not_mean_that_nothing_serves(world):
    world.runs("v1")
    for _ in range(10):
        world.deploys("v2", "failure")

    found = await world.target().observe()

    assert isinstance(found, Unreadable)
    assert "none of the last 10 deployments to production of acme/shop succeeded" in found.words


async def test_our_own_run_is_known_by_its_key(world):
    world.runs("v2")
    await world.target().begin(world.move(), KEY)

    found = await live(world)

    assert found.key == KEY


async def test_by_its_payload_a_release_is_known_by_its_tag_alone(world):
    world.github.sets(world.github.deploys(payload={"tag": "2.1"}), "success")

    found = await live(world, tag="payload")

    assert found.release == Release.of_tag("2.1")


async def test_a_payload_without_a_tag_is_said(world):
    world.github.sets(world.github.deploys(payload={"version": "2.1"}), "success")

    found = await world.target(tag="payload").observe()

    assert isinstance(found, Unreadable)
    assert "`tag` in its payload is None" in found.words


async def test_a_page_of_the_service_tells_what_serves_and_our_runs_what_comes(world):
    said = {"ref": "main", "live": {"url": f"{world.url}/version", "json": "build.tag"}}
    world.actions.lasts = timedelta(minutes=5)
    before = await live(world, **said)
    world.actions.begin("main", {"rollbackd": Trace(KEY, "v1").mark})
    during = await live(world, **said)
    world.goes_on(timedelta(minutes=5))
    world.page = '{"build": {"tag": "v1"}}'
    after = await live(world, **said)

    assert (before.release, before.in_flight, before.key) == (Release.of_tag("v2"), None, None)
    assert (during.release, during.in_flight, during.key) == (Release.of_tag("v2"), Release.of_tag("v1"), KEY)
    assert (after.release, after.in_flight, after.key) == (Release.of_tag("v1"), None, KEY)


async def test_a_run_of_ours_that_nobody_lets_through_is_not_on_its_way_for_ever(world):
    said = {"ref": "main", "live": {"url": f"{world.url}/version", "json": "build.tag"}}
    world.actions.waits_for = ("ada",)
    world.actions.begin("main", {"rollbackd": Trace(KEY, "v1").mark})
    before = await live(world, **said)
    world.goes_on(timedelta(hours=6))

    after = await live(world, **said)

    assert (before.in_flight, after.in_flight) == (Release.of_tag("v1"), None)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (None, "HTTP 503"),
        ("<html>", "not JSON"),
        ('{"build": "v2"}', "no tag at build.tag"),
        ('{"build": {"tag": "../v2"}}', "no tag at build.tag"),
        ('{"build": {"tag": 2}}', "no tag at build.tag"),
    ],
)
async def test_a_page_that_tells_no_tag_is_unreadable_and_says_what_stands_there(world, page, words):
    world.page = page
    said = {"ref": "main", "live": {"url": f"{world.url}/version", "json": "build.tag"}}

    found = await world.target(**said).observe()

    assert isinstance(found, Unreadable)
    assert words in found.words


async def test_looking_again_where_nothing_changed_costs_nothing_of_the_limit(world):
    world.runs("v2")
    target = world.target()
    await target.observe()
    world.github.requests.clear()
    world.statuses.clear()

    again = await target.observe()

    assert isinstance(again, Live)
    assert world.github.requests
    assert set(world.statuses) == {304}


async def test_a_used_up_limit_is_waited_for_without_asking(world):
    world.runs("v2")
    target = world.target()
    world.github.left = 0
    refused = await target.observe()
    asked = len(world.github.requests)
    world.goes_on(timedelta(minutes=5))
    still = await target.observe()
    world.goes_on(timedelta(minutes=6))
    world.github.left = 100
    after = await target.observe()

    assert isinstance(refused, Unreadable)
    assert isinstance(still, Unreadable)
    assert "GitHub's limit of requests is used up until" in still.words
    assert isinstance(after, Live)
    assert len(world.github.requests) > asked


@pytest.mark.parametrize(
    "title", ["deploy v1", "rollbackd w_1", f"xrollbackd {KEY} to v1", f"rollbackd {KEY} to ../v1"]
)
def test_what_only_looks_like_our_mark_is_none(title):
    assert trace_in(title) is None


def test_our_mark_is_read_wherever_it_stands_in_the_name_of_a_run():
    trace = Trace(KEY, "releases/v1")

    assert trace_in(f"deploy main ({trace.mark}".replace("(", "") + " by ada") == trace
