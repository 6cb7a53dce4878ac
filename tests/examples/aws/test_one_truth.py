"""CloudFormation, Terraform and ``rollbackd init`` say one thing: what differs is a mistake in one of them."""

import json
from typing import Any

import pytest

from tests.examples.aws import cloudformation, terraform
from tests.examples.aws.setting import FOLDER, NAMES, SETTING
from watcher.commands._init import policies

CLOUD, TERRA = cloudformation.resources(), terraform.resources()
RULED = {
    "read": policies.read_policy(NAMES),
    "act": policies.act_policy(NAMES),
    "daemon": policies.daemon_policy(NAMES),
}
TRUSTED = {
    "read": policies.trust(NAMES, "read"),
    "act": policies.trust(NAMES, "act"),
    "daemon": policies.daemon_trust(NAMES),
}
CHANGES = FOLDER.parent / "changes"
LOGICAL = {"read": "ReadRole", "act": "ActRole", "daemon": "DaemonRole", "execution": "ExecutionRole"}


def camel(value: Any) -> Any:
    """As the API of ECS says what CloudFormation says: ``ContainerPort`` is ``containerPort``."""
    match value:
        case dict():
            return {key[0].lower() + key[1:]: camel(each) for key, each in value.items()}
        case list():
            return [camel(each) for each in value]
        case _:
            return value


@pytest.mark.parametrize("role", RULED)
def test_a_role_may_the_same_by_all_three(role):
    (inline,) = CLOUD[LOGICAL[role]]["Policies"]

    assert inline["PolicyDocument"] == RULED[role]
    assert TERRA[f"aws_iam_role_policy.{role}"]["policy"] == RULED[role]


@pytest.mark.parametrize("role", TRUSTED)
def test_a_role_trusts_the_same_by_all_three(role):
    assert CLOUD[LOGICAL[role]]["AssumeRolePolicyDocument"] == TRUSTED[role]
    assert TERRA[f"aws_iam_role.{role}"]["assume_role_policy"] == TRUSTED[role]


def test_ecs_starts_the_daemon_with_the_same():
    (statement,) = CLOUD["ExecutionRole"]["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert (
        CLOUD["ExecutionRole"]["AssumeRolePolicyDocument"]
        == TERRA["aws_iam_role.execution"]["assume_role_policy"]
    )
    assert CLOUD["ExecutionRole"]["ManagedPolicyArns"] == [
        TERRA["aws_iam_role_policy_attachment.execution"]["policy_arn"]
    ]
    (secret,) = CLOUD["ExecutionRole"]["Policies"]
    assert secret["PolicyDocument"] == TERRA["aws_iam_role_policy.secret"]["policy"]


@pytest.mark.parametrize("role", LOGICAL)
def test_a_role_is_called_the_same(role):
    name = {"read": NAMES.read, "act": NAMES.act, "daemon": NAMES.daemon}.get(role, SETTING.execution)

    assert CLOUD[LOGICAL[role]]["RoleName"] == TERRA[f"aws_iam_role.{role}"]["name"] == name


@pytest.mark.parametrize(
    ("name", "logical", "fills"), [("deployments", "Deployments", "queue"), ("changes", "Changes", "changes")]
)
def test_a_rule_is_the_same(name, logical, fills):
    terra, cloud = TERRA[f"aws_cloudwatch_event_rule.{name}"], CLOUD[logical]
    (target,) = cloud["Targets"]
    filling = TERRA[f"aws_cloudwatch_event_target.{fills}"]

    assert terra["event_pattern"] == cloud["EventPattern"]
    assert terra["name"] == cloud["Name"]
    assert terra.get("state", "ENABLED") == cloud["State"]
    assert filling["rule"] == cloud["Name"]
    assert filling["arn"] == target["Arn"]
    assert filling["dead_letter_config"] == [{"arn": target["DeadLetterConfig"]["Arn"]}]


def test_the_rule_of_changes_is_the_pattern_that_the_page_explains():
    assert CLOUD["Changes"]["EventPattern"] == json.loads((CHANGES / "event-pattern.json").read_text())


