"""What ECS remembers of a service's deployments for 90 days, in our words.

A native rollback makes no new service revision: the deployment that failed names the one that it went back to.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRevision.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from deploy.targets.ecs.strategy import PAUSE

COMING = frozenset({"PENDING", "IN_PROGRESS"})
GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
WENT_BACK = "ROLLBACK_SUCCESSFUL"
WENT_WELL = "SUCCESSFUL"
GAVE_UP = frozenset({"ROLLBACK_FAILED", "STOPPED"})
AWAITS = "AWAITING_ACTION"  # the status of a hook
_EVER = datetime.min.replace(tzinfo=UTC)


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
class Waiting:
    """A hook of the type ``PAUSE`` at which a service deployment waits for a word.

    Attributes:
        until: When ECS goes on by itself.
        goes_back: It rolls back then; else it goes on.
    """

    hook: str
    until: datetime | None = None
    goes_back: bool = True


@dataclass(frozen=True, slots=True)
class Attempt:
    """A service deployment, from service revisions to another.

    Attributes:
        back: The service revision that its rollback went to, if it had one.
        weights: The percentage of the traffic by service revision, where ECS moves traffic.
        stage: How far it is, while it is under way.
        waiting: The hooks at which it waits; what is to be answered first is first.
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
    stage: str = ""
    waiting: tuple[Waiting, ...] = ()


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
        stage=str(told.get("lifecycleStage", "")),
        waiting=_waiting(told) if told.get("status") in COMING else (),
    )


def _waiting(told: Mapping[str, Any]) -> tuple[Waiting, ...]:
    """All hooks of a stage have to be answered: the one whose time is over first comes first."""
    found = [
        Waiting(
            hook=str(each["hookId"]),
            until=_time(each.get("expiresAt")),
            goes_back=each.get("timeoutAction", "ROLLBACK") != "CONTINUE",
        )
        for each in told.get("lifecycleHookDetails", ())
        if each.get("targetType") == PAUSE and each.get("status") == AWAITS and each.get("hookId")
    ]
    return tuple(sorted(found, key=lambda each: (each.until is None, each.until or _EVER, each.hook)))


def _time(told: object) -> datetime | None:
    return told if isinstance(told, datetime) else None
