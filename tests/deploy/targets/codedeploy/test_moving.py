"""Going back: decided by what runs at that moment, by the fewest calls, and never against somebody else's newer deployment."""

from datetime import timedelta
from typing import Any

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Failed,
    Move,
    Moving,
    Refused,
    RollbackPlan,
    Serving,
    Unclear,
    Unfinished,
)
from deploy.rollback import Broken, Done, Going, Unknown, roll_back
from deploy.targets.codedeploy.revision import revision_of
from tests.deploy.targets.codedeploy.revisions import bundle, commit, key
from tests.deploy.targets.codedeploy.stage import GROUP, KEY, READS_ONLY, Stage, release
from tests.fakes.aws import AwsError

OWN = {"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]}


def rolled_back(stage: Stage, move: Move, key: str = KEY, *, seconds: int = 5, most: int = 80) -> Any:
    """As the performer does: looks again every few seconds, until it is over. A new target each time: nothing is remembered."""
    plan, sent, outcome = RollbackPlan("checkout", "production", (move,)), 0, None

    async def intend(_: Move) -> bool:
        return True

    for _ in range(most):
        targets = {"service": stage.target()}
        outcome = stage.run(roll_back(plan, targets, key, sent=sent, intend=intend))
        if not isinstance(outcome, Going | Unknown):
            break
        sent = outcome.sent
        stage.goes_on(seconds=seconds)
    return outcome


def begin(stage: Stage, move: Move | None = None, key: str = KEY) -> Any:
    return stage.run(stage.target().begin(move or stage.move(), key))


# ----------------------------------------------------------------------------------------------------- after completion


def test_a_completed_deployment_is_undone_by_deploying_the_old_revision_once_more(stage):
    bad = stage.deployed(2)

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert answer.platform_id == stage.last().id
    assert stage.changed() == ["CreateDeployment"]
    assert stage.sent() == {
        "applicationName": "shop",
        "deploymentGroupName": "prod",
        "revision": bundle(1),
        "description": f"rollbackd {KEY}: back from {bad}",
        "ignoreApplicationStopFailures": True,
        "fileExistsBehavior": "OVERWRITE",
        "autoRollbackConfiguration": {"enabled": False},
        "overrideAlarmConfiguration": {"enabled": False},
    }


def test_the_groups_own_capacity_rule_holds_for_the_way_back_too(stage):
    """All at once in place would itself be the outage."""
    stage.deployed(2)
    begin(stage)
    stage.goes_on(seconds=20)

    assert "deploymentConfigName" not in stage.sent()
    assert list(stage.codedeploy.running("shop", "prod").values()) == [None, None, key(2), key(2)]


def test_a_rollback_serves_when_every_instance_has_the_old_release(stage):
    stage.deployed(2)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.running() == {key(1)}
    assert stage.changed() == ["CreateDeployment"]


def test_a_stop_script_of_the_bad_release_that_fails_does_not_block_the_way_back(stage):
    stage.behaves(2, fails_at="ApplicationStop")
    stage.deployed(2)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.running() == {key(1)}


def test_files_that_the_bad_release_has_left_do_not_block_the_way_back(stage):
    stage.behaves(2, litters=True)
    stage.deployed(2)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.running() == {key(1)}


def test_a_release_that_kept_files_of_the_instances_keeps_them_again():
    stage = Stage(how={"fileExistsBehavior": "RETAIN"})
    stage.deployed(2)
    begin(stage)

    assert stage.sent()["fileExistsBehavior"] == "RETAIN"


def test_an_alarm_that_the_bad_release_has_set_off_does_not_stop_the_way_back(stage):
    stage.deployed(2)
    stage.codedeploy.alarm("shop", "prod", stage.clock.time)

    assert rolled_back(stage, stage.move()) == Done()


def test_a_way_back_that_fails_is_not_taken_back_to_the_bad_release():
    stage = Stage({"auto_rollback": ("DEPLOYMENT_FAILURE",)})
    stage.deployed(2)
    stage.behaves(1, fails_at="AfterInstall")

    assert isinstance(rolled_back(stage, stage.move()), Broken)
    stage.goes_on(minutes=10)
    assert stage.last().creator == "user"


def test_a_release_of_before_the_last_one_is_found_among_the_groups_deployments(stage):
    stage.deployed(2)
    stage.deployed(3)

    assert rolled_back(stage, stage.move(3, 1)) == Done()
    assert stage.running() == {key(1)}


def test_a_commit_on_github_is_deployed_again_as_it_was():
    stage = Stage(first=commit("4f2a9c"))
    stage.deployed(commit("77e1b0"))
    good, bad = (revision_of(commit(each)) for each in ("4f2a9c", "77e1b0"))
    assert good is not None
    assert bad is not None

    assert rolled_back(stage, Move("service", expect=bad.release, to=good.release)) == Done()
    assert stage.sent()["revision"] == commit("4f2a9c")


def test_a_release_that_the_group_never_had_is_refused_and_says_why(stage):
    stage.deployed(2)

    answer = begin(stage, stage.move(2, 7))

    assert isinstance(answer, Refused)
    assert "artifacts/shop/1.7.zip@v7" in answer.words
    assert answer.again_in is None
    assert stage.changed() == []


def test_a_bundle_that_is_gone_is_refused_with_what_to_do(stage):
    stage.deployed(2)
    stage.codedeploy.remove_bundle(key(1))

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.words.endswith("put the bundle back where it was, or deploy another release")


# ------------------------------------------------------------------------------------------------------------ in flight


def test_before_the_bad_release_is_on_any_instance_codedeploy_goes_back_at_our_word(stage):
    bad = stage.deploy(2)
    stage.goes_on(seconds=20)

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert stage.sent("StopDeployment") == {"deploymentId": bad, "autoRollbackEnabled": True}
    assert stage.tags()["rollbackd:move"] == f"{KEY} stop {bad}"


def test_the_trace_is_there_before_the_call_that_moves(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)
    begin(stage)

    assert [call.operation for call in stage.world.mutating_calls()] == ["TagResource", "StopDeployment"]


def test_codedeploys_way_back_at_our_word_is_watched_to_its_end_and_is_ours(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.running() == {key(1)}
    assert stage.changed() == ["StopDeployment"]
    assert stage.live().key == KEY


def test_once_an_instance_has_the_bad_release_it_is_stopped_and_the_old_one_deployed(stage):
    """CodeDeploy's own way back would run the bad release's stop scripts there, and fail with them."""
    stage.behaves(2, fails_at="ApplicationStop")
    bad = stage.deploy(2)
    stage.goes_on(seconds=40)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.sent("StopDeployment") == {"deploymentId": bad, "autoRollbackEnabled": False}
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]
    assert stage.running() == {key(1)}


def test_where_codedeploy_would_go_back_to_another_release_it_is_stopped_and_ours_deployed(stage):
    stage.deployed(2)
    stage.deploy(3)
    stage.goes_on(seconds=20)

    assert rolled_back(stage, stage.move(3, 1)) == Done()
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]
    assert stage.running() == {key(1)}


