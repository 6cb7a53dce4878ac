"""What Beanstalk remembers, for a store that was lost: marks on versions, and our own last move."""

from datetime import timedelta

import pytest

from deploy.model import Recalled, Standing, Unreadable
from tests.deploy.targets.beanstalk.stage import KEY, LONG_AGO, MARK, READS_ONLY, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

DAY = timedelta(days=1)


def recalled(stage: Stage) -> Recalled:
    found = stage.run(stage.target().recall(stage.clock.time))
    assert isinstance(found, Recalled), found
    return found


def mark(stage: Stage, label: str, grade: str, since=NOON, why: str = "", target=None) -> str:
    standing = Standing(stage.release(label), grade, since, why)
    said: str = stage.run((target or stage.target()).mark([standing]))
    return said


def test_a_mark_is_written_on_the_version_and_only_where_it_differs(stage):
    target = stage.target()

    assert mark(stage, "v1", "proven", target=target) == ""
    assert stage.tags("v1")[MARK].startswith("proven 2026-11-24T12:00:00Z etag:")
    for _ in range(2):
        mark(stage, "v1", "proven", target=target)
        mark(stage, "v1", "proven", target=stage.restarted().target())
    assert stage.asked("UpdateTagsForResource") == 1


def test_a_version_that_is_deleted_needs_no_mark(stage):
    stage.beanstalk.delete_version("shop", "v2")

    assert mark(stage, "v2", "quarantined", why="errors") == ""


def test_without_a_role_to_act_no_mark_is_written(stage):
    assert mark(stage, "v1", "proven", target=stage.target(READS_ONLY)) == ""
    assert stage.world.mutating_calls() == []


def test_a_mark_that_is_refused_is_said(stage):
    error = AwsError("AccessDenied", "no tags", 403)
    stage.world.faults.fail("elasticbeanstalk", "UpdateTagsForResource", error=error, times=None)

    assert "versions could not be marked: " in mark(stage, "v1", "proven")


def test_what_was_marked_is_recalled_oldest_first_and_what_serves_last(stage):
    mark(stage, "v2", "served", NOON - 9 * DAY)
    mark(stage, "v3", "quarantined", NOON - 5 * DAY, "errors")
    mark(stage, "v1", "proven", NOON - 20 * DAY)
    found = recalled(stage.restarted())

    assert [(release.tag, since) for release, since in found.served] == [
        ("v2", NOON - 9 * DAY),
        ("v1", NOON - 9 * DAY),
    ]
    assert found.proven == {stage.release("v1").fingerprint: NOON - 20 * DAY}
    assert found.quarantined == {stage.release("v3").fingerprint: (NOON - 5 * DAY, "errors")}
    assert found.others == (stage.release("v3"),)


def test_without_a_mark_what_serves_since_long_is_known(stage):
    assert recalled(stage).served == ((stage.release("v1"), LONG_AGO + timedelta(hours=4)),)


def test_what_was_deployed_within_a_day_may_still_be_watched(stage):
    stage.deployed("v2")

    assert recalled(stage).served == ()
    stage.goes_on(hours=25)
    assert [release.tag for release, _ in recalled(stage).served] == ["v2"]


def test_what_is_on_its_way_serves_not_yet_nor_does_what_it_replaces_alone(stage):
    stage.deploys("v2")

    assert recalled(stage).served == ()


def test_a_young_release_that_was_proven_is_known(stage):
    stage.deployed("v2")
    mark(stage, "v2", "proven", stage.clock.time)

    assert [release.tag for release, _ in recalled(stage).served] == ["v2"]


def test_what_our_own_last_move_left_is_quarantined(stage):
    stage.deployed("v2")
    mark(stage, "v2", "adopted", NOON - DAY)
    stage.run(stage.target().begin(stage.move(), KEY))
    moved = stage.clock.time
    stage.goes_on(minutes=10)
    found = recalled(stage.restarted())

    assert found.quarantined == {stage.release("v2").fingerprint: (moved, "rollbackd rolled it back")}
    assert [release.tag for release, _ in found.served] == ["v2", "v1"]


def test_without_a_mark_it_is_known_by_its_label(stage):
    stage.deployed("v2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)

    assert list(recalled(stage).quarantined) == ["tag:v2"]


def test_a_mark_that_came_after_our_move_says_better(stage):
    stage.deployed("v2")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)
    mark(stage, "v2", "unknown", stage.clock.time)

    assert recalled(stage).quarantined == {}


def test_a_mark_from_the_future_is_none(stage):
    mark(stage, "v2", "proven", NOON + DAY)

    assert recalled(stage).proven == {}


def test_a_mark_of_another_content_is_none(stage):
    stage.beanstalk.tag("shop", "v2", NOON, {MARK: "proven 2026-11-24T10:00:00Z etag:0123"})

    assert recalled(stage).proven == {}


def test_only_the_newest_versions_are_asked_for_their_marks(stage):
    for number in range(30):
        stage.beanstalk.create_version("shop", f"n{number}", f"n {number}", NOON)
    before = stage.asked("ListTagsForResource")
    recalled(stage)

    assert stage.asked("ListTagsForResource") <= before + 12 + 1


@pytest.mark.parametrize("operation", ["DescribeEnvironments", "ListTagsForResource"])
def test_what_cannot_be_read_is_not_recalled_as_nothing(stage, operation):
    stage.world.faults.throttle("elasticbeanstalk", operation, times=None)

    assert isinstance(stage.run(stage.target().recall(NOON)), Unreadable)
