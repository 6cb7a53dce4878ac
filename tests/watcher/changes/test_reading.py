"""An event of a platform → the change that it tells of, or nothing. It never raises."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.source import Aside
from tests.deploy.sources.sqs.said import documented
from tests.deploy.sources.sqs.said import read as meaning
from tests.deploy.sources.sqs.test_parser import JSON, places
from tests.watcher.changes.said import LINES, OURS, event, heard, of, offered
from watcher.changes import read
from watcher.changes.databases import MOST_MESSAGE
from watcher.changes.told import Told, clean
from watcher.core.change import MOST_NAME, MOST_WORDS, ChangeKind

SAID = {
    "aws.autoscaling/EC2 Instance Launch Successful": "Auto Scaling group `my-asg` launched an instance",
    "aws.autoscaling/EC2 Instance Launch Unsuccessful": "Auto Scaling group `my-asg` could not launch an instance",
    "aws.autoscaling/EC2 Instance Terminate Successful": "Auto Scaling group `my-asg` terminated an instance",
    "aws.autoscaling/EC2 Instance Terminate Unsuccessful": "Auto Scaling group `my-asg` could not terminate an instance",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Started": "instance refresh of `my-asg` started",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Succeeded": "instance refresh of `my-asg` succeeded",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Failed": "instance refresh of `my-asg` failed",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Cancelled": "instance refresh of `my-asg` was cancelled",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Rollback Started": "instance refresh of `my-asg` is rolled back",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Rollback Succeeded": "instance refresh of `my-asg` was rolled back",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Rollback Failed": "instance refresh of `my-asg` could not be rolled back",
    "aws.application-autoscaling/Application Auto Scaling Scaling Activity State Change": "`table/my-table` scaled from 5 to 8, its maximum",
    "aws.application-autoscaling/of an ECS service": "`service/main/checkout` scaled from 5 to 8, its maximum",
    "aws.ecs/desired count": "ECS service `main/checkout`, desired count changed",
    "aws.appconfig/On Deployment Start": "configuration `MyApp/MyEnv/MyConfigProfile` version 1, rollout started",
    "aws.appconfig/On Deployment Complete": "configuration `MyApp/MyEnv/MyConfigProfile` version 1, rolled out",
    "aws.appconfig/On Deployment Rolled Back": "configuration `MyApp/MyEnv/MyConfigProfile` version 1, rolled back",
    "aws.ssm/Parameter Store Change": "parameter `foo`, created",
    "aws.ssm/Update": "parameter `/checkout/limits`, changed",
    "aws.ssm/Delete": "parameter `/checkout/limits`, deleted",
    "aws.ssm/LabelParameterVersion": "parameter `/checkout/limits`, another version labelled",
    "aws.ssm/PutParameter": "parameter `/checkout/limits`, changed",
    "aws.secretsmanager/Secret Label Updated": "secret `mySecret`, changed",
    "aws.secretsmanager/RotationSucceeded": "secret `prod/db`, rotated",
    "aws.secretsmanager/PutSecretValue": "secret `prod/db`, changed",
    "aws.lambda/UpdateFunctionCode20150331v2": "function `thumbnails`, deployed",
    "aws.lambda/AWS API Call via CloudTrail": "function `arn:aws:lambda:us-east-1:123456789012:function:f`, alias moved",
    "aws.rds/RDS-EVENT-0073": "database `payments-db` failover: Started cross AZ failover to DB instance: payments-db-2",
    "aws.rds/RDS-EVENT-0006": "database `payments-db` availability: DB instance restarted",
    "aws.rds/RDS-EVENT-0153": "database `payments-db` configuration changed: Finished updating DB parameter group",
    "aws.health/issue": "AWS Health: issue of EC2 (AWS_EC2_OPERATIONAL_ISSUE)",
    "aws.health/issue, over": "AWS Health: issue of EC2 (AWS_EC2_OPERATIONAL_ISSUE), over",
}
KINDS = {
    "aws.autoscaling/EC2 Instance Launch Successful": ChangeKind.SCALING,
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Started": ChangeKind.REPLACEMENT,
    "aws.application-autoscaling/of an ECS service": ChangeKind.SCALING,
    "aws.ecs/desired count": ChangeKind.SCALING,
    "aws.ecs/ECS Deployment State Change": ChangeKind.DEPLOYMENT,
    "aws.appconfig/On Deployment Complete": ChangeKind.CONFIGURATION,
    "aws.ssm/Update": ChangeKind.PARAMETER,
    "aws.ssm/PutParameter": ChangeKind.PARAMETER,
    "aws.secretsmanager/Secret Label Updated": ChangeKind.SECRET,
    "aws.secretsmanager/RotationSucceeded": ChangeKind.SECRET,
    "aws.secretsmanager/PutSecretValue": ChangeKind.SECRET,
    "aws.lambda/UpdateFunctionCode20150331v2": ChangeKind.DEPLOYMENT,
    "aws.rds/RDS-EVENT-0073": ChangeKind.FAILOVER,
    "aws.rds/RDS-EVENT-0006": ChangeKind.MAINTENANCE,
    "aws.rds/RDS-EVENT-0153": ChangeKind.CONFIGURATION,
    "aws.health/issue": ChangeKind.PLATFORM,
}
NO_CHANGES = (
    "aws.autoscaling/EC2 Instance-launch Lifecycle Action",
    "aws.autoscaling/EC2 Auto Scaling Instance Refresh Checkpoint Reached",
    "aws.ecs/ECS Service Action",
    "aws.ecs/ECS Task State Change",
    "aws.ecs/ECS Hook State Change",
    "aws.ecs/AWS API Call via CloudTrail",
    "aws.ecr/ECR Image Action",
    "aws.rds/RDS-EVENT-0001",
    "aws.health/accountNotification",
    "aws.cloudwatch/CloudWatch Alarm State Change/single_metric",
)


def told(name, **detail) -> Told:
    found = read(event(name, **detail))
    assert found is not None, name
    return found


@pytest.mark.parametrize(("name", "words"), SAID.items(), ids=SAID)
def test_what_moved_is_said_in_words(name, words):
    assert told(name).what == words


def test_every_event_of_the_file_is_a_change_in_words_or_none():
    assert {line.of for line in OURS} == {
        each for each in (*SAID, *NO_CHANGES) if each in {o.of for o in OURS}
    }


@pytest.mark.parametrize(("name", "kind"), KINDS.items(), ids=KINDS)
def test_it_is_of_a_kind(name, kind):
    assert told(name).kind is kind


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_moves_nothing_is_no_change(name):
    assert read(event(name)) is None


@pytest.mark.parametrize(
    ("name", "thing"),
    [
        ("aws.autoscaling/EC2 Instance Launch Successful", "my-asg"),
        ("aws.autoscaling/EC2 Auto Scaling Instance Refresh Started", "my-asg"),
        ("aws.application-autoscaling/of an ECS service", "service/main/checkout"),
        ("aws.ecs/desired count", "main/checkout"),
        ("aws.appconfig/On Deployment Start", "MyApp/MyEnv/MyConfigProfile"),
        ("aws.ssm/Update", "/checkout/limits"),
        ("aws.secretsmanager/Secret Label Updated", "mySecret"),
        ("aws.secretsmanager/PutSecretValue", "prod/db"),
        ("aws.rds/RDS-EVENT-0073", "payments-db"),
        ("aws.health/issue", "AWS_EC2_OPERATIONAL_ISSUE"),
    ],
)
def test_what_moved_has_the_name_that_its_system_calls_it_by(name, thing):
    assert told(name).name == thing


# ------------------------------------------------------------------------------------------------------------ whose, when

AT_ECS = ("ecs:us-west-2:123456789012:main/checkout", "ecs:us-west-2:*:main/checkout")


@pytest.mark.parametrize("name", ["aws.application-autoscaling/of an ECS service", "aws.ecs/desired count"])
def test_what_ecs_scales_is_known_by_where_it_runs(name):
    assert told(name).addresses == AT_ECS


def test_a_table_that_is_scaled_runs_nowhere():
    assert (
        told("aws.application-autoscaling/Application Auto Scaling Scaling Activity State Change").addresses
        == ()
    )


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("aws.application-autoscaling/of an ECS service", datetime(2026, 11, 24, 11, 55, tzinfo=UTC)),
        ("aws.rds/RDS-EVENT-0073", datetime(2026, 11, 24, 11, 55, 20, 747000, UTC)),
        ("aws.ssm/PutParameter", datetime(2026, 11, 24, 11, 50, 16, tzinfo=UTC)),
        ("aws.secretsmanager/RotationSucceeded", datetime(2026, 11, 24, 11, 50, 16, tzinfo=UTC)),
        ("aws.ecs/ECS Deployment State Change", datetime(2020, 5, 23, 11, 11, 11, tzinfo=UTC)),
        ("aws.health/issue", datetime(2026, 11, 24, 11, 45, tzinfo=UTC)),
        ("aws.health/issue, over", datetime(2026, 11, 24, 13, 5, tzinfo=UTC)),
        ("aws.ssm/Update", None),
    ],
)
def test_it_moved_when_its_system_says_so(name, at):
    assert told(name).at == at


@pytest.mark.parametrize(
    "written", [None, 7, "soon", "24 Nov 2026 11:45:00", "x" * 100, "Tue, 99 Nov 2026 11:45:00 GMT"]
)
def test_a_time_of_aws_health_that_is_none_is_none(written):
    assert told("aws.health/issue", startTime=written).at is None


# -------------------------------------------------------------------------------------------------------- scaling


def test_a_scaling_that_failed_scaled_nothing():
    assert read(event("aws.application-autoscaling/of an ECS service", statusCode="Failed")) is None


def test_a_scaling_tells_its_sizes_where_they_are_numbers():
    name = "aws.application-autoscaling/of an ECS service"

    assert told(name, scaledToMax=False).what == "`service/main/checkout` scaled from 5 to 8"
    assert told(name, newDesiredCapacity=True, scaledToMax="yes").what == "`service/main/checkout` scaled"
    assert told(name, oldDesiredCapacity=10**12, scaledToMax=None).what == "`service/main/checkout` scaled"


def test_what_ecs_says_of_a_service_without_its_cluster_is_nobodys():
    said = of("aws.ecs/desired count") | {
        "resources": ["arn:aws:ecs:us-west-2:123456789012:service/checkout"]
    }

    assert read(heard(said)) is None
    assert read(heard(said | {"resources": []})) is None


# ------------------------------------------------------------------------------------------------------------- settings


def test_no_value_is_ever_repeated():
    secret = "hunter2-and-more"
    said = [
        told("aws.ssm/PutParameter", requestParameters={"name": "/p", "value": secret}),
        told("aws.ssm/Update", description=secret, value=secret),
        told(
            "aws.secretsmanager/PutSecretValue",
            requestParameters={"secretId": "prod/db", "secretString": secret},
        ),
    ]

    assert all(secret not in repr(each) for each in said)


@pytest.mark.parametrize("name", ["aws.ssm/PutParameter", "aws.secretsmanager/PutSecretValue"])
def test_a_call_that_was_refused_moved_nothing(name):
    assert read(event(name, errorCode="AccessDenied")) is None


@pytest.mark.parametrize(("by", "is_one"), [("ecs", 0), ("codedeploy", 0), ("cloudformation", 1)])
def test_what_a_deployment_calls_itself_is_no_change_beside_it(by, is_one):
    said = of("aws.lambda/UpdateFunctionCode20150331v2") | {"source": "aws.elasticloadbalancing"}
    said["detail"] |= {
        "eventName": "ModifyListener",
        "requestParameters": {
            "listenerArn": "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/lb/1/2"
        },
        "userIdentity": {"type": "AssumedRole", "invokedBy": f"{by}.amazonaws.com"},
    }

    assert (read(heard(said)) is not None) == bool(is_one)


def test_a_call_that_nobody_knows_moved_nothing_that_is_known():
    assert read(event("aws.ssm/PutParameter", eventName="GetParameter")) is None
    assert read(event("aws.ssm/PutParameter", eventName=["PutParameter"])) is None


@pytest.mark.parametrize("request_of", [None, {}, {"name": ["a", "list"]}, "name"])
def test_a_call_that_names_nothing_moved_nothing(request_of):
    assert read(event("aws.ssm/PutParameter", requestParameters=request_of)) is None


@pytest.mark.parametrize(
    ("id", "name"),
    [
        ("arn:aws:secretsmanager:us-west-2:123456789012:secret:prod/db-WoDpmU", "prod/db"),
        ("arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a-b-c-WoDpmU", "a-b-c"),
        ("arn:aws:secretsmanager:us-west-2:123456789012:secret:db", "db"),
        ("prod/db", "prod/db"),
    ],
)
def test_a_secret_is_called_by_its_name_and_not_by_its_arn(id, name):
    assert told("aws.secretsmanager/PutSecretValue", requestParameters={"secretId": id}).name == name


def test_only_the_current_version_of_a_secret_matters():
    assert read(event("aws.secretsmanager/Secret Label Updated", labelUpdated="mine")) is None


def test_a_rotation_that_failed_is_said():
    assert (
        told("aws.secretsmanager/RotationSucceeded", eventName="RotationFailed").what
        == "secret `prod/db`, rotation failed"
    )
    assert read(event("aws.secretsmanager/RotationSucceeded", eventName="RotationStarted")) is None


def test_a_configuration_without_a_name_goes_by_its_id():
    unnamed = told(
        "aws.appconfig/On Deployment Start", Application={"Id": "ba8toh7"}, ConfigurationVersion=None
    )

    assert unnamed.what == "configuration `ba8toh7/MyEnv/MyConfigProfile`, rollout started"
    assert read(event("aws.appconfig/On Deployment Start", Environment=None)) is None


# ----------------------------------------------------------------------------------------- databases, the platform, strangers


def test_of_several_categories_the_gravest_is_meant():
    assert (
        told("aws.rds/RDS-EVENT-0006", EventCategories=["maintenance", "failover"]).kind
        is ChangeKind.FAILOVER
    )


@pytest.mark.parametrize("categories", [None, "failover", [], ["backup"], [["failover"]]])
def test_a_category_that_moves_nothing_that_serves_is_none(categories):
    assert read(event("aws.rds/RDS-EVENT-0073", EventCategories=categories)) is None


def test_what_rds_says_is_cut_and_may_be_missing():
    assert told("aws.rds/RDS-EVENT-0073", Message=None).what == "database `payments-db` failover"
    assert (
        len(told("aws.rds/RDS-EVENT-0073", Message="x" * 999).what)
        == len("database `payments-db` failover: ") + MOST_MESSAGE
    )


def test_an_issue_that_is_told_again_and_again_is_one_and_its_end_is_another():
    first, again = told("aws.health/issue"), told("aws.health/issue", lastUpdatedTime="later")

    assert first.once == again.once != told("aws.health/issue, over").once


@pytest.mark.parametrize(
    ("told_region", "region"), [("eu-west-1", "eu-west-1"), ("global", ""), (None, "us-west-2")]
)
def test_an_issue_is_where_it_is_and_not_where_it_is_told(told_region, region):
    assert told("aws.health/issue", eventRegion=told_region).region == region


def test_a_planned_change_is_one():
    planned = told("aws.health/issue", eventTypeCategory="scheduledChange", service=None)

    assert planned.what == "AWS Health: planned change of AWS (AWS_EC2_OPERATIONAL_ISSUE)"


def test_a_stranger_on_ecs_is_deployed_once_and_may_fail():
    name = "aws.ecs/ECS Deployment State Change"

    assert told(name).what == "ECS service `default/servicetest` deployed"
    assert told(name, eventName="SERVICE_DEPLOYMENT_FAILED").what.endswith("deployment failed")
    assert read(event(name, eventName="SERVICE_DEPLOYMENT_COMPLETED")) is None


def test_a_stranger_under_codedeploy_is_deployed_once_and_may_fail():
    name = "aws.codedeploy/CodeDeploy Deployment State-change Notification"

    assert told(name, state="START").what == "CodeDeploy `myApplication/myDeploymentGroup` deployed"
    assert told(name, state="FAILURE").what.endswith("deployment failed")
    assert read(event(name)) is None
    assert offered(documented(name) | {"detail": {"state": "START"}}) is None


def test_a_stranger_on_beanstalk_says_how_it_goes():
    name = "aws.elasticbeanstalk/Elastic Beanstalk resource status change"

    assert told(name).what == "Elastic Beanstalk `myApplication/myEnvironment`: Environment creation started"
    assert read(event(name, Status=None)) is None


# --------------------------------------------------------------------------------------------------------- others' words


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("two\nlines\ttabbed", "two lines tabbed"),
        ("`quoted`", "quoted"),
        ("\u202eright to left", "right to left"),
        ("\x1b[31mred", "[31mred"),
        ("x" * 400, "x" * (MOST_WORDS - 1) + "…"),
        (None, ""),
        (["a"], ""),
        ("  ", ""),
    ],
)
def test_others_words_become_one_line_of_ours(text, line):
    assert clean(text) == line


@pytest.mark.parametrize("line", OURS, ids=lambda line: line.of)
def test_an_event_that_says_nothing_is_no_change(line):
    found = offered(line.event | {"detail": {}})

    assert found is None or read(found) is None


@st.composite
def mutilated(draw):
    """An event in which some of the detail is something else."""
    said = json.loads(
        json.dumps(
            draw(st.sampled_from([line.event for line in (*OURS, *LINES) if "detail-type" in line.event]))
        )
    )
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(list(places(said["detail"]))))
        inner = said["detail"]
        for step in path:
            inner = inner[step] if isinstance(inner, dict | list) else {}
        if isinstance(inner, dict | list):
            inner[last] = draw(JSON)
        if not said["detail"]:
            break
    return said


@given(mutilated())
def test_no_mutilated_event_raises_or_says_more_than_fits(said):
    meant = meaning(said, lambda _address: ())
    found = read(meant.event) if isinstance(meant, Aside) else None

    if found is not None:
        assert found.what
        assert 0 < len(found.name) <= MOST_NAME * 3 + 2
        assert "\n" not in found.what
        assert found.at is None or found.at.tzinfo is UTC
