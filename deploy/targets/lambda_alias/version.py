"""What a version of a function is, apart from its number: the content that a release is recognised by.

The fingerprint is a hash over the hash of its code and its configuration, environment variables among it, without what
publishing adds and what AWS changes by itself (state, the patch level of a managed runtime). The values of the variables
are in that hash and nowhere else.

Source:
    https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html: a version never changes, and its number is
    not given to another one, even if the function is deleted and made anew.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.model import NAME, Release
from deploy.targets.lambda_alias.alias import is_published

# What publishing adds, what AWS changes by itself, and what follows from the rest.
_NOT_CONTENT = frozenset(
    {
        "FunctionName", "FunctionArn", "Version", "Description", "LastModified", "RevisionId", "MasterArn", "CodeSize",
        "State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode", "RuntimeVersionConfig", "RuntimeConfig", "ConfigSha256", "SigningJobArn",
        "ResponseMetadata",
    }
)  # fmt: skip
_UNORDERED = frozenset({"SubnetIds", "SecurityGroupIds", "Architectures", "FileSystemConfigs"})
_FOLLOWS = {"VpcConfig": "VpcId", "SnapStart": "OptimizationStatus"}  # from its neighbours, or from time
_DIGITS = 12  # of a fingerprint, in the tag of what has no version


@dataclass(frozen=True, slots=True)
class Version:
    """One version, without the values of its environment.

    Attributes:
        release: What it is.
        published: When; ``None`` where Lambda does not tell it.
        state: ``Active``, ``Inactive`` (unused for weeks), ``Pending``, ``Failed``; and why.
        timeout: Seconds that one call may take.
    """

    number: str
    release: Release
    published: datetime | None = None
    state: str = "Active"
    reason: str = ""
    timeout: int = 3


def version_of(told: Mapping[str, Any]) -> Version:
    """The answer of GetFunctionConfiguration."""
    number = str(told.get("Version", ""))
    return Version(
        number=number,
        release=_release(number, told),
        published=_time(told.get("LastModified")),
        state=str(told.get("State", "Active")),
        reason=str(told.get("StateReason", "")),
        timeout=int(told.get("Timeout", 3)),
    )


def _release(number: str, told: Mapping[str, Any]) -> Release:
    found = fingerprint(told)
    if not is_published(number):
        content = found or f"sha256:{_hash(str(told.get('RevisionId', '')))}"
        return Release(content, f"LATEST.{content.partition(':')[2][:_DIGITS]}", _names("", told))
    if found is None:
        return Release(Release.of_tag(number).fingerprint, number, _names(number, told))
    return Release(found, number, _names(number, told))


def fingerprint(told: Mapping[str, Any]) -> str | None:
    """The content's hash; ``None`` where Lambda does not tell all of it: what its key of KMS does not let us read."""
    if "Error" in told.get("Environment", {}) or "Error" in told.get("ImageConfigResponse", {}):
        return None
    content = {name: value for name, value in told.items() if name not in _NOT_CONTENT}
    return f"sha256:{_hash(_plain('', content))}"


def _names(number: str, told: Mapping[str, Any]) -> Mapping[str, str]:
    """What signal systems and people may call it, each within `NAME`. The description is where pipelines write a tag."""
    names = {
        "version": number,
        "lambda_version": number,
        "function": str(told.get("FunctionName", "")),
        "description": str(told.get("Description", "")),
        "code": str(told.get("CodeSha256", "")).rstrip("="),
    }
    return {name: value for name, value in names.items() if re.fullmatch(NAME, value)}


def _time(told: object) -> datetime | None:
    """``2026-11-24T12:00:00.000+0000``."""
    try:
        at = datetime.fromisoformat(str(told))
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _plain(name: str, value: Any) -> Any:
    """*value* without what is empty or follows from the rest, and lists in which the order means nothing in one order."""
    if isinstance(value, Mapping):
        plain = {key: _plain(key, each) for key, each in value.items() if key != _FOLLOWS.get(name)}
        return {key: each for key, each in plain.items() if each is not None and each not in ([], {})}
    if isinstance(value, list):
        items = [_layer(each) if name == "Layers" else _plain("", each) for each in value]
        return sorted(items, key=_written) if name in _UNORDERED else items
    return value


def _layer(told: Mapping[str, Any]) -> Any:
    """A layer is its version's ARN; its size follows from that."""
    return told.get("Arn", "")


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _hash(value: Any) -> str:
    return hashlib.sha256(_written(value).encode()).hexdigest()