def test_where_an_alarm_of_the_group_could_stop_codedeploys_way_back_ours_is_deployed():
    stage = Stage({"alarmConfiguration": {"enabled": True, "alarms": [{"name": "5xx"}]}})
    stage.deploy(2)
    stage.goes_on(seconds=20)
    stage.codedeploy.alarm("shop", "prod", stage.clock.time + timedelta(seconds=10))

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.sent("StopDeployment")["autoRollbackEnabled"] is False
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]
    assert stage.running() == {key(1)}


def test_alarms_that_are_switched_off_stop_nothing():
    stage = Stage({"alarmConfiguration": {"enabled": False, "alarms": [{"name": "5xx"}]}})
    stage.deploy(2)
    stage.goes_on(seconds=20)
    begin(stage)

    assert stage.sent("StopDeployment")["autoRollbackEnabled"] is True


def test_after_a_stop_of_ours_nobody_waits_for_a_way_back_that_we_have_forbidden(stage):
    stage.deploy(2, autoRollbackConfiguration=OWN)
    stage.goes_on(seconds=40)
    target, move = stage.target(), stage.move()
    stage.run(target.begin(move, KEY))
    stage.goes_on(seconds=12)

    assert isinstance(stage.run(target.progress(move, KEY)), Unfinished)
    assert isinstance(stage.run(target.begin(move, KEY)), Begun)
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]


