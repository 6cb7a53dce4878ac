"""What a rollback would do: the calls, the targets, the sessions, what stands in its way."""

import json
import shlex

import pytest

from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON


@pytest.fixture
def bad(stage):
    stage.weighs(blue=0, green=100)
    return stage


def foretold(stage, **settings):
    return stage.run(stage.target(**settings).foretell(stage.move()))


def test_the_calls_are_told_in_order_with_the_weights(bad):
    trace, modify = foretold(bad).calls

    assert trace.startswith(f"elasticloadbalancing:AddTags {bad.rule} rollbackd:move")
    assert modify.startswith("elasticloadbalancing:ModifyRule weights blue 100, green 0; stickiness off")
    assert bad.world.mutating_calls() == []


def test_a_person_can_do_it_by_hand_with_all_actions(bad):
    words = shlex.split(foretold(bad).by_hand, comments=True)

    assert words[:3] == ["aws", "elbv2", "modify-rule"]
    assert words[words.index("--rule-arn") + 1] == bad.rule
    (forward,) = json.loads(words[words.index("--actions") + 1])
    assert [each["Weight"] for each in forward["ForwardConfig"]["TargetGroups"]] == [100, 0]


def test_how_many_targets_there_are_on_both_sides_is_told(bad):
    bad.elb.have("blue", NOON, "healthy", "healthy", "unhealthy")

    assert foretold(bad).capacity == (
        "blue (v1) has 2 of 3 targets healthy; green (v2) has 3 of 3 targets healthy"
    )


def test_a_target_that_is_leaving_is_none(bad):
    bad.elb.have("blue", NOON, "healthy", "draining", "unhealthy.draining")

    assert foretold(bad).capacity.startswith("blue (v1) has 1 of 1 targets healthy")


def test_no_healthy_target_stands_in_the_way_in_awss_words(bad):
    bad.elb.have("blue", NOON, "unhealthy", reason="Target.Timeout", description="Request timed out")

    (words,) = foretold(bad).obstacles

    assert words == "no target of blue is healthy (1 registered): unhealthy Target.Timeout Request timed out"


@pytest.mark.parametrize(("left", "stands"), [(2, False), (3, True)])
def test_too_few_of_them_stand_in_the_way_too(bad, left, stands):
    bad.elb.have("blue", NOON, "healthy")
    bad.elb.have("green", NOON, *["healthy"] * left)

    words = " ".join(foretold(bad).obstacles)

    assert (f"blue has 1 healthy targets, and {left} bear the traffic now" in words) is stands


def test_a_group_that_no_rule_names_is_not_checked_and_that_stands_in_the_way(bad):
    bad.weighs(green=100)

    told = foretold(bad)

    assert told.calls == ()
    assert "serves v1 any more" in told.obstacles[0]
    assert any("names no other target group" in words for words in told.obstacles)


# -------------------------------------------------------------------------------------------------- sessions and delays


def test_without_sticky_sessions_it_is_said_that_none_is_bound(bad):
    assert foretold(bad).sessions == (
        "None is bound to a group: the next request goes to v1, and what v2 keeps of a session in its own memory is not there."
    )


def test_that_sticky_sessions_are_moved_is_said_with_what_is_lost_and_what_stays_off(stage):
    stage.weighs(blue=90, green=10, sticky=600)

    sessions = foretold(stage).sessions

    assert "Sticky sessions (600 s) are moved with their next request" in sessions
    assert "stickiness stays off until somebody switches it on again" in sessions
    assert "what v2 keeps of a session in its own memory is not there on v1" in sessions


def test_that_they_stay_is_said_where_they_are_to(stage):
    stage.weighs(blue=90, green=10, sticky=600)

    told = foretold(stage, sessions="stay")

    assert "Sticky sessions (600 s) stay on v2 until their cookie ends" in told.sessions
    assert "stickiness on" in told.calls[-1]


def test_draining_and_slow_start_are_told_as_far_as_they_matter(bad):
    bad.elb.group("blue").attributes["slow_start.duration_seconds"] = "30"
    bad.elb.group("green").attributes["deregistration_delay.timeout_seconds"] = "120"

    takes = foretold(bad).takes

    assert "no target of v2 is deregistered, and once they are, they have 120 s to drain" in takes
    assert "Slow start (30 s) slows only targets that have become healthy since then" in takes


def test_no_slow_start_is_not_told(bad):
    assert "Slow start" not in foretold(bad).takes


# ------------------------------------------------------------------------------------------------------- what is not known


def test_where_health_cannot_be_read_the_call_and_the_way_by_hand_stay(bad):
    error = AwsError("AccessDenied", "not you", 403)
    bad.world.faults.fail("elbv2", "DescribeTargetHealth", error=error, times=None)

    told = foretold(bad)

    assert told.calls
    assert "modify-rule" in told.by_hand
    assert "AccessDenied" in told.obstacles[0]


def test_where_the_rule_cannot_be_read_nothing_can_be_foretold_but_why(bad):
    bad.world.faults.fail("elbv2", times=None)

    told = foretold(bad)

    assert told.calls == ()
    assert "InternalFailure" in told.obstacles[0]


def test_what_is_there_already_is_foretold_as_if_it_were_not(stage):
    """`deploy.rollback.foretell` says that there is nothing to do; how it would be done is of use all the same."""
    assert foretold(stage).calls
