"""What the files say: queue, rule and roles, first as values with names in them, then as CloudFormation and as Terraform write it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.examples.aws.stacks.known import STACKS, Parameter, Stack, Told
from watcher.commands._init import policies
from watcher.commands._init.names import Names

NAME = Parameter(
    "What everything here is called; the roles are NAME, NAME-read and NAME-act.",
    "[a-z][a-z0-9-]{0,39}",
    "rollbackd",
    "rollbackd",
)
RETAINED, DEAD_RETAINED = 345600, 1209600  # seconds: 4 days; 14, for their time counts from the first sending
RECEIVED = 5
SEEN = 60  # seconds


def names_of(name: str, region: str, account: str, environment: str = "production") -> Names:
    """As everything is called after *name*."""
    return Names(
        region=region,
        account=account,
        environment=environment,
        queue=name,
        daemon=name,
        read=f"{name}-read",
        act=f"{name}-act",
    )


def documents(stack: Stack, names: Names, told: Told) -> Mapping[str, tuple[Any, Any]]:
    """Of each role its policy, and who may assume it: as ``rollbackd init`` writes them."""
    read, act = stack.policies(names, told)
    return {
        "daemon": (policies.daemon_policy(names), policies.daemon_trust(names)),
        "read": (read, policies.trust(names, "read")),
        "act": (act, policies.trust(names, "act")),
    }


def _head(stack: Stack, other: str) -> list[str]:
    return [
        f"rollbackd for {stack.of}: the queue of deploy events, the rule that fills it, and the three roles.",
        f"The policies are those of `rollbackd init {stack.name}`, the rule is that of {stack.page}; the same as {other}.",
        stack.before,
        "Written by `python -m tests.examples.aws.stacks`; a test compares.",
    ]


DESCRIPTIONS = {
    "daemon": "The daemon itself. It may only assume the two others",
    "read": "What rollbackd reads, and its queue",
    "act": "Assumed only to act. Not used until rollbackd.yaml names it",
}

# -------------------------------------------------------------------------------------------------------- CloudFormation


@dataclass(frozen=True, slots=True)
class _Function:
    """A function of CloudFormation in its short form: ``!Sub``, ``!Ref`` or ``!GetAtt``."""

    tag: str
    text: str


class _Dumper(yaml.SafeDumper):
    """Without anchors, and lists indented."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


_Dumper.add_representer(
    _Function,
    lambda dumper, told: dumper.represent_scalar(
        told.tag, told.text, style='"' if "$" in told.text else None
    ),
)


