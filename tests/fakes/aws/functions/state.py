"""What a function is, at one moment or at all of them."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.aws.timeline import Timeline

LATEST = "$LATEST"
WARM_AFTER = timedelta(seconds=90)  # [D] "a minute or two"


@dataclass(frozen=True, slots=True)
class Alias:
    """Where an alias points to. *revision* changes with every change."""

    version: str
    weights: Mapping[str, float]
    description: str
    revision: str


@dataclass(frozen=True, slots=True)
class Warm:
    """Environments kept warm, being prepared since then. *fails*: why they cannot be."""

    requested: int
    since: datetime
    fails: str = ""

    def told(self, at: datetime) -> dict[str, Any]:
        """As GetProvisionedConcurrencyConfig tells it."""
        ready = self.requested if at >= self.since + WARM_AFTER and not self.fails else 0
        status = "FAILED" if self.fails else "READY" if ready else "IN_PROGRESS"
        answer: dict[str, Any] = {
            "RequestedProvisionedConcurrentExecutions": self.requested,
            "AllocatedProvisionedConcurrentExecutions": ready,
            "AvailableProvisionedConcurrentExecutions": ready,
            "Status": status,
            "LastModified": in_lambda(self.since),
        }
        return answer | ({"StatusReason": self.fails} if self.fails else {})


@dataclass
class Function:
    """A function. *versions*: by number, `LATEST` among them; those that were deleted are gone."""

    name: str
    arn: str
    versions: dict[str, Timeline[Mapping[str, Any]]] = field(default_factory=dict)
    aliases: dict[str, Timeline[Alias | None]] = field(default_factory=dict)
    warm: dict[str, Warm] = field(default_factory=dict)
    mappings: list[Mapping[str, Any]] = field(default_factory=list)
    last: int = 0


def configuration(name: str, arn: str, code: str, at: datetime, content: Mapping[str, Any]) -> dict[str, Any]:
    """As GetFunctionConfiguration tells it, of what can be changed."""
    return {
        "FunctionName": name,
        "FunctionArn": arn,
        "Runtime": "python3.13",
        "Role": "arn:aws:iam::123456789012:role/shop",
        "Handler": "app.handler",
        "CodeSize": len(code),
        "Description": "",
        "Timeout": 10,
        "MemorySize": 256,
        "LastModified": in_lambda(at),
        "CodeSha256": base64.b64encode(hashlib.sha256(code.encode()).digest()).decode(),
        "Version": LATEST,
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": ""},
        "Environment": {"Variables": {"TABLE": "carts"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        **content,
    }


def in_lambda(at: datetime) -> str:
    """As Lambda writes a time: ``2026-11-24T12:00:00.000+0000``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
