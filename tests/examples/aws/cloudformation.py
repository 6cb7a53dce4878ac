"""Reads the template, and follows its functions as CloudFormation would."""

import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from subprocess import run
from typing import Any

import yaml

from tests.examples.aws.setting import FOLDER, NAMES, SETTING

TEMPLATE = FOLDER / "cloudformation.yaml"
_NOTHING = object()  # AWS::NoValue
_PLACE = re.compile(r"\$\{([A-Za-z:]+)\}")


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (``!Ref X``), as its long ones (``{Ref: X}``)."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {name: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _function)

WITHOUT_EXTRAS = {"ClientSecurityGroupId": "", "WebhookSecretArn": ""}
PARAMETERS: Mapping[str, Any] = {
    "ClusterName": NAMES.cluster,
    "ServiceName": NAMES.services[0],
    "TaskDefinitionFamily": NAMES.families[0],
    "TaskRoleName": NAMES.passed[0],
    "TaskExecutionRoleName": NAMES.passed[1],
    "Name": NAMES.daemon,
    "Image": SETTING.image,
    "DaemonCluster": SETTING.daemon_cluster,
    "VpcId": SETTING.vpc,
    "VpcCidr": SETTING.cidr,
    "SubnetIds": SETTING.subnets,
    "AssignPublicIp": "DISABLED",
    "ClientSecurityGroupId": SETTING.clients,
    "WebhookSecretArn": SETTING.secret,
    "ChangesRule": "ENABLED",
}


@cache
def template(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template as it is written, functions in their long form."""
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    return loaded


def resources(**parameters: Any) -> dict[str, dict[str, Any]]:
    """The properties of each resource by its logical name, with every function followed."""
    return followed(template(), {**_known(), **PARAMETERS, **parameters})


def followed(written: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The same of any template. *values*: of parameters, and of what AWS would put in."""
    conditions = {name: _holds(each, values) for name, each in written.get("Conditions", {}).items()}
    return {
        name: _resolved(each["Properties"], values, conditions) for name, each in written["Resources"].items()
    }


def lint(path: Path) -> str:
    """All that cfn-lint finds in the template at *path*, remarks included."""
    done = run(
        [Path(sys.executable).parent / "cfn-lint", "--include-checks", "I", "--", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _known() -> dict[str, Any]:
    """What AWS would put in, and what follows from names."""
    return {
        "AWS::Partition": NAMES.partition,
        "AWS::Region": NAMES.region,
        "AWS::AccountId": NAMES.account,
        "AWS::NoValue": _NOTHING,
        "Queue": NAMES.queue_url,
        "DeadLetters": f"{NAMES.queue_url}-dead-letters",
        "Queue.Arn": NAMES.queue_arn,
        "DeadLetters.Arn": f"{NAMES.queue_arn}-dead-letters",
        "Deployments.Arn": SETTING.rule,
        "Changes.Arn": f"{SETTING.rule}-changes",
        "DaemonRole.Arn": NAMES.role(NAMES.daemon),
        "ExecutionRole.Arn": NAMES.role(SETTING.execution),
        "LogGroup": SETTING.log_group,
        "SecurityGroup": "sg-of-the-daemon",
        "TaskDefinition": "the-task-definition",
    }


def _holds(condition: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    match condition:
        case {"Fn::Not": [inner]}:
            return not _holds(inner, values)
        case {"Fn::Equals": [one, other]}:
            return bool(_resolved(one, values, {}) == _resolved(other, values, {}))
        case _:
            raise AssertionError(condition)


def _resolved(value: Any, values: Mapping[str, Any], conditions: Mapping[str, bool]) -> Any:
    match value:
        case {"Ref": name} | {"Fn::GetAtt": name}:
            return values[name]
        case {"Fn::Sub": text}:
            return _PLACE.sub(lambda found: str(values[found[1]]), text)
        case {"Fn::If": [name, then, otherwise]}:
            return _resolved(then if conditions[name] else otherwise, values, conditions)
        case dict():
            assert not any(key.startswith("Fn::") for key in value), value
            inner = {key: _resolved(each, values, conditions) for key, each in value.items()}
            return {key: each for key, each in inner.items() if each is not _NOTHING}
        case list():
            return [_resolved(each, values, conditions) for each in value]
        case _:
            return value