def test_where_it_was_stopped_before_it_did_anything_and_the_way_back_breaks_a_person_is_needed(stage):
    """There is nothing of the bad release to be undone: to begin again would be for ever."""
    made = stage.deploy(2)
    stage.codedeploy.stop(made, stage.clock.time - timedelta(seconds=10), goes_back=True)
    stage.behaves(1, fails_at="AfterInstall")
    stage.goes_on(minutes=10)

    assert (stage.last().creator, stage.last().status) == ("codeDeployRollback", "Failed")
    assert isinstance(stage.run(stage.target().progress(stage.move(), KEY)), Failed)


def test_where_the_trace_cannot_be_left_the_longer_way_is_gone(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)
    denied = AwsError("AccessDeniedException", "not authorized to perform codedeploy:TagResource")
    stage.world.faults.fail("codedeploy", "TagResource", error=denied, times=None)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]
    assert stage.live().key == KEY


def test_a_stop_is_not_sent_again_while_it_takes_effect(stage):
    stage.deploy(2)
    stage.goes_on(seconds=40)
    target = stage.target()

    stage.run(target.begin(stage.move(), KEY))
    again = stage.run(target.begin(stage.move(), KEY))

    assert isinstance(again, Refused)
    assert again.again_in is not None
    assert stage.changed() == ["StopDeployment"]


def test_a_stop_whose_answer_is_lost_may_be_sent_again(stage):
    stage.deploy(2)
    stage.goes_on(seconds=40)
    stage.world.faults.lose_answer("codedeploy", "StopDeployment")

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert rolled_back(stage, stage.move()) == Done()
    assert stage.changed().count("CreateDeployment") == 1


def test_where_codedeploys_own_way_back_fails_the_old_release_is_deployed_without_the_stop_scripts(stage):
    """It was still on no instance when it was told to stop; then one had it, and its stop script fails."""
    stage = Stage({"config": "CodeDeployDefault.OneAtATime"})
    stage.behaves(2, fails_at="ApplicationStop")
    stage.deploy(2)
    stage.goes_on(seconds=30)  # the first one has it in five seconds, and the stop takes ten

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]
    assert stage.running() == {key(1)}


def test_one_that_is_over_when_it_is_to_be_stopped_is_undone_by_a_new_one(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)
    over = AwsError("DeploymentAlreadyCompletedException", "The deployment is already completed")
    stage.world.faults.fail("codedeploy", "StopDeployment", error=over)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    stage.goes_on(minutes=10)
    assert rolled_back(stage, stage.move()) == Done()
    assert stage.running() == {key(1)}


# ----------------------------------------------------------------------------------------------------------- broken off


