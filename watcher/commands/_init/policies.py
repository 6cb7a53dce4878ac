"""The policies of AWS, as small as they can be. The one place that says what the daemon may do there.

The daemon runs with a role of its own (``daemon``) that may only assume two others: one to read, and one to act, which
is assumed only to act. Shadow needs the first alone. Where a statement is for all resources, AWS knows no narrower one for
what it allows, and its ``Sid`` says so: JSON has no comments. Nothing that changes anything is allowed on all resources.

`examples/aws` has the same in CloudFormation and Terraform, and tests hold all three together, and to what the code calls.

Source:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_ecs.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from watcher.commands._init.names import Names

Document = dict[str, Any]

VERSION = "2012-10-17"  # of the language of policies; the only current one
MARKS = "rollbackd:*"  # keys of the tags that the daemon writes: how releases stand, and its own last move


def read_policy(names: Names) -> Document:
    """To read: everything that shadow does, and the queue, whose messages are deleted once they are written down."""
    return _policy(
        _allow(
            "ReadServices",
            ["ecs:DescribeServices", "ecs:ListServiceDeployments"],
            names.ecs("service"),
        ),
        _allow(
            "ReadDeployments",
            ["ecs:DescribeServiceDeployments"],
            [*names.ecs("service"), *names.ecs("service-deployment", "/*")],
        ),
        _allow(
            "ReadRevisions",
            ["ecs:DescribeServiceRevisions"],
            [*names.ecs("service"), *names.ecs("service-revision", "/*")],
        ),
        _allow("ReadTasks", ["ecs:DescribeTasks"], [names.arn("ecs", f"task/{names.cluster}/*")]),
        _allow(
            "ListTasksOfThisClusterNoNarrowerResource",
            ["ecs:ListTasks"],
            ["*"],
            {"ArnEquals": {"ecs:cluster": names.cluster_arn}},
        ),
        _allow("ReadTaskDefinitionsNoNarrowerResource", ["ecs:DescribeTaskDefinition"], ["*"]),
        _allow("ReadImages", ["ecr:DescribeImages"], [names.arn("ecr", "repository/*")]),
        _allow(
            "ReadMetricsNoNarrowerResource", ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics"], ["*"]
        ),
        _allow("ReadAlarms", ["cloudwatch:DescribeAlarms"], [names.arn("cloudwatch", "alarm:*")]),
        _allow(
            "HearDeployments",
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            [names.queue_arn],
        ),
        # `rollbackd doctor` asks IAM what the two roles may, for to try it would do it.
        _allow(
            "AskWhatTheRolesMay",
            ["iam:SimulatePrincipalPolicy"],
            [names.role(names.read), names.role(names.act)],
        ),
    )


def act_policy(names: Names) -> Document:
    """To act: put a revision of these families back on these services, and mark both. Nothing else, nowhere else."""
    return _policy(
        _allow(
            "PutBackRevisions",
            ["ecs:UpdateService"],
            names.ecs("service"),
            {"ArnLike": {"ecs:task-definition": names.revisions}},
        ),
        _allow(
            "StopDeploymentsAndRollBack",
            ["ecs:StopServiceDeployment"],
            [*names.ecs("service"), *names.ecs("service-deployment", "/*")],
        ),
        # Who lets a service run a task definition passes the roles in it: ECS asks for it in UpdateService too, whenever
        # that names a task definition (seen in https://github.com/keidarcy/e1s/issues/429).
        _allow(
            "PassTheRolesOfTheTasks",
            ["iam:PassRole"],
            [names.role(role) for role in names.passed],
            {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
        ),
        _allow(
            "MarkServicesAndRevisions",
            ["ecs:TagResource"],
            [*names.ecs("service"), *names.revisions],
            {"ForAllValues:StringLike": {"aws:TagKeys": [MARKS]}},
        ),
    )


def daemon_policy(names: Names) -> Document:
    """To be the daemon: assume the two roles. It can do nothing itself."""
    return _policy(
        _allow("AssumeTheRoles", ["sts:AssumeRole"], [names.role(names.read), names.role(names.act)])
    )


def trust(names: Names, purpose: str) -> Document:
    """Who may assume the role to ``read`` or to ``act``: the daemon, and only under the name that CloudTrail then shows."""
    return _policy(
        {
            "Sid": "TheDaemon",
            "Effect": "Allow",
            "Principal": {"AWS": names.role(names.daemon)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:RoleSessionName": f"rollbackd-{purpose}"}},
        }
    )


def daemon_trust(names: Names) -> Document:
    """Who may be the daemon: tasks of ECS in this account, whoever else's tasks ECS may be asked to start.

    Source:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html ("confused deputy")
    """
    return _policy(
        {
            "Sid": "TasksOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": names.account},
                "ArnLike": {"aws:SourceArn": names.arn("ecs", "*")},
            },
        }
    )


def _policy(*statements: Document) -> Document:
    return {"Version": VERSION, "Statement": list(statements)}


def _allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> Document:
    statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement | ({"Condition": dict(condition)} if condition else {})
