"""Service deployments: they begin, are completed, fail, and go back. Where AWS's pages are silent the choice is marked [U]."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.fakes.aws.ecs.state import Deployment, Revision, Rollback, Service, ServiceDeployment
from tests.fakes.aws.ecs.turn import ALIVE, Turn

_BEGINS_IN = timedelta(
    seconds=1
)  # [U] from PENDING to IN_PROGRESS, from ROLLBACK_REQUESTED to ROLLBACK_IN_PROGRESS
_REPLACED = "The service deployment was replaced by a newer one."  # [U]


def deploy(
    turn: Turn, task_definition: str, configuration: Mapping[str, Any], *, first: bool = False
) -> None:
    """A new deployment begins; one in flight is stopped by it [U]."""
    if turn.service.current is not None:
        turn.put_newest(status="STOPPED", status_reason=_REPLACED, **_ended(turn, stopped=True))
    sources = () if first else tuple(dict.fromkeys(each.revision for each in turn.service.deployments))
    revision = _revision(turn, task_definition)
    name = f"ecs-svc/{_digits(turn, 'deployment')}"
    words = f"ECS deployment {name} in progress."
    begun = Deployment(name, revision.arn, task_definition, turn.at, turn.at, reason=words)
    whole = ServiceDeployment(
        arn=f"{turn.service.arn.replace(':service/', ':service-deployment/')}/{turn.around.draw('name')[:21]}",
        deployment=name,
        target=revision.arn,
        sources=sources,
        configuration=configuration,
        created_at=turn.at,
        updated_at=turn.at,
        due=turn.at + _BEGINS_IN,
    )
    turn.put(
        task_definition=task_definition,
        deployments=(begun, *turn.service.deployments),
        revisions=(revision, *turn.service.revisions),
        history=(whole, *turn.service.history),
    )
    turn.tell_deployment(name, "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", words)


def request_rollback(turn: Turn) -> None:
    """``StopServiceDeployment(ROLLBACK)``: it goes back in a moment."""
    turn.put_newest(status="ROLLBACK_REQUESTED", due=turn.at + _BEGINS_IN)


def due(turn: Turn) -> None:
    """What a deployment does by itself after a moment."""
    current = turn.service.current
    if current is None or current.due is None or current.due > turn.at:
        return
    if current.status == "PENDING":
        turn.put_newest(status="IN_PROGRESS", started_at=turn.at, due=None)
    elif current.status == "ROLLBACK_REQUESTED":
        roll_back(turn, "Service deployment rolled back because of a StopServiceDeployment request.")


def roll_back(turn: Turn, reason: str) -> None:
    """Go back to the last deployment that was completed. [D] No new service revision is made [M]."""
    current = turn.current
    hooks = tuple(
        replace(hook, status="FAILED") if hook.status == "AWAITING_ACTION" else hook for hook in current.hooks
    )
    arn = _last_completed(turn)
    if arn is None:  # [U]
        words = "There is no completed service deployment to roll back to."
        turn.put_newest(status="ROLLBACK_FAILED", hooks=hooks, status_reason=words, **_ended(turn))
        return
    back = next(each for each in turn.service.revisions if each.arn == arn)
    turn.put_newest(
        status="ROLLBACK_IN_PROGRESS",
        status_reason=reason,
        hooks=hooks,
        rollback=Rollback(reason, turn.at, back.arn),
        due=None,
    )
    _return_to(turn, back, "ECS deployment circuit breaker:" if current.tripped else "ECS deployment:")


def _last_completed(turn: Turn) -> str | None:
    for each in turn.service.history[1:]:
        if each.status == "SUCCESSFUL":
            return each.target
        if each.status == "ROLLBACK_SUCCESSFUL" and each.rollback:
            return each.rollback.revision
    return None


def _return_to(turn: Turn, back: Revision, who: str) -> None:
    """The set of tasks that ran before is the primary again, under its old id, as the event's words have it [C]."""
    sets = {each.revision: each for each in turn.service.deployments}
    name = next(each.deployment for each in turn.service.history if each.target == back.arn)
    created_at = sets[back.arn].created_at if back.arn in sets else turn.at
    words = f"{who} rolling back to deploymentId {name}."
    again = Deployment(name, back.arn, back.task_definition, created_at, turn.at, reason=words)
    others = [each for each in turn.service.deployments if each.id != name]
    turn.put(deployments=(again, *others), task_definition=back.task_definition)
    turn.tell_deployment(turn.current.deployment, "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS", words)


