"""At most one call that moves, decided by what runs at that moment."""

from datetime import timedelta

import pytest

from deploy.model import AlreadyThere, Begun, Drifted, Failed, Moving, Refused, Serving, Unclear, Unfinished
from tests.deploy.targets.beanstalk.stage import BUCKET, ENVIRONMENT, KEY, READS_ONLY, TRACE, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON


def begin(stage: Stage, move=None, key: str = KEY, target=None):
    return stage.run((target or stage.target()).begin(move or stage.move(), key))


def progress(stage: Stage, move=None, key: str = KEY, target=None):
    return stage.run((target or stage.target()).progress(move or stage.move(), key))


# ---------------------------------------------------------------------------------------------------------- complete


def test_what_is_whole_is_put_back_by_its_label_and_nothing_else(stage):
    stage.deployed("v2")
    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert answer.platform_id == "v1"
    (call,) = [call for call in stage.world.calls if call.operation == "UpdateEnvironment"]
    assert call.parameters == {
        "ApplicationName": "shop",
        "EnvironmentName": ENVIRONMENT,
        "VersionLabel": "v1",
    }


def test_the_move_is_followed_until_every_instance_has_it(stage):
    stage.deployed("v2")
    target = stage.target()
    begin(stage, target=target)

    moving = progress(stage, target=target)
    stage.goes_on(seconds=100)
    half = progress(stage, target=target)
    stage.goes_on(minutes=5)

    assert isinstance(moving, Moving)
    assert isinstance(half, Moving)
    assert "instances run v1" in half.words
    assert progress(stage, target=target) == Serving()
    assert stage.beanstalk.runs(ENVIRONMENT) == {"v1": 4}


def test_what_serves_already_is_left_alone(stage):
    assert begin(stage) == AlreadyThere()
    assert stage.changed() == []


def test_what_is_on_its_way_already_is_left_alone(stage):
    stage.deployed("v2")
    stage.deploys("v1")

    assert isinstance(begin(stage), Begun)
    assert stage.changed() == []


@pytest.mark.parametrize("minutes", [0, 1, 10], ids=["just begun", "half done", "whole"])
def test_a_newer_release_of_somebody_else_is_never_undone(stage, minutes):
    stage.deployed("v2")
    stage.deploys("v3")
    stage.goes_on(minutes=minutes)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.third_tag == "v3"
    assert "somebody else has moved it" in answer.words
    assert stage.changed() == []


def test_where_the_label_says_a_third_release_and_the_instances_do_not_nothing_is_sent():
    stage = Stage(policy="Immutable")
    stage.deployed("v2")
    stage.deploys("v3")
    stage.beanstalk.set_status(ENVIRONMENT, "Ready", NOON)
    stage.environment.steps.clear()

    assert isinstance(begin(stage), Refused)
    assert stage.changed() == []


def test_without_a_role_to_act_nothing_is_tried(stage):
    stage.deployed("v2")
    answer = begin(stage, target=stage.target(READS_ONLY))

    assert isinstance(answer, Refused)
    assert "has no role to act" in answer.words
    assert stage.world.mutating_calls() == []


# --------------------------------------------------------------------------------------------------------- in flight


def test_a_rolling_update_is_broken_off_and_the_batches_that_were_done_are_put_back(stage):
    stage.deploys("v2")
    stage.goes_on(seconds=80)  # one is done, one is being worked on
    target = stage.target()

    assert isinstance(begin(stage, target=target), Begun)
    assert isinstance(progress(stage, target=target), Moving)
    stage.goes_on(minutes=1)
    assert stage.beanstalk.runs(ENVIRONMENT) == {"v1": 2, "v2": 2}
    assert isinstance(progress(stage, target=target), Unfinished)
    assert isinstance(begin(stage, target=target), Begun)
    stage.goes_on(minutes=6)

    assert progress(stage, target=target) == Serving()
    assert stage.changed() == ["AbortEnvironmentUpdate", "UpdateEnvironment"]
    assert stage.beanstalk.runs(ENVIRONMENT) == {"v1": 4}


