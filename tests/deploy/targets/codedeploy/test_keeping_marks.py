"""What CodeDeploy remembers of a group, and our marks on it: so a store that is lost loses nothing that matters."""

from datetime import timedelta

import pytest

from deploy.model import Recalled, Standing, Unreadable
from tests.deploy.targets.codedeploy.revisions import bundle, etag
from tests.deploy.targets.codedeploy.stage import KEY, LONG_AGO, READS_ONLY, Stage, release
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

ONE, TWO = release(1).fingerprint, release(2).fingerprint
LASTS = timedelta(seconds=65)
PREFIX = "rollbackd:checkout.production/"


def recall(stage: Stage) -> Recalled:
    found = stage.run(stage.restarted().target().recall(stage.clock.time))
    assert isinstance(found, Recalled), found
    return found


def mark(stage: Stage, number: int, grade: str, since=NOON, why: str = "") -> str:
    return stage.run(stage.target().mark([Standing(release(number), grade, since, why)]))


def test_which_releases_served_from_when_is_remembered(stage):
    stage.deployed(2)
    stage.goes_on(days=2)

    assert recall(stage) == Recalled(served=((release(1), LONG_AGO + LASTS), (release(2), NOON + LASTS)))


def test_what_is_in_flight_has_not_served(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)

    assert recall(stage).served == ((release(1), LONG_AGO + LASTS),)


def test_what_was_deployed_within_a_day_may_be_watched_still(stage):
    stage.deployed(2)

    assert recall(stage).served == ((release(1), LONG_AGO + LASTS),)


def test_what_our_mark_calls_proven_is_watched_no_more(stage):
    stage.deployed(2)
    mark(stage, 2, "proven", NOON + timedelta(minutes=5))

    found = recall(stage)

    assert [each for each, _ in found.served] == [release(1), release(2)]
    assert found.proven == {TWO: NOON + timedelta(minutes=5)}


def test_a_deployment_that_failed_is_no_time_in_which_its_release_served(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deployed(2, autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]})
    stage.goes_on(days=2)

    assert [each for each, _ in recall(stage).served] == [release(1)]


def test_instances_that_came_are_no_time_of_their_own(stage):
    stage.codedeploy.scale_out("shop", "prod", "i-5", stage.clock.time)
    stage.goes_on(days=2)

    assert recall(stage).served == ((release(1), LONG_AGO + LASTS),)


def test_what_our_own_way_back_has_left_is_quarantined(stage):
    stage.deployed(2)
    stage.goes_on(hours=1)
    stage.run(stage.target().begin(stage.move(), KEY))
    at = stage.clock.time
    stage.goes_on(minutes=10)

    found = recall(stage)

    assert found.quarantined == {TWO: (at, "rollbackd rolled it back")}
    assert [each for each, _ in found.served] == [release(1), release(2), release(1)]


def test_what_codedeploy_took_back_at_our_word_is_quarantined_and_known_by_its_tag(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)

    found = recall(stage)

    assert set(found.quarantined) == {TWO}
    assert found.others == (release(2),)


def test_what_codedeploy_took_back_by_itself_is_not(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deployed(2, autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]})

    assert recall(stage).quarantined == {}


def test_a_mark_that_came_later_says_better(stage):
    stage.deployed(2)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)
    mark(stage, 2, "served", stage.clock.time)

    assert recall(stage).quarantined == {}


def test_a_mark_says_the_grade_since_when_and_why(stage):
    assert mark(stage, 2, "quarantined", NOON, "errors of 5 %; see #42") == ""

    (value,) = [value for name, value in stage.tags().items() if name.startswith(PREFIX)]
    assert value == f"quarantined 2026-11-24T12:00:00Z etag:{etag(2)} errors of 5 see 42"


def test_a_quarantine_comes_back_with_its_reason(stage):
    stage.deployed(2)
    mark(stage, 2, "quarantined", NOON, "errors of 5 percent")

    assert recall(stage).quarantined == {TWO: (NOON, "errors of 5 percent")}


def test_a_mark_is_written_once_and_again_only_where_it_differs(stage):
    mark(stage, 1, "served")
    mark(stage, 1, "served")
    mark(stage, 1, "proven")

    assert [call.operation for call in stage.world.mutating_calls()] == ["TagResource", "TagResource"]


def test_two_services_of_one_group_do_not_write_over_each_other(stage):
    mark(stage, 1, "proven")

    assert all(name.startswith(PREFIX) for name in stage.tags())


def test_of_many_marks_the_newest_twenty_stay_and_peoples_own_tags_too(stage):
    stage.world.home.tagging.put(
        "arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:shop/prod", {"team": "shop"}, NOON
    )
    for number in range(1, 26):
        mark(stage, number, "served", NOON + timedelta(minutes=number))

    tags = stage.tags()

    assert tags["team"] == "shop"
    ours = sorted(value for name, value in tags.items() if name.startswith(PREFIX))
    assert len(ours) == 20
    assert ours[0].startswith("served 2026-11-24T12:06:00Z")


@pytest.mark.parametrize("value", ["", "proven", "proven yesterday", "proven 2026-99-99T10:00:00Z etag:e1"])
def test_what_somebody_else_wrote_there_is_no_mark(stage, value):
    mark(stage, 1, "proven")
    (name,) = [name for name in stage.tags() if name.startswith(PREFIX)]
    arn = "arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:shop/prod"
    stage.world.home.tagging.put(arn, {name: value}, stage.clock.time)

    assert recall(stage).proven == {}


def test_a_mark_of_the_future_is_none(stage):
    mark(stage, 1, "proven", NOON + timedelta(hours=1))

    assert recall(stage).proven == {}


def test_without_a_role_to_act_nothing_is_written(stage):
    words = stage.run(stage.target(account=READS_ONLY).mark([Standing(release(1), "proven", NOON)]))

    assert words == ""
    assert stage.world.mutating_calls() == []


def test_a_mark_that_cannot_be_written_says_why(stage):
    denied = AwsError("AccessDeniedException", "not authorized to perform codedeploy:TagResource")
    stage.world.faults.fail("codedeploy", "TagResource", error=denied, times=None)

    assert "not authorized to perform codedeploy:TagResource" in mark(stage, 1, "proven")


def test_what_cannot_be_recalled_is_unreadable_and_not_forgotten(stage):
    stage.world.faults.fail("codedeploy", "ListDeployments", times=None)

    assert isinstance(stage.run(stage.target().recall(NOON)), Unreadable)


def test_the_same_bundle_deployed_again_is_one_time(stage):
    stage.deployed(bundle(1))
    stage.goes_on(days=2)

    assert recall(stage).served == ((release(1), LONG_AGO + LASTS),)
