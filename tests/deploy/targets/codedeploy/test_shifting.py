"""CodeDeploy for ECS and Lambda: traffic goes back to what still stands, and all at once to what is started beside it."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from deploy.model import Begun, Live, Move, Moving, Refused, Release, Serving
from deploy.rollback import Done
from deploy.targets.codedeploy.revision import revision_of
from tests.deploy.targets.codedeploy.revisions import bundle
from tests.deploy.targets.codedeploy.stage import GROUP, KEY, LONG_AGO, READS_ONLY, Stage
from tests.deploy.targets.codedeploy.test_moving import begin, rolled_back
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

ECS = {
    "computePlatform": "ECS",
    "instances": ("prod:web",),
    "config": "CodeDeployDefault.ECSCanary10Percent5Minutes",
}
LAMBDA = {
    "computePlatform": "Lambda",
    "instances": ("f:live",),
    "config": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
}


def content(number: int) -> str:
    return f'{{"TaskDefinition": "arn:aws:ecs:eu-central-1:123456789012:task-definition/web:{number}"}}'


def appspec(number: int) -> Mapping[str, Any]:
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content(number)}}


def hash_of(number: int) -> str:
    return hashlib.sha256(content(number).encode()).hexdigest()


def release(number: int) -> Release:
    told = {"content": content(number), "sha256": hash_of(number)}
    found = revision_of({"revisionType": "AppSpecContent", "appSpecContent": told})
    assert found is not None
    return found.release


MOVE = Move("service", expect=release(2), to=release(1))
ONE, TWO = release(1).fingerprint, release(2).fingerprint


@pytest.fixture(params=[ECS, LAMBDA], ids=["ECS", "Lambda"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    made = Stage(request.param, first=appspec(1))
    yield made
    assert made.world.bugs == []


def traffic(stage: Stage) -> dict[str, float]:
    """By the hash of the AppSpec."""
    return dict(stage.codedeploy.find("shop", "prod").traffic)


def test_what_serves_is_known_by_its_appspec_and_called_after_what_it_deploys(stage):
    live = stage.live()

    assert live == Live(release(1), shares={ONE: 1.0}, since=LONG_AGO)
    assert live.release is not None
    assert live.release.tag.startswith("web:1@")
    assert live.release.names["task_definition"] == "web:1"


def test_the_text_of_an_appspec_is_asked_for_once(stage):
    target = stage.target()
    stage.deploy(appspec(2))
    for _ in range(3):
        stage.live(target)

    assert stage.world.count("codedeploy", "GetApplicationRevision") == 2  # of what serves, and of what comes


def test_while_it_shifts_the_shares_are_the_weights(stage):
    stage.deploy(appspec(2))
    before = stage.live()
    stage.goes_on(seconds=70)
    half = stage.live()

    assert before.in_flight == half.in_flight == release(2)
    assert before.shares == {TWO: 0.0, ONE: 1.0}
    assert half.shares == pytest.approx({TWO: 0.1, ONE: 0.9})
    assert half.since == NOON


def test_of_a_deployment_that_has_started_and_moved_nothing_the_share_is_nothing(stage):
    stage.deploy(appspec(2))
    stage.goes_on(seconds=20)

    assert stage.live().shares == {TWO: 0.0, ONE: 1.0}


def test_in_flight_codedeploy_gives_the_traffic_back_at_our_word(stage):
    bad = stage.deploy(appspec(2))
    stage.goes_on(seconds=70)

    assert rolled_back(stage, MOVE) == Done()
    assert stage.sent("StopDeployment") == {"deploymentId": bad, "autoRollbackEnabled": True}
    assert stage.changed() == ["StopDeployment"]
    assert traffic(stage) == {hash_of(1): 1.0}
    assert stage.live().key == KEY


def test_while_the_old_task_set_is_kept_traffic_goes_back_to_it():
    stage = Stage(ECS, first=appspec(1))
    stage.deploy(appspec(2))
    stage.goes_on(minutes=8)  # all the traffic is on the new one, and the old one stands for two minutes more

    assert stage.live().shares == {TWO: 1.0}
    assert rolled_back(stage, MOVE) == Done()
    assert stage.changed() == ["StopDeployment"]
    assert traffic(stage) == {hash_of(1): 1.0}


def test_an_alarm_of_the_group_is_no_reason_for_the_longer_way():
    stage = Stage(
        {**ECS, "alarmConfiguration": {"enabled": True, "alarms": [{"name": "5xx"}]}}, first=appspec(1)
    )
    stage.deploy(appspec(2))
    stage.goes_on(seconds=70)

    begin(stage, MOVE)

    assert stage.sent("StopDeployment")["autoRollbackEnabled"] is True


def test_afterwards_the_old_appspec_is_deployed_whole_and_gets_all_the_traffic_at_once(stage):
    bad = stage.deployed(appspec(2))
    stage.goes_on(minutes=30)
    platform = stage.codedeploy.find("shop", "prod").platform

    assert rolled_back(stage, MOVE) == Done()
    assert stage.sent() == {
        "applicationName": "shop",
        "deploymentGroupName": "prod",
        "revision": {
            "revisionType": "AppSpecContent",
            "appSpecContent": {"sha256": hash_of(1), "content": content(1)},
        },
        "description": f"rollbackd {KEY}: back from {bad}",
        "deploymentConfigName": f"CodeDeployDefault.{platform}AllAtOnce",
        "autoRollbackConfiguration": {"enabled": False},
        "overrideAlarmConfiguration": {"enabled": False},
    }
    assert traffic(stage) == {hash_of(1): 1.0}


def test_where_codedeploy_would_go_back_to_another_release_it_is_stopped_and_ours_deployed(stage):
    stage.deployed(appspec(2))
    stage.goes_on(minutes=30)
    stage.deploy(appspec(3))
    stage.goes_on(seconds=70)

    assert rolled_back(stage, Move("service", expect=release(3), to=release(1))) == Done()
    assert stage.changed() == ["StopDeployment", "CreateDeployment"]
    assert traffic(stage) == {hash_of(1): 1.0}


def test_one_that_was_stopped_with_some_of_the_traffic_is_ahead_still(stage):
    made = stage.deploy(appspec(2))
    stage.goes_on(seconds=70)
    stage.codedeploy.stop(made, stage.clock.time, goes_back=False)
    stage.goes_on(minutes=5)

    live = stage.live()

    assert live.in_flight == release(2)
    assert live.shares == pytest.approx({TWO: 0.1, ONE: 0.9})
    assert rolled_back(stage, MOVE) == Done()
    assert traffic(stage) == {hash_of(1): 1.0}


def test_one_that_was_stopped_before_it_had_any_traffic_changed_nothing(stage):
    made = stage.deploy(appspec(2))
    stage.goes_on(seconds=20)
    stage.codedeploy.stop(made, stage.clock.time, goes_back=False)
    stage.goes_on(minutes=5)

    assert stage.last().status == "Stopped"
    assert stage.live().in_flight is None
    assert stage.run(stage.target().progress(MOVE, KEY)) == Serving()


def test_a_newer_deployment_of_somebody_else_is_never_undone(stage):
    stage.deployed(appspec(2))
    stage.goes_on(minutes=30)
    stage.deploy(appspec(3))

    answer = begin(stage, MOVE)

    assert isinstance(answer, Refused)
    assert answer.third_tag == release(3).tag
    assert stage.changed() == []


def test_how_far_it_is_is_told_by_the_deployment(stage):
    stage.deployed(appspec(2))
    stage.goes_on(minutes=30)
    assert isinstance(begin(stage, MOVE), Begun)
    stage.goes_on(seconds=10)

    found = stage.run(stage.target().progress(MOVE, KEY))

    assert found == Moving(f"{release(1).tag} is deployed by {stage.last().id} (InProgress)")


def test_nothing_is_taken_away_and_plan_says_so(stage):
    stage.deployed(appspec(2))
    stage.goes_on(minutes=30)

    found = stage.run(stage.target().foretell(MOVE))

    assert found.capacity.startswith("nothing is taken away")
    assert found.obstacles == ()
    assert "deploymentConfigName" not in found.by_hand
    assert "--deployment-config-name" in found.by_hand


def test_an_appspec_that_may_not_be_read_makes_it_unreadable_and_says_what_is_missing(stage):
    denied = AwsError("AccessDeniedException", "not authorized to perform codedeploy:GetApplicationRevision")
    stage.world.faults.fail("codedeploy", "GetApplicationRevision", error=denied, times=None)

    found = stage.run(stage.target().observe())

    assert "codedeploy:GetApplicationRevision" in found.words


def test_in_shadow_nothing_is_tried(stage):
    stage.deploy(appspec(2))
    stage.goes_on(seconds=70)
    target = stage.target(account=READS_ONLY)
    for reading in (
        target.observe(),
        target.foretell(MOVE),
        target.progress(MOVE, KEY),
        target.begin(MOVE, KEY),
    ):
        stage.run(reading)

    assert stage.world.mutating_calls() == []


def test_the_trace_is_on_the_group(stage):
    bad = stage.deploy(appspec(2))
    stage.goes_on(seconds=70)
    begin(stage, MOVE)

    assert stage.world.home.tagging.of(GROUP, stage.clock.time)["rollbackd:move"] == f"{KEY} stop {bad}"


def test_in_flight_the_files_of_what_still_stands_are_not_needed_and_afterwards_they_are():
    stage = Stage(ECS, first=bundle(1, version=None))
    good = stage.live().release
    assert good is not None
    stage.deploy(appspec(2))
    stage.goes_on(seconds=70)
    move = Move("service", expect=release(2), to=good)
    stage.world.s3.delete("artifacts", "shop/1.1.zip", stage.clock.time)

    in_flight = stage.run(stage.target().foretell(move))
    stage.goes_on(minutes=30)
    afterwards = stage.run(stage.target().foretell(move))

    assert in_flight.calls[-1].startswith("codedeploy:StopDeployment")
    assert in_flight.gone == ()
    assert "its bundle is not in artifacts any more" in afterwards.gone[0]
