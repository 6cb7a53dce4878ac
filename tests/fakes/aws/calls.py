"""Who asked what of AWS: counted, so that a test can say what must never have been tried."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# `AssumeRole` gives a session and changes nothing; to receive a message moves its visibility, which is how a queue is read.
# A query of logs is started, and stopped, to read.
_ONLY_READS = (
    *("Describe", "List", "Get", "Head", "BatchGet", "Simulate", "AssumeRole", "Receive"),
    *("StartQuery", "StopQuery"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to AWS, as a handler gets it: it fits the model.

    Attributes:
        now: The time at AWS.
        seen_at: As of when a read sees the world: earlier than *now* while reads are stale.
        by: The ARN of who asks.
    """

    parameters: Mapping[str, Any]
    now: datetime
    seen_at: datetime
    by: str

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The parameter *name*, or *default* where it was left out."""
        return self.parameters.get(name, default)


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached AWS.

    Attributes:
        service: As botocore names it: ``ecs``, ``cloudwatch``.
        operation: As AWS names it: ``UpdateService``.
        by: The ARN of who asked; of a role where it was assumed.
        refused: The code of the error; none where it was done.
        answered: No: the answer was lost on its way.
    """

    at: datetime
    service: str
    operation: str
    parameters: Mapping[str, Any]
    by: str
    account: str
    region: str
    refused: str | None = None
    answered: bool = True

    @property
    def action(self) -> str:
        """As a policy names it: ``ecs:UpdateService``."""
        return action(self.service, self.operation)

    @property
    def mutates(self) -> bool:
        """It could change something."""
        return not self.operation.startswith(_ONLY_READS)


def action(service: str, operation: str) -> str:
    """What a policy calls *operation*."""
    prefix = {"resourcegroupstaggingapi": "tag", "elbv2": "elasticloadbalancing"}.get(service, service)
    if service == "cloudwatch" and operation == "GetMetricData":
        return "cloudwatch:GetMetricData"
    if operation == "UpdateTagsForResource":  # [M] of Beanstalk: "virtual actions"
        return f"{prefix}:AddTags"
    # [D] What is done in a batch needs the right to do it one by one.
    return f"{prefix}:{operation.removesuffix('Batch') if service == 'sqs' else operation}"
