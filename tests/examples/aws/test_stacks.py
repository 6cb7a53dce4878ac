"""The stacks besides ECS: CloudFormation, Terraform and ``rollbackd init`` say one thing, and AWS would take it."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from moto.events.models import EventPattern

from deploy.sources.sqs.parser import READS
from tests.deploy.sources.sqs.said import LINES
from tests.examples.aws import cloudformation, terraform
from tests.examples.aws.stacks import deriving
from tests.examples.aws.stacks.known import HERE, STACKS, Stack
from watcher.commands._init.registry import STACKS as OF_INIT

REGION, ACCOUNT, NAME = "eu-west-1", "111122223333", "rb"
MODULE = HERE / "module" / "main.tf"
LONG = [pytest.param(each, marks=pytest.mark.long) for each in STACKS if each != "codedeploy"]


def wanted(stack: Stack) -> Mapping[str, tuple[Any, Any]]:
    """What `init` writes with the names of the setting."""
    names = deriving.names_of(NAME, REGION, ACCOUNT, stack.examples.get("Environment", "production"))
    return deriving.documents(stack, names, stack.examples)


@cache
def module() -> dict[str, Any]:
    return terraform.parsed(MODULE)


def by_cloudformation(stack: Stack) -> dict[str, dict[str, Any]]:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
    known = {
        "AWS::Partition": "aws",
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "Name": NAME,
        "Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{NAME}",
        "DeadLetters": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{NAME}-dead-letters",
        "Queue.Arn": queue,
        "DeadLetters.Arn": f"{queue}-dead-letters",
        "Deployments.Arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}",
    }
    template = cloudformation.template(HERE / stack.name / "cloudformation.yaml")
    return cloudformation.followed(template, {**known, **stack.examples})


def by_terraform(stack: Stack) -> dict[str, dict[str, Any]]:
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}"
    known = {
        "data.aws_partition.current.partition": "aws",
        "data.aws_region.current.id": REGION,
        "data.aws_caller_identity.current.account_id": ACCOUNT,
        "aws_sqs_queue.queue.arn": queue,
        "aws_sqs_queue.queue.url": "queue",
        "aws_sqs_queue.dead_letters.arn": f"{queue}-dead-letters",
        "aws_sqs_queue.dead_letters.url": "dead letters",
        "aws_cloudwatch_event_rule.deployments.arn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}",
        "aws_cloudwatch_event_rule.deployments.name": NAME,
        "each.value": "each",
        **{f"aws_iam_role.{role}.id": role for role in ("daemon", "read", "act")},
    }
    variables = {f"var.{deriving.snake(name)}": each for name, each in stack.examples.items()}
    known["var.name"] = NAME
    given = terraform.given_to_module(terraform.parsed(HERE / stack.name / "main.tf"), known | variables)
    assert given.pop("source") == f"../{MODULE.parent.name}"
    assert given.keys() == deriving.GIVEN.keys()
    return terraform.followed(module(), known | {f"var.{name}": each for name, each in given.items()})


def test_every_stack_on_aws_has_its_example():
    """That of ECS has the daemon itself, and is one folder above; of flagd nobody tells, so there is no queue and no rule."""
    assert set(STACKS) == set(OF_INIT) - {"ecs", "flagd", "github-actions"}
    assert {each.name for each in HERE.iterdir()} == {*STACKS, "module"}


@pytest.mark.parametrize("name", STACKS)
def test_the_files_are_what_is_derived(name):
    again = "write them again: python -m tests.examples.aws.stacks"

    for file, derived in (("cloudformation.yaml", deriving.cloudformation), ("main.tf", deriving.terraform)):
        assert (HERE / name / file).read_text(encoding="utf-8") == derived(STACKS[name]), again
    assert MODULE.read_text(encoding="utf-8") == deriving.module(), again


@pytest.mark.parametrize("name", STACKS)
def test_the_roles_of_cloudformation_are_those_that_init_writes(name):
    made = by_cloudformation(STACKS[name])

    for role, (policy, trust) in wanted(STACKS[name]).items():
        properties = made[f"{role.title()}Role"]
        (inline,) = properties["Policies"]
        assert inline["PolicyDocument"] == policy
        assert properties["AssumeRolePolicyDocument"] == trust
        assert properties["RoleName"] == (NAME if role == "daemon" else f"{NAME}-{role}")


@pytest.mark.parametrize("name", ["codedeploy", *LONG])
def test_terraform_says_the_same(name):
    terra, cloud = by_terraform(STACKS[name]), by_cloudformation(STACKS[name])

    for role, (policy, trust) in wanted(STACKS[name]).items():
        assert terra[f"aws_iam_role_policy.{role}"]["policy"] == policy
        assert terra[f"aws_iam_role.{role}"]["assume_role_policy"] == trust
        assert terra[f"aws_iam_role.{role}"]["name"] == cloud[f"{role.title()}Role"]["RoleName"]
    rule, queue, dead = cloud["Deployments"], cloud["Queue"], cloud["DeadLetters"]
    assert terra["aws_cloudwatch_event_rule.deployments"]["event_pattern"] == rule["EventPattern"]
    assert terra["aws_cloudwatch_event_target.queue"]["arn"] == rule["Targets"][0]["Arn"]
    assert terra["aws_sqs_queue_policy.queue"]["policy"] == cloud["QueuePolicy"]["PolicyDocument"]
    assert terra["aws_sqs_queue.queue"]["redrive_policy"] == queue["RedrivePolicy"]
    for address, each in (("queue", queue), ("dead_letters", dead)):
        assert terra[f"aws_sqs_queue.{address}"]["name"] == each["QueueName"]
        assert (
            terra[f"aws_sqs_queue.{address}"]["message_retention_seconds"] == each["MessageRetentionPeriod"]
        )


@pytest.mark.parametrize("name", STACKS)
def test_the_queue_takes_from_its_rule_alone_and_dead_letters_outlive_it(name):
    made = by_cloudformation(STACKS[name])

    (statement,) = made["QueuePolicy"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:SourceArn": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}"]}
    }
    assert made["DeadLetters"]["MessageRetentionPeriod"] > made["Queue"]["MessageRetentionPeriod"]
    assert made["Queue"]["RedrivePolicy"]["deadLetterTargetArn"].endswith("-dead-letters")


@pytest.mark.parametrize("name", STACKS)
def test_the_rule_lets_through_what_the_source_reads_and_nothing_of_the_others(name):
    pattern = by_cloudformation(STACKS[name])["Deployments"]["EventPattern"]
    matches = EventPattern.load(json.dumps(pattern)).matches_event

    through = {
        str(line.event.get("source")) for line in LINES if "source" in line.event and matches(line.event)
    }

    assert through <= set(pattern["source"])
    assert {(source, kind) for source in pattern["source"] for kind in pattern["detail-type"]} <= set(READS)


@pytest.mark.parametrize("name", sorted(set(STACKS) - {"site"}))
def test_an_event_of_aws_own_gets_through_the_rule_of_what_it_is_about(name):
    stack = STACKS[name]
    events = [line.event for line in LINES if "source" in line.event]
    about = {"Application": "myApplication"} if stack.in_page else {}

    theirs, ours = (
        [each for each in events if EventPattern.load(json.dumps(stack.pattern(told))).matches_event(each)]
        for told in ({**stack.examples, **about}, stack.examples)
    )

    assert theirs
    assert not (stack.in_page and ours)


@pytest.mark.parametrize("name", ["codedeploy", *LONG])
def test_cfn_lint_finds_nothing(name):
    assert cloudformation.lint(HERE / name / "cloudformation.yaml") == ""
