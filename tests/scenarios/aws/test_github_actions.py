"""The whole way of a workflow: a job deploys a tag, GitHub tells of it, CloudWatch judges, and the tag before is dispatched and followed to its end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import minutes, seconds
from tests.scenarios.aws.stage import AwsStage
from tests.scenarios.aws.workflows import actions, deploys, goes_on, moves, served, shoppers, told
from watcher.core.watch import State, Watch

LONGEST = 1200  # seconds that a story waits for what is to come
WAITS = "the run waits for the approval of ada (production): https://github.com/acme/shop/actions/runs/"


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


def test_a_bad_tag_is_undone_by_a_run_that_is_followed_to_its_end(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await goes_on(stage, minutes(40))

        watch = await the_watch(stage)  # and none of our own run, of which the webhook tells too
        assert watch.deployment.source == "github"
        assert (watch.tag, watch.state) == ("v2", State.ROLLED_BACK)
        assert watch.ending is not None
        assert watch.ending.recovered is True
        assert moves(stage) == ["v1"]
        assert served(stage) == "v1"
        _, _, ours = actions(stage).runs
        assert actions(stage).status(ours) == ("completed", "success")
        assert ours.ended_at is not None
        assert watch.back_at is not None
        assert watch.back_at >= ours.ended_at
        assert [notice.event for _, notice in stage.told] == ["watch.rolling_back", "watch.rolled_back"]

    told(tmp_path, story)


def test_a_good_tag_passes_and_nothing_is_dispatched(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2")
        await goes_on(stage, minutes(40))

        watch = await the_watch(stage)
        assert (watch.tag, watch.state) == ("v2", State.PASSED)
        assert moves(stage) == []
        assert stage.told == []

    told(tmp_path, story)


# ------------------------------------------------------------------------------------------------------------ a bad day


async def until(stage: AwsStage, is_so: Callable[[], bool], step: float = 0.5) -> None:
    """For as long as a story waits for what is to come."""
    while not is_so() and stage.time() < LONGEST:
        await goes_on(stage, seconds(stage.time() + step), step=step)
    assert is_so()


def going(stage: AwsStage) -> str:
    """What was said last of the move that is under way."""
    return str([line["words"] for line in stage.log if line["event"] == "action.going"][-1])


def said(stage: AwsStage, event: str) -> str:
    """All words of the one notice of that."""
    (notice,) = [notice for _, notice in stage.told if notice.event == event]
    return " ".join([notice.headline, *map(str, notice.lines)])


def test_a_run_that_fails_needs_a_person_who_has_githubs_word_and_its_address(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await goes_on(stage, minutes(3.5))
        actions(stage).ends = "failure"
        await goes_on(stage, minutes(12))

        assert (await the_watch(stage)).state is State.STUCK
        assert moves(stage) == ["v1"]
        words = said(stage, "watch.stuck")
        assert (
            f"the run failed: https://github.com/acme/shop/actions/runs/{actions(stage).runs[-1].id}" in words
        )
        assert "gh workflow run deploy.yml --repo acme/shop --ref v1" in words

    told(tmp_path, story)


def test_a_dispatch_that_github_refuses_needs_a_person_who_has_its_words(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        actions(stage).state = "disabled_manually"
        await goes_on(stage, minutes(12))

        assert (await the_watch(stage)).state is State.STUCK
        assert moves(stage) == []
        assert "Cannot trigger a 'workflow_dispatch' on a disabled workflow" in said(stage, "watch.stuck")

    told(tmp_path, story)


def test_a_run_that_waits_for_an_approval_is_followed_and_ends_once_it_is_given(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await goes_on(stage, minutes(3.5))
        actions(stage).waits_for = ("ada",)
        await until(stage, lambda: bool(moves(stage)))
        await goes_on(stage, seconds(stage.time() + 300))

        assert (await the_watch(stage)).state is State.ROLLING_BACK
        assert WAITS in going(stage)
        assert served(stage) == "v2"

        actions(stage).approve(actions(stage).runs[-1])
        await goes_on(stage, minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["v1"]

    told(tmp_path, story)


def test_an_approval_that_never_comes_needs_a_person_after_half_an_hour_and_ends_well_once_it_is_given(
    tmp_path: Path,
) -> None:
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await goes_on(stage, minutes(3.5))
        actions(stage).waits_for = ("ada",)
        await goes_on(stage, minutes(45))

        assert (await the_watch(stage)).state is State.STUCK
        assert moves(stage) == ["v1"]
        assert f"not serving after 30 min: service: {WAITS}" in said(stage, "watch.stuck")

        actions(stage).approve(actions(stage).runs[-1])
        await goes_on(stage, minutes(75))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["v1"]
        assert served(stage) == "v1"

    told(tmp_path, story)


# ---------------------------------------------------------------------------------------------------------- other hands


def test_a_person_who_dispatches_another_tag_while_we_go_back_is_never_undone(tmp_path: Path) -> None:
    async def story(stage: AwsStage) -> None:
        deploys(stage, "v2", fails=0.2)
        await until(stage, lambda: bool(moves(stage)))
        deploys(stage, "v3", event="workflow_dispatch")
        await goes_on(stage, minutes(60))

        assert moves(stage) == ["v1"]
        assert served(stage) == "v3"
        ends = [(each.tag, each.state) for each in await stage.watches()]
        assert ends == [("v2", State.SUPERSEDED), ("v3", State.PASSED)]

    told(tmp_path, story)


# ---------------------------------------------------------------------------------------------------------------- kills


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("listed_after", [0, 20])
def test_killed_between_the_dispatch_and_its_listing_there_is_one_run(
    tmp_path: Path, listed_after: int, answered: bool
) -> None:
    async def story(stage: AwsStage) -> None:
        await is_killed_once_it_is_dispatched(stage, listed_after, answered=answered)
        await goes_on(stage, minutes(40))

        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert moves(stage) == ["v1"]
        assert served(stage) == "v1"

    told(tmp_path, story)


@pytest.mark.parametrize("listed_after", [0, 20])
def test_killed_while_nothing_shows_the_run_it_is_dispatched_again_to_the_same_tag_under_the_same_name(
    tmp_path: Path, listed_after: int
) -> None:
    """Neither its answer was heard, nor is it listed, nor has its job begun: GitHub knows no keys. The second deploys what the first did."""

    async def story(stage: AwsStage) -> None:
        await is_killed_once_it_is_dispatched(stage, listed_after, answered=False, in_line=True)
        await goes_on(stage, seconds(stage.time() + 60))
        ours = [run for run in actions(stage).runs if run.event == "workflow_dispatch"]
        for run in ours:
            actions(stage).approve(run)  # it is its turn in its concurrency group
        await goes_on(stage, minutes(40))

        assert len(ours) == (2 if listed_after else 1)
        assert {run.ref for run in ours} == {"v1"}
        assert len({run.title for run in ours}) == 1
        assert (await the_watch(stage)).state is State.ROLLED_BACK
        assert served(stage) == "v1"

    told(tmp_path, story)


async def is_killed_once_it_is_dispatched(
    stage: AwsStage, listed_after: int, *, answered: bool, in_line: bool = False
) -> None:
    """A bad tag; and ``kill -9`` right after the dispatch, whose run is listed so many seconds later. Else its answer never comes."""
    deploys(stage, "v2", fails=0.2)
    await goes_on(stage, minutes(3.5))
    actions(stage).listed_after, actions(stage).in_line = seconds(listed_after), in_line
    shoppers(stage).http.loses = lambda request: request.method == "POST" and not answered
    await until(stage, lambda: bool(moves(stage)), step=0.5)
    await stage.lives[-1].die()
    await stage.bear()
