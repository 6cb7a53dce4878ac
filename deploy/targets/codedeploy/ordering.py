"""The calls that move a group, make room for a move, or let a deployment go on: as they are sent, foretold, and written for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deploy.targets.codedeploy.deployment import Deployment, Group
from deploy.targets.codedeploy.trace import Trace

ANSWER = "put_lifecycle_event_hook_execution_status"
SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(seconds=15)  # a throttled caller that comes back at once is throttled again


@dataclass(frozen=True, slots=True)
class Order:
    """A call, as it is sent, foretold, and written for a person.

    Attributes:
        moves: It brings the wanted release by itself; else it only makes room for the call that does.
        trace: What is written onto the group first, where the call has no room for it.
    """

    operation: str
    parameters: Mapping[str, Any]
    moves: bool
    trace: Trace | None = None

    def told(self) -> str:
        """In words: the call and what it is given."""
        given = " ".join(f"{name}={_short(value)}" for name, value in self.parameters.items())
        return f"codedeploy:{self.operation.title().replace('_', '')} {given}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ",".join(f"{name}={_short(each)}" for name, each in value.items())
        return f"{{{inner}}}"
    return str(value).lower() if isinstance(value, bool) else str(value)


def go_back(last: Deployment, key: str) -> Order:
    """CodeDeploy is told to stop *last*, and to go back by itself."""
    parameters = {"deploymentId": last.id, "autoRollbackEnabled": True}
    return Order("stop_deployment", parameters, moves=True, trace=Trace(key, last.id))


def stop(last: Deployment) -> Order:
    """CodeDeploy is told to stop *last*, and to leave it so."""
    parameters = {"deploymentId": last.id, "autoRollbackEnabled": False}
    return Order("stop_deployment", parameters, moves=False)


def fail(last: Deployment, execution: str, key: str) -> Order:
    """The hook at which *last* waits, known by *execution*, has failed: so has *last*, and CodeDeploy goes back by itself."""
    parameters = {
        "deploymentId": last.id,
        "lifecycleEventHookExecutionId": execution,
        "status": "Failed",
    }
    return Order(ANSWER, parameters, moves=True, trace=Trace(key, last.id))


def instead(order: Order) -> Order:
    """What is sent where the trace of *order* cannot be left: the longer way, which carries its trace itself."""
    return _stop(order, goes_back=False)


def stopped_instead(order: Order) -> Order:
    """What is sent where *order* would have answered a hook, and was refused: whoever wrote down by which id that is may have written anything."""
    return _stop(order, goes_back=True)


def _stop(order: Order, *, goes_back: bool) -> Order:
    parameters = {
        "deploymentId": order.parameters["deploymentId"],
        "autoRollbackEnabled": goes_back,
    }
    return Order("stop_deployment", parameters, moves=goes_back, trace=order.trace if goes_back else None)


def create(group: Group, source: Deployment, description: str) -> Order:
    """What *source* has deployed is deployed once more."""
    how = (
        {"deploymentConfigName": f"CodeDeployDefault.{group.platform}AllAtOnce"}
        if group.shifts
        else {
            "ignoreApplicationStopFailures": True,
            "fileExistsBehavior": "RETAIN" if source.retains else "OVERWRITE",
        }
    )
    parameters = {
        "applicationName": group.application,
        "deploymentGroupName": group.name,
        "revision": dict(source.revision.told) if source.revision else {},
        "description": description,
        **how,
        "autoRollbackConfiguration": {"enabled": False},
        "overrideAlarmConfiguration": {"enabled": False},
    }
    return Order("create_deployment", parameters, moves=True)