def test_one_that_was_broken_off_is_undone_by_deploying_the_old_revision_once_more(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deployed(2)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.running() == {key(1)}
    assert stage.changed() == ["CreateDeployment"]


def test_codedeploys_own_way_back_is_awaited_and_not_fought(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deploy(2, autoRollbackConfiguration=OWN)
    stage.goes_on(seconds=17)  # it has failed two seconds ago, and CodeDeploy has not begun to go back

    answer = begin(stage)

    assert stage.last().status == "Failed"
    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "about to go back by itself" in answer.words
    assert rolled_back(stage, stage.move()) == Done()
    assert stage.changed() == []
    assert stage.running() == {key(1)}


def test_a_way_back_that_is_configured_and_switched_off_is_not_awaited(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deploy(2, autoRollbackConfiguration={**OWN, "enabled": False})
    stage.goes_on(seconds=17)

    assert isinstance(begin(stage), Begun)
    assert stage.changed() == ["CreateDeployment"]


def test_codedeploys_own_way_back_that_is_under_way_is_watched(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deploy(2, autoRollbackConfiguration=OWN)
    stage.goes_on(seconds=40)

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert "CodeDeploy is going back by itself" in answer.words
    assert rolled_back(stage, stage.move()) == Done()
    assert stage.changed() == []


def test_codedeploys_own_way_back_that_does_not_come_is_not_awaited_for_ever(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deploy(2, autoRollbackConfiguration=OWN)
    stage.goes_on(seconds=17)
    stage.codedeploy._returns.clear()
    stage.goes_on(seconds=61)

    assert isinstance(begin(stage), Begun)
    assert stage.changed() == ["CreateDeployment"]


def test_a_way_back_that_broke_off_can_be_tried_once_more_by_a_person(stage):
    stage.deployed(2)
    stage.behaves(1, fails_at="AfterInstall", log="disk full")
    first = rolled_back(stage, stage.move())
    stage.behaves(1)

    assert isinstance(first, Broken)
    assert "disk full" in first.words
    assert rolled_back(stage, stage.move(), "w_1.9.0") == Done()
    assert stage.running() == {key(1)}


# ----------------------------------------------------------------------------------------------------- others, and twice


def test_what_serves_already_is_not_ordered(stage):
    assert begin(stage) == AlreadyThere()
    assert stage.changed() == []


def test_a_newer_deployment_of_somebody_else_is_never_undone(stage):
    stage.deployed(2)
    stage.deploy(3)
    stage.goes_on(seconds=20)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.third_tag == release(3).tag
    assert stage.changed() == []


def test_one_that_somebody_begins_between_look_and_call_refuses_ours(stage):
    stage.deployed(2)
    target, move = stage.target(), stage.move()
    view_was = timedelta(seconds=1)
    stage.deploy(3)
    stage.world.faults.stale("codedeploy", "BatchGetDeploymentGroups", by=view_was)
    stage.goes_on(seconds=0.5)

    answer = stage.run(target.begin(move, KEY))

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "DeploymentLimitExceededException" in answer.words
    assert stage.last().behaviour == key(3)


def test_the_same_move_is_made_once_even_if_everything_that_was_known_is_lost(stage):
    stage.deployed(2)
    begin(stage)
    again = stage.run(stage.restarted().target().begin(stage.move(), KEY))

    assert isinstance(again, Begun)
    assert stage.changed() == ["CreateDeployment"]


def test_a_lost_answer_is_unclear_and_the_move_is_found_by_reading(stage):
    stage.deployed(2)
    stage.world.faults.lose_answer("codedeploy", "CreateDeployment")
    target = stage.target()

    assert isinstance(stage.run(target.begin(stage.move(), KEY)), Unclear)
    assert isinstance(stage.run(target.progress(stage.move(), KEY)), Moving)
    stage.goes_on(minutes=10)
    assert stage.run(target.progress(stage.move(), KEY)) == Serving()


def test_an_order_that_is_not_seen_yet_is_not_sent_again_and_one_that_was_lost_is(stage):
    stage.deployed(2)
    target, move = stage.target(), stage.move()
    stage.world.faults.slow("codedeploy", "CreateDeployment", seconds=5)
    stage.world.faults.fail("codedeploy", "CreateDeployment", error=AwsError("InternalFailure", "lost", 500))

    assert isinstance(stage.run(target.begin(move, KEY)), Unclear)
    assert isinstance(stage.run(target.progress(move, KEY)), Moving)
    stage.goes_on(minutes=3)
    assert isinstance(stage.run(target.progress(move, KEY)), Unfinished)


@pytest.mark.parametrize("code", ["ThrottlingException", "ExpiredTokenException"])
def test_what_is_only_not_now_is_tried_again(stage, code):
    stage.deployed(2)
    stage.world.faults.fail("codedeploy", "CreateDeployment", error=AwsError(code, "later"))

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in == timedelta(seconds=15)


def test_without_a_role_to_act_nothing_is_tried(stage):
    stage.deployed(2)

    answer = stage.run(stage.target(account=READS_ONLY).begin(stage.move(), KEY))

    assert isinstance(answer, Refused)
    assert "no role to act" in answer.words
    assert stage.world.mutating_calls() == []


def test_a_group_that_this_version_cannot_move_is_refused():
    stage = Stage({"deploymentStyle": {"deploymentType": "BLUE_GREEN"}})
    stage.deployed(2)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert "BLUE_GREEN" in answer.words
    assert stage.changed() == []


def test_where_nothing_was_deployed_nothing_is_moved(stage):
    stage.codedeploy.create_group("shop", "empty", stage.clock.time)

    answer = stage.run(stage.target("empty").begin(stage.move(), KEY))

    assert isinstance(answer, Refused)
    assert "nothing was deployed with success" in answer.words


def test_the_trace_is_of_the_group_as_aws_calls_it(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)
    begin(stage)

    assert stage.sent("TagResource")["ResourceArn"] == GROUP
