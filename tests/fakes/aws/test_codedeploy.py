"""The simulated CodeDeploy behaves as AWS's pages say: also for an unmodified boto3, over HTTP."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.deploy.targets.codedeploy.revisions import bundle, key
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.codedeploy.service import KIND
from tests.fakes.aws.fixtures import NOON, Clock, aws_clock, aws_url, aws_world, boto

__all__ = ["aws_clock", "aws_url", "aws_world", "boto"]  # fixtures

GROUP = {"applicationName": "shop", "deploymentGroupName": "prod"}


@pytest.fixture
def world(aws_world: AwsWorld, aws_clock: Clock) -> AwsWorld:
    """The first bundle is on four instances."""
    aws_world.codedeploy.create_group("shop", "prod", NOON)
    aws_world.codedeploy.deploy("shop", "prod", bundle(1), NOON)
    goes_on(aws_world, aws_clock, minutes=10)
    return aws_world


def goes_on(world: AwsWorld, clock: Clock, **span: float) -> None:
    clock.go_on(**span)
    world.advance()


def running(world: AwsWorld) -> list[str | None]:
    return list(world.codedeploy.running("shop", "prod").values())


def code(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return str(caught.value.response["Error"]["Code"])


def test_a_group_names_the_deployments_that_were_last(world, boto):
    told = boto("codedeploy").get_deployment_group(**GROUP)["deploymentGroupInfo"]

    assert told["lastSuccessfulDeployment"]["status"] == "Succeeded"
    assert told["lastAttemptedDeployment"]["deploymentId"] == told["lastSuccessfulDeployment"]["deploymentId"]
    assert told["targetRevision"] == bundle(1)


def test_a_deployment_is_created_goes_from_instance_to_instance_and_succeeds(world, aws_clock, boto):
    client = boto("codedeploy")
    made = client.create_deployment(**GROUP, revision=bundle(2), description="by a person")["deploymentId"]
    goes_on(world, aws_clock, seconds=20)
    begun = client.get_deployment(deploymentId=made)["deploymentInfo"]
    half = running(world)
    goes_on(world, aws_clock, minutes=5)
    done = client.get_deployment(deploymentId=made)["deploymentInfo"]

    assert (begun["status"], begun["creator"], begun["description"]) == ("InProgress", "user", "by a person")
    assert begun["deploymentOverview"] == {
        "Pending": 2, "InProgress": 2, "Succeeded": 0, "Failed": 0, "Skipped": 0, "Ready": 0,
    }  # fmt: skip
    assert begun["previousRevision"] == bundle(1)
    assert half == [None, None, key(1), key(1)]
    assert done["status"] == "Succeeded"
    assert running(world) == [key(2)] * 4


@pytest.mark.parametrize(
    ("config", "away"),
    [
        ("CodeDeployDefault.AllAtOnce", 4),
        ("CodeDeployDefault.HalfAtATime", 2),
        ("CodeDeployDefault.OneAtATime", 1),
    ],
)
def test_as_many_instances_stay_as_the_configuration_says(world, aws_clock, config, away):
    world.codedeploy.create_group("shop", "other", aws_clock(), config=config)
    world.codedeploy.deploy("shop", "other", bundle(1), aws_clock())
    goes_on(world, aws_clock, minutes=10)
    world.codedeploy.deploy("shop", "other", bundle(2), aws_clock())
    goes_on(world, aws_clock, seconds=20)

    assert list(world.codedeploy.running("shop", "other").values()).count(None) == away


def test_a_second_deployment_of_a_group_is_refused_while_one_runs(world, boto):
    client = boto("codedeploy")
    client.create_deployment(**GROUP, revision=bundle(2))

    with pytest.raises(ClientError) as caught:
        client.create_deployment(**GROUP, revision=bundle(3))

    assert code(caught) == "DeploymentLimitExceededException"


def test_one_that_too_many_instances_fail_is_given_up_and_the_others_are_skipped(world, aws_clock, boto):
    world.codedeploy.behave(key(2), fails_at="ValidateService", log="500")
    client = boto("codedeploy")
    made = client.create_deployment(**GROUP, revision=bundle(2))["deploymentId"]
    goes_on(world, aws_clock, minutes=5)

    told = client.get_deployment(deploymentId=made)["deploymentInfo"]
    (failed, *_) = client.batch_get_deployment_targets(deploymentId=made, targetIds=["i-1"])[
        "deploymentTargets"
    ]
    assert told["status"] == "Failed"
    assert told["errorInformation"]["code"] == "HEALTH_CONSTRAINTS"
    assert told["deploymentOverview"]["Skipped"] == 2
    last = failed["instanceTarget"]["lifecycleEvents"][-1]
    assert last["diagnostics"]["logTail"] == "500"
    assert running(world) == [None, None, key(1), key(1)]


def test_a_stop_script_is_that_of_the_release_that_is_installed(world, aws_clock):
    world.codedeploy.behave(key(1), fails_at="ApplicationStop")
    world.codedeploy.deploy("shop", "prod", bundle(2), aws_clock())
    goes_on(world, aws_clock, minutes=5)
    blocked = world.codedeploy.last("shop", "prod", aws_clock())
    world.codedeploy.deploy("shop", "prod", bundle(2), aws_clock(), ignoreApplicationStopFailures=True)
    goes_on(world, aws_clock, minutes=5)

    assert blocked is not None
    assert blocked.status == "Failed"
    assert running(world) == [key(2)] * 4


def test_files_that_no_cleanup_file_names_forbid_the_next_deployment_unless_it_says_otherwise(
    world, aws_clock
):
    world.codedeploy.behave(key(2), litters=True)
    for number in (2, 3):
        world.codedeploy.deploy("shop", "prod", bundle(number), aws_clock())
        goes_on(world, aws_clock, minutes=5)
    refused = world.codedeploy.last("shop", "prod", aws_clock())
    world.codedeploy.deploy("shop", "prod", bundle(3), aws_clock(), fileExistsBehavior="OVERWRITE")
    goes_on(world, aws_clock, minutes=5)

    assert refused is not None
    assert refused.status == "Failed"
    assert running(world) == [key(3)] * 4


@pytest.mark.parametrize("goes_back", [True, False])
def test_a_stop_takes_a_moment_and_goes_back_if_it_is_told_to(world, aws_clock, boto, goes_back):
    client = boto("codedeploy")
    made = client.create_deployment(**GROUP, revision=bundle(2))["deploymentId"]
    goes_on(world, aws_clock, seconds=20)
    answer = client.stop_deployment(deploymentId=made, autoRollbackEnabled=goes_back)
    before = client.get_deployment(deploymentId=made)["deploymentInfo"]["status"]
    goes_on(world, aws_clock, minutes=5)

    stopped = client.get_deployment(deploymentId=made)["deploymentInfo"]
    assert answer["status"] == "Pending"
    assert before == "InProgress"
    assert stopped["status"] == "Stopped"
    assert ("rollbackInfo" in stopped) is goes_back
    assert (running(world) == [key(1)] * 4) is goes_back


def test_one_that_is_over_cannot_be_stopped(world, aws_clock, boto):
    made = world.codedeploy.deploy("shop", "prod", bundle(2), aws_clock())
    goes_on(world, aws_clock, minutes=5)

    with pytest.raises(ClientError) as caught:
        boto("codedeploy").stop_deployment(deploymentId=made)

    assert code(caught) == "DeploymentAlreadyCompletedException"


def test_a_rollback_of_codedeploy_and_what_it_takes_back_name_each_other(world, aws_clock, boto):
    world.codedeploy.behave(key(2), fails_at="ValidateService")
    own = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}
    made = world.codedeploy.deploy("shop", "prod", bundle(2), aws_clock(), autoRollbackConfiguration=own)
    goes_on(world, aws_clock, minutes=5)
    client = boto("codedeploy")

    failed = client.get_deployment(deploymentId=made)["deploymentInfo"]
    back = client.get_deployment(deploymentId=failed["rollbackInfo"]["rollbackDeploymentId"])[
        "deploymentInfo"
    ]

    assert back["creator"] == "codeDeployRollback"
    assert back["rollbackInfo"]["rollbackTriggeringDeploymentId"] == made
    assert back["revision"] == bundle(1)
    assert back["status"] == "Succeeded"


def test_an_alarm_of_the_group_stops_what_does_not_override_it(world, aws_clock):
    world.codedeploy.alarm("shop", "prod", aws_clock())
    world.codedeploy.deploy("shop", "prod", bundle(2), aws_clock())
    goes_on(world, aws_clock, minutes=5)
    stopped = world.codedeploy.last("shop", "prod", aws_clock())
    world.codedeploy.deploy(
        "shop", "prod", bundle(2), aws_clock(), overrideAlarmConfiguration={"enabled": False}
    )
    goes_on(world, aws_clock, minutes=5)

    assert stopped is not None
    assert stopped.error is not None
    assert stopped.error[0] == "ALARM_ACTIVE"
    assert running(world) == [key(2)] * 4


def test_an_instance_that_comes_gets_what_succeeded_last_beside_whatever_runs(world, aws_clock):
    world.codedeploy.deploy("shop", "prod", bundle(2), aws_clock())
    world.codedeploy.scale_out("shop", "prod", "i-5", aws_clock())
    goes_on(world, aws_clock, minutes=5)

    assert running(world) == [key(2)] * 4 + [key(1)]


def test_eventbridge_is_told_of_each_beginning_and_end(world, aws_clock):
    world.codedeploy.behave(key(2), fails_at="ValidateService")
    world.codedeploy.deploy("shop", "prod", bundle(2), aws_clock())
    goes_on(world, aws_clock, minutes=5)

    told = [event for event in world.advance() if event["detail-type"] == KIND]

    assert [event["detail"]["state"] for event in told] == ["START", "SUCCESS", "START", "FAILURE"]
    assert told[0]["resources"] == [
        "arn:aws:codedeploy:eu-central-1:123456789012:application:shop",
        "arn:aws:codedeploy:eu-central-1:123456789012:deploymentgroup:shop/prod",
    ]


def test_reads_may_be_late(world, aws_clock, boto):
    client = boto("codedeploy")
    client.create_deployment(**GROUP, revision=bundle(2))
    world.faults.stale("codedeploy", by=timedelta(seconds=5))

    assert len(client.list_deployments(**GROUP)["deployments"]) == 1


@pytest.mark.parametrize(
    ("operation", "parameters", "wanted"),
    [
        ("get_deployment_group", {**GROUP, "applicationName": "no"}, "ApplicationDoesNotExistException"),
        (
            "get_deployment_group",
            {**GROUP, "deploymentGroupName": "no"},
            "DeploymentGroupDoesNotExistException",
        ),
        ("get_deployment", {"deploymentId": "d-NO"}, "DeploymentDoesNotExistException"),
        ("batch_get_deployments", {"deploymentIds": ["d-NO"] * 26}, "BatchLimitExceededException"),
        ("get_deployment_config", {"deploymentConfigName": "no"}, "DeploymentConfigDoesNotExistException"),
        (
            "create_deployment",
            {**GROUP, "revision": bundle(1), "description": "x" * 257},
            "DescriptionTooLongException",
        ),
    ],
)
def test_what_is_not_there_or_too_much_is_refused_in_awss_words(world, boto, operation, parameters, wanted):
    with pytest.raises(ClientError) as caught:
        getattr(boto("codedeploy"), operation)(**parameters)

    assert code(caught) == wanted