@pytest.mark.parametrize("reverts", [True, False], ids=["the label goes back", "the label stays"])
def test_a_rolling_update_that_no_instance_had_begun_ends_as_it_was_whatever_the_label_says(stage, reverts):
    stage.environment.reverts = reverts
    stage.deploys("v2")
    target = stage.target()
    begin(stage, target=target)
    stage.goes_on(minutes=1)
    if not reverts:  # an instance that is started now would have v2
        assert isinstance(progress(stage, target=target), Unfinished)
        begin(stage, target=target)
        stage.goes_on(minutes=6)

    assert progress(stage, target=target) == Serving()
    assert stage.changed() == ["AbortEnvironmentUpdate", "UpdateEnvironment"][: 1 if reverts else 2]


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting"])
def test_what_runs_beside_the_old_instances_is_gone_with_one_call(policy):
    stage = Stage(policy=policy)
    stage.deploys("v2")
    stage.goes_on(seconds=90)
    target = stage.target()
    begin(stage, target=target)
    stage.goes_on(minutes=1)

    assert progress(stage, target=target) == Serving()
    assert stage.changed() == ["AbortEnvironmentUpdate"]
    assert stage.beanstalk.runs(ENVIRONMENT) == {"v1": 4}


def test_while_it_is_broken_off_it_is_awaited_and_not_broken_off_again(stage):
    stage.deploys("v2")
    begin(stage)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "that it is Ready is awaited" in answer.words
    assert stage.changed() == ["AbortEnvironmentUpdate"]


def test_our_own_way_back_is_not_broken_off_though_every_record_of_it_is_lost(stage):
    stage.deploys("v2")
    stage.goes_on(seconds=80)
    begin(stage)
    stage.goes_on(minutes=1)
    begin(stage)
    stage.restarted()

    assert isinstance(begin(stage), Begun)
    assert stage.changed() == ["AbortEnvironmentUpdate", "UpdateEnvironment"]


@pytest.mark.parametrize("status", ["Launching", "LinkingFrom"])
def test_what_else_is_done_to_it_is_awaited(stage, status):
    stage.deployed("v2")
    stage.beanstalk.set_status(ENVIRONMENT, status, NOON)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert status in answer.words


def test_an_environment_that_is_terminated_is_refused_for_good(stage):
    stage.deployed("v2")
    stage.beanstalk.set_status(ENVIRONMENT, "Terminating", stage.clock.time)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert isinstance(progress(stage), Failed)


# ----------------------------------------------------------------------------------------------- what is gone back to


def test_a_version_that_a_lifecycle_rule_has_deleted_is_not_sent_and_said(stage):
    stage.deployed("v2")
    stage.beanstalk.delete_version("shop", "v1")
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert "v1 is no application version any more" in answer.words
    assert stage.changed() == []


def test_a_bundle_that_is_gone_is_not_deployed(stage):
    stage.deployed("v2")
    stage.world.s3.delete(BUCKET, "shop/v1.zip", stage.clock.time)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert f"s3://{BUCKET}/shop/v1.zip is gone" in answer.words
    assert stage.changed() == []


def test_a_bundle_that_was_written_over_is_not_deployed_as_what_it_was(stage):
    stage.deployed("v2")
    stage.world.s3.put(BUCKET, "shop/v1.zip", "other", stage.clock.time)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert "was written over" in answer.words
    assert stage.changed() == []


def test_a_label_that_was_made_anew_from_something_else_is_not_deployed(stage):
    stage.deployed("v2")
    stage.beanstalk.create_version("shop", "v1", "something else", stage.clock.time)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert "made that label anew" in answer.words
    assert stage.changed() == []


def test_a_version_whose_check_has_failed_is_not_deployed(stage):
    stage.deployed("v2")
    stage.beanstalk.versions["shop", "v1"] = {**stage.beanstalk.versions["shop", "v1"], "Status": "Failed"}
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert "v1 is Failed" in answer.words


def test_where_bundles_may_not_be_looked_at_the_label_is_enough(stage):
    stage.deployed("v2")
    stage.world.faults.fail("s3", "HeadObject", error=AwsError("403", "", 403), times=None)

    assert isinstance(begin(stage), Begun)


# ------------------------------------------------------------------------------------------------------ AWS says no


