"""One release, told by every system that counts: the same decision at the same time, from the same counts.

Two of a hundred requests to the new release fail from 90 s on. What each provider reads is judged, and beside it what a perfect
one would have read of the log in the same buckets; and all of them are held against each other.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from rules.evaluate import Setting, Timing, evaluate, prepare, start, with_onset
from rules.model import CanaryVsBaseline, Consequence, Indicator, Kind, Rule, RuleSet, Statistics
from rules.sample import Bucket, Counts, Series
from rules.verdict import Onset, Outcome
from tests.contract import (
    test_aws_logs,
    test_aws_providers,
    test_datadog,
    test_loki,
    test_newrelic,
    test_providers,
    test_sentry,
)
from tests.contract.aws_provider_contract import Clock
from tests.contract.provider_contract import ProviderContract, buckets_of
from tests.fakes.aws import AwsWorld
from tests.fakes.world import SECOND, START, Happened, World, traffic
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.cloudwatch.balancer import BALANCER, BLUE, ELB, GREEN

MEMBERS: Sequence[type[ProviderContract]] = (
    test_datadog.TestDatadog,
    test_loki.TestLoki,
    test_newrelic.TestNewRelic,
    test_providers.TestPrometheus,
    test_providers.TestScrape,
    test_sentry.TestSentry,
)
FROM, SEEN = 90, 150  # seconds after the start
RULE = Rule(
    "errors",
    "no more fail",
    Consequence.ROLLBACK,
    "errors",
    CanaryVsBaseline(ratio=1.5, plus=0.0005),
    statistics=Statistics(correlation="independent"),
)


@dataclass(frozen=True, slots=True)
class Decided:
    """When, by what evidence, and when it is held to have begun."""

    at: datetime
    log10_e: float
    onset: Onset | None


def requests(seconds: int = SEEN) -> list[Happened]:
    """Fifty a second, half of them to each release."""
    versions = [("v1", 0.5, 0.0), ("v2", 0.5, 0.0)]
    log = traffic(3, seconds / 60, versions=versions, every=SECOND / 50)
    failing = [each for each in log if each.version == "v2" and each.at >= START + FROM * SECOND]
    bad = {id(each) for each in failing[::50]}
    return [replace(each, status=500) if id(each) in bad else each for each in log]


def decided(buckets: Iterable[Bucket], every: timedelta, seconds: int = SEEN) -> Decided | None:
    """The first breach, of readings that come bucket by bucket."""
    indicator = Indicator("errors", Kind.RATIO, "any", "{}", compares_arms=True)
    setting = Setting(
        0.001, START, seconds * SECOND, timedelta(hours=1), {"errors": every}, {"errors": timedelta(0)}
    )
    brief = prepare(RuleSet((indicator,), (RULE,)), setting, {})
    evidence, judged = start(brief), list[Series]()
    for bucket in buckets:
        timing = Timing(bucket.end, START, START)
        round_ = evaluate(brief, evidence, {"errors": (Series("errors", (bucket,)),)}, timing)
        evidence = round_.evidence
        judged += round_.buckets
        if round_.judgement.outcome is Outcome.BREACHED:
            verdict = with_onset(round_.judgement, brief, judged).verdicts[0]
            return Decided(bucket.end, verdict.log10_e or 0.0, verdict.onset)
    return None


def by_the_log() -> Decided | None:
    """What whoever saw every request would decide, second by second."""
    world = World(requests())
    arms = [[Counts(0.0, 0.0)] * SEEN, [Counts(0.0, 0.0)] * SEEN]
    for each in world.log:
        arm, second = arms[each.version == "v1"], (each.at - START) // SECOND
        arm[second] = Counts(arm[second].bad + (each.status >= 500), arm[second].total + 1)
    ends = [START + (second + 1) * SECOND for second in range(SEEN)]
    return decided(
        [Bucket(end - SECOND, end, new, old) for end, new, old in zip(ends, *arms, strict=True)], SECOND
    )


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.kind)
async def test_what_every_system_tells_of_one_release_ends_in_one_decision(member):
    contract, expected = member(), by_the_log()
    looks_itself = member is test_providers.TestScrape  # its seconds begin at a moment that is drawn
    async with contract.living(World(requests())) as life:
        beat = 1.0 if looks_itself else float(SEEN)
        readings = await life.watch(contract.indicator(life.base), until=SEEN, beat=beat)
        told = [bucket for bucket in buckets_of(readings["errors"]) if not bucket.incomplete]
        perfect = [
            replace(bucket, canary=canary, baseline=baseline)
            for bucket in told
            for canary, baseline in [contract.truth(life, bucket)]
        ]

    found = decided(told, life.every)

    assert found == decided(perfect, life.every)
    assert found is not None
    assert expected is not None
    assert START + FROM * SECOND < expected.at <= START + (FROM + 45) * SECOND
    assert abs(found.at - expected.at) <= 10 * SECOND if looks_itself else found == expected


# ------------------------------------------------------------------------------------------------------------------ AWS

MINUTES = 3  # the third is the first that is whole and bad


class OnCloudWatch(test_aws_providers.TestCloudWatch):
    """The balancer's metrics of it, a group for each release."""

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        for each in requests(MINUTES * 60):
            dimensions = {"LoadBalancer": BALANCER, "TargetGroup": GREEN if each.version == "v2" else BLUE}
            world.cloudwatch.put(ELB, "RequestCount", dimensions, each.at, 1.0)
            if each.status >= 500:
                world.cloudwatch.put(ELB, "HTTPCode_Target_5XX_Count", dimensions, each.at, 1.0)
        return world


class InLogs(test_aws_logs.TestCloudWatchLogs):
    """A line for each request."""

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        for each in requests(MINUTES * 60):
            line = {"msg": "request handled", "status": each.status, "colour": self.colour(each.version)}
            world.logs.write(test_aws_logs.GROUP, each.at, json.dumps(line))
        return world


@pytest.mark.parametrize("member", [OnCloudWatch, InLogs], ids=lambda member: member.kind)
def test_what_aws_tells_of_it_by_the_minute_ends_in_the_same_decision(member):
    contract, log = member(), World(requests(MINUTES * 60))

    async def story() -> list[Bucket]:
        async with contract.living() as life:
            told = buckets_of(await life.ask(contract.indicator()))
            return [
                each
                for each in told
                if each.start >= START and each.end <= START + timedelta(minutes=MINUTES)
            ]

    def truth(bucket: Bucket, version: str) -> Counts:
        meant = [each for each in log.log if each.version == version and bucket.start <= each.at < bucket.end]
        return Counts(float(sum(each.status >= 500 for each in meant)), float(len(meant)))

    told = in_virtual_time(story())
    perfect = [replace(each, canary=truth(each, "v2"), baseline=truth(each, "v1")) for each in told]
    found, expected = decided(told, timedelta(minutes=1), MINUTES * 60), by_the_log()

    assert [(each.canary, each.baseline) for each in told] == [
        (each.canary, each.baseline) for each in perfect
    ]
    assert len(told) == MINUTES
    assert found == decided(perfect, timedelta(minutes=1), MINUTES * 60)
    assert found is not None
    assert expected is not None
    assert timedelta(0) <= found.at - expected.at < timedelta(minutes=1)
