"""The fake as unmodified boto3 sees it: keys, roles, errors, and what happens when the fake itself is wrong."""

from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.fakes.aws import AwsError, FakeBug, models
from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)
ACT = "arn:aws:iam::123456789012:role/act"


@pytest.fixture(autouse=True)
def _shop(aws_world):
    aws_world.ecs.register("web", "shop:1.4.0", at=YESTERDAY)
    aws_world.ecs.create_service("web", "web:1", at=YESTERDAY)


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def session(boto, service, role=ACT):
    keys = boto("sts").assume_role(RoleArn=role, RoleSessionName="rollbackd")["Credentials"]
    return boto(
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def test_boto3_sees_a_service(boto):
    service = boto("ecs").describe_services(cluster="prod", services=["web"])["services"][0]

    assert service["createdAt"] == YESTERDAY
    assert service["runningCount"] == 2


def test_every_answer_tells_the_time_at_aws(aws_clock, boto):
    aws_clock.go_on(hours=3)

    headers = boto("ecs").list_services(cluster="prod")["ResponseMetadata"]["HTTPHeaders"]

    assert parsedate_to_datetime(headers["date"]) == aws_clock()


def test_a_role_may_do_what_it_is_allowed_and_nothing_else(aws_world, boto):
    aws_world.identities.role(ACT, {"ecs:Describe*"})
    ecs = session(boto, "ecs")

    ecs.describe_services(cluster="prod", services=["web"])
    with pytest.raises(ClientError, match="not authorized to perform: ecs:UpdateService") as refused:
        ecs.update_service(cluster="prod", service="web", forceNewDeployment=True)

    assert code_of(refused) == "AccessDeniedException"
    assert len(aws_world.ecs.find("web").history) == 1


def test_cloudwatch_says_access_denied_in_its_own_spelling(aws_world, boto):
    aws_world.identities.grant_own({"ecs:*"})

    with pytest.raises(ClientError) as refused:
        boto("cloudwatch").list_metrics()

    assert code_of(refused) == "AccessDenied"


def test_a_role_that_there_is_not_cannot_be_assumed(boto):
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole") as refused:
        boto("sts").assume_role(RoleArn=ACT, RoleSessionName="rollbackd")

    assert code_of(refused) == "AccessDenied"


def test_a_session_ends(aws_world, aws_clock, boto):
    aws_world.identities.role(ACT)
    ecs = session(boto, "ecs")

    aws_clock.go_on(hours=1)
    with pytest.raises(ClientError) as refused:
        ecs.describe_services(cluster="prod", services=["web"])

    assert code_of(refused) == "ExpiredTokenException"


def test_a_key_of_nobody_is_not_taken(boto):
    ecs = boto("ecs", aws_access_key_id="ASIA" + "X" * 16, aws_secret_access_key="none")

    with pytest.raises(ClientError) as refused:
        ecs.describe_services(cluster="prod", services=["web"])

    assert code_of(refused) == "UnrecognizedClientException"


def test_everybody_may_ask_who_they_are(aws_world, boto):
    aws_world.identities.role(ACT, ())

    assert boto("sts").get_caller_identity()["Account"] == "123456789012"
    assert session(boto, "sts").get_caller_identity()["Arn"].endswith(":assumed-role/act/rollbackd")


def test_a_role_of_another_account_sees_the_services_of_that_account(aws_world, boto):
    other = aws_world.identities.role("arn:aws:iam::999900001111:role/act")
    place = aws_world.place("999900001111", "eu-central-1")
    place.ecs.register("api", "api:1", at=YESTERDAY)
    place.ecs.create_service("api", "api:1", at=YESTERDAY)

    arns = session(boto, "ecs", other).list_services(cluster="prod")["serviceArns"]

    assert arns == ["arn:aws:ecs:eu-central-1:999900001111:service/prod/api"]


def test_what_a_role_may_do_can_be_simulated(aws_world, boto):
    aws_world.identities.role(ACT, {"ecs:UpdateService"})

    results = boto("iam").simulate_principal_policy(
        PolicySourceArn=ACT, ActionNames=["ecs:UpdateService", "ecs:DeleteService"]
    )["EvaluationResults"]

    assert [each["EvalDecision"] for each in results] == ["allowed", "implicitDeny"]


def test_calls_that_change_something_are_told_from_those_that_read(aws_world, boto):
    role = aws_world.identities.role(ACT)
    session(boto, "ecs").tag_resource(
        resourceArn=aws_world.ecs.find("web").arn, tags=[{"key": "a", "value": "b"}]
    )
    boto("ecs").describe_services(cluster="prod", services=["web"])
    boto("cloudwatch").list_metrics()
    boto("sts").get_caller_identity()

    assert [(call.action, call.by) for call in aws_world.mutating_calls()] == [("ecs:TagResource", role)]
    assert aws_world.count("ecs", "DescribeServices") == 1
    assert [call.operation for call in aws_world.calls] == [
        *("AssumeRole", "TagResource", "DescribeServices", "ListMetrics", "GetCallerIdentity"),
    ]


def test_what_botocore_does_not_check_is_refused_as_aws_does(boto):
    unchecked = boto("ecs", config=Config(parameter_validation=False))

    with pytest.raises(ClientError, match="Missing required parameter") as refused:
        unchecked.describe_services(cluster="prod")
    with pytest.raises(ClientError, match="allowed are TAGS") as misspelt:
        boto("ecs").describe_services(cluster="prod", services=["web"], include=["TAG"])

    assert code_of(refused) == code_of(misspelt) == "InvalidParameterException"


def test_an_operation_that_is_not_faked_is_loud(aws_world, boto):
    with pytest.raises(ClientError) as bug:
        boto("ecs").list_clusters()

    assert code_of(bug) == "FakeBug"
    assert bug.value.response["ResponseMetadata"]["HTTPStatusCode"] == 599
    assert [str(each) for each in aws_world.bugs] == ["ecs.ListClusters is not faked"]
    aws_world.bugs.clear()


def test_an_error_that_aws_cannot_give_is_loud(aws_world, boto):
    aws_world.faults.fail("ecs", "DescribeServices", error=AwsError("ConflictException"))

    with pytest.raises(ClientError, match="ConflictException is no error of") as bug:
        boto("ecs").describe_services(cluster="prod", services=["web"])

    assert code_of(bug) == "FakeBug"
    aws_world.bugs.clear()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"servces": []}, "Unknown parameter"),
        ({"services": [{"desiredCount": "2"}]}, "Invalid type"),
        ({"services": [{"launchType": "LAPTOP"}]}, "allowed are EC2"),
        ({"services": [{"status": None}]}, "Invalid type"),
    ],
)
def test_an_answer_that_aws_cannot_give_is_a_bug_of_the_fake(answer, why):
    with pytest.raises(FakeBug, match=why):
        models.vouched("ecs", "DescribeServices", answer)


def test_a_service_that_is_not_faked_is_loud(boto):
    with pytest.raises(ClientError, match="not signed for a service that is faked") as bug:
        boto("kinesis").list_streams()

    assert code_of(bug) == "FakeBug"
