"""The template is one that CloudFormation takes, and what it makes is safe."""

from itertools import product

import pytest

from tests.examples.aws import cloudformation
from tests.examples.aws.setting import NAMES, SETTING

MADE = cloudformation.resources()


def test_cfn_lint_finds_nothing_in_it():
    assert cloudformation.lint(cloudformation.TEMPLATE) == ""


def test_cfn_lint_would_find_a_mistake(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        cloudformation.TEMPLATE.read_text().replace("MaximumPercent: 100", "MaximumPercents: 100")
    )

    assert "MaximumPercents" in cloudformation.lint(broken)


@pytest.mark.parametrize(("clients", "secret"), [*product(["", SETTING.clients], ["", SETTING.secret])])
def test_every_parameter_that_may_be_left_out_can_be(clients, secret):
    made = cloudformation.resources(ClientSecurityGroupId=clients, WebhookSecretArn=secret)

    (container,) = made["TaskDefinition"]["ContainerDefinitions"]
    assert ("SecurityGroupIngress" in made["SecurityGroup"]) == bool(clients)
    assert ("Secrets" in container) == ("Policies" in made["ExecutionRole"]) == bool(secret)


def test_there_are_never_two_daemons():
    service = MADE["Service"]

    assert service["DesiredCount"] == 1
    assert service["DeploymentConfiguration"]["MinimumHealthyPercent"] == 0
    assert service["DeploymentConfiguration"]["MaximumPercent"] == 100
    assert service["AvailabilityZoneRebalancing"] == "DISABLED"


def test_nobody_comes_in_but_members_of_one_security_group():
    (rule,) = MADE["SecurityGroup"]["SecurityGroupIngress"]

    assert rule["SourceSecurityGroupId"] == SETTING.clients
    assert not {"CidrIp", "CidrIpv6"} & set(rule)


def test_dead_letters_outlive_the_queue():
    queue, dead = MADE["Queue"], MADE["DeadLetters"]

    assert queue["RedrivePolicy"]["deadLetterTargetArn"].endswith(dead["QueueName"])
    assert dead["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5


def test_the_rules_alone_may_send_to_the_queues():
    (statement,) = MADE["QueuePolicy"]["PolicyDocument"]["Statement"]

    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": [SETTING.rule, f"{SETTING.rule}-changes"]}
    }
    assert statement["Resource"] == [NAMES.queue_arn, f"{NAMES.queue_arn}-dead-letters"]


def test_the_daemon_is_asked_for_its_health_and_given_time_to_end():
    (container,) = MADE["TaskDefinition"]["ContainerDefinitions"]

    assert container["HealthCheck"]["Command"] == ["CMD", "rollbackd", "health"]
    assert container["StopTimeout"] == 30


def test_secrets_are_given_by_reference():
    (container,) = MADE["TaskDefinition"]["ContainerDefinitions"]

    assert container["Secrets"] == [{"Name": "WEBHOOK_SECRET", "ValueFrom": SETTING.secret}]
    assert "Environment" not in container
