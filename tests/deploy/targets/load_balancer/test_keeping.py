"""Marks on target groups, and what is recalled by them once the store is lost."""

from datetime import timedelta

import pytest

from deploy.model import Recalled, Release, Standing, Unreadable
from deploy.target import Keeper
from deploy.targets.load_balancer.keeping import OUR_ROLLBACK
from tests.deploy.targets.load_balancer.stage import KEY, LONG_AGO, MARK, READS_ONLY
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

V1, V2 = Release.of_tag("v1"), Release.of_tag("v2")
YESTERDAY = NOON - timedelta(days=1)


def mark(stage, *standings, **settings):
    return stage.run(stage.target(**settings).mark(standings))


def marked(stage, group):
    return stage.elb.tags(stage.elb.group(group).arn, stage.clock.time).get(MARK)


def recall(stage):
    found = stage.run(stage.restarted().target().recall(stage.clock.time))
    assert isinstance(found, Recalled), found
    return found


def test_a_target_of_load_balancing_is_a_keeper(stage):
    assert isinstance(stage.target(), Keeper)


def test_a_mark_is_on_the_group_that_serves_the_release(stage):
    assert (
        mark(stage, Standing(V1, "proven", NOON), Standing(V2, "quarantined", NOON, "too many errors")) == ""
    )

    assert marked(stage, "blue") == "proven 2026-11-24T12:00:00Z tag:v1"
    assert marked(stage, "green") == "quarantined 2026-11-24T12:00:00Z tag:v2 too many errors"


def test_it_is_written_only_where_it_differs_and_where_there_is_a_group(stage):
    standings = (Standing(V1, "proven", NOON), Standing(Release.of_tag("v0"), "proven", NOON))

    mark(stage, *standings)
    mark(stage, *standings)

    assert [call.operation for call in stage.world.mutating_calls()] == ["AddTags"]


def test_in_shadow_nothing_is_written(stage):
    mark(stage, Standing(V1, "proven", NOON), account=READS_ONLY)

    assert stage.world.mutating_calls() == []


@pytest.mark.parametrize("operation", ["AddTags", "DescribeRules"])
def test_a_mark_that_cannot_be_written_is_said(stage, operation):
    stage.world.faults.fail("elbv2", operation, error=AwsError("AccessDenied", "not you", 403), times=None)

    assert "could not be marked" in mark(stage, Standing(V1, "proven", NOON))


# ---------------------------------------------------------------------------------------------------------------- recalling


def test_what_has_served_for_long_is_what_served(stage):
    assert recall(stage).served == ((stage.live().release, LONG_AGO),)


def test_what_was_deployed_within_a_day_is_to_be_watched_and_its_predecessor_the_way_back(stage):
    mark(stage, Standing(V1, "proven", YESTERDAY))
    stage.weighs(blue=0, green=100)

    found = recall(stage)

    assert [(release.tag, since) for release, since in found.served] == [("v1", YESTERDAY)]
    assert found.proven == {"tag:v1": YESTERDAY}


def test_what_was_proven_within_a_day_served(stage):
    stage.weighs(blue=0, green=100)
    mark(stage, Standing(V1, "served", YESTERDAY), Standing(V2, "proven", NOON))

    assert [release.tag for release, _ in recall(stage).served] == ["v1", "v2"]


def test_without_a_time_what_serves_has_served(stage):
    stage.elb.tag("blue", NOON, rollbackd__since="")

    assert [(release.tag, since) for release, since in recall(stage).served] == [("v1", NOON)]


def test_what_is_in_flight_is_not_among_what_served(stage):
    mark(stage, Standing(V1, "proven", YESTERDAY))
    stage.weighs(blue=90, green=10)

    assert [release.tag for release, _ in recall(stage).served] == ["v1"]


def test_what_is_quarantined_is_known(stage):
    mark(stage, Standing(V2, "quarantined", NOON, "too many errors"))

    found = recall(stage)

    assert found.quarantined == {"tag:v2": (NOON, "too many errors")}
    assert [release.tag for release in found.others] == ["v2"]


def test_the_mark_of_what_the_group_served_before_says_nothing_of_what_it_serves_now(stage):
    mark(stage, Standing(V2, "quarantined", NOON))
    stage.elb.release("green", "v3", NOON)

    assert recall(stage).quarantined == {}


def test_a_mark_from_the_future_says_nothing(stage):
    mark(stage, Standing(V2, "quarantined", NOON + timedelta(days=1)))

    assert recall(stage).quarantined == {}


def test_what_our_own_last_rollback_left_is_quarantined_until_a_mark_says_better(stage):
    stage.weighs(blue=0, green=100)
    stage.run(stage.target().begin(stage.move(), KEY))

    assert recall(stage).quarantined == {"tag:v2": (NOON, OUR_ROLLBACK)}
    stage.goes_on(hours=1)
    mark(stage, Standing(V2, "unknown", NOON + timedelta(minutes=30)))
    assert recall(stage).quarantined == {}


def test_a_mark_from_before_it_does_not_lift_what_it_says(stage):
    stage.weighs(blue=0, green=100)
    mark(stage, Standing(V2, "served", YESTERDAY))
    stage.run(stage.target().begin(stage.move(), KEY))

    assert recall(stage).quarantined == {"tag:v2": (NOON, OUR_ROLLBACK)}


def test_what_we_went_back_to_served_however_young_it_is(stage):
    stage.elb.release("blue", "v1", NOON - timedelta(hours=3))
    stage.weighs(blue=0, green=100)
    stage.run(stage.target().begin(stage.move(), KEY))

    assert [release.tag for release, _ in recall(stage).served] == ["v1"]


def test_also_where_its_group_serves_something_else_by_now(stage):
    stage.weighs(blue=0, green=100)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.elb.release("green", "v3", NOON)

    assert recall(stage).quarantined == {"tag:v2": (NOON, OUR_ROLLBACK)}


def test_what_cannot_be_read_is_unreadable(stage):
    stage.world.faults.fail("elbv2", times=None)

    assert isinstance(stage.run(stage.target().recall(NOON)), Unreadable)
