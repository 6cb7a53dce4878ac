"""What has the traffic: which release a target group serves, which of two is the newer, and what is not guessed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from deploy.model import Live, Release, Unreadable
from tests.deploy.targets.load_balancer.stage import KEY, LONG_AGO, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON


def unreadable(stage, target=None) -> str:
    found = stage.run((target or stage.target()).observe())
    assert isinstance(found, Unreadable), found
    return found.words


def tags(live: Live) -> tuple[str | None, str | None]:
    """Of what serves, and of what is on its way."""
    return live.release.tag if live.release else None, live.in_flight.tag if live.in_flight else None


def test_what_a_group_serves_its_tag_says(stage):
    live = stage.live()

    assert tags(live) == ("v1", None)
    assert live.shares == {"tag:v1": 1.0}
    assert live.since == LONG_AGO
    assert live.obstacles == ()
    assert live.release is not None
    assert live.release.names["version"] == "v1"
    assert live.release.names["target_group"] == stage.elb.group("blue").arn.rpartition(":")[2]


def test_a_listeners_default_action_is_read_the_same():
    stage = Stage(listener=True)

    assert tags(stage.live()) == ("v1", None)
    assert stage.world.count("elbv2", "DescribeListeners") == 1


def test_the_tag_may_have_another_key(stage):
    stage.elb.tag("blue", NOON, Version="1.4.2")

    assert tags(stage.live(stage.target(release_tag="Version"))) == ("1.4.2", None)


def test_where_a_tag_tells_the_content_the_release_goes_by_it(stage):
    stage.elb.tag("blue", NOON, rollbackd__fingerprint=f"sha256:{'a' * 64}")

    release = stage.live().release

    assert release is not None
    assert release.fingerprint == f"sha256:{'a' * 64}"
    assert release.is_same_as(Release.of_tag("v1"))


@pytest.mark.parametrize("written", ["no blanks in a fingerprint", "../x"])
def test_what_is_no_fingerprint_is_not_taken_for_one(stage, written):
    stage.elb.tag("blue", NOON, rollbackd__fingerprint=written)

    release = stage.live().release

    assert release is not None
    assert release.is_only_a_tag


def test_of_two_with_traffic_the_younger_is_on_its_way_whatever_its_share(stage):
    for blue, green in ((95, 5), (50, 50), (1, 999)):
        stage.weighs(blue=blue, green=green)

        live = stage.restarted().live()

        assert tags(live) == ("v1", "v2")
        assert live.shares["tag:v2"] == pytest.approx(green / (blue + green))
        assert live.since == NOON - timedelta(hours=1)


def without_since(stage) -> None:
    """Nobody writes since when a group serves what it does."""
    for group in ("blue", "green"):
        stage.elb.tag(group, NOON, rollbackd__since="")


def test_without_times_the_one_that_had_everything_before_is_the_older(stage):
    without_since(stage)
    target = stage.target()
    stage.live(target)
    stage.weighs(blue=10, green=90)

    assert tags(stage.live(target)) == ("v1", "v2")


def test_where_nobody_knows_which_is_the_newer_it_is_not_guessed(stage):
    without_since(stage)
    stage.weighs(blue=10, green=90)

    words = unreadable(stage)

    assert "v1 and v2 share the traffic" in words
    assert "rollbackd:since" in words


def test_two_that_began_at_one_time_are_not_told_apart(stage):
    for group in ("blue", "green"):
        stage.elb.tag(group, NOON, rollbackd__since="2026-11-24T10:00:00Z")
    stage.weighs(blue=10, green=90)

    assert "which of them is the newer is not known" in unreadable(stage)


@pytest.mark.parametrize(
    "written", ["soon", "2026-11-24T10:00:00", "2027-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"]
)
def test_what_is_no_time_of_the_past_is_none(stage, written):
    stage.elb.tag("blue", NOON, rollbackd__since=written)

    assert stage.live().since is None


def test_a_time_has_its_zone(stage):
    stage.elb.tag("blue", NOON, rollbackd__since="2026-11-24T12:00:00+02:00")

    assert stage.live().since == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_two_groups_with_one_release_are_one(stage):
    stage.elb.create_group("blue-arm", NOON)
    stage.elb.release("blue-arm", "v1", NOON)
    stage.weighs(**{"blue": 40, "blue-arm": 40, "green": 20})

    live = stage.live()

    assert tags(live) == ("v2", "v1")  # of v1 the group that had it last is the younger
    assert live.shares == {"tag:v1": pytest.approx(0.8), "tag:v2": pytest.approx(0.2)}


def test_a_group_with_traffic_that_nobody_has_tagged_is_said_with_the_line_to_run(stage):
    stage.elb.tag("blue", NOON, rollbackd__release="")

    words = unreadable(stage)

    assert "the target group blue has traffic, and no tag rollbackd:release" in words
    assert (
        f"aws elbv2 add-tags --resource-arns {stage.elb.group('blue').arn} --tags Key=rollbackd:release"
        in words
    )


@pytest.mark.parametrize("written", ["v 1", "-v1", "../v1", "x" * 129])
def test_a_tag_that_could_not_be_moved_by_is_none(stage, written):
    stage.elb.tag("blue", NOON, rollbackd__release=written)

    assert "no tag rollbackd:release" in unreadable(stage)


def test_a_group_without_traffic_need_not_be_tagged(stage):
    stage.elb.create_group("spare", NOON)
    stage.weighs(blue=100, green=0, spare=0)

    assert tags(stage.live()) == ("v1", None)


def test_where_there_is_nothing_to_go_back_to_that_stands_in_the_way(stage):
    stage.weighs(blue=100)

    (words,) = stage.live().obstacles

    assert "names no other target group" in words
    assert "with weight 0" in words


def test_a_rule_that_forwards_nothing_serves_nothing(stage):
    stage.elb.put_actions(
        stage.rule,
        [{"Type": "fixed-response", "Order": 1, "FixedResponseConfig": {"StatusCode": "503"}}],
        NOON,
    )

    assert tags(stage.live()) == (None, None)


def test_weights_that_are_all_nothing_serve_nothing(stage):
    stage.weighs(blue=0, green=0)

    assert tags(stage.live()) == (None, None)


def test_a_rule_that_is_not_there_is_unreadable_and_never_nothing(stage):
    stage.elb.delete_rule(stage.rule, NOON)

    assert "there is no rule" in unreadable(stage)


def test_a_refusal_is_told_in_awss_words_with_what_to_do(stage):
    stage.world.faults.fail("elbv2", error=AwsError("AccessDenied", "not you", 403), times=None)

    words = unreadable(stage)

    assert "AccessDenied: not you" in words
    assert "rollbackd doctor" in words


# ------------------------------------------------------------------------------------------------------------ many, few calls


def test_many_rules_are_two_calls():
    stage = Stage()
    weights = [{"TargetGroupArn": stage.elb.group("blue").arn, "Weight": 1}]
    action = {"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": weights}}
    rules = [stage.elb.create_rule(LONG_AGO, [action]) for _ in range(8)]

    async def all_look() -> list[object]:
        return await asyncio.gather(*(stage.target(rule=rule).observe() for rule in rules))

    found = stage.run(all_look())

    assert all(isinstance(each, Live) for each in found)
    assert stage.world.count("elbv2", "DescribeRules") == 1
    assert stage.world.count("elbv2", "DescribeTags") == 1


def test_a_rule_that_was_deleted_hides_no_other():
    stage = Stage()
    action = stage.elb.actions(stage.rule)
    gone = stage.elb.create_rule(LONG_AGO, action)
    stage.elb.delete_rule(gone, NOON)

    async def both_look() -> tuple[object, object]:
        return await asyncio.gather(stage.target().observe(), stage.target(rule=gone).observe())

    there, not_there = stage.run(both_look())

    assert isinstance(there, Live)
    assert isinstance(not_there, Unreadable)


# ------------------------------------------------------------------------------------------------------------ our own move


def test_our_own_move_is_recognised_by_its_trace_on_the_rule(stage):
    stage.weighs(blue=0, green=100)
    stage.run(stage.target().begin(stage.move(), KEY))

    live = stage.restarted().live()

    assert live.key == KEY
    assert live.since == NOON


def test_what_somebody_else_does_afterwards_is_not_ours(stage):
    stage.weighs(blue=0, green=100)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.weighs(blue=0, green=100)

    assert stage.live().key is None


def test_what_somebody_writes_as_a_trace_is_no_move_of_ours(stage):
    for value in ("", f"{KEY} soon v2 v1", f"{KEY} 1764504000 v2"):
        stage.world.home.tagging.put(stage.rule, {"rollbackd:move": value}, NOON)

        assert stage.live().key is None
