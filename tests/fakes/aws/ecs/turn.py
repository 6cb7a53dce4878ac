"""One moment of one service: what every step of it needs. The steps are ``tasks``, ``deployments``, ``stages``, ``scaling``."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from tests.fakes.aws.ecs.state import Behaviour, Hook, Service, ServiceDeployment, Task
from tests.fakes.aws.trouble import FakeBug

ALIVE = ("PENDING", "RUNNING")
_STOPPED_TASKS_KEPT = timedelta(hours=2)  # told for one; the second is for stale reads
_MESSAGES = 100  # [M]


class Surroundings(Protocol):
    """What a turn needs of the rest of ECS."""

    def draw(self, purpose: str) -> str:
        """An id."""

    def behaviour(self, task_definition: str) -> Behaviour:
        """How its tasks behave."""

    def digest(self, image: str, at: datetime) -> str:
        """What *image* means at *at*."""

    def containers(self, task_definition: str) -> tuple[Mapping[str, Any], ...]:
        """Its container definitions."""

    def tell(self, at: datetime, kind: str, service: Service, detail: Mapping[str, Any]) -> None:
        """Tell EventBridge."""

    def tell_task(self, at: datetime, service: Service, task: Task) -> None:
        """Tell EventBridge that a task has changed."""

    def next_seat(self) -> tuple[str, str]:
        """Zone and private address for a new task."""


@dataclass
class Turn:
    """One moment of one service. It changes by `put` only."""

    service: Service
    at: datetime
    around: Surroundings

    @property
    def current(self) -> ServiceDeployment:
        """The service deployment in flight, where there must be one."""
        if self.service.current is None:
            raise FakeBug(f"{self.service.name} has no service deployment in flight")
        return self.service.current

    @property
    def rolls(self) -> bool:
        """ECS itself deploys it."""
        return self.service.controller in {None, "ECS"}

    # ------------------------------------------------------------------------------------------------ changing

    def put(self, **changes: Any) -> None:
        """Change the service."""
        self.service = replace(self.service, **changes)

    def put_newest(self, **changes: Any) -> None:
        """Change the newest service deployment."""
        newest = replace(self.service.history[0], **{"updated_at": self.at, **changes})
        self.put(history=(newest, *self.service.history[1:]))

    def put_task(self, changed: Task) -> None:
        """Change a task, and tell of it."""
        changed = replace(changed, version=changed.version + 1)
        kept = [
            changed if task.id == changed.id else task
            for task in self.service.tasks
            if task.stopped_at is None or task.stopped_at > self.at - _STOPPED_TASKS_KEPT
        ]
        self.put(tasks=tuple(kept))
        self.around.tell_task(self.at, self.service, changed)

    # ------------------------------------------------------------------------------------------------ telling

    def say(self, words: str) -> None:
        """One of the service's ``events``, which people read."""
        message = (self.around.draw("message")[:36], self.at, f"(service {self.service.name}) {words}")
        self.put(messages=(message, *self.service.messages)[:_MESSAGES])

    def tell_deployment(self, id: str, level: str, name: str, reason: str) -> None:
        """``ECS Deployment State Change``; not where another controller deploys [D]."""
        if self.rolls:
            detail = {"eventType": level, "eventName": name, "deploymentId": id, "reason": reason}
            self.around.tell(self.at, "ECS Deployment State Change", self.service, detail)

    def tell_service(self, level: str, name: str) -> None:
        """``ECS Service Action``."""
        detail = {"eventType": level, "eventName": name, "clusterArn": self.service.cluster}
        self.around.tell(self.at, "ECS Service Action", self.service, detail)

    def tell_hook(self, hook: Hook, name: str) -> None:
        """``ECS Hook State Change``."""
        detail = {
            "eventType": "INFO",
            "eventName": name,
            "hookId": hook.id,
            "hookType": "PAUSE",
            "expiresAt": hook.expires_at,
            "lifecycleStage": hook.stage,
            "clusterArn": self.service.cluster,
            "serviceArn": self.service.arn,
            "serviceDeploymentArn": self.current.arn,
        }
        self.around.tell(self.at, "ECS Hook State Change", self.service, detail)
