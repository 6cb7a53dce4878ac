"""Tasks: they start, run, crash, sicken, and are stopped."""

from dataclasses import replace
from datetime import timedelta

from tests.fakes.aws.ecs.deployments import failed_once, healthy_once
from tests.fakes.aws.ecs.state import Revision, Task
from tests.fakes.aws.ecs.turn import Turn

# Without a health check a task counts as healthy after it has run for so long [M]. Which it will is known at its start, and
# the circuit breaker is told then.
_PROVES_ITSELF = timedelta(seconds=40)
_KILLED = 137  # 128 + SIGKILL
_OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


def due(turn: Turn) -> None:
    """What tasks do by themselves."""
    for task in turn.service.tasks:
        if task.due and task.due <= turn.at:
            _STEPS[task.then](turn, task)


def start(turn: Turn) -> None:
    """Start one task of the primary."""
    primary = turn.service.primary
    name = turn.around.draw("task")[:32]
    zone, address = turn.around.next_seat()
    behaviour = turn.around.behaviour(primary.task_definition)
    task = Task(
        id=name,
        arn=f"{turn.service.cluster.replace(':cluster/', ':task/')}/{name}",
        deployment=primary.id,
        revision=primary.revision,
        task_definition=primary.task_definition,
        zone=zone,
        address=address,
        created_at=turn.at,
        due=turn.at + behaviour.starts_in,
        then="fail" if behaviour.fails_to_start else "run",
    )
    turn.put(tasks=(*turn.service.tasks, task))
    turn.around.tell_task(turn.at, turn.service, task)


def stop(turn: Turn, task: Task, reason: str) -> None:
    """The scheduler tells a task to stop."""
    turn.put_task(
        replace(
            task,
            status="STOPPING",
            stop_code="ServiceSchedulerInitiated",
            stopped_reason=reason,
            exit_code=_KILLED if task.health == "UNHEALTHY" else 0,
            stopping_at=turn.at,
            due=turn.at + turn.around.behaviour(task.task_definition).stops_in,
            then="stop",
        )
    )


def gone(turn: Turn, task: Task, code: str, reason: str, exit_code: int | None = None) -> None:
    """A task has stopped."""
    turn.put_task(
        replace(
            task,
            status="STOPPED",
            stop_code=code,
            stopped_reason=reason,
            exit_code=exit_code,
            stopping_at=task.stopping_at or turn.at,
            stopped_at=turn.at,
            due=None,
            then="",
        )
    )


def _run(turn: Turn, task: Task) -> None:
    behaviour = turn.around.behaviour(task.task_definition)
    running = replace(task, status="RUNNING", started_at=turn.at, images=_pulled(turn, task))
    if behaviour.healthy_in:
        turn.put_task(replace(running, due=turn.at + behaviour.healthy_in, then="heal"))
    else:
        _heal(turn, running)


def _heal(turn: Turn, task: Task) -> None:
    behaviour = turn.around.behaviour(task.task_definition)
    since = task.started_at or turn.at
    ends = [
        (max(since + after, turn.at), what)
        for after, what in ((behaviour.crashes_after, "crash"), (behaviour.unhealthy_after, "sicken"))
        if after is not None
    ]
    ends_at, then = min(ends, default=(None, ""))
    turn.put_task(replace(task, health="HEALTHY", due=ends_at, then=then))
    if ends_at is None or ends_at - since >= _PROVES_ITSELF:
        healthy_once(turn, task.deployment)


def _pulled(turn: Turn, task: Task) -> dict[str, str]:
    """The digests that it pulled. The first task of a revision decides them for all: ``versionConsistency`` [D]."""
    revision = next(each for each in turn.service.revisions if each.arn == task.revision)
    containers = turn.around.containers(task.task_definition)
    found = {each["name"]: turn.around.digest(each["image"], turn.at) for each in containers}
    loose = {each["name"] for each in containers if each.get("versionConsistency") == "disabled"}
    if not revision.images:
        kept = {name: digest for name, digest in found.items() if name not in loose}
        _write_down(turn, replace(revision, images=kept))
        return found
    return {**found, **revision.images}


def _write_down(turn: Turn, changed: Revision) -> None:
    turn.put(revisions=tuple(changed if each.arn == changed.arn else each for each in turn.service.revisions))


def _fail(turn: Turn, task: Task) -> None:
    reason = turn.around.behaviour(task.task_definition).fails_to_start
    gone(turn, task, "TaskFailedToStart", reason or "Task failed to start")
    failed_once(turn, task.deployment)


def _crash(turn: Turn, task: Task) -> None:
    behaviour = turn.around.behaviour(task.task_definition)
    crashed = replace(task, container_reason=_OUT_OF_MEMORY if behaviour.out_of_memory else None)
    exit_code = _KILLED if behaviour.out_of_memory else behaviour.exit_code
    gone(turn, crashed, "EssentialContainerExited", "Essential container in task exited", exit_code)
    failed_once(turn, task.deployment)


def _sicken(turn: Turn, task: Task) -> None:
    stop(turn, replace(task, health="UNHEALTHY"), "Task failed container health checks")
    turn.say(f"(task {task.id}) failed container health checks.")
    failed_once(turn, task.deployment)


def _stopped(turn: Turn, task: Task) -> None:
    gone(turn, task, task.stop_code or "", task.stopped_reason or "", task.exit_code)


_STEPS = {"run": _run, "heal": _heal, "fail": _fail, "crash": _crash, "sicken": _sicken, "stop": _stopped}
