"""ECS of one account and region: what a test tells it, and what it answers."""

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.ecr import Ecr
from tests.fakes.aws.ecs import deployments, scaling, tasks, views
from tests.fakes.aws.ecs.acting import Acting
from tests.fakes.aws.ecs.reading import Reading
from tests.fakes.aws.ecs.state import NOTHING, Behaviour, Service, Task
from tests.fakes.aws.ecs.task_definitions import TaskDefinitions
from tests.fakes.aws.ecs.turn import Turn
from tests.fakes.aws.events import Events, in_milliseconds
from tests.fakes.aws.policies import Request
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import FakeBug

_ORDINARY = Behaviour()
_DEFAULTS: Mapping[str, Any] = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}


class Ecs:
    """Clusters, services and task definitions.

    A test tells it what is there (``register``, ``create_service``), how a release behaves (``behave``) and what other
    hands do (``deploy``, ``scale``). Everything else follows from the clock.
    """

    def __init__(
        self,
        account: str,
        region: str,
        tagging: Tagging,
        ecr: Ecr,
        events: Events,
        draw: Callable[[str], str],
    ) -> None:
        self._account, self._region = account, region
        self._arn = f"arn:aws:ecs:{region}:{account}"
        self._ecr = ecr
        self._events = events
        self._tagging = tagging
        self.draw = draw
        self.definitions = TaskDefinitions(self._arn, tagging)
        self._services: dict[str, Timeline[Service]] = {}
        self._behaviours: dict[str, Behaviour] = {}
        self._seats = itertools.count()
        self._agenda: list[tuple[datetime, str]] = []
        self._reading = Reading(self._arn, self._services, self.definitions, tagging)
        self._acting = Acting(self._reading, self._services, self.definitions, tagging, self.put, self)

    # ------------------------------------------------------------------------------------------------ what a test tells

    def register(
        self, family: str, image: str, at: datetime, *, tags: Mapping[str, str] = NOTHING, **more: Any
    ) -> str:
        """A task definition with one container named *family*. Gives its ARN.

        *image* is ``repository:tag`` or ``repository@sha256:...``; *more* are other members of
        ``RegisterTaskDefinition``, and ``container`` is laid over the container.
        """
        container = {"name": family, "image": image, "essential": True, **more.pop("container", {})}
        content = {"containerDefinitions": [container], "cpu": "256", "memory": "512", **more}
        return self.definitions.register(family, content, tags, at)

    def behave(self, task_definition: str, behaviour: Behaviour) -> None:
        """How the tasks of *task_definition* (``family:revision`` or ARN) behave that start from now on."""
        self._behaviours[self.definitions.named(task_definition).arn] = behaviour

    def create_service(
        self,
        name: str,
        task_definition: str,
        at: datetime,
        *,
        cluster: str = "prod",
        desired: int = 2,
        controller: str | None = None,
        configuration: Mapping[str, Any] = NOTHING,
        tags: Mapping[str, str] = NOTHING,
        **more: Any,
    ) -> str:
        """A service that is steady on *task_definition* since *at*. Gives its ARN. *more*: members of ``CreateService``."""
        service = Service(
            arn=f"{self._arn}:service/{cluster}/{name}",
            name=name,
            cluster=f"{self._arn}:cluster/{cluster}",
            desired=desired,
            task_definition=self.definitions.named(task_definition).arn,
            created_at=at,
            controller=controller,
            configuration={**_DEFAULTS, **configuration},
            more=more,
        )
        if tags:
            self._tagging.put(service.arn, tags, at)
        plain = {key: each for key, each in service.configuration.items() if key != "lifecycleHooks"}
        turn = Turn(service, at, self)
        plain |= {"strategy": "ROLLING", "bakeTimeInMinutes": 0}
        deployments.deploy(turn, service.task_definition, plain, first=True)
        self.put(scaling.settle(turn), at)
        return service.arn

    def deploy(self, service: str, task_definition: str, at: datetime, **configuration: Any) -> str:
        """Another hand deploys: not counted as a call. Gives the ARN of the service deployment."""
        self.advance(at)
        arn = self.definitions.named(task_definition).arn
        turn = Turn(self.find(service), at, self)
        deployments.deploy(turn, arn, {**turn.service.configuration, **configuration})
        self.put(scaling.settle(turn), at)
        return self.find(service).history[0].arn

    def scale(self, service: str, desired: int, at: datetime) -> None:
        """Another hand, or auto scaling, changes the count."""
        self.advance(at)
        self.put(scaling.settle(Turn(replace(self.find(service), desired=desired), at, self)), at)

    def kill(
        self,
        task: str,
        at: datetime,
        reason: str = "Spot instance was reclaimed",
        code: str = "SpotInterruption",
        exit_code: int = 137,
    ) -> None:
        """Something stops a task (its id or ARN) that its behaviour knows nothing of: by *code*, what it is."""
        self.advance(at)
        service, found = self._task(task)
        turn = Turn(service, at, self)
        tasks.gone(turn, found, code, reason, exit_code)
        self.put(scaling.settle(turn), at)

    def delete_service(self, service: str, at: datetime) -> None:
        """It is gone, as after ``DeleteService``: INACTIVE, for as long as ECS still tells of it."""
        self.advance(at)
        self.put(replace(self.find(service), status="INACTIVE", desired=0, tasks=(), deployments=()), at)

    def find(self, service: str) -> Service:
        """A service, by name or ARN, as it is."""
        for each in self._services.values():
            if service in {each.latest.name, each.latest.arn}:
                return each.latest
        raise FakeBug(f"no test has created the service {service}")

    # ------------------------------------------------------------------------------------------------ how time goes on

    def advance(self, to: datetime) -> None:
        """Let happen what was to happen until *to*, in its order."""
        while self._agenda and self._agenda[0][0] <= to:
            at, arn = heapq.heappop(self._agenda)
            service = self._services[arn].latest
            if service.wakes_at == at:
                self.put(scaling.settle(Turn(service, at, self)), at)

    def put(self, service: Service, at: datetime) -> None:
        """From *at* on, *service* is so."""
        self._services.setdefault(service.arn, Timeline()).put(at, service)
        if service.wakes_at is not None:
            heapq.heappush(self._agenda, (service.wakes_at, service.arn))

    def behaviour(self, task_definition: str) -> Behaviour:
        """How its tasks behave."""
        return self._behaviours.get(task_definition, _ORDINARY)

    def digest(self, image: str, at: datetime) -> str:
        """What *image* means at *at*."""
        return self._ecr.digest(image, at)

    def containers(self, task_definition: str) -> tuple[Mapping[str, Any], ...]:
        """Its container definitions."""
        return tuple(self.definitions.named(task_definition).content["containerDefinitions"])

    def next_seat(self) -> tuple[str, str]:
        """Zone and private address for a new task: zones in turn."""
        number = next(self._seats)
        return (
            f"{self._region}{'abc'[number % 3]}",
            f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
        )

    def tell(self, at: datetime, kind: str, service: Service, detail: Mapping[str, Any]) -> None:
        """Tell EventBridge of a service."""
        told = {
            name: in_milliseconds(each) if isinstance(each, datetime) else each
            for name, each in detail.items()
        }
        time = "createdAt" if kind == "ECS Service Action" else "updatedAt"
        resource = detail.get("serviceDeploymentArn", service.arn)
        self._events.tell(
            at,
            ("aws.ecs", kind),
            (self._account, self._region),
            [resource],
            {**told, time: in_milliseconds(at)},
        )

    def tell_task(self, at: datetime, service: Service, task: Task) -> None:
        """Tell EventBridge of a task, with all that ``DescribeTasks`` would say."""
        view = views.task(service, task, self.definitions.named(task.task_definition))
        detail = {**_in_words(view), "updatedAt": in_milliseconds(at)}
        where = (self._account, self._region)
        self._events.tell(at, ("aws.ecs", "ECS Task State Change"), where, [task.arn], detail)

    def _task(self, name: str) -> tuple[Service, Task]:
        for timeline in self._services.values():
            for task in timeline.latest.tasks:
                if name in {task.id, task.arn}:
                    return timeline.latest, task
        raise FakeBug(f"there is no task {name}")

    def roles_passed(self, asked: Mapping[str, Any]) -> list[Request]:
        """Who has a service run a task definition passes the roles in it, and must be allowed to [C]."""
        definition = self.definitions.find(asked.get("taskDefinition", ""))
        content = definition.content if definition else {}
        roles = {content[name] for name in ("taskRoleArn", "executionRoleArn") if name in content}
        to = {"iam:PassedToService": ("ecs-tasks.amazonaws.com",)}
        return [Request("iam:PassRole", (role,), to) for role in sorted(roles)]

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What ECS answers to."""
        return {**self._reading.operations(), **self.definitions.operations(), **self._acting.operations()}


def _in_words(view: Any) -> Any:
    """Times as the details of events write them."""
    if isinstance(view, datetime):
        return in_milliseconds(view)
    if isinstance(view, Mapping):
        return {name: _in_words(each) for name, each in view.items()}
    if isinstance(view, Sequence) and not isinstance(view, str):
        return [_in_words(each) for each in view]
    return view
