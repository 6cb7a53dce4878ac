"""The providers on AWS, each with a service of its own that came to be as it is."""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar

from rules.model import Indicator, Kind
from rules.sample import Reading, State
from tests.contract.aws_provider_contract import AwsProviderContract, Clock
from tests.fakes.aws import AwsWorld, Behaviour
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.cloudwatch.balancer import BALANCER, BLUE, ELB, GREEN, RATIO, an_indicator
from tests.watcher.signals.ecs_tasks.shop import BASELINE, CANARY, NEW, OLD, indicator


def spelt_by_cloudwatch(code: str) -> str:
    return {"AccessDeniedException": "AccessDenied", "ThrottlingException": "Throttling"}.get(code, code)


class TestCloudWatch(AwsProviderContract):
    kind = "cloudwatch"
    canary: ClassVar = {"target_group": GREEN}
    baseline: ClassVar = {"target_group": BLUE}
    service = "cloudwatch"
    missing = "target_group"
    operations = ("GetMetricData",)

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        for second in range(0, 30 * 60, 5):
            for group, metric in (
                (BLUE, "RequestCount"),
                (GREEN, "RequestCount"),
                (GREEN, "HTTPCode_Target_5XX_Count"),
            ):
                dimensions = {"LoadBalancer": BALANCER, "TargetGroup": group}
                world.cloudwatch.put(ELB, metric, dimensions, START + timedelta(seconds=second), 1.0)
        return world

    def indicator(self, name: str = "errors") -> Indicator:
        return an_indicator(RATIO, name=name)

    def misspelt(self) -> Indicator:
        return an_indicator({**RATIO, "total": {"sum": "RequestCuont"}})

    def many(self) -> Sequence[Indicator]:
        bad = [f"HTTPCode_Target_{number}" for number in range(700)]  # of which 500 are a call
        return [
            an_indicator({**RATIO, "bad": {"sum": bad[first : first + 20]}}, name=f"errors{first}")
            for first in range(0, len(bad), 20)
        ]

    def calls(self) -> int:
        return 1

    def spelt(self, code: str) -> str:
        return spelt_by_cloudwatch(code)


class TestCloudWatchAlarms(AwsProviderContract):
    """Alarms stand or do not: what the contract says of counts is said of states here."""

    kind = "cloudwatch"
    canary: ClassVar = {"version": "v2", "alarm": "checkout"}
    baseline: ClassVar = {"version": "v1", "alarm": "checkout"}
    service = "cloudwatch"
    missing = "alarm"
    operations = ("DescribeAlarms",)

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        for name in (f"other-{number}" for number in range(350)):
            world.cloudwatch.set_alarm(name, "OK", START - timedelta(days=1))
        world.cloudwatch.set_alarm("checkout-5xx", "ALARM", START + timedelta(minutes=7, seconds=30))
        return world

    def indicator(self, name: str = "errors") -> Indicator:
        return an_indicator({"alarms": ["${arm.alarm}-5xx"]}, Kind.STATE, name)

    def misspelt(self) -> Indicator:
        return an_indicator({"alarms": ["chekcout-5xx"]}, Kind.STATE)

    def many(self) -> Sequence[Indicator]:
        return [
            an_indicator({"alarms": [f"other-{number}"]}, Kind.STATE, f"other{number}")
            for number in range(350)
        ]

    def calls(self) -> int:
        return 1

    def spelt(self, code: str) -> str:
        return spelt_by_cloudwatch(code)

    def test_both_releases_are_counted_and_the_worse_one_is_seen(self):
        async def story() -> Reading:
            async with self.living() as life:
                return await life.ask(self.indicator())

        reading = in_virtual_time(story())

        assert isinstance(reading, tuple)
        since = START + timedelta(minutes=7, seconds=30)
        assert {each.canary for each in reading[0].buckets} == {
            State("ALARM", since, bad=True, of="checkout-5xx")
        }
        assert reading[0].buckets[0].end == START + timedelta(minutes=8)


class TestEcsTasks(AwsProviderContract):
    kind = "ecs_tasks"
    canary = CANARY
    baseline = BASELINE
    service = "ecs"
    missing = "task_definition"
    operations = ("ListTasks", "DescribeTasks")

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        for number in (1, 2):
            world.ecs.register("web", f"shop:{number}", START - timedelta(days=1))
        world.ecs.create_service("web", OLD, START - timedelta(days=1), desired=4)
        world.ecs.behave(NEW, Behaviour(crashes_after=timedelta(seconds=30)))
        world.ecs.deploy("web", NEW, START)
        return world

    def indicator(self, name: str = "errors") -> Indicator:
        return indicator(name)

    def misspelt(self) -> Indicator:
        return indicator("errors", service="wbe")

    def many(self) -> Sequence[Indicator]:
        return [indicator(f"other{number}", service=f"other{number}") for number in range(20)]

    def calls(self) -> int:
        return 2 + 3  # two lists, and some hundred tasks that crashed