def test_the_queues_are_the_same():
    pairs = (("aws_sqs_queue.queue", "Queue"), ("aws_sqs_queue.dead_letters", "DeadLetters"))
    for address, name in pairs:
        terra, cloud = TERRA[address], CLOUD[name]
        assert terra["name"] == cloud["QueueName"]
        assert terra["message_retention_seconds"] == cloud["MessageRetentionPeriod"]
        assert terra.get("redrive_policy") == cloud.get("RedrivePolicy")
        assert terra.get("visibility_timeout_seconds") == cloud.get("VisibilityTimeout")
        assert terra["sqs_managed_sse_enabled"] is cloud["SqsManagedSseEnabled"] is True
    assert TERRA["aws_sqs_queue_policy.queue"]["policy"] == CLOUD["QueuePolicy"]["PolicyDocument"]


def test_the_queue_is_the_one_that_the_configuration_names():
    assert NAMES.queue_url.endswith(f"/{CLOUD['Queue']['QueueName']}")


def test_the_daemon_is_the_same():
    terra, cloud = TERRA["aws_ecs_task_definition.daemon"], CLOUD["TaskDefinition"]

    assert terra["container_definitions"] == camel(cloud["ContainerDefinitions"])
    for name, key in (
        ("family", "Family"),
        ("cpu", "Cpu"),
        ("memory", "Memory"),
        ("network_mode", "NetworkMode"),
        ("requires_compatibilities", "RequiresCompatibilities"),
        ("task_role_arn", "TaskRoleArn"),
        ("execution_role_arn", "ExecutionRoleArn"),
    ):
        assert terra[name] == cloud[key]
    assert terra["volume"] == camel(cloud["Volumes"])


def test_the_daemon_runs_the_same():
    terra, cloud = TERRA["aws_ecs_service.daemon"], CLOUD["Service"]

    assert terra["cluster"] == cloud["Cluster"] == SETTING.daemon_cluster
    assert terra["desired_count"] == cloud["DesiredCount"]
    rolling = cloud["DeploymentConfiguration"]
    assert terra["deployment_minimum_healthy_percent"] == rolling["MinimumHealthyPercent"]
    assert terra["deployment_maximum_percent"] == rolling["MaximumPercent"]
    assert terra["availability_zone_rebalancing"] == cloud["AvailabilityZoneRebalancing"]
    (network,) = terra["network_configuration"]
    assert network["subnets"] == cloud["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]


def test_the_same_may_come_in_and_go_out():
    terra, cloud = TERRA["aws_security_group.daemon"], CLOUD["SecurityGroup"]

    assert [
        (rule["protocol"], rule["from_port"], rule["to_port"], rule["cidr_blocks"])
        for rule in terra["egress"]
    ] == [
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], [rule["CidrIp"]])
        for rule in cloud["SecurityGroupEgress"]
    ]
    (dynamic,) = terra["dynamic"]
    (comes_in,) = dynamic["ingress"]["content"]
    (rule,) = cloud["SecurityGroupIngress"]
    assert (comes_in["from_port"], comes_in["to_port"]) == (rule["FromPort"], rule["ToPort"])
    assert comes_in["security_groups"] == [rule["SourceSecurityGroupId"]]
    assert "cidr_blocks" not in comes_in


def test_what_may_be_left_out_of_one_may_be_left_out_of_the_other():
    bare = terraform.resources(client_security_group_id=None, webhook_secret_arn=None)

    (container,) = bare["aws_ecs_task_definition.daemon"]["container_definitions"]
    assert container["secrets"] == []
    assert bare["aws_iam_role_policy.secret"]["count"] == 0
    (dynamic,) = bare["aws_security_group.daemon"]["dynamic"]
    assert dynamic["ingress"]["for_each"] == []


def test_the_parameters_are_the_same_and_each_is_explained():
    def snake(name: str) -> str:
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix(
            "_"
        )

    parameters = cloudformation.template()["Parameters"]
    variables = terraform.variables()

    assert {snake(name) for name in parameters} == set(variables)
    for name, parameter in parameters.items():
        assert parameter["Description"]
        assert variables[snake(name)]["description"]


def test_what_is_told_in_the_end_is_the_same():
    outputs = terraform.outputs()

    assert set(outputs) == {"queue_url", "read_role_arn", "act_role_arn", "log_group_name"}
    assert {name.replace("_", "") for name in outputs} == {
        name.lower() for name in cloudformation.template()["Outputs"]
    }
