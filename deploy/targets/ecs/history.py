"""What ECS remembers of a service's deployments for 90 days, in our words.

A native rollback makes no new service revision: the deployment that failed names the one that it went back to.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRevision.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

COMING = frozenset({"PENDING", "IN_PROGRESS"})
GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
WENT_BACK = "ROLLBACK_SUCCESSFUL"
GAVE_UP = frozenset({"ROLLBACK_FAILED", "STOPPED"})


@dataclass(frozen=True, slots=True)
class Revision:
    """A service revision: a task definition, and which digests its containers run.

    Attributes:
        digests: By container; those that no task has pulled yet are missing.
    """

    arn: str
    definition: str
    created: datetime | None = None
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A service deployment, from service revisions to another.

    Attributes:
        back: The service revision that its rollback went to, if it had one.
        weights: The percentage of the traffic by service revision, where ECS moves traffic.
    """

    arn: str
    status: str
    target: str
    sources: tuple[str, ...] = ()
    back: str | None = None
    reason: str = ""
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    weights: Mapping[str, float] = field(default_factory=dict)


def revision_of(told: Mapping[str, Any]) -> Revision:
    """One of the ``serviceRevisions`` of DescribeServiceRevisions."""
    images = told.get("containerImages", ())
    return Revision(
        arn=str(told.get("serviceRevisionArn", "")),
        definition=str(told.get("taskDefinition", "")),
        created=_time(told.get("createdAt")),
        digests={
            str(image.get("containerName", "")): str(image["imageDigest"])
            for image in images
            if image.get("imageDigest")
        },
    )


def attempt_of(told: Mapping[str, Any]) -> Attempt:
    """One of the ``serviceDeployments`` of DescribeServiceDeployments, or of the briefer ones of ListServiceDeployments."""
    target = told.get("targetServiceRevision", {})
    sources = told.get("sourceServiceRevisions", ())
    rollback = told.get("rollback", {})
    return Attempt(
        arn=str(told.get("serviceDeploymentArn", "")),
        status=str(told.get("status", "")),
        target=str(told.get("targetServiceRevisionArn", target.get("arn", ""))),
        sources=tuple(str(each["arn"]) for each in sources if "arn" in each),
        back=rollback.get("serviceRevisionArn"),
        reason=str(told.get("statusReason") or rollback.get("reason") or ""),
        created=_time(told.get("createdAt")),
        started=_time(told.get("startedAt")),
        finished=_time(told.get("finishedAt")),
        weights={
            str(each["arn"]): float(each["requestedProductionTrafficWeight"])
            for each in (target, *sources)
            if "arn" in each and "requestedProductionTrafficWeight" in each
        },
    )


def _time(told: object) -> datetime | None:
    return told if isinstance(told, datetime) else None