def cloudformation(stack: Stack) -> str:
    """The template."""
    told = {name: f"${{{name}}}" for name in stack.parameters}
    names = names_of("${Name}", "${AWS::Region}", "${AWS::AccountId}", told.get("Environment", "production"))
    roles = {
        f"{role.title()}Role": _role(role, policy, trust)
        for role, (policy, trust) in documents(stack, names, told).items()
    }
    queues = [_Function("!GetAtt", "Queue.Arn"), _Function("!GetAtt", "DeadLetters.Arn")]
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"rollbackd for {stack.of}: queue, rule and roles",
        "Parameters": {
            name: {
                "Type": "String",
                **({"Default": each.default} if each.default else {}),
                "AllowedPattern": each.like,
                "Description": each.words,
            }
            for name, each in {**stack.parameters, "Name": NAME}.items()
        },
        "Resources": {
            "Queue": _resource(
                "SQS::Queue",
                QueueName=_Function("!Ref", "Name"),
                MessageRetentionPeriod=RETAINED,
                VisibilityTimeout=SEEN,
                ReceiveMessageWaitTimeSeconds=10,
                SqsManagedSseEnabled=True,
                RedrivePolicy={"deadLetterTargetArn": queues[1], "maxReceiveCount": RECEIVED},
            ),
            "DeadLetters": _resource(
                "SQS::Queue",
                QueueName=_Function("!Sub", "${Name}-dead-letters"),
                MessageRetentionPeriod=DEAD_RETAINED,
                SqsManagedSseEnabled=True,
            ),
            "QueuePolicy": _resource(
                "SQS::QueuePolicy",
                Queues=[_Function("!Ref", "Queue"), _Function("!Ref", "DeadLetters")],
                PolicyDocument=_sending(queues, [_Function("!GetAtt", "Deployments.Arn")]),
            ),
            "Deployments": _resource(
                "Events::Rule",
                Name=_Function("!Ref", "Name"),
                Description=f"Deployments of {stack.of}, to rollbackd",
                State="ENABLED",
                EventPattern=_subbed(stack.pattern(told)),
                Targets=[{"Id": "queue", "Arn": queues[0], "DeadLetterConfig": {"Arn": queues[1]}}],
            ),
            **roles,
        },
        "Outputs": {
            "QueueUrl": {
                "Description": "For `sources` of rollbackd.yaml",
                "Value": _Function("!Ref", "Queue"),
            },
            **{
                f"{role}RoleArn": {"Description": words, "Value": _Function("!GetAtt", f"{role}Role.Arn")}
                for role, words in (
                    ("Read", "For `accounts` of rollbackd.yaml, as read"),
                    ("Act", "For `accounts` of rollbackd.yaml, as act, once a service may ask or act"),
                    ("Daemon", "For the task that the daemon is"),
                )
            },
        },
    }
    written = yaml.dump(template, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
    written = re.sub(r"!(Ref|GetAtt) '([A-Za-z.:]+)'", r"!\1 \2", written)
    spaced = re.sub(
        r"\n(?=(?:Parameters|Resources|Outputs):|  [A-Z][A-Za-z]+:\n    (?:Type: AWS|DeletionPolicy|DependsOn))",
        "\n\n",
        written,
    )
    return "".join(f"# {line}\n" for line in _head(stack, "main.tf")) + spaced.replace(
        "Resources:\n\n", "Resources:\n"
    )


def _role(role: str, policy: Any, trust: Any) -> dict[str, Any]:
    suffix = "" if role == "daemon" else f"-{role}"
    made = _resource(
        "IAM::Role",
        RoleName=_Function("!Sub", f"${{Name}}{suffix}") if suffix else _Function("!Ref", "Name"),
        Description=DESCRIPTIONS[role],
        AssumeRolePolicyDocument=_subbed(trust),
        Policies=[{"PolicyName": "assume" if role == "daemon" else role, "PolicyDocument": _subbed(policy)}],
    )
    # Who is trusted has to be there before.
    return made if role == "daemon" else {"Type": made["Type"], "DependsOn": "DaemonRole", **made}


def _resource(kind: str, /, **properties: Any) -> dict[str, Any]:
    kept = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"} if kind == "SQS::Queue" else {}
    return {"Type": f"AWS::{kind}", **kept, "Properties": properties}


def _sending(queues: Any, rules: Any) -> dict[str, Any]:
    return {
        "Version": policies.VERSION,
        "Statement": [
            {
                "Sid": "TheRule",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queues,
                "Condition": {"ArnEquals": {"aws:SourceArn": rules}},
            }
        ],
    }


def _subbed(value: Any) -> Any:
    """With CloudFormation's own names put in."""
    match value:
        case str():
            alone = re.fullmatch(r"\$\{([A-Za-z:]+)\}", value)
            text = value.replace("arn:aws:", "arn:${AWS::Partition}:")
            return _Function("!Ref", alone[1]) if alone else _Function("!Sub", text) if "${" in text else text
        case list():
            return [_subbed(each) for each in value]
        case dict():
            return {key: _subbed(each) for key, each in value.items()}
        case _:
            return value


# ------------------------------------------------------------------------------------------------------------- Terraform

_LONGEST = 110  # characters of a list in one line
_WHERE = """\
data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id
  account   = data.aws_caller_identity.current.account_id
}
"""
_REQUIRED = """\
terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.90"
    }
  }
}
"""
GIVEN = {
    "name": ("What everything here is called; the roles are NAME, NAME-read and NAME-act.", "string"),
    "description": ("What the rule is for.", "string"),
    "event_pattern": ("Of the rule that fills the queue, as JSON.", "string"),
    "read_statements": ("What the role to read may, beside what every stack reads.", "any"),
    "act_statements": ("What the role to act may.", "any"),
}


def terraform(stack: Stack) -> str:
    """What the stack has of its own: it gives that to the module."""
    told = {name: f"${{var.{snake(name)}}}" for name in stack.parameters}
    names = _terraformed(told.get("Environment", "production"))
    read, act = (_parted(each["Statement"]) for each in stack.policies(names, told))
    arguments = {
        "source": "../module",
        "name": "${var.name}",
        "description": f"Deployments of {stack.of}, to rollbackd",
        "event_pattern": _Json(stack.pattern(told)),
        "read_statements": read[: -len(_common(names))],
        "act_statements": act,
    }
    return "\n".join(
        [
            "".join(f"# {line}\n" for line in _head(stack, "cloudformation.yaml")),
            *(_variable(name, each) for name, each in {**stack.parameters, "Name": NAME}.items()),
            _WHERE,
            f'module "rollbackd" {{\n{_entries(arguments, 2)}}}\n',
            'output "rollbackd" {\n  description = "For rollbackd.yaml: the queue and the roles."\n  value       = module.rollbackd\n}\n',
        ]
    )


def module() -> str:
    """What all stacks have: queues, rule, roles, and what each of them reads."""
    names = _terraformed("production")
    queues = ["${aws_sqs_queue.queue.arn}", "${aws_sqs_queue.dead_letters.arn}"]
    lines = (
        "What every stack of rollbackd has: the queue of deploy events, the rule that fills it, the three roles, and what each stack reads.",
        "Written by `python -m tests.examples.aws.stacks`; a test compares.",
    )
    pieces = [
        "".join(f"# {line}\n" for line in lines),
        _REQUIRED,
        *(
            f'variable "{name}" {{\n  description = "{words}"\n  type        = {kind}\n}}\n'
            for name, (words, kind) in GIVEN.items()
        ),
        _WHERE,
        f"# What every stack reads.\nlocals {{\n{_entries({'common': _parted(_common(names))}, 2)}}}\n",
        _block(
            "aws_sqs_queue",
            "queue",
            name="${var.name}",
            message_retention_seconds=RETAINED,
            visibility_timeout_seconds=SEEN,
            receive_wait_time_seconds=10,
            sqs_managed_sse_enabled=True,
            redrive_policy=_Json({"deadLetterTargetArn": queues[1], "maxReceiveCount": RECEIVED}),
        ),
        _block(
            "aws_sqs_queue",
            "dead_letters",
            name="${var.name}-dead-letters",
            message_retention_seconds=DEAD_RETAINED,
            sqs_managed_sse_enabled=True,
        ),
        _block(
            "aws_sqs_queue_policy",
            "queue",
            for_each={
                "queue": "${aws_sqs_queue.queue.url}",
                "dead_letters": "${aws_sqs_queue.dead_letters.url}",
            },
            queue_url="${each.value}",
            policy=_Json(_sending(queues, ["${aws_cloudwatch_event_rule.deployments.arn}"])),
        ),
        _block(
            "aws_cloudwatch_event_rule",
            "deployments",
            name="${var.name}",
            description="${var.description}",
            event_pattern="${var.event_pattern}",
        ),
        _block(
            "aws_cloudwatch_event_target",
            "queue",
            rule="${aws_cloudwatch_event_rule.deployments.name}",
            target_id="queue",
            arn=queues[0],
            dead_letter_config=_Nested({"arn": queues[1]}),
        ),
    ]
    statements = {
        "daemon": _parted(policies.daemon_policy(names)["Statement"]),
        "read": "${concat(var.read_statements, local.common)}",
        "act": "${var.act_statements}",
    }
    trusted = {
        "daemon": policies.daemon_trust(names),
        **{each: policies.trust(names, each) for each in ("read", "act")},
    }
    for role, trust in trusted.items():
        pieces += [
            _block(
                "aws_iam_role",
                role,
                name="${var.name}" + ("" if role == "daemon" else f"-{role}"),
                description=DESCRIPTIONS[role],
                assume_role_policy=_Json(_parted(trust)),
                # Who is trusted has to be there before.
                **({} if role == "daemon" else {"depends_on": ["${aws_iam_role.daemon}"]}),
            ),
            _block(
                "aws_iam_role_policy",
                role,
                name="assume" if role == "daemon" else role,
                role=f"${{aws_iam_role.{role}.id}}",
                policy=_Json({"Version": policies.VERSION, "Statement": statements[role]}),
            ),
        ]
    outputs = {
        "queue_url": ("For `sources` of rollbackd.yaml.", "aws_sqs_queue.queue.url"),
        "read_role_arn": ("For `accounts` of rollbackd.yaml, as read.", "aws_iam_role.read.arn"),
        "act_role_arn": (
            "For `accounts` of rollbackd.yaml, as act, once a service may ask or act.",
            "aws_iam_role.act.arn",
        ),
        "daemon_role_arn": ("For the task that the daemon is.", "aws_iam_role.daemon.arn"),
    }
    pieces += [
        f'output "{name}" {{\n  description = "{words}"\n  value       = {value}\n}}\n'
        for name, (words, value) in outputs.items()
    ]
    return "\n".join(pieces)


def _terraformed(environment: str) -> Names:
    return names_of("${var.name}", "${local.region}", "${local.account}", environment)


def _common(names: Names) -> list[Any]:
    """What the policies of two stacks have both: what each of them reads."""
    one, other = (
        STACKS[name].policies(names, STACKS[name].examples)[0]["Statement"]
        for name in ("lambda", "beanstalk")
    )
    return [each for each in one if each in other]


class _Json(dict[str, Any]):
    """Encoded as JSON."""


class _Nested(dict[str, Any]):
    """A block within a block."""


def snake(name: str) -> str:
    """As Terraform writes names."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _parted(value: Any) -> Any:
    return json.loads(json.dumps(value).replace("arn:aws:", "arn:${local.partition}:"))


def _variable(name: str, each: Parameter) -> str:
    default = f'\n  default     = "{each.default}"' if each.default else ""
    return (
        f'variable "{snake(name)}" {{\n  description = "{each.words}"\n  type        = string{default}\n}}\n'
    )


def _block(kind: str, name: str, /, **arguments: Any) -> str:
    return f'resource "{kind}" "{name}" {{\n{_entries(arguments, 2)}}}\n'


def _entries(entries: Mapping[str, Any], depth: int) -> str:
    """One a line; what stands in one line each is aligned with its neighbours, as ``terraform fmt`` does."""
    lines: list[tuple[str, str | None]] = []
    for key, value in entries.items():
        name = key if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key) else json.dumps(key)
        if isinstance(value, _Nested):
            lines.append((f"{name} {{\n{_entries(value, depth + 2)}{' ' * depth}}}", None))
        else:
            lines.append((name, _hcl(value, depth)))
    text, run = "", []
    for name, value in [*lines, ("", None)]:
        if value is not None and "\n" not in value:
            run.append((name, value))
            continue
        # A value of several lines ends a run, and is aligned by itself.
        width = max((len(each) for each, _ in run), default=0)
        text += "".join(f"{' ' * depth}{each:<{width}} = {told}\n" for each, told in run)
        run = []
        if name:
            text += f"{' ' * depth}{name}\n" if value is None else f"{' ' * depth}{name} = {value}\n"
    return text


def _hcl(value: Any, depth: int) -> str:
    match value:
        case _Json():
            return f"jsonencode({_hcl(dict(value), depth)})"
        case bool() | int():
            return json.dumps(value)
        case str():
            alone = re.fullmatch(r"\$\{([^}]+)\}", value)
            return alone[1] if alone else json.dumps(value)
        case list():
            inline = f"[{', '.join(_hcl(each, depth) for each in value)}]"
            if "\n" not in inline and len(inline) <= _LONGEST:
                return inline
            inner = "".join(f"{' ' * (depth + 2)}{_hcl(each, depth + 2)},\n" for each in value)
            return f"[\n{inner}{' ' * depth}]"
        case dict():
            return f"{{\n{_entries(value, depth + 2)}{' ' * depth}}}"
        case _:
            raise TypeError(value)