def completed(turn: Turn) -> None:
    """All tasks that are wanted run, and no others: whatever was under way has succeeded."""
    service = turn.service
    primary = service.primary
    manned = [each for each in service.deployments[1:] if service.tasks_of(each.id, *ALIVE, "STOPPING")]
    turn.put(deployments=(primary, *manned))
    current = service.current
    if current is None or primary.rollout_state != "IN_PROGRESS":
        return
    back = current.status == "ROLLBACK_IN_PROGRESS"
    if not is_scaled(service, primary.id, {} if back else current.configuration):
        return
    if not back and (current.status != "IN_PROGRESS" or current.stage != "CLEAN_UP"):
        return
    words = f"ECS deployment {primary.id} completed."
    done = replace(primary, rollout_state="COMPLETED", reason=words, updated_at=turn.at)
    turn.put(deployments=(done, *manned))
    turn.put_newest(status="ROLLBACK_SUCCESSFUL" if back else "SUCCESSFUL", due=None, **_ended(turn))
    turn.tell_deployment(primary.id, "INFO", "SERVICE_DEPLOYMENT_COMPLETED", words)
    turn.say("has reached a steady state.")
    turn.tell_service("INFO", "SERVICE_STEADY_STATE")


def is_scaled(service: Service, deployment: str, configuration: Mapping[str, Any]) -> bool:
    """As many tasks of *deployment* as are wanted are healthy, and the others are gone; or enough are, early [M]."""
    ready = len(service.ready(deployment))
    others = service.counted(*ALIVE, "STOPPING") - len(service.tasks_of(deployment, *ALIVE, "STOPPING"))
    early = configuration.get("earlySuccessCriteria", {})
    if early.get("enable"):
        enough = ready >= math.ceil(service.desired * early["healthyPercent"] / 100)
        return enough and (early["sourceServiceRevisionCleanup"] == "DEFERRED" or not others)
    return ready == service.desired == service.counted(*ALIVE, "STOPPING")


def failed_once(turn: Turn, deployment: str) -> None:
    """A task of *deployment* has failed: it is counted, and the circuit breaker may trip."""
    sets = tuple(
        replace(each, failed=each.failed + 1, updated_at=turn.at) if each.id == deployment else each
        for each in turn.service.deployments
    )
    turn.put(deployments=sets)
    current = turn.service.current
    if current is None or current.status != "IN_PROGRESS" or deployment != current.deployment:
        return
    turn.put_newest(failures=current.failures + 1)
    breaker = current.configuration.get("deploymentCircuitBreaker", {})
    enough = current.failures + 1 >= threshold(breaker, turn.service.desired)
    if breaker.get("enable") and not current.blue_green and enough:
        _trip(turn, rollback=breaker["rollback"])


def healthy_once(turn: Turn, deployment: str) -> None:
    """A task of *deployment* is healthy: the circuit breaker forgets what failed before, unless told otherwise [M]."""
    current = turn.service.current
    if current is None or deployment != current.deployment or not current.failures:
        return
    if current.configuration.get("deploymentCircuitBreaker", {}).get("resetOnHealthyTask", True):
        turn.put_newest(failures=0)


def threshold(breaker: Mapping[str, Any], desired: int) -> int:
    """How many failed tasks trip the circuit breaker: unless told otherwise half of the desired ones, from 3 to 200 [M]."""
    told = breaker.get("thresholdConfiguration", {"type": "BOUNDED_PERCENT", "value": 50})
    if told["type"] == "COUNT":
        return int(told["value"])
    share: int = math.ceil(desired * told["value"] / 100)
    return max(3, min(200, share)) if told["type"] == "BOUNDED_PERCENT" else share


def _trip(turn: Turn, *, rollback: bool) -> None:
    words = "ECS deployment circuit breaker: tasks failed to start."
    failed = replace(turn.service.primary, rollout_state="FAILED", reason=words, updated_at=turn.at)
    turn.put(deployments=(failed, *turn.service.deployments[1:]))
    turn.put_newest(tripped=True)
    turn.tell_deployment(failed.id, "ERROR", "SERVICE_DEPLOYMENT_FAILED", words)
    if rollback:
        roll_back(turn, "Service deployment rolled back because the circuit breaker threshold was exceeded.")
    else:  # [M] there is no FAILED
        turn.put_newest(status="STOPPED", status_reason=words, **_ended(turn, stopped=True))


def _revision(turn: Turn, task_definition: str) -> Revision:
    arn = f"{turn.service.arn.replace(':service/', ':service-revision/')}/{_digits(turn, 'revision')}"
    return Revision(arn, task_definition, {}, turn.at)


def _digits(turn: Turn, purpose: str) -> str:
    return f"{int(turn.around.draw(purpose)[:15], 16):019d}"


def _ended(turn: Turn, *, stopped: bool = False) -> dict[str, Any]:
    return {"finished_at": turn.at, "stopped_at": turn.at if stopped else None}
