"""A provider that is open in an account whose log groups hold what a world's requests wrote."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from deploy.ports import AwsAccount
from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Reading
from tests.fakes.aws import AwsWorld, Direct
from tests.fakes.world import START, World, traffic
from watcher.signals.cloudwatch_logs import CloudWatchLogs
from watcher.signals.provider import Question, Window

ACCOUNT = AwsAccount("shop", "eu-central-1")
MINUTE = timedelta(minutes=1)
GROUP = "/ecs/shop"
NEW, OLD = {"version": "v2"}, {"version": "v1"}
RATIO: Mapping[str, Any] = {
    "groups": GROUP,
    "total": {"contains": "handled", "fields": {"version": "${arm.version}"}},
    "bad": {"fields": {"status": "5.."}},
}


class Asking:
    """Someone who asks, at the time that it is in the world."""

    def __init__(self, minutes: float = 10, groups: Sequence[str] = (GROUP,), every: float = 2) -> None:
        self.now = START + minutes * MINUTE
        log = traffic(
            7, minutes, versions=[("v1", 0.7, 0.02), ("v2", 0.3, 0.3)], every=timedelta(seconds=every)
        )
        self.world = World(log)
        self.aws = AwsWorld(lambda: self.now)
        for group in groups:
            for each in log:
                line = {"msg": "request handled", "version": each.version, "status": each.status}
                self.aws.logs.write(group, each.at, json.dumps(line))
        self.provider = CloudWatchLogs(Direct(self.aws), ACCOUNT, lambda: self.now)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Asking"]:
        async with self.provider.open():
            yield self

    async def all(
        self, *indicators: Indicator, since: datetime | None = None, canary: Mapping[str, str] = NEW
    ) -> Mapping[str, Reading]:
        end = START + (self.now - 2 * MINUTE - START) // MINUTE * MINUTE
        window = Window(START, end, self.now + timedelta(seconds=6))
        return await self.provider.read(
            [Question(each.id, each, canary, OLD, since) for each in indicators], window
        )

    async def one(self, query: Mapping[str, Any] = RATIO, **more: Any) -> Reading:
        return (await self.all(indicator(query), **more))["errors"]

    @property
    def started(self) -> list[Mapping[str, Any]]:
        """The queries that were started."""
        return [each.parameters for each in self.aws.calls if each.operation == "StartQuery"]


def indicator(query: Mapping[str, Any] = RATIO, name: str = "errors", kind: Kind = Kind.RATIO) -> Indicator:
    text = json.dumps(query)
    return Indicator(name, kind, "cloudwatch_logs", text, compares_arms="${arm." in text)


def buckets(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


def truth(world: World, bucket: Bucket, version: str) -> Counts | None:
    """What a release did in *bucket*; ``None``: nothing."""
    own = world.between(bucket.start, bucket.end, version=version)
    return Counts(float(sum(each.status >= 500 for each in own)), float(len(own))) if own else None
