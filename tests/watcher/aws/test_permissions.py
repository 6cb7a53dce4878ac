"""What a refusal says of permissions: which one is missing, and who can give it."""

import pytest

from tests.watcher.commands import called
from watcher.aws.permissions import missing, remedy

ROLE = "arn:aws:iam::111122223333:role/rollbackd-act"
TOLD = f"User: {ROLE} is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/task"


def test_the_permission_that_aws_names_is_the_one_whatever_was_called():
    assert missing("ecs", "UpdateService", {}, TOLD) == "iam:PassRole"


@pytest.mark.parametrize("called_so", sorted(called.ALLOWED_BY))
def test_where_aws_names_none_it_is_the_one_that_the_operation_needs(called_so):
    service, _, operation = called_so.partition(":")

    assert missing(service, operation, {}, "Forbidden") == called.ALLOWED_BY[called_so]


def test_a_service_is_called_as_iam_calls_it():
    assert missing("elbv2", "DescribeRules", {}, "") == "elasticloadbalancing:DescribeRules"
    assert missing("resourcegroupstaggingapi", "GetResources", {}, "") == "tag:GetResources"
    assert missing("ecs", "DescribeServices", {}, "") == "ecs:DescribeServices"


def test_of_a_version_of_an_object_it_is_another_one():
    assert missing("s3", "HeadObject", {"VersionId": "v1"}, "Forbidden") == "s3:GetObjectVersion"


@pytest.mark.parametrize(
    ("because", "words"),
    [
        ("no identity-based policy allows the ecs:X action", f"allow ecs:X to {ROLE}: `rollbackd init`"),
        ("no service control policy allows the ecs:X action", "whoever administers the organization"),
        ("an explicit deny in a service control policy", "in its service control policies"),
        ("an explicit deny in a resource control policy", "in its resource control policies"),
        ("no permissions boundary allows the ecs:X action", f"permissions boundary of {ROLE}"),
        ("an explicit deny in a permissions boundary", f"out of the permissions boundary of {ROLE}"),
        ("no session policy allows the ecs:X action", f"in the session policy with which {ROLE}"),
        ("no VPC endpoint policy allows the ecs:X action", "policy of the VPC endpoint"),
        ("an explicit deny in a resource-based policy", "out of the policy of what was asked about"),
        ("an explicit deny in an identity-based policy", f"a policy denies ecs:X to {ROLE}"),
    ],
)
def test_who_must_act_is_told_by_the_policy_that_aws_blames(because, words):
    said = remedy("ecs:X", ROLE, f"not authorized to perform: ecs:X because {because}")

    assert words in said
    assert "ecs:X" in said


def test_of_an_object_that_may_be_missing_it_is_said_what_would_tell():
    assert "s3:ListBucket" in remedy("s3:GetObject", ROLE, "Forbidden")
    assert "s3:ListBucket" not in remedy("s3:GetObject", ROLE, "is not authorized to perform: s3:GetObject")
    assert "s3:ListBucket" not in remedy("ecs:X", ROLE, "Forbidden")
