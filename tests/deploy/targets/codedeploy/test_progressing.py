"""How far a move is: until no instance is left that may run the bad release."""

from datetime import timedelta

from deploy.model import Drifted, Failed, Moving, Serving, Unfinished, Unreadable
from tests.deploy.targets.codedeploy.stage import GROUP, KEY, Stage, release
from tests.fakes.aws import AwsError


def progress(stage: Stage, expect: int = 2, to: int = 1):
    return stage.run(stage.target().progress(stage.move(expect, to), KEY))


def begun(stage: Stage) -> None:
    stage.deployed(2)
    stage.run(stage.target().begin(stage.move(), KEY))


def test_a_move_says_how_many_instances_it_has_reached(stage):
    begun(stage)
    stage.goes_on(seconds=36)

    assert progress(stage) == Moving(
        "2 of 4 instances have artifacts/shop/1.1.zip@v1, 2 are being deployed to"
    )


def test_a_move_that_no_instance_has_begun_says_so():
    stage = Stage({"instances": ()})
    stage.deploy(1)

    assert "no instance has begun" in progress(stage, 2, 1).words


def test_instances_that_fail_are_named_with_what_their_scripts_said_while_it_goes_on(stage):
    stage.behaves(1, fails_at="ValidateService", fails_on=("i-2",), log="\x1b[31mhealth check: 500\n")
    begun(stage)
    stage.goes_on(seconds=20)

    words = progress(stage).words

    assert words.endswith("1 failed; i-2 at ValidateService: [31mhealth check: 500")


def test_a_move_that_every_instance_has_serves(stage):
    begun(stage)
    stage.goes_on(minutes=10)

    assert progress(stage) == Serving()


def test_an_instance_that_failed_may_still_run_the_bad_release_though_codedeploy_calls_it_a_success(stage):
    stage.behaves(1, fails_at="ValidateService", fails_on=("i-2",))
    begun(stage)
    stage.goes_on(minutes=10)

    found = progress(stage)

    assert stage.last().status == "Succeeded"
    assert isinstance(found, Failed)
    assert "3 of 4 instances have artifacts/shop/1.1.zip@v1, 1 failed" in found.words
    assert "those may still run artifacts/shop/1.2.zip@v2" in found.words
    assert "i-2 at ValidateService" in found.words
    assert found.by_hand.startswith("aws deploy create-deployment ")


def test_a_way_back_that_codedeploy_gave_up_has_failed_and_says_where(stage):
    stage.behaves(1, fails_at="AfterInstall", log="access denied: web.config")
    begun(stage)
    stage.goes_on(minutes=10)

    found = progress(stage)

    assert isinstance(found, Failed)
    assert "HEALTH_CONSTRAINTS" in found.words
    assert "i-1 at AfterInstall: access denied: web.config" in found.words


def test_of_many_instances_that_failed_three_are_named():
    stage = Stage({"instances": tuple(f"i-{n}" for n in range(9)), "config": "CodeDeployDefault.AllAtOnce"})
    stage.behaves(1, fails_at="AfterInstall", fails_on=tuple(f"i-{n}" for n in range(8)))
    stage.deployed(2)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)

    words = progress(stage).words

    assert words.count(" at AfterInstall") == 3
    assert words.endswith("5 more")


def test_a_third_release_that_serves_is_a_drift(stage):
    begun(stage)
    stage.goes_on(minutes=10)
    stage.deployed(3)

    assert progress(stage) == Drifted(
        "artifacts/shop/1.3.zip@v3 serves, not artifacts/shop/1.1.zip@v1: somebody else has moved it",
        release(3).tag,
    )


def test_a_third_release_on_its_way_and_one_that_was_broken_off_are_drifts_too(stage):
    begun(stage)
    stage.goes_on(minutes=10)
    stage.behaves(3, fails_at="AfterInstall")
    stage.deploy(3)
    assert "is on its way" in progress(stage).words
    stage.goes_on(minutes=10)

    assert isinstance(progress(stage), Drifted)
    assert "was tried" in progress(stage).words


def test_a_deployment_that_is_being_stopped_is_moving(stage):
    bad = stage.deploy(2)
    stage.goes_on(seconds=40)
    stage.run(stage.target().begin(stage.move(), KEY))

    assert progress(stage) == Moving(
        f"{bad} of {release(2).tag} is being stopped; {release(1).tag} was ordered"
    )


def test_one_that_has_stopped_needs_the_call_that_brings_the_old_release(stage):
    stage.deploy(2)
    stage.goes_on(seconds=40)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(seconds=20)

    found = progress(stage)

    assert isinstance(found, Unfinished)
    assert "is Stopped" in found.words


def test_one_that_was_stopped_before_it_did_anything_leaves_the_old_release_serving(stage):
    made = stage.deploy(2)
    stage.codedeploy.stop(made, stage.clock.time - timedelta(seconds=10), goes_back=False)
    stage.goes_on(minutes=10)

    assert progress(stage) == Serving()


def test_after_a_stop_at_our_word_codedeploys_way_back_is_awaited_for_two_minutes(stage):
    stage.deploy(2)
    stage.goes_on(seconds=20)
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(seconds=12)
    stage.codedeploy._returns.clear()

    assert stage.last().status == "Stopped"
    assert isinstance(progress(stage), Moving)
    stage.goes_on(minutes=2)
    assert isinstance(progress(stage), Unfinished)


def test_where_a_person_has_stopped_it_nobody_waits_for_codedeploy(stage):
    """The trace on the group is of an older move of ours."""
    stage.world.home.tagging.put(GROUP, {"rollbackd:move": f"{KEY} stop d-OLDER"}, stage.clock.time)
    made = stage.deploy(2)
    stage.goes_on(seconds=40)
    stage.codedeploy.stop(made, stage.clock.time, goes_back=False)
    stage.goes_on(seconds=12)

    assert isinstance(progress(stage), Unfinished)


def test_what_was_ordered_and_is_not_there_after_a_restart_is_begun_again(stage):
    """The store says that it was sent; CodeDeploy shows nothing of it, and holds the group for one deployment at a time."""
    stage.deployed(2)

    assert isinstance(progress(stage), Unfinished)


def test_instances_that_cannot_be_read_make_it_unreadable_and_not_a_success(stage):
    stage.behaves(1, fails_at="ValidateService", fails_on=("i-2",))
    begun(stage)
    stage.goes_on(minutes=10)
    denied = AwsError("AccessDeniedException", "not authorized")
    stage.world.faults.fail("codedeploy", "BatchGetDeploymentTargets", error=denied, times=None)

    found = progress(stage)

    assert isinstance(found, Unreadable)
    assert "AccessDeniedException" in found.words


def test_a_group_onto_which_nothing_was_deployed_yet_is_moving(stage):
    stage.codedeploy.create_group("shop", "empty", stage.clock.time)

    found = stage.run(stage.target("empty").progress(stage.move(), KEY))

    assert isinstance(found, Moving)
