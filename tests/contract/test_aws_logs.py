"""What CloudWatch Logs and Application Signals tell, by the contract of the providers on AWS."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from rules.model import Indicator, Kind
from rules.sample import Reading, State
from tests.contract.aws_provider_contract import AwsProviderContract, Clock
from tests.fakes.aws import AwsWorld
from tests.fakes.world import START, traffic
from tests.scenarios.virtual import in_virtual_time

GROUP = "/ecs/shop"
OTHERS = [f"/ecs/other{number}" for number in range(150)]  # of which 50 are a query
QUERY = {
    "groups": GROUP,
    "total": {"contains": "handled", "fields": {"version": "${arm.version}"}},
    "bad": {"fields": {"status": "5.."}},
}


class TestCloudWatchLogs(AwsProviderContract):
    kind = "cloudwatch_logs"
    canary: ClassVar = {"version": "v2", "colour": "green"}
    baseline: ClassVar = {"version": "v1", "colour": "blue"}
    service = "logs"
    missing = "colour"
    operations = ("StartQuery", "GetQueryResults")

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        versions = [("v1", 0.5, 0.01), ("v2", 0.5, 0.2)]
        for each in traffic(3, 30, versions=versions, every=timedelta(seconds=5)):
            line = {"msg": "request handled", "version": each.version, "status": each.status}
            world.logs.write(GROUP, each.at, json.dumps({**line, "colour": self.colour(each.version)}))
        for group in OTHERS:
            world.logs.write(group, START, "{}")
        return world

    def colour(self, version: str) -> str:
        return {"v1": "blue", "v2": "green"}[version]

    def indicator(self, name: str = "errors") -> Indicator:
        query = {**QUERY, "total": {"contains": "handled", "fields": {"colour": "${arm.colour}"}}}
        return Indicator(name, Kind.RATIO, self.kind, json.dumps(query), compares_arms=True)

    def misspelt(self) -> Indicator:
        return Indicator(
            "errors", Kind.RATIO, self.kind, json.dumps({**QUERY, "groups": "/ecs/shpo"}), compares_arms=True
        )

    def many(self) -> Sequence[Indicator]:
        return [
            Indicator(group, Kind.RATIO, self.kind, json.dumps({**QUERY, "groups": group}))
            for group in OTHERS
        ]

    def calls(self) -> int:
        return 1 + 2  # one query, looked at twice


class TestApplicationSignals(AwsProviderContract):
    """Budgets stand or do not: what the contract says of counts is said of states here."""

    kind = "application_signals"
    canary: ClassVar = {"version": "v2", "slo": "checkout"}
    baseline: ClassVar = {"version": "v1", "slo": "checkout"}
    service = "application-signals"
    missing = "slo"
    operations = ("BatchGetServiceLevelObjectiveBudgetReport",)

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        world.slos.turn("shop-checkout", "OK", START - timedelta(days=1))
        world.slos.turn("shop-checkout", "BREACHED", START + timedelta(minutes=7, seconds=30))
        return world

    def indicator(self, name: str = "errors") -> Indicator:
        return Indicator(name, Kind.STATE, self.kind, json.dumps({"slo": "shop-${arm.slo}"}))

    def misspelt(self) -> Indicator:
        return Indicator("errors", Kind.STATE, self.kind, json.dumps({"slo": "shop-chekcout"}))

    def many(self) -> Sequence[Indicator]:
        return [
            Indicator(f"other{number}", Kind.STATE, self.kind, json.dumps({"slo": f"other-{number}"}))
            for number in range(550)
        ]

    def calls(self) -> int:
        return 1 + 1 + 6  # as it stands, as it stood, and since when: of an hour

    def test_both_releases_are_counted_and_the_worse_one_is_seen(self):
        async def story() -> Reading:
            async with self.living() as life:
                return await life.ask(self.indicator())

        reading = in_virtual_time(story())

        assert isinstance(reading, tuple)
        since = START + timedelta(minutes=7)
        assert [each.end for each in reading[0].buckets] == [
            since + timedelta(minutes=minute) for minute in range(1, 19)
        ]
        assert {each.canary for each in reading[0].buckets} == {
            State("BREACHED", since, bad=True, of="shop-checkout")
        }
