"""Blue-green on EC2: new instances take the place of the old ones, which stand for a while; and the way back, while they do and afterwards."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import Begun, Level, Live, RollbackPlan, Serving, Word
from deploy.rollback import Done, Going, roll_back
from deploy.target import Waits
from tests.deploy.targets.codedeploy.stage import KEY, Stage, release
from tests.deploy.targets.codedeploy.test_moving import begin, rolled_back

ONE, TWO = release(1).fingerprint, release(2).fingerprint


def blue_green(kept: int = 60, ready: int | None = None) -> dict[str, Any]:
    """The members of a group that copies its Auto Scaling group, keeps the old instances for *kept* minutes, and waits *ready* minutes."""
    waits = {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": ready}
    return {
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "blueGreenDeploymentConfiguration": {
            "greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"},
            "terminateBlueInstancesOnDeploymentSuccess": {
                "action": "TERMINATE",
                "terminationWaitTimeInMinutes": kept,
            },
            **({"deploymentReadyOption": waits} if ready is not None else {}),
        },
    }


@pytest.fixture
def stage() -> Stage:
    return Stage(blue_green())


def waits_for_the_traffic(stage: Stage) -> None:
    """From now on a deployment waits to be given it, for half an hour."""
    group = stage.codedeploy.find("shop", "prod")
    stage.codedeploy.put_group(replace(group, more={**group.more, **blue_green(ready=30)}), stage.clock.time)


def traffic(stage: Stage) -> dict[str, float]:
    return dict(stage.codedeploy.find("shop", "prod").traffic)


def instances(stage: Stage) -> list[str]:
    """What runs on each instance."""
    return sorted(str(each.runs) for each in stage.codedeploy.find("shop", "prod").instances)


# ---------------------------------------------------------------------------------------------------------- what is seen


def test_the_new_release_has_no_traffic_until_it_is_moved_and_then_all(stage):
    stage.deploy(2)
    shares = [stage.live().shares]
    stage.goes_on(seconds=60)
    shares.append(stage.live().shares)
    stage.goes_on(minutes=2)
    moved = stage.live()
    stage.goes_on(minutes=65)

    assert shares == [{TWO: 0.0, ONE: 1.0}] * 2
    assert (moved.release, moved.in_flight, moved.shares) == (release(1), release(2), {TWO: 1.0})
    assert moved.obstacles == ()
    assert stage.live() == Live(release(2), shares={TWO: 1.0}, since=moved.since)


def test_while_instances_are_given_the_traffic_one_by_one_no_share_is_told(stage):
    made = stage.deploy(2)
    stage.goes_on(minutes=3)
    found = stage.codedeploy.known(made)
    stage.codedeploy.deployments[made].put(stage.clock.time, replace(found, moved=False))

    assert stage.live().shares == {}


def test_one_that_was_stopped_before_it_had_traffic_changed_nothing(stage):
    waits_for_the_traffic(stage)
    stage.deploy(2)
    stage.goes_on(minutes=40)

    live = stage.live()

    assert stage.last().status == "Stopped"
    assert (live.release, live.in_flight) == (release(1), None)


def test_one_whose_new_instances_failed_had_no_traffic_and_changed_nothing(stage):
    stage.behaves(2, fails_at="AfterInstall")
    stage.deploy(2)
    stage.goes_on(minutes=5)

    live = stage.live()

    assert stage.last().status == "Failed"
    assert (live.release, live.in_flight) == (release(1), None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"greenFleetProvisioningOption": {"action": "DISCOVER_EXISTING"}}, "DISCOVER_EXISTING"),
        ({}, "WITHOUT_TRAFFIC_CONTROL"),
    ],
)
def test_what_cannot_be_moved_says_why(change, words):
    group = blue_green()
    if change:
        group["blueGreenDeploymentConfiguration"] |= change
    else:
        group["deploymentStyle"]["deploymentOption"] = "WITHOUT_TRAFFIC_CONTROL"

    (obstacle,) = Stage(group).live().obstacles

    assert words in obstacle


# -------------------------------------------------------------------------------------------------------- the way back


@pytest.mark.parametrize("after", [{"seconds": 30}, {"minutes": 10}], ids=["before the traffic", "after it"])
def test_while_the_old_instances_stand_codedeploy_is_told_to_go_back(stage, after):
    bad = stage.deploy(2)
    stage.goes_on(**after)

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.sent("StopDeployment") == {"deploymentId": bad, "autoRollbackEnabled": True}
    assert stage.changed() == ["StopDeployment"]
    assert set(traffic(stage)) == {"shop/1.1.zip"}
    assert stage.live().release == release(1)


def test_where_codedeploy_does_not_give_the_traffic_back_the_old_release_is_deployed_to_new_instances(stage):
    """No page of AWS promises it: so what follows is read."""
    stage.deploy(2)
    stage.goes_on(minutes=10)
    stage.codedeploy.goes_back = False

    assert rolled_back(stage, stage.move()) == Done()
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]
    assert traffic(stage) == {"shop/1.1.zip": 1.0}


def test_afterwards_the_old_release_is_deployed_to_new_instances(stage):
    stage.deployed(2)
    stage.goes_on(minutes=70)

    assert isinstance(begin(stage), Begun)
    stage.goes_on(minutes=70)

    assert stage.changed() == ["CreateDeployment"]
    assert "deploymentConfigName" not in stage.sent()
    assert set(instances(stage)) == {"shop/1.1.zip"}
    assert stage.run(stage.target().progress(stage.move(), KEY)) == Serving()


def test_it_serves_as_soon_as_it_has_all_the_traffic_and_not_only_when_the_others_have_ended(stage):
    stage.deployed(2)
    stage.goes_on(minutes=70)
    begin(stage)
    stage.goes_on(minutes=5)

    assert stage.last().status == "InProgress"
    assert stage.run(stage.target().progress(stage.move(), KEY)) == Serving()


# ----------------------------------------------------------------------------------------------------------- that it waits


def test_one_that_is_ready_waits_to_be_given_the_traffic_and_is_at_our_word(stage):
    waits_for_the_traffic(stage)
    stage.deploy(2)
    stage.goes_on(minutes=3)
    pause = stage.live().pause

    said = stage.run(stage.target().answer(pause, Word.GO_ON, KEY))
    stage.goes_on(minutes=1)

    assert pause.stage == "READY"
    assert isinstance(said, Begun)
    assert traffic(stage) == {"shop/1.2.zip": 1.0}


def test_our_own_way_back_is_given_the_traffic_by_the_same_move(stage):
    stage.deployed(2)
    stage.goes_on(minutes=70)
    waits_for_the_traffic(stage)
    plan, targets = RollbackPlan("checkout", "production", (stage.move(),)), {"service": stage.target()}

    async def intend(_: object) -> bool:
        return True

    sent, outcome = 0, None
    while not isinstance(outcome, Done):
        outcome = stage.run(roll_back(plan, targets, KEY, sent=sent, intend=intend))
        assert isinstance(outcome, Going | Done), outcome
        sent = getattr(outcome, "sent", sent)
        stage.goes_on(seconds=30)

    assert stage.changed() == ["CreateDeployment", "ContinueDeployment"]


# ------------------------------------------------------------------------------------------------------------- beforehand


def test_it_is_foretold_for_how_long_the_old_instances_stand_and_what_aws_does_not_promise(stage):
    stage.deploy(2)
    stage.goes_on(minutes=3)

    foretold = stage.run(stage.target().foretell(stage.move()))

    assert foretold.calls[-1].startswith("codedeploy:StopDeployment")
    assert foretold.takes.startswith(
        "minutes at most, while the old instances stand (for 60 min after the traffic has moved), if CodeDeploy gives the traffic back to"
        " them, which AWS does not promise; else new ones are started: "
    )
    assert foretold.obstacles == ()


def test_for_how_long_it_keeps_them_can_be_held_against_the_watch(stage):
    assert stage.run(stage.target().waits()) == Waits((), keeps=timedelta(hours=1))
    ended_at_once = Stage(blue_green(kept=0))
    assert ended_at_once.run(ended_at_once.target().waits()) == Waits((), keeps=timedelta(0))


def test_instances_that_are_ended_at_once_are_warned_of():
    stage = Stage(blue_green(kept=0))

    found = stage.run(stage.target().examine())

    assert any(
        each.level is Level.WARN and "ended as soon as the traffic has moved" in each.words for each in found
    )
