"""What serves, what is on its way, and what is left where a deployment was broken off."""

import asyncio
from datetime import timedelta

import pytest

from deploy.model import Live, Unreadable
from tests.deploy.targets.codedeploy.revisions import bundle
from tests.deploy.targets.codedeploy.stage import KEY, LONG_AGO, Stage, release
from tests.fakes.aws.fixtures import NOON

ONE, TWO = release(1).fingerprint, release(2).fingerprint


def test_what_was_deployed_with_success_last_serves(stage):
    live = stage.live()

    assert live == Live(release(1), shares={ONE: 1.0}, since=LONG_AGO)


@pytest.mark.parametrize("after", [1, 20])
def test_a_deployment_that_has_reached_no_instance_is_on_its_way_and_has_no_traffic(stage, after):
    stage.deploy(2)
    stage.goes_on(seconds=after)

    live = stage.live()

    assert live.release == release(1)
    assert live.in_flight == release(2)
    assert live.shares == {TWO: 0.0, ONE: 1.0}
    assert live.since == NOON


def test_while_all_instances_are_away_at_once_nothing_has_traffic():
    stage = Stage({"config": "CodeDeployDefault.AllAtOnce"})
    stage.deploy(2)
    stage.goes_on(seconds=20)

    assert stage.live().shares == {TWO: 0.0}


def test_while_some_instances_have_it_the_shares_are_by_their_number(stage):
    stage = Stage({"config": "CodeDeployDefault.OneAtATime"})
    stage.deploy(2)
    stage.goes_on(seconds=36)

    assert stage.live().shares == {TWO: 1 / 3, ONE: 2 / 3}  # the one that is being deployed to serves nobody


def test_a_group_onto_which_nothing_was_deployed_serves_nothing(stage):
    stage.codedeploy.create_group("shop", "empty", NOON)

    assert stage.live(stage.target("empty")) == Live(None)


def test_the_first_deployment_of_a_group_is_on_its_way_and_nothing_serves(stage):
    stage.codedeploy.create_group("shop", "new", NOON)
    stage.codedeploy.deploy("shop", "new", bundle(1), NOON)

    live = stage.live(stage.target("new"))

    assert live.release is None
    assert live.in_flight == release(1)
    assert not live.broken_off
    assert live.shares == {ONE: 0.0}


def test_one_that_was_broken_off_half_done_is_still_ahead(stage):
    """Two instances are broken, two have the old release: to say that the old one serves would end a rollback before it began.

    Of the new one no share is told, rather than nothing: what it did to the two, visitors may have seen.
    """
    stage.behaves(2, fails_at="ValidateService")
    stage.deployed(2)

    live = stage.live()

    assert stage.last().status == "Failed"
    assert live.release == release(1)
    assert live.in_flight == release(2)
    assert live.broken_off
    assert live.shares == {ONE: 1.0}


def test_of_one_that_was_broken_off_the_instances_that_have_it_count(stage):
    stage = Stage({"config": "CodeDeployDefault.OneAtATime"})
    stage.behaves(2, fails_at="ValidateService", fails_on=("i-3",))
    stage.deployed(2)

    assert stage.live().shares == {TWO: 2 / 3, ONE: 1 / 3}


def test_one_that_was_broken_off_before_it_did_anything_changed_nothing(stage):
    made = stage.deploy(2)
    stage.codedeploy.stop(made, stage.clock.time - timedelta(seconds=10), goes_back=False)
    stage.goes_on(minutes=10)

    assert stage.last().status == "Stopped"
    assert stage.live() == Live(release(1), shares={ONE: 1.0}, since=LONG_AGO)


