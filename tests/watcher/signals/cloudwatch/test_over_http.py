"""The same over AWS's own protocol: unmodified boto3, through the daemon's own capability."""

from rules.model import Kind
from rules.sample import Counts, State, Unavailable
from tests.fakes.aws import serving
from tests.watcher.signals.cloudwatch.balancer import (
    BLUE,
    GREEN,
    LATENCY,
    RATIO,
    SHOP,
    Balancer,
    an_indicator,
    buckets_of,
    noon,
    series_of,
)
from watcher.aws import AwsRoles, open_aws
from watcher.signals.cloudwatch import unknown
from watcher.signals.unknown import words_of
from watcher.telemetry.metrics import Metrics

ROLES = {"shop": AwsRoles("shop", "eu-central-1")}


async def test_counts_latencies_and_alarms_come_through_boto3():
    balancer = Balancer()
    for minute in range(8):
        balancer.serves(GREEN, minute, 100, bad=minute, seconds=0.5)
        balancer.serves(BLUE, minute, 300)
    balancer.aws.cloudwatch.set_alarm("db", "ALARM", noon(9))
    balancer.aws.cloudwatch.reading.page_size = 11
    balancer.time = noon(11)
    indicators = [
        an_indicator(RATIO),
        an_indicator(LATENCY, Kind.LATENCY, "slow"),
        an_indicator({"alarms": ["db"]}, Kind.STATE, "db"),
    ]

    with serving(balancer.aws) as url:
        async with open_aws(ROLES, Metrics(), lambda: balancer.time, endpoint=url) as aws:
            provider = balancer.through(aws)
            readings = await balancer.read(*indicators[:2], provider=provider)
            states = await balancer.read(indicators[2], provider=provider)
            words = words_of(await unknown(aws, SHOP, indicators[0]))

    assert [each.canary for each in buckets_of(readings["errors"])] == [
        Counts(float(bad), 100.0) for bad in range(8)
    ]
    assert [each.buckets[0].canary for each in series_of(readings["slow"])] == [
        Counts(100.0, 100.0),
        Counts(0.0, 100.0),
    ]
    assert buckets_of(states["db"])[-1].canary == State("ALARM", noon(9), bad=True, of="db")
    assert (
        words
        == "in the account shop (eu-central-1) CloudWatch knows nothing in the namespace AWS/ApplicationELB"
    )
    assert balancer.aws.mutating_calls() == []
    assert balancer.aws.bugs == []


async def test_throttling_that_does_not_pass_is_blindness():
    balancer = Balancer()
    balancer.aws.faults.throttle("cloudwatch", "GetMetricData")
    balancer.time = noon(11)

    with serving(balancer.aws) as url:
        async with open_aws(ROLES, Metrics(), lambda: balancer.time, endpoint=url) as aws:
            reading = (await balancer.read(an_indicator(RATIO), provider=balancer.through(aws)))["errors"]

    assert isinstance(reading, Unavailable)
    assert reading.words.startswith("CloudWatch throttles cloudwatch:GetMetricData in the account shop")
