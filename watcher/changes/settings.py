"""Settings that moved: parameters, secrets, configurations. Only what they are called, never what they are.

What CloudTrail tells comes minutes late, and only where there is a trail; a call that was refused moved nothing. What ECS and
CodeDeploy call themselves is part of a deployment, which has events of its own.

Source:
    https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-cwe.html
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/cloudtrail_log_entries.html
    https://docs.aws.amazon.com/appconfig/latest/userguide/working-with-appconfig-extensions-about-predefined-notification-eventbridge.html
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
"""

import re
from collections.abc import Mapping

from deploy.source import Event
from deploy.sources.sqs.envelope import moment
from watcher.changes.told import Told, named
from watcher.core.change import ChangeKind

_OPERATIONS: Mapping[str, str] = {
    "Create": "created",
    "Update": "changed",
    "Delete": "deleted",
    "LabelParameterVersion": "another version labelled",
}
_ROLLOUTS: Mapping[str, str] = {
    "On Deployment Start": "rollout started",
    "On Deployment Complete": "rolled out",
    "On Deployment Rolled Back": "rolled back",
}
_ROTATIONS: Mapping[str, str] = {"RotationSucceeded": "rotated", "RotationFailed": "rotation failed"}
# Calls in the trail, by their source and name (Lambda writes a date behind it): which sort of thing, what it is called in
# words, where its name stands in the request, and what became of it.
_Call = tuple[ChangeKind, str, str, str]
_CALLS: Mapping[tuple[str, str], _Call] = {
    ("aws.ssm", "PutParameter"): (ChangeKind.PARAMETER, "parameter", "name", "changed"),
    ("aws.ssm", "DeleteParameter"): (ChangeKind.PARAMETER, "parameter", "name", "deleted"),
    ("aws.secretsmanager", "PutSecretValue"): (ChangeKind.SECRET, "secret", "secretId", "changed"),
    ("aws.secretsmanager", "UpdateSecret"): (ChangeKind.SECRET, "secret", "secretId", "changed"),
    ("aws.secretsmanager", "DeleteSecret"): (ChangeKind.SECRET, "secret", "secretId", "deleted"),
    ("aws.lambda", "UpdateFunctionConfiguration"): (
        ChangeKind.CONFIGURATION,
        "configuration of the function",
        "functionName",
        "changed",
    ),
    ("aws.lambda", "UpdateFunctionCode"): (ChangeKind.DEPLOYMENT, "function", "functionName", "deployed"),
    ("aws.lambda", "UpdateAlias"): (ChangeKind.DEPLOYMENT, "function", "functionName", "alias moved"),
    ("aws.elasticloadbalancing", "ModifyListener"): (
        ChangeKind.CONFIGURATION,
        "listener",
        "listenerArn",
        "changed",
    ),
    ("aws.elasticloadbalancing", "ModifyRule"): (
        ChangeKind.CONFIGURATION,
        "rule of a listener",
        "ruleArn",
        "changed",
    ),
}
_DEPLOYERS = frozenset({"ecs.amazonaws.com", "codedeploy.amazonaws.com"})
_DATED = re.compile(r"20[0-9]{6}(v[0-9])?\Z")
# arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-abcdef: AWS writes six characters behind the name.
_SECRET = re.compile(r"arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:(?P<name>.+?)(-[A-Za-z0-9]{6})?")


def parameter(event: Event) -> Told | None:
    """A parameter of Systems Manager."""
    name, done = named(event.detail, "name"), _OPERATIONS.get(named(event.detail, "operation"))
    return Told(ChangeKind.PARAMETER, f"parameter `{name}`, {done}", name) if name and done else None


def labelled(event: Event) -> Told | None:
    """A secret has another current version. Other labels are nobody's but their owner's."""
    name = named(event.detail, "name")
    if not name or event.detail.get("labelUpdated") != "AWSCURRENT":
        return None
    return Told(ChangeKind.SECRET, f"secret `{name}`, changed", name)


def rotation(event: Event) -> Told | None:
    """The rotation of a secret ended."""
    done = _ROTATIONS.get(named(event.detail, "eventName"))
    name = _secret(named(event.detail, "additionalEventData", "SecretId"))
    if event.source != "aws.secretsmanager" or not name or done is None:
        return None
    return Told(ChangeKind.SECRET, f"secret `{name}`, {done}", name, moment(event.detail.get("eventTime")))


def configuration(event: Event) -> Told | None:
    """AppConfig rolls a configuration out; flags are one too, and which of them moved is not told."""
    parts = [_part(event, each) for each in ("Application", "Environment", "ConfigurationProfile")]
    version = named(event.detail, "ConfigurationVersion")
    if not all(parts):
        return None
    name = "/".join(parts)
    of = f" version {version}" if version else ""
    return Told(ChangeKind.CONFIGURATION, f"configuration `{name}`{of}, {_ROLLOUTS[event.kind]}", name)


def call(event: Event) -> Told | None:
    """A call of an API that moves something, as CloudTrail tells of it."""
    known = _CALLS.get((event.source, _DATED.sub("", named(event.detail, "eventName"))))
    if known is None or event.detail.get("errorCode") is not None:
        return None
    kind, thing, key, done = known
    name = _secret(named(event.detail, "requestParameters", key))
    if not name or named(event.detail, "userIdentity", "invokedBy") in _DEPLOYERS:
        return None
    at = moment(event.detail.get("eventTime"))
    return Told(kind, f"{thing} `{name}`, {done}", name, at, within=_aliases(event, name))


def _aliases(event: Event, function: str) -> tuple[str, ...]:
    """How the addresses of all aliases of a function begin, which may be named by its ARN, or a part of that; of else nothing."""
    if event.source != "aws.lambda":
        return ()
    name = function.rpartition(":function:")[2].partition(":")[0]
    return f"lambda:{event.region}:{event.account}:{name}:", f"lambda:{event.region}:*:{name}:"


def _part(event: Event, of: str) -> str:
    return named(event.detail, of, "Name") or named(event.detail, of, "Id")


def _secret(id: str) -> str:
    """The name in the ARN of a secret; anything else as it is."""
    found = _SECRET.fullmatch(id)
    return found["name"] if found else id


ROLLOUTS = tuple(_ROLLOUTS)