def test_must_be_ready_is_asked_again_later(stage):
    """Somebody's update began between our look and the call."""
    stage.deployed("v2")
    error = AwsError(
        "InvalidParameterValue",
        f"Environment named {ENVIRONMENT} is in an invalid state for this operation. Must be Ready.",
    )
    stage.world.faults.fail("elasticbeanstalk", "UpdateEnvironment", error=error)
    target = stage.target()
    answer = begin(stage, target=target)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "Must be Ready" in answer.words
    assert isinstance(progress(stage, target=target), Unfinished)
    assert isinstance(begin(stage, target=target), Begun)
    assert stage.changed() == ["UpdateEnvironment", "UpdateEnvironment"]
    assert stage.environment.states.latest.label == "v1"


def test_another_invalid_parameter_is_refused_for_good(stage):
    stage.deployed("v2")
    error = AwsError("InvalidParameterValue", "No Application Version named 'v1' found.")
    stage.world.faults.fail("elasticbeanstalk", "UpdateEnvironment", error=error)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "make it anew" in answer.words


def test_an_update_that_ended_before_it_could_be_broken_off_is_read_again(stage):
    stage.deploys("v2")
    error = AwsError("InvalidParameterValue", "Must be pending deployment.")
    stage.world.faults.fail("elasticbeanstalk", "AbortEnvironmentUpdate", error=error)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None


def test_throttled_it_comes_back_later(stage):
    stage.deployed("v2")
    stage.world.faults.throttle("elasticbeanstalk", "UpdateEnvironment")
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None


def test_denied_says_what_to_do_and_does_not_come_back(stage):
    stage.deployed("v2")
    error = AwsError("AccessDenied", "not you", 403)
    stage.world.faults.fail("elasticbeanstalk", "UpdateEnvironment", error=error)
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "rollbackd doctor" in answer.words


def test_a_lost_answer_of_the_move_is_unclear_and_it_is_not_sent_again(stage):
    stage.deployed("v2")
    stage.world.faults.lose_answer("elasticbeanstalk", "UpdateEnvironment")
    target = stage.target()

    assert isinstance(begin(stage, target=target), Unclear)
    assert isinstance(begin(stage, target=target), Begun)
    assert stage.changed() == ["UpdateEnvironment"]


def test_a_lost_answer_of_what_only_makes_room_is_read_again(stage):
    stage.deploys("v2")
    stage.world.faults.lose_answer("elasticbeanstalk", "AbortEnvironmentUpdate")
    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.environment.states.latest.status == "Aborting"


def test_while_reads_are_late_the_same_order_is_not_sent_twice(stage):
    stage.deployed("v2")
    target = stage.target()
    begin(stage, target=target)
    stage.world.faults.stale("elasticbeanstalk", by=timedelta(minutes=1), times=None)
    stage.goes_on(seconds=5)

    assert isinstance(progress(stage, target=target), Moving)
    assert isinstance(begin(stage, target=target), Begun)
    assert stage.changed() == ["UpdateEnvironment"]


# ---------------------------------------------------------------------------------------------------------- progress


def test_what_beanstalk_did_not_bring_to_all_instances_has_failed_in_its_words(stage):
    stage.deployed("v2")
    stage.environment.bad.add("v1")
    target = stage.target()
    begin(stage, target=target)
    stage.goes_on(seconds=100)
    at_once = progress(stage, target=target)
    stage.goes_on(minutes=3)
    failed = progress(stage, target=target)

    assert isinstance(at_once, Moving)
    assert isinstance(failed, Failed)
    assert "Failed to deploy application." in failed.words
    assert "1 of 4 instances run v1" in failed.words
    assert failed.by_hand == (
        "aws elasticbeanstalk update-environment --application-name shop --environment-name shop-prod --version-label v1"
        " --region eu-central-1"
    )


def test_what_failed_at_once_is_said_as_soon_as_its_instances_have_told(stage):
    stage.deployed("v2")
    stage.environment.bad.add("v1")
    stage.environment.takes = timedelta(seconds=5)
    target = stage.target()
    begin(stage, target=target)
    stage.goes_on(seconds=80)

    assert isinstance(progress(stage, target=target), Failed)
    assert isinstance(begin(stage, target=target), Begun)
    assert stage.changed() == ["UpdateEnvironment"]
    begin(stage, key="w_2.1.0", target=target)  # a person orders it once more
    assert stage.changed() == ["UpdateEnvironment"] * 2


def test_that_every_instance_has_it_is_not_enough_while_the_update_goes_on(stage):
    """Beanstalk still looks whether they are well, and may take it back."""
    stage.beanstalk.set_status(ENVIRONMENT, "Updating", NOON)

    assert isinstance(progress(stage), Moving)
    assert isinstance(begin(stage), Begun)
    assert stage.changed() == []