def test_codedeploys_own_way_back_is_on_its_way_to_what_serves(stage):
    stage.behaves(2, fails_at="ValidateService")
    stage.deploy(2, autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE"]})
    stage.goes_on(seconds=40)

    live = stage.live()

    assert stage.last().creator == "codeDeployRollback"
    assert live.in_flight == release(1)
    assert live.shares == {}  # which instance has what is not told
    assert live.key is None


def test_where_codedeploys_own_way_back_breaks_off_the_bad_release_is_ahead_still(stage):
    stage = Stage({"config": "CodeDeployDefault.OneAtATime"})
    stage.behaves(2, fails_at="ApplicationStop")
    made = stage.deploy(2, autoRollbackConfiguration={"enabled": False})
    stage.goes_on(seconds=50)
    stage.codedeploy.stop(made, stage.clock.time, goes_back=True)
    stage.goes_on(minutes=10)

    assert (stage.last().creator, stage.last().status) == ("codeDeployRollback", "Failed")
    assert stage.live().in_flight == release(2)


def test_a_way_back_of_ours_that_broke_off_leaves_what_it_was_to_undo(stage):
    stage.deployed(2)
    stage.behaves(1, fails_at="AfterInstall")
    stage.run(stage.target().begin(stage.move(), KEY))
    stage.goes_on(minutes=10)

    live = stage.live()

    assert stage.last().status == "Failed"
    assert live.release == release(2)
    assert live.in_flight is None
    assert live.key is None


def test_our_own_move_is_known_by_its_key_while_it_is_on_its_way_and_when_it_serves(stage):
    stage.deployed(2)
    stage.run(stage.target().begin(stage.move(), KEY))

    assert stage.live().key == KEY
    stage.goes_on(minutes=10)
    assert stage.live(stage.restarted().target()).key == KEY


def test_instances_that_auto_scaling_adds_are_no_deployment_of_the_group(stage):
    stage.codedeploy.scale_out("shop", "prod", "i-5", stage.clock.time)

    live = stage.live()

    assert stage.last().creator == "autoscaling"
    assert live.release == release(1)
    assert live.in_flight is None


def test_a_deployment_beside_which_auto_scaling_adds_an_instance_is_seen(stage):
    stage.deploy(2)
    stage.goes_on(seconds=10)
    stage.codedeploy.scale_out("shop", "prod", "i-5", stage.clock.time)

    assert stage.live().in_flight == release(2)


def test_what_auto_scaling_deployed_with_success_does_not_hide_what_serves(stage):
    stage.deployed(2)
    stage.codedeploy.scale_out("shop", "prod", "i-5", stage.clock.time)
    stage.goes_on(minutes=10)

    assert stage.live().release == release(2)
    assert stage.live().in_flight is None


def test_a_restart_brings_no_release_and_hides_none(stage):
    """CodeDeploy calls it a deployment, and tells no revision of it."""
    stage.deployed(2)
    stage.deploy({})
    during = stage.live()
    stage.goes_on(minutes=10)

    assert stage.last().status == "Succeeded"
    for live in (during, stage.live()):
        assert live.release == release(2)
        assert live.in_flight is None


def test_a_group_that_is_not_there_is_unreadable_and_says_which(stage):
    found = stage.run(stage.target("gone").observe())

    assert isinstance(found, Unreadable)
    assert "the application shop has no deployment group gone" in found.words


def test_an_application_that_is_not_there_is_too(stage):
    del stage.codedeploy.groups["shop", "prod"]

    found = stage.run(stage.target().observe())
    assert isinstance(found, Unreadable)
    assert found.words.startswith("the application shop has no deployment group prod")


def test_a_group_that_is_read_a_moment_before_its_deployment_succeeds_serves_the_new_one(stage):
    stage.deploy(2)
    stage.goes_on(seconds=66)
    stage.world.faults.stale("codedeploy", "BatchGetDeploymentGroups", by=timedelta(seconds=5))

    assert stage.live() == Live(release(2), shares={TWO: 1.0}, since=NOON)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"deploymentStyle": {"deploymentType": "BLUE_GREEN"}}, "its deployments are BLUE_GREEN"),
    ],
)
def test_what_this_version_cannot_move_is_watched_and_says_why(more, words):
    live = Stage(more).live()

    assert live.release == release(1)
    (obstacle,) = live.obstacles
    assert obstacle.startswith(words)


def test_of_a_blue_green_group_no_shares_are_told(stage):
    stage = Stage({"deploymentStyle": {"deploymentType": "BLUE_GREEN"}})

    assert stage.live().shares == {}


def test_a_revision_that_is_no_bundle_and_no_commit_is_not_moved():
    strange = Stage(first={"revisionType": "String", "string": {"sha256": "ab" * 32}})

    (obstacle,) = strange.live().obstacles

    assert "a revision of the type String" in obstacle


def test_in_steady_state_fifty_groups_of_one_application_are_one_call(stage):
    for number in range(50):
        stage.codedeploy.create_group("shop", f"g{number}", NOON)
        stage.codedeploy.deploy("shop", f"g{number}", bundle(1), NOON)
    stage.goes_on(minutes=10)
    targets = [stage.target(f"g{number}") for number in range(50)]

    async def all_of_them():
        async with asyncio.TaskGroup() as reading:
            return [reading.create_task(each.observe()) for each in targets]

    stage.run(all_of_them())
    before = len(stage.world.calls)
    stage.run(all_of_them())

    assert [call.operation for call in stage.world.calls[before:]] == ["BatchGetDeploymentGroups"]


def test_what_serves_and_what_comes_are_asked_for_in_one_call(stage):
    stage.deploy(2)

    stage.live()

    assert [call.operation for call in stage.world.calls] == [
        "BatchGetDeploymentGroups",
        "BatchGetDeployments",
    ]
