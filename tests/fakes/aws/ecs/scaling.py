"""The scheduler: it starts what is wanted and stops what is not, within ``minimumHealthyPercent`` and ``maximumPercent``.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html [D]; its order of things is [U].
"""

import math

from tests.fakes.aws.ecs import deployments, stages, tasks
from tests.fakes.aws.ecs.state import Service, Task
from tests.fakes.aws.ecs.turn import ALIVE, Turn
from tests.fakes.aws.trouble import FakeBug

_BEFORE_SCALING = frozenset({"PENDING", "STOP_REQUESTED", "ROLLBACK_REQUESTED"})
_MOST_ROUNDS = 1000


def settle(turn: Turn) -> Service:
    """Let everything happen that is due, and what follows from it."""
    if turn.service.status != "ACTIVE":
        return turn.service
    for _ in range(_MOST_ROUNDS):
        before = turn.service
        tasks.due(turn)
        deployments.due(turn)
        stages.hooks_due(turn)
        stages.go_through(turn)
        _scale(turn)
        deployments.completed(turn)
        if turn.service == before:
            return turn.service
    raise FakeBug(f"{turn.service.name} never settles")


def _scale(turn: Turn) -> None:
    if _waits(turn.service):
        return
    while _may_start(turn.service):
        tasks.start(turn)
    for task in _superfluous(turn.service):
        tasks.stop(turn, task, f"Scaling activity initiated by (deployment {turn.service.primary.id})")
        turn.say(f"has stopped 1 running tasks: (task {task.id}).")


def _waits(service: Service) -> bool:
    """A deployment has begun, and has not come to its tasks."""
    current = service.current
    if current is None:
        return False
    if current.status in _BEFORE_SCALING:
        return True
    return current.status == "IN_PROGRESS" and current.stage in {"RECONCILE_SERVICE", "PRE_SCALE_UP"}


def _most(service: Service) -> int:
    percent: int = service.configuration.get("maximumPercent", 200)
    return max(1, math.floor(service.desired * percent / 100))


def _least(service: Service) -> int:
    percent: int = service.configuration.get("minimumHealthyPercent", 100)
    return math.ceil(service.desired * percent / 100)


def _lacks(service: Service) -> bool:
    return len(service.tasks_of(service.primary.id, *ALIVE)) < service.desired


def _may_start(service: Service) -> bool:
    if service.primary.rollout_state == "FAILED" or not _lacks(
        service
    ):  # [D] after FAILED nothing more is started
        return False
    beside = service.current is not None and service.current.blue_green
    return beside or service.counted(*ALIVE) < _most(service)


def _superfluous(service: Service) -> list[Task]:
    mine = service.tasks_of(service.primary.id, *ALIVE)
    surplus = mine[service.desired :]
    current = service.current
    if (
        current is not None
        and current.blue_green
        and current.status == "IN_PROGRESS"
        and current.stage != "CLEAN_UP"
    ):
        return surplus
    old = [task for task in service.tasks if task.deployment != service.primary.id and task.status in ALIVE]
    old.sort(key=lambda task: task.status != "PENDING")  # [U] what does not serve yet goes first
    return surplus + old[: _may_stop(service, old)]


def _may_stop(service: Service, old: list[Task]) -> int:
    """How many of the *old* tasks: those that are replaced, and those in the way of new ones."""
    running = len(service.ready(service.primary.id))
    replaced = len(old) - max(service.desired - running, 0)
    in_the_way = 0
    if _lacks(service) and service.counted(*ALIVE) >= _most(service):
        in_the_way = sum(len(service.ready(each.id)) for each in service.deployments) - _least(service)
    return max(replaced, in_the_way, 0)
