"""End to end over AWS's own protocol: an unmodified boto3 on all sides, the daemon and AWS as processes of their own.

A person deploys by ``UpdateService``; ECS tells EventBridge, which fills the queue; visitors are written down as metrics; and
the daemon brings the service back, or leaves it alone. Time runs fifteen times as fast: CloudWatch's minutes are long.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.fakes.aws.fixtures import environment
from watcher import clock

SPEED = 15
READ, ACT = (f"arn:aws:iam::123456789012:role/{name}" for name in ("rb-read", "rb-act"))
CONFIGURATION = f"""\
version: 1
daemon:
  store: {{sqlite: {{path: FOLDER/state.db}}}}
  http: {{listen: "127.0.0.1:0"}}
accounts:
  shop: {{region: eu-central-1, read: "{READ}", act: "{ACT}"}}
sources:
  queue: {{sqs: {{account: shop, url: "QUEUE"}}}}
defaults:
  account: shop
  mode: auto
  bake: {{at_least: 4m, at_most: 1h}}
services:
  web:
    production:
      runs_on: [{{ecs: {{cluster: prod, service: web}}}}]
      rules: [{{file: web.yaml}}]
"""
INIT = [
    *(str(Path(sys.executable).with_name("rollbackd")), "init", "ecs", "--region", "eu-central-1"),
    *("--account-id", "123456789012", "--cluster", "prod", "--service", "web"),
]
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      cloudwatch:
        namespace: Shop
        dimensions: {service: web}
        bad: {sum: [errors]}
        total: {sum: [requests]}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99.9%, burn_rate: 10}}, on_breach: rollback}
"""


