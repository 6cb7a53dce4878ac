"""A queue in virtual time: ECS puts its events there, and the daemon asks for them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deploy.source import Feed, Opening, Parcel, Received, Source, Whose
from deploy.sources.sqs import Settings, SqsSource
from tests.scenarios.stage import Stage
from tests.scenarios.world import Act

WAITS = 10.0  # seconds, as a long poll
HIDES = 30.0  # seconds in which nobody sees what somebody was given
ADDRESS = "ecs:eu-central-1:111122223333:prod/checkout"
SERVICE = "arn:aws:ecs:eu-central-1:111122223333:service/prod/checkout"
ROLLOUT = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/checkout/abc"


@dataclass
class Queue:
    """What lies in it: the message, its number of receipts, and from when on it is seen."""

    time: Callable[[], float]
    now: Callable[[], datetime]
    lies: dict[str, tuple[str, float]] = field(default_factory=dict)
    put_so_far: int = 0
    _rings: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, said: Any) -> None:
        self.put_so_far += 1
        self.lies[f"m{self.put_so_far}"] = (json.dumps(said), 0.0)
        self._rings.set()

    async def receive(self) -> Sequence[Parcel]:
        """As SQS: the first that is seen, or nothing after ten seconds."""
        if not self._seen():
            self._rings.clear()
            try:
                async with asyncio.timeout(WAITS):
                    await self._rings.wait()
            except TimeoutError:
                pass
        parcels = []
        for seen in self._seen():
            body, _ = self.lies[seen]
            self.lies[seen] = (body, self.time() + HIDES)
            received = Received(body.encode(), {"message-id": seen}, self.now(), "sqs:events")
            parcels.append(Parcel(received, seen))
        return parcels

    def _seen(self) -> list[str]:
        return [name for name, (_, seen_from) in self.lies.items() if seen_from <= self.time()]

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        for receipt in receipts:
            self.lies.pop(receipt, None)


def a_feed(stage: Stage) -> tuple[Source, Feed]:
    """The queue of *stage*, and what reads its messages: checkout runs at `ADDRESS`."""
    settings = Settings(account="shop", url="https://sqs.eu-central-1.amazonaws.com/111122223333/events")
    whose = (Whose("checkout", "production"),)
    opening = Opening("events", lambda address: whose if address == ADDRESS else ())
    return SqsSource(settings, opening), Queue(stage.time, stage.now)


def opened(moment: timedelta = timedelta(0)) -> Act:
    """The queue is there, and is asked from the next look at the configuration on."""

    async def opens(stage: Stage) -> None:
        stage.feeds["events"] = a_feed(stage)

    return Act(moment, opens)


def puts(moment: timedelta, said: Callable[[Stage], Any], times: int = 1) -> Act:
    """Something is put into the queue, once or more often."""

    async def put(stage: Stage) -> None:
        _, queue = stage.feeds["events"]
        assert isinstance(queue, Queue)
        for _ in range(times):
            queue.put(said(stage))

    return Act(moment, put)


def _event(stage: Stage, kind: str, detail: dict[str, Any], resource: str) -> dict[str, Any]:
    return {
        "version": "0",
        "id": f"event-{kind}-{detail['eventName']}-{detail.get('hookId', '')}".replace(" ", "-"),
        "detail-type": kind,
        "source": "aws.ecs",
        "account": "111122223333",
        "region": "eu-central-1",
        "time": stage.now().isoformat(),
        "resources": [resource],
        "detail": {**detail, "updatedAt": stage.now().isoformat()},
    }


def moved(kind: str, source: str, detail: dict[str, Any], id: str = "moved-1") -> Callable[[Stage], Any]:
    """An event that is no deployment, of now."""
    return lambda stage: {
        "version": "0",
        "id": id,
        "detail-type": kind,
        "source": source,
        "account": "111122223333",
        "region": "eu-central-1",
        "time": stage.now().isoformat(),
        "resources": [],
        "detail": detail,
    }


def parameter(name: str) -> Callable[[Stage], Any]:
    """``Parameter Store Change``."""
    return moved("Parameter Store Change", "aws.ssm", {"operation": "Update", "name": name}, f"event-{name}")


def failover(name: str) -> Callable[[Stage], Any]:
    """``RDS DB Cluster Event``."""
    detail = {"EventCategories": ["failover"], "SourceIdentifier": name, "Message": "Started failover"}
    return moved("RDS DB Cluster Event", "aws.rds", detail, f"event-{name}")


def deployment(name: str) -> Callable[[Stage], Any]:
    """``ECS Deployment State Change``."""
    return lambda stage: _event(
        stage, "ECS Deployment State Change", {"eventName": name, "deploymentId": "ecs-svc/1"}, SERVICE
    )


def hook(id: str = "ecs-pause-1", lasting: timedelta = timedelta(minutes=30)) -> Callable[[Stage], Any]:
    """``ECS Hook State Change``: it waits for a person."""
    return lambda stage: _event(
        stage,
        "ECS Hook State Change",
        {
            "eventName": "HOOK_AWAITING_ACTION",
            "hookId": id,
            "hookType": "PAUSE",
            "lifecycleStage": "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "expiresAt": (stage.now() + lasting).isoformat(),
            "serviceArn": SERVICE,
            "serviceDeploymentArn": ROLLOUT,
        },
        ROLLOUT,
    )
