"""A load balancer in front of two releases, as CloudWatch tells of it; and the provider that reads it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.ports import Aws, AwsAccount
from rules.model import Indicator, Kind
from rules.sample import Bucket, Reading, Series
from tests.fakes.aws import AwsWorld, Direct
from watcher.signals.cloudwatch import CloudWatch
from watcher.signals.cloudwatch.query import settle
from watcher.signals.provider import Question, Window

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHOP = AwsAccount("shop", "eu-central-1")
BALANCER = "app/shop/0123456789abcdef"
GREEN, BLUE = "targetgroup/green/aaaa", "targetgroup/blue/bbbb"
DIMENSIONS = {"LoadBalancer": BALANCER, "TargetGroup": "${arm.target_group}"}
ELB = "AWS/ApplicationELB"
RATIO: Mapping[str, Any] = {
    "namespace": ELB,
    "dimensions": DIMENSIONS,
    "bad": {"sum": ["HTTPCode_Target_5XX_Count"]},
    "total": {"sum": ["RequestCount"]},
}
LATENCY: Mapping[str, Any] = {
    "namespace": ELB,
    "dimensions": DIMENSIONS,
    "metric": "TargetResponseTime",
    "over": ["300ms", "1s"],
}


def noon(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def an_indicator(query: Mapping[str, Any], kind: Kind = Kind.RATIO, name: str = "errors") -> Indicator:
    text = json.dumps(query)
    bounds = (0.3, 1.0) if kind is Kind.LATENCY else ()
    return Indicator(name, kind, "cloudwatch", text, compares_arms="${arm." in text, bounds=bounds)


@dataclass
class Balancer:
    """AWS, and the time there."""

    time: datetime = NOON
    aws: AwsWorld = field(init=False)
    provider: CloudWatch = field(init=False)

    def __post_init__(self) -> None:
        self.aws = AwsWorld(lambda: self.time)
        self.provider = self.through(Direct(self.aws))

    def through(self, aws: Aws) -> CloudWatch:
        """A provider that asks by *aws*."""
        return CloudWatch(aws, SHOP, lambda: self.time, lambda: asyncio.get_running_loop().time())

    def serves(self, group: str, minute: float, requests: int, bad: int = 0, seconds: float = 0.1) -> None:
        """What is measured in one minute; of errors and of requests only what there is."""
        of = {"LoadBalancer": BALANCER, "TargetGroup": group}
        at = noon(minute)
        if requests:
            self.aws.cloudwatch.put(
                ELB, "RequestCount", of, at, 1.0, counts=None if requests == 1 else [requests]
            )
            self.aws.cloudwatch.put(ELB, "TargetResponseTime", of, at, [seconds], counts=[requests])
        if bad:
            self.aws.cloudwatch.put(ELB, "HTTPCode_Target_5XX_Count", of, at, [1.0], counts=[bad])

    async def read(
        self,
        *indicators: Indicator,
        start: datetime = NOON,
        end: datetime | None = None,
        patience: float = 6.0,
        provider: CloudWatch | None = None,
        since: datetime | None = None,
    ) -> Mapping[str, Reading]:
        """All that is final now, as the patrol asks."""
        final = self.time - max(settle(each) for each in indicators)
        end = end or NOON + (final - NOON) // MINUTE * MINUTE
        window = Window(start, end, self.time + timedelta(seconds=patience))
        return await (provider or self.provider).read([asked(each, since) for each in indicators], window)


def asked(indicator: Indicator, since: datetime | None = None) -> Question:
    beside = {"target_group": BLUE} if indicator.compares_arms else None
    return Question(indicator.id, indicator, {"target_group": GREEN}, beside, since)


def series_of(reading: Reading) -> tuple[Series, ...]:
    assert isinstance(reading, tuple), reading
    return reading


def buckets_of(reading: Reading) -> tuple[Bucket, ...]:
    return series_of(reading)[0].buckets
