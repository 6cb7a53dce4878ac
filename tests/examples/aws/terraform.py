"""Reads the Terraform, and follows as much of its language as stands in it: no provider, so nothing is planned."""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import hcl2

from tests.examples.aws.setting import FOLDER, NAMES, SETTING

MODULE = FOLDER / "terraform"
_PLACE = re.compile(r"\$\{([^}]+)\}")
_JOINED = re.compile(r"concat\((?P<one>[a-z_.]+), (?P<other>[a-z_.]+)\)")
_CHOICE = re.compile(r"(?P<name>[a-z_.]+) == null \? (?P<then>.+?) : (?P<otherwise>.+)")

VARIABLES: Mapping[str, Any] = {
    "cluster_name": NAMES.cluster,
    "service_name": NAMES.services[0],
    "task_definition_family": NAMES.families[0],
    "task_role_name": NAMES.passed[0],
    "task_execution_role_name": NAMES.passed[1],
    "name": NAMES.daemon,
    "image": SETTING.image,
    "daemon_cluster": SETTING.daemon_cluster,
    "vpc_id": SETTING.vpc,
    "vpc_cidr": SETTING.cidr,
    "subnet_ids": SETTING.subnets,
    "assign_public_ip": False,
    "client_security_group_id": SETTING.clients,
    "webhook_secret_arn": SETTING.secret,
    "changes_rule": "ENABLED",
}
# What the provider would know.
KNOWN: Mapping[str, Any] = {
    "data.aws_partition.current.partition": NAMES.partition,
    "data.aws_region.current.id": NAMES.region,
    "data.aws_caller_identity.current.account_id": NAMES.account,
    "aws_sqs_queue.queue.arn": NAMES.queue_arn,
    "aws_sqs_queue.queue.url": NAMES.queue_url,
    "aws_sqs_queue.dead_letters.arn": f"{NAMES.queue_arn}-dead-letters",
    "aws_sqs_queue.dead_letters.url": f"{NAMES.queue_url}-dead-letters",
    "aws_cloudwatch_event_rule.deployments.arn": SETTING.rule,
    "aws_cloudwatch_event_rule.deployments.name": NAMES.daemon,
    "aws_cloudwatch_event_rule.changes.arn": f"{SETTING.rule}-changes",
    "aws_cloudwatch_event_rule.changes.name": f"{NAMES.daemon}-changes",
    "aws_cloudwatch_log_group.log.name": SETTING.log_group,
    "aws_iam_role.daemon.arn": NAMES.role(NAMES.daemon),
    "aws_iam_role.daemon.id": NAMES.daemon,
    "aws_iam_role.read.id": NAMES.read,
    "aws_iam_role.act.id": NAMES.act,
    "aws_iam_role.execution.arn": NAMES.role(SETTING.execution),
    "aws_iam_role.execution.id": SETTING.execution,
    "aws_iam_role.execution.name": SETTING.execution,
    "aws_security_group.daemon.id": "sg-of-the-daemon",
    "aws_ecs_task_definition.daemon.arn": "the-task-definition",
    "each.value": "each",
    "ingress.value": SETTING.clients,
}


def parsed(path: Path) -> dict[str, Any]:
    """A file of a module."""
    return hcl2.loads(path.read_text(encoding="utf-8"))


def resources(**variables: Any) -> dict[str, dict[str, Any]]:
    """The arguments of each resource by its address (``aws_iam_role.read``), with every expression followed."""
    given = {f"var.{name}": each for name, each in {**VARIABLES, **variables}.items()}
    return followed(parsed(MODULE / "main.tf"), {**KNOWN, **given})


def followed(main: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The same of any module. *known*: its variables, and what the provider would know."""
    values = _with_locals(main, known)
    return {
        f"{_text(kind)}.{_text(name)}": {key: _value(each, values) for key, each in _meant(arguments)}
        for block in main["resource"]
        for kind, named in _meant(block)
        for name, arguments in _meant(named)
    }


def given_to_module(main: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What *main* gives to the one module that it is made of, with every expression followed."""
    values = _with_locals(main, known)
    ((_, arguments),) = [each for block in main["module"] for each in _meant(block)]
    return {key: _value(each, values) for key, each in _meant(arguments)}


def _with_locals(main: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {**known}
    for block in main["locals"]:
        for name, each in _meant(block):
            values[f"local.{name}"] = _value(each, values)
    return values


def variables() -> dict[str, dict[str, Any]]:
    """What may be given, by name."""
    return _blocks("variables.tf", "variable")


def outputs() -> dict[str, dict[str, Any]]:
    """What is told, by name."""
    return _blocks("outputs.tf", "output")


def _blocks(file: str, kind: str) -> dict[str, dict[str, Any]]:
    return {_text(name): inner for block in parsed(MODULE / file)[kind] for name, inner in _meant(block)}


def _meant(block: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Without what the parser notes about blocks and comments, and without mere order."""
    return [(key, each) for key, each in block.items() if not key.startswith("__") and key != "depends_on"]


def _value(value: Any, values: Mapping[str, Any]) -> Any:
    match value:
        case str() if value.startswith('"'):
            return _PLACE.sub(lambda found: str(_expression(found[1], values)), _text(value))
        case str():
            return _expression(value.removeprefix("${").removesuffix("}"), values)
        case dict():
            return {_text(key): _value(each, values) for key, each in _meant(value)}
        case list():
            return [_value(each, values) for each in value]
        case _:
            return value


def _expression(text: str, values: Mapping[str, Any]) -> Any:
    text = text.strip()
    choice = _CHOICE.fullmatch(text)
    if text.startswith("jsonencode("):
        return _written(text.removeprefix("jsonencode(").removesuffix(")"), values)
    if choice is not None:
        taken = choice["then"] if values[choice["name"]] is None else choice["otherwise"]
        return _written(taken, values)
    joined = _JOINED.fullmatch(text)
    if joined is not None:
        return [*values[joined["one"]], *values[joined["other"]]]
    return values[text]


def _written(text: str, values: Mapping[str, Any]) -> Any:
    return partial(_value, values=values)(hcl2.loads(f"value = {text}\n")["value"])


def _text(quoted: str) -> str:
    return quoted.removeprefix('"').removesuffix('"')
