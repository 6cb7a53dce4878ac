"""A cluster with services, in AWS's own words and on a clock that a test turns; and how it is asked about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from deploy.ports import AwsAccount
from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Reading
from tests.fakes.aws import AwsWorld, Behaviour, Direct
from tests.fakes.world import START
from watcher.signals.ecs_tasks.count import BUCKET, SETTLE
from watcher.signals.ecs_tasks.provider import EcsTasks
from watcher.signals.ecs_tasks.reader import Reader
from watcher.signals.provider import Question, Window

ACCOUNT = AwsAccount("shop", "eu-central-1")
ROUND = timedelta(seconds=6)  # that a provider has
OLD, NEW = "web:1", "web:2"
CANARY, BASELINE = {"task_definition": NEW}, {"task_definition": OLD}
QUERY: Mapping[str, Any] = {"cluster": "prod", "service": "web", "task_definition": "${arm.task_definition}"}


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


@dataclass
class Shop:
    """``web`` has run ``web:1`` for a day. A test deploys, and turns the clock."""

    now: datetime = START
    world: AwsWorld = field(init=False)
    desired: int = 4

    def __post_init__(self) -> None:
        self.world = AwsWorld(lambda: self.now)
        long_ago = START - timedelta(days=1)
        for number in (1, 2):
            self.world.ecs.register("web", f"shop:{number}", long_ago)
        self.world.ecs.create_service("web", OLD, long_ago, desired=self.desired)
        self.world.advance()

    @property
    def aws(self) -> Direct:
        return Direct(self.world)

    def turn(self, to: float) -> None:
        """Go on to *to* seconds after the start."""
        self.now = second(to)
        self.world.advance()

    def deploy(self, behaviour: Behaviour | None = None) -> None:
        """``web:2``, now."""
        self.world.ecs.behave(NEW, behaviour or Behaviour(starts_in=timedelta(seconds=5)))
        self.world.ecs.deploy("web", NEW, self.now)

    def provider(self) -> EcsTasks:
        """One that remembers nothing."""
        return EcsTasks(Reader(self.aws, lambda: self.now), ACCOUNT.name, lambda: self.now)

    async def ask(self, provider: EcsTasks | None = None, **query: Any) -> Reading:
        """All that can be said now."""
        return await self.asked(provider or self.provider(), indicator(**query), second(-3600))

    async def asked(self, provider: EcsTasks, what: Indicator, start: datetime) -> Reading:
        end = START + (self.now - SETTLE - START) // BUCKET * BUCKET
        question = Question("q", what, CANARY, BASELINE, None)
        return (await provider.read([question], Window(start, end, self.now + ROUND)))["q"]

    def calls(self) -> list[str]:
        """What ECS was asked since the last time."""
        told = [call.operation for call in self.world.calls if call.service == "ecs"]
        self.world.calls.clear()
        return told


def indicator(name: str = "tasks", **query: Any) -> Indicator:
    text = json.dumps({key: value for key, value in {**QUERY, **query}.items() if value is not None})
    return Indicator(name, Kind.RATIO, "ecs_tasks", text, compares_arms="${arm." in text)


def buckets(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


def total(reading: Reading) -> tuple[Counts, Counts]:
    """Of all buckets, for both arms."""
    pairs = [(bucket.canary, bucket.baseline or Counts(0, 0)) for bucket in buckets(reading)]
    return _sum([canary for canary, _ in pairs]), _sum([beside for _, beside in pairs])


def _sum(measures: list[Any]) -> Counts:
    return Counts(sum(each.bad for each in measures), sum(each.total for each in measures))
