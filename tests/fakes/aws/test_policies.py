"""What a policy allows, as IAM reads it; over HTTP with unmodified boto3."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws.fixtures import NOON
from tests.fakes.aws.policies import Request, allows

YESTERDAY = NOON - timedelta(days=1)
ACCOUNT = "123456789012"
ECS = f"arn:aws:ecs:eu-central-1:{ACCOUNT}"
WEB = f"{ECS}:service/prod/web"
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/web-task"


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}


UPDATE = {"Action": ["ecs:UpdateService"], "Resource": [WEB]}
FAMILY = {"Condition": {"ArnLike": {"ecs:task-definition": [f"{ECS}:task-definition/web:*"]}}}
PASS = {
    "Action": "iam:PassRole",
    "Resource": TASK_ROLE,
    "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
}


@pytest.fixture
def ecs(aws_world, boto):
    for family in ("web", "api"):
        aws_world.ecs.register(family, f"{family}:1", at=YESTERDAY)
        aws_world.ecs.create_service(family, f"{family}:1", at=YESTERDAY)
    aws_world.ecs.register("web", "web:2", at=YESTERDAY)
    aws_world.ecs.register("web", "web:3", at=YESTERDAY, taskRoleArn=TASK_ROLE)
    return boto("ecs")


def answered(ecs, **asked):
    try:
        ecs.update_service(**{"cluster": "prod", "service": "web", "taskDefinition": "web:2", **asked})
    except ClientError as refused:
        return refused.response["Error"]["Code"]
    return "done"


@pytest.mark.parametrize(
    ("statements", "asked", "done"),
    [
        ([UPDATE], {}, True),
        ([UPDATE], {"service": "api"}, False),
        ([{**UPDATE, "Resource": f"{ECS}:service/prod/*"}], {"service": "api"}, True),
        ([{**UPDATE, "Action": "ecs:updateservice"}], {}, True),
        ([{**UPDATE, "Action": "ecs:Describe*"}], {}, False),
        ([{**UPDATE, **FAMILY}], {}, True),
        ([{**UPDATE, **FAMILY}], {"taskDefinition": "api:1"}, False),
        ([UPDATE, {**UPDATE, "Effect": "Deny"}], {}, False),
        ([UPDATE], {"taskDefinition": "web:3"}, False),  # it has a role, which is passed
        ([UPDATE, PASS], {"taskDefinition": "web:3"}, True),
        ([UPDATE, {**PASS, "Resource": f"{TASK_ROLE}-other"}], {"taskDefinition": "web:3"}, False),
    ],
)
def test_a_call_is_allowed_by_action_resource_and_condition(ecs, aws_world, statements, asked, done):
    aws_world.identities.grant_own(policies=[policy(*statements)])

    assert answered(ecs, **asked) == ("done" if done else "AccessDeniedException")


def test_each_service_of_a_call_must_be_allowed(ecs, aws_world):
    aws_world.identities.grant_own(policies=[policy({"Action": "ecs:DescribeServices", "Resource": WEB})])

    ecs.describe_services(cluster="prod", services=["web"])
    with pytest.raises(ClientError, match="not authorized"):
        ecs.describe_services(cluster="prod", services=["web", "api"])


def test_only_the_tags_that_a_condition_names_may_be_written(ecs, aws_world):
    marks = {"Condition": {"ForAllValues:StringLike": {"aws:TagKeys": ["rollbackd:*"]}}}
    aws_world.identities.grant_own(policies=[policy({"Action": "ecs:TagResource", "Resource": WEB, **marks})])

    ecs.tag_resource(resourceArn=WEB, tags=[{"key": "rollbackd:move", "value": "x"}])
    with pytest.raises(ClientError, match="not authorized"):
        ecs.tag_resource(
            resourceArn=WEB, tags=[{"key": "rollbackd:move", "value": "x"}, {"key": "team", "value": "y"}]
        )


def test_a_role_may_do_what_its_policies_say_and_nothing_else(aws_world):
    arn = aws_world.identities.role(f"arn:aws:iam::{ACCOUNT}:role/act", policies=[policy(UPDATE)])
    role = aws_world.identities.roles[arn]

    assert role.may(Request("ecs:UpdateService", (WEB,)))
    assert not role.may(Request("ecs:DescribeServices", (WEB,)))


def test_a_condition_on_a_key_that_is_not_there_does_not_hold():
    documents = [policy({**UPDATE, **FAMILY})]

    assert not allows(documents, Request("ecs:UpdateService", (WEB,)))


def test_a_condition_that_is_not_understood_is_never_taken_to_hold():
    documents = [policy({**UPDATE, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})]

    with pytest.raises(KeyError):
        allows(documents, Request("ecs:UpdateService", (WEB,), {"aws:SourceIp": ("10.0.0.1",)}))