@dataclass
class Shop:
    """AWS, its visitors and its daemon.

    Attributes:
        fails: By task definition: the share of its requests that fail.
    """

    url: str
    folder: Path
    fails: dict[str, float] = field(default_factory=dict)
    address: str = ""

    def __post_init__(self) -> None:
        region = environment(self.url)["AWS_DEFAULT_REGION"]
        named = {
            name: boto3.client(name, endpoint_url=self.url, region_name=region)
            for name in ("ecs", "cloudwatch")
        }
        self.ecs, self.cloudwatch = named["ecs"], named["cloudwatch"]

    # ------------------------------------------------------------------------------------------------------ the far side

    def look(self, name: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/_fake/{name}") as answer:  # noqa: S310 - our own server
            return json.load(answer)

    def do(self, what: str, **arguments: Any) -> Any:
        body = json.dumps({"do": what, "with": arguments}).encode()
        with urllib.request.urlopen(f"{self.url}/_fake/do", data=body) as answer:  # noqa: S310 - our own server
            return json.load(answer)["answer"]

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.look("now"))

    def is_built(self) -> str:
        """A service that has served for a day, and roles with the policies that ``init`` writes; the address of the queue."""
        subprocess.run([*INIT, "--directory", self.folder / "init"], check=True, capture_output=True)
        for number in (1, 2, 3):
            self.do("ecs.register", family="web", image=f"shop:1.{number}", at=-7 * 86400)
        self.do("ecs.create_service", name="web", task_definition="web:1", at=-86400, desired=4)
        for role, purpose in ((READ, "read"), (ACT, "act")):
            policy = json.loads((self.folder / "init" / f"{purpose}-policy.json").read_text())
            self.do("identities.role", arn=role, policies=[policy])
        queue: str = self.do("sqs.create_queue", name="rollbackd")
        self.do("carry", queue="rollbackd")
        return queue

    def running(self) -> dict[str, int]:
        """By task definition: how many tasks run."""
        (service,) = self.ecs.describe_services(cluster="prod", services=["web"])["services"]
        counts = {
            each["taskDefinition"].rpartition("/")[2]: each["runningCount"] for each in service["deployments"]
        }
        return {tag: count for tag, count in counts.items() if count}

    def visitors_come(self, seconds: float) -> None:
        """A hundred a second, to the tasks that run; written down as metrics."""
        running, now = self.running(), self.now
        total = 100.0 * seconds
        failed = sum(
            total * count / sum(running.values()) * self.fails.get(tag, 0.0) for tag, count in running.items()
        )
        dimensions = [{"Name": "service", "Value": "web"}]
        data = [{"MetricName": "requests", "Dimensions": dimensions, "Timestamp": now, "Value": total}]
        if failed:
            data.append({"MetricName": "errors", "Dimensions": dimensions, "Timestamp": now, "Value": failed})
        self.cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)

    def goes_on_until(self, seen: Callable[[], bool], at_most: timedelta) -> None:
        """Visitors come until *seen*; a failure if that takes longer than *at_most* of the shop's time."""
        end, last = self.now + at_most, self.now
        while not seen():
            assert self.now < end, f"it never came; {self.verdict()}"
            time.sleep(0.3)
            now = self.now
            self.visitors_come((now - last).total_seconds())
            last = now

    # -------------------------------------------------------------------------------------------------------- the daemon

    def watches(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"http://{self.address}/v1/watches") as answer:
            found: list[dict[str, Any]] = json.load(answer)["watches"]
        return found

    def state(self, tag: str) -> str:
        """Of the newest watch of a release."""
        return next((each["state"] for each in self.watches() if each["to"] == tag), "none")

    def verdict(self) -> str:
        return json.dumps(self.watches())[:2000]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    fake = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.aws", "--speed", str(SPEED)], stdout=subprocess.PIPE, text=True
    )
    with fake:
        assert fake.stdout is not None
        shop = Shop(json.loads(fake.stdout.readline())["url"], tmp_path)
        queue = shop.is_built()
        (tmp_path / "rollbackd.yaml").write_text(
            CONFIGURATION.replace("QUEUE", queue).replace("FOLDER", str(tmp_path))
        )
        (tmp_path / "web.yaml").write_text(RULES)
        log = tmp_path / "daemon.log"
        since, at = clock.monotonic(), shop.look("now")
        with log.open("w") as out:
            daemon = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "tests.e2e.hurried_daemon",
                    tmp_path / "rollbackd.yaml",
                    at,
                    str(since),
                    str(SPEED),
                ],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment(shop.url)},
            )
        try:
            shop.address = _address(log, daemon)
            yield shop
            daemon.terminate()
            assert daemon.wait(60) == 0
            assert shop.look("bugs") == []
            assert [line for line in log.read_text().splitlines() if '"level": "error"' in line] == []
        finally:
            daemon.kill()
            daemon.wait()
            fake.terminate()


def _address(log: Path, daemon: subprocess.Popen[bytes]) -> str:
    """Where it listens, by its log."""
    for _ in range(2400):
        for line in log.read_text().splitlines():
            if '"daemon.started"' in line:
                return str(json.loads(line)["address"])
        assert daemon.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.mark.lasts(70)
def test_a_bad_release_is_brought_back_and_a_good_one_is_left_alone(shop):
    shop.goes_on_until(lambda: "web:1" in shop.running(), timedelta(minutes=1))
    shop.fails["web:2"] = 0.1

    shop.ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    shop.goes_on_until(lambda: shop.state("web:2") == "rolled_back", timedelta(minutes=25))

    assert shop.running() == {"web:1": 4}
    (service,) = shop.ecs.describe_services(cluster="prod", services=["web"])["services"]
    assert service["taskDefinition"].endswith("task-definition/web:1")

    shop.ecs.update_service(cluster="prod", service="web", taskDefinition="web:3")
    shop.goes_on_until(lambda: shop.state("web:3") == "passed", timedelta(minutes=25))

    assert shop.running() == {"web:3": 4}
    calls = [call for call in shop.look("calls") if call["by"] == ACT]
    assert [
        call["parameters"]["taskDefinition"] for call in calls if call["operation"] == "UpdateService"
    ] == ["web:1"]
    assert {call["operation"] for call in calls} == {"UpdateService", "TagResource"}
