"""Sharing the traffic out between two groups: weights that are exact, sessions that stay, and who is the newer."""

import pytest

from deploy.model import (
    Begun,
    Failed,
    Gone,
    Live,
    Moving,
    Progress,
    Refused,
    Release,
    Serving,
    Shift,
    Unfinished,
    Unreadable,
)
from deploy.rollout import beside
from deploy.targets.load_balancer.forward import weights_of
from deploy.targets.load_balancer.trace import Newer, newer_of
from tests.deploy.targets.load_balancer.stage import KEY, MARK, READS_ONLY, Stage


def shift(share: float = 0.05, expect: float = 0.0) -> Shift:
    return Shift("service", Release.of_tag("v1"), Release.of_tag("v2"), share, expect)


def untold() -> Stage:
    """A stage on which no tag says since when a group serves its release."""
    stage = Stage()
    for group in ("blue", "green"):
        stage.elb.tag(group, stage.clock.time, rollbackd__since="unknown")
    return stage


@pytest.mark.parametrize(
    ("share", "weights"),
    [(0.05, (5, 95)), (0.25, (25, 75)), (0.001, (1, 999)), (0.333, (333, 667)), (1.0, (100, 0))],
)
def test_weights_are_exact_to_a_thousandth(share, weights):
    assert weights_of(share) == weights


def test_sessions_stay_where_they_are_while_it_goes_forward():
    stage = Stage()
    stage.weighs(sticky=600, blue=95, green=5)

    stage.run(stage.target().shift(shift(0.25, 0.05), KEY))

    (call,) = (each for each in stage.world.calls if each.operation == "ModifyRule")
    config = call.parameters["Actions"][0]["ForwardConfig"]
    assert config["TargetGroupStickinessConfig"] == {"Enabled": True, "DurationSeconds": 600}
    assert stage.weights() == {"blue": 75, "green": 25}


def test_which_is_the_newer_is_known_after_a_restart_though_no_tag_of_theirs_says_so():
    stage = untold()
    target = stage.target()
    stage.live(target)

    assert isinstance(stage.run(target.shift(shift(), KEY)), Begun)

    live = stage.live(stage.restarted().target())
    assert live.in_flight is not None
    assert live.in_flight.tag == "v2"
    assert stage.elb.tags(stage.rule, stage.clock.time)[MARK] == "v1 v2 0.05"


def test_of_two_others_it_says_nothing():
    stage = untold()
    stage.run(stage.target().shift(shift(), KEY))
    stage.elb.tag("green", stage.clock.time, rollbackd__release="v3")

    assert isinstance(stage.run(stage.restarted().target().observe()), Unreadable)


def test_it_is_written_once_a_stage():
    stage = untold()
    stage.run(stage.target().shift(shift(), KEY))
    stage.weighs(blue=100, green=0)
    before = len([call for call in stage.world.calls if call.operation == "AddTags"])

    stage.run(stage.target().shift(shift(), KEY))

    assert len([call for call in stage.world.calls if call.operation == "AddTags"]) == before


def overtaken(late: int) -> tuple[Stage, list[Progress | Unreadable]]:
    """A way back that is sent while a step to 25 % is on its way; then *late* percent are seen, for 5, 20 and 130 s."""
    stage = Stage()
    stage.weighs(blue=95, green=5)
    stage.run(stage.target().shift(shift(0.25, 0.05), "w_1.4.0"))
    other = stage.target()  # of another replica
    assert isinstance(stage.run(other.begin(stage.move(), KEY)), Begun)
    stage.weighs(blue=100 - late, green=late)
    seen = []
    for waits in (5, 15, 110):
        stage.goes_on(seconds=waits)
        seen.append(stage.run(other.progress(stage.move(), KEY)))
    return stage, seen


def test_a_step_forward_that_lands_after_the_way_back_was_sent_is_taken_back_too():
    stage, (at_once, then, _) = overtaken(25)

    assert isinstance(at_once, Moving)  # it may be what the balancer showed before
    assert isinstance(then, Unfinished)
    assert isinstance(stage.run(stage.target().begin(stage.move(), KEY)), Begun)
    assert stage.weights() == {"blue": 100, "green": 0}
    assert stage.run(stage.target().progress(stage.move(), KEY)) == Serving()


def test_a_share_that_another_hand_gave_meanwhile_is_left_to_a_person():
    _, (_, then, late) = overtaken(40)

    assert isinstance(then, Moving)
    assert isinstance(late, Failed)


