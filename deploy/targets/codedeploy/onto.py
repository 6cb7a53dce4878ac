"""How a deployment stands with what it deploys to: instances; of ECS a service, of Lambda a function.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentTarget.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.targets.codedeploy.deployment import time_of

# The lifecycle events at which a function is asked, and has an hour.
HOOKS = frozenset(
    {"BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"}
)


@dataclass(frozen=True, slots=True)
class OnInstance:
    """How a deployment stands on an instance that failed, or is being worked on.

    Attributes:
        event: The lifecycle event that failed; empty if none did.
        words: What its script said last.
    """

    instance: str
    status: str
    event: str = ""
    words: str = ""


def target_of(told: Mapping[str, Any]) -> OnInstance:
    """A ``DeploymentTarget``: an instance; of ECS a service, of Lambda a function."""
    target = _target(told)
    events: Sequence[Mapping[str, Any]] = target.get("lifecycleEvents", ())
    failed: Mapping[str, Any] = next((each for each in events if each.get("status") == "Failed"), {})
    said = failed.get("diagnostics", {})
    return OnInstance(
        instance=str(target.get("targetId", "")),
        status=str(target.get("status", "")),
        event=str(failed.get("lifecycleEventName", "")),
        words=str(said.get("logTail") or said.get("message") or ""),
    )


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a deployment of ECS or Lambda is with its one target.

    Attributes:
        weight: The share (0..1) of the traffic that it has moved; ``None``: it is not told.
        hook: The lifecycle event whose function has not answered; empty: none is waited for.
        since: Since when; of the time since the last one ended, where none is waited for.
    """

    weight: float | None = None
    hook: str = ""
    since: datetime | None = None


def shift_of(told: Mapping[str, Any]) -> Shift:
    """A ``DeploymentTarget`` of ECS or Lambda."""
    events: Sequence[Mapping[str, Any]] = _target(told).get("lifecycleEvents", ())
    waits = next(
        (
            each
            for each in events
            if each.get("status") == "InProgress" and each.get("lifecycleEventName") in HOOKS
        ),
        None,
    )
    ended = [at for each in events if (at := time_of(each.get("endTime"))) is not None]
    if waits is None:
        return Shift(weight_of(told), since=max(ended, default=None))
    return Shift(weight_of(told), str(waits["lifecycleEventName"]), time_of(waits.get("startTime")))


def weight_of(told: Mapping[str, Any]) -> float | None:
    """The share (0..1) of the traffic that a deployment has moved, as its ``DeploymentTarget`` tells it; ``None``: it does not."""
    target = _target(told)
    function = target.get("lambdaFunctionInfo", {})
    if "targetVersionWeight" in function:
        return float(function["targetVersionWeight"]) / 100
    green = [each for each in target.get("taskSetsInfo", ()) if each.get("taskSetLabel") == "Green"]
    weights = [float(each["trafficWeight"]) for each in green if "trafficWeight" in each]
    return weights[0] / 100 if weights else None


def _target(told: Mapping[str, Any]) -> Mapping[str, Any]:
    kinds = ("instanceTarget", "ecsTarget", "lambdaTarget")
    found: Mapping[str, Any] = next((told[kind] for kind in kinds if kind in told), {})
    return found
