"""The providers on AWS, each with a service of its own that came to be as it is."""

from datetime import timedelta
from typing import ClassVar

from rules.model import Indicator
from tests.contract.aws_provider_contract import AwsProviderContract, Clock
from tests.fakes.aws import AwsWorld, Behaviour
from tests.fakes.world import START
from tests.watcher.signals.cloudwatch.balancer import BALANCER, BLUE, ELB, GREEN, RATIO, an_indicator
from tests.watcher.signals.ecs_tasks.shop import BASELINE, CANARY, NEW, OLD, indicator


class TestCloudWatch(AwsProviderContract):
    kind = "cloudwatch"
    canary: ClassVar = {"target_group": GREEN}
    baseline: ClassVar = {"target_group": BLUE}
    service = "cloudwatch"
    missing = "target_group"

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

    def calls(self) -> int:
        return 1

    def spelt(self, code: str) -> str:
        return {"AccessDeniedException": "AccessDenied", "ThrottlingException": "Throttling"}.get(code, code)


class TestEcsTasks(AwsProviderContract):
    kind = "ecs_tasks"
    canary = CANARY
    baseline = BASELINE
    service = "ecs"
    missing = "task_definition"

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

    def calls(self) -> int:
        return 2 + 3  # two lists, and some hundred tasks that crashed