def test_where_it_cannot_be_written_nothing_is_sent():
    stage = Stage()
    stage.world.faults.fail("elbv2", "AddTags", times=None)
    long = Shift("service", Release.of_tag("v1"), Release("sha256:x", "v2"), 0.05)

    refused = stage.run(stage.target().shift(long, KEY))

    assert isinstance(refused, Refused)
    assert "which release is the newer" in refused.words
    assert stage.weights() == {"blue": 100, "green": 0}
    assert Newer("v" * 128, "w" * 128).written() is None
    assert Newer("v" * 125, "w" * 125, 0.05).written() == f"{'v' * 125} {'w' * 125} 0.05"
    assert Newer("v" * 127, "w" * 127, 0.05).written() == f"{'v' * 127} {'w' * 127}"
    assert newer_of("v1 v2 0.001") == Newer("v1", "v2", 0.001)
    assert newer_of("v1 v2 1") == Newer("v1", "v2", 1.0)
    assert newer_of("v1 v2") == Newer("v1", "v2")
    assert newer_of("v1") is None
    assert newer_of("v1 v2 7") is None


def test_a_group_without_a_healthy_target_gets_nothing():
    stage = Stage()
    stage.elb.have("green", stage.clock.time)

    refused = stage.run(stage.target().shift(shift(), KEY))

    assert isinstance(refused, Refused)
    assert "no target of green is healthy" in refused.words


def test_a_release_that_no_group_serves_gets_nothing():
    stage = Stage()
    other = Shift("service", Release.of_tag("v1"), Release.of_tag("v9"), 0.05)

    refused = stage.run(stage.target().shift(other, KEY))

    assert isinstance(refused, Refused)
    assert "no target group" in refused.words


def test_between_several_groups_of_one_release_nothing_is_shared_out():
    stage = Stage()
    stage.elb.create_group("red", stage.clock.time)
    stage.elb.release("red", "v2", stage.clock.time)
    stage.weighs(blue=100, green=0, red=0)

    refused = stage.run(stage.target().shift(shift(), KEY))

    assert isinstance(refused, Refused)
    assert "several target groups serve v2" in refused.words


def test_without_a_role_to_act_nothing_is_tried_and_what_cannot_be_read_is_not_moved():
    stage = Stage()
    assert isinstance(stage.run(stage.target(READS_ONLY).shift(shift(), KEY)), Refused)
    stage.world.faults.fail("elbv2", times=None)

    refused = stage.run(stage.target().shift(shift(), KEY))

    assert isinstance(refused, Refused)
    assert refused.again_in is not None
    assert isinstance(stage.run(stage.target().shifted(shift(), KEY)), Unreadable)


def test_who_changes_the_rule_in_between_is_not_overwritten():
    stage = Stage()
    target = stage.target()
    live = stage.live(target)
    assert isinstance(live, Live)
    stage.weighs(blue=60, green=40)

    refused = stage.run(target.shift(shift(), KEY))

    assert isinstance(refused, Refused)
    assert refused.third_tag == "v2"
    assert stage.weights() == {"blue": 60, "green": 40}


# ---------------------------------------------------------------------------------- what is to be given its first requests


@pytest.mark.parametrize(("tag", "serves"), [("v2", "green"), ("v1", "blue")])
def test_a_release_is_found_by_the_tag_of_its_group_with_traffic_or_without(tag, serves):
    stage = Stage()

    found = stage.run(stage.target().stands_by({"tag": tag}))

    assert isinstance(found, Release)
    assert (
        found.tag,
        stage.elb.tags(stage.elb.group(serves).arn, stage.clock.time)["rollbackd:release"],
    ) == (tag, tag)
    assert stage.changed() == []


def test_one_that_no_group_of_the_rule_serves_is_gone_with_what_to_do():
    stage = Stage()

    found = stage.run(stage.target().stands_by({"tag": "v9"}))

    assert isinstance(found, Gone)
    assert (
        "serves tag v9 (blue serves v1, green serves v2): name its group there with weight 0" in found.words
    )


def test_a_group_without_a_target_is_not_begun_with():
    stage = Stage()
    stage.elb.have("green", stage.clock.time)

    found = stage.run(beside(stage.target(), {"tag": "v2"}))

    assert isinstance(found, Gone)
    assert "no target of green is healthy (0 registered)" in found.words


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (("healthy", "healthy"), ""),
        (("healthy", "initial"), "1 of 2 targets of green are healthy: initial"),
        ((), "0 of 0 targets of green are healthy"),
    ],
)
def test_a_group_is_warm_when_every_target_of_it_is_healthy(states, words):
    stage = Stage()
    stage.elb.have("green", stage.clock.time, *states)

    told = stage.run(stage.target().unready(Release.of_tag("v2")))

    assert isinstance(told, str)
    assert told.startswith(words) if words else told == ""