def test_what_has_failed_is_known_by_its_trace_after_a_restart(stage):
    stage.deployed("v2")
    stage.environment.bad.add("v1")
    begin(stage)
    stage.goes_on(minutes=5)
    stage.restarted()

    assert isinstance(progress(stage), Failed)
    assert isinstance(progress(stage, key="w_other"), Unfinished)


def test_killed_between_the_trace_and_the_call_it_is_sent_in_the_end(stage):
    """The trace says what was meant; that nothing came of it shows after two minutes."""
    stage.deployed("v2")
    stage.world.faults.fail("elasticbeanstalk", "UpdateEnvironment", error=AwsError("AccessDenied", "", 403))
    begin(stage)
    stage.restarted()
    soon = progress(stage)
    stage.goes_on(minutes=3)

    assert isinstance(soon, Moving)
    assert isinstance(progress(stage), Unfinished)
    assert isinstance(begin(stage), Begun)
    assert stage.beanstalk.find(ENVIRONMENT).states.latest.label == "v1"


def test_a_third_release_is_a_drift_that_is_named(stage):
    stage.deployed("v3")
    found = progress(stage)

    assert isinstance(found, Drifted)
    assert found.tag == "v3"


def test_an_environment_that_was_not_moved_at_all_is_unfinished(stage):
    stage.deployed("v2")

    assert isinstance(progress(stage), Unfinished)


# ------------------------------------------------------------------------------------------------------------- trace


def test_its_trace_is_on_the_version_and_never_on_the_environment(stage):
    """To tag an environment is an update of it, and it would be busy."""
    stage.deployed("v2")
    begin(stage)

    assert stage.tags("v1")[TRACE].split() == [KEY, f"{stage.clock.time.timestamp():.0f}", "v2"]
    (call,) = [call for call in stage.world.calls if call.operation == "UpdateTagsForResource"]
    assert call.parameters["ResourceArn"].endswith(":applicationversion/shop/v1")


def test_by_its_trace_our_move_is_recognised_without_anything_remembered(stage):
    stage.deployed("v2")
    begin(stage)
    stage.goes_on(minutes=10)
    stage.restarted()

    assert stage.live().key == KEY


def test_it_is_recognised_by_whoever_looked_at_the_version_before(stage):
    target = stage.target()
    stage.live(target)
    stage.deployed("v2")
    begin(stage, target=target)
    stage.goes_on(minutes=10)

    assert stage.live(target).key == KEY


def test_a_trace_that_is_younger_than_the_last_change_of_the_environment_is_of_no_move(stage):
    """It was left, and then nothing was sent."""
    stage.beanstalk.tag("shop", "v1", NOON, {TRACE: f"{KEY} {NOON.timestamp():.0f} v2"})

    assert stage.live().key is None


def test_a_deployment_of_somebody_else_is_not_ours_though_it_goes_to_the_same_application(stage):
    stage.deployed("v2")
    begin(stage)
    stage.goes_on(minutes=10)
    stage.deployed("v3")

    assert stage.live().key is None


def test_a_trace_in_another_environment_is_not_ours(stage):
    stage.deployed("v2")
    begin(stage)
    other = stage.beanstalk.create_environment("shop", "shop-test", "v1", stage.clock.time)

    live = stage.live(stage.target(environment=other.name))
    assert live.key is None


@pytest.mark.parametrize("value", ["", "nonsense", "w 12 v2", "w_1 1764000000"])
def test_what_somebody_else_wrote_there_is_no_trace(stage, value):
    stage.beanstalk.tag("shop", "v1", NOON, {TRACE: value} if value else {})

    assert stage.live().key is None


def test_a_trace_that_cannot_be_left_keeps_nothing_from_being_moved(stage):
    stage.deployed("v2")
    error = AwsError("AccessDenied", "no tags", 403)
    stage.world.faults.fail("elasticbeanstalk", "UpdateTagsForResource", error=error, times=None)
    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert "its trace could not be left on the version" in answer.words
    assert stage.changed() == ["UpdateEnvironment"]


def test_what_only_makes_room_leaves_no_trace(stage):
    stage.deploys("v2")
    begin(stage)

    assert stage.asked("UpdateTagsForResource") == 0
