"""Which operations of AWS the code calls, read from the code itself, and which permissions they need."""

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import botocore.session
from botocore import xform_name

ROOT = Path(__file__).parents[3]
CODE = [
    path
    for package in ("deploy", "watcher")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "demo" not in path.parts
]
# How IAM calls a service, where boto3 calls it otherwise; and what one permission allows besides its own operation.
PREFIX = {"elbv2": "elasticloadbalancing", "resourcegroupstaggingapi": "tag"}
ALLOWED_BY = {
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "s3:HeadObject": "s3:GetObject",
    "elasticbeanstalk:UpdateTagsForResource": "elasticbeanstalk:AddTags",  # "virtual actions" [M]
    "s3:CopyObject": "s3:PutObject",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
}
NEEDS_NONE = {"sts:GetCallerIdentity"}  # whoever has credentials may ask who they are


@cache
def operations() -> Mapping[tuple[str, str], Sequence[str]]:
    """Every operation that the code names, and where.

    It stands next to its service (``"ecs", "describe_services"``), or alone: then one is meant that is named in the same folder
    and has it, else any that is called and has it.
    """
    found: dict[tuple[str, str], list[str]] = {}
    near: dict[Path, set[str]] = {}
    trees = {path: ast.parse(text) for path, text in _naming().items()}
    for path, tree in trees.items():
        for service, operation, line in _together(tree):
            found.setdefault((service, operation), []).append(f"{path.relative_to(ROOT)}:{line}")
            near.setdefault(path.parent, set()).add(service)
    services = {service for service, _ in found}
    for path, tree in trees.items():
        for operation, line in _words(tree):
            here = near.get(path.parent, set())
            for service in _having(operation, here, found) or _having(operation, services, found):
                found.setdefault((service, operation), []).append(f"{path.relative_to(ROOT)}:{line}")
    return found


def _naming() -> Mapping[Path, str]:
    """The modules in which a word stands that some service calls an operation: few, and to parse all takes seconds."""
    texts = {path: path.read_text(encoding="utf-8") for path in CODE}
    words = {path: set(re.findall(r"""["']([a-z0-9_-]+)["']""", text)) for path, text in texts.items()}
    every = {name for service in set().union(*words.values()) for name in _operations(service)}
    return {path: text for path, text in texts.items() if words[path] & every}


def permission(service: str, operation: str) -> str | None:
    """What IAM calls the right to call it; ``None``: none is needed."""
    name = f"{PREFIX.get(service, service)}:{_operations(service)[operation]}"
    return None if name in NEEDS_NONE else ALLOWED_BY.get(name, name)


def _together(tree: ast.AST) -> Iterator[tuple[str, str, int]]:
    for node in ast.walk(tree):
        elements = (
            node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
        )
        words = [each.value if isinstance(each, ast.Constant) else None for each in elements]
        for service, operation in pairwise(words):
            if isinstance(service, str) and isinstance(operation, str) and operation in _operations(service):
                yield service, operation, getattr(node, "lineno", 0)


def _words(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def _having(operation: str, services: Collection[str], found: Collection[tuple[str, str]]) -> list[str]:
    """Services that have *operation*; if it is told of one of them already, that one is meant."""
    having = [service for service in services if operation in _operations(service)]
    return [service for service in having if (service, operation) in found] or having


@cache
def _operations(service: str) -> dict[str, str]:
    """All operations of *service*, by boto3's spelling; none if there is no such service."""
    if service not in _SERVICES:
        return {}
    names = _SESSION.get_service_model(service).operation_names
    return {xform_name(name): name for name in names}


_SESSION = botocore.session.Session()
_SERVICES = frozenset(_SESSION.get_available_services())
