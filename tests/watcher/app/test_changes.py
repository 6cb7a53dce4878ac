"""What else moved, through a daemon that the app has built: from a queue and from people, to what is shown and what is judged."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.watcher.app.house import AtWork, a_house, at_work, soon
from tests.watcher.changes.said import of
from watcher.app import Ports

QUEUE = """\
accounts:
  main: {region: us-west-2}
sources:
  events: {sqs: {account: main, url: "https://sqs.us-west-2.amazonaws.com/123456789012/events"}}
connections:
"""
RULES = """\
version: 1
indicators:
  flags: {state: {changes: {kinds: [flag], within: 1h}}}
rules:
  - {name: no flag moved, indicator: flags, judge: {state: {for: 1s}}, on_breach: ask}
"""


@dataclass
class Clock:
    """Stands until somebody moves it."""

    at: datetime = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Cloud:
    """AWS, as far as there is a queue; what lies in it is given once, and gone when it is acknowledged."""

    lies: dict[str, Any] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)

    async def read(self, scope: str, service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        raise AssertionError(f"{operation} is not asked")

    act = read

    async def poll(self, scope: str, service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        if operation == "delete_message_batch":
            for entry in asked["Entries"]:
                del self.lies[entry["ReceiptHandle"]]
            return {}
        new = [name for name in self.lies if name not in self.given]
        self.given.update(new)
        return {
            "Messages": [
                {"MessageId": name, "ReceiptHandle": name, "Body": json.dumps(self.lies[name])}
                for name in new
            ]
        }


@asynccontextmanager
async def a_daemon(root: Path, clock: Clock, cloud: Cloud, changes: str) -> AsyncIterator[AtWork]:
    house = a_house(root)
    (root / "web.yaml").write_text(RULES)
    house.change("connections:\n", QUEUE)
    house.change("  mode: shadow\n", f"  mode: ask\n  changes: {changes}\n")
    async with at_work(house, Ports(now=clock, aws=cloud)) as daemon:
        await daemon.logs("release.adopted")
        house.deploy("v2")
        await daemon.post("/v1/deployments", service="web", environment="production", tag="v2")
        await daemon.logs("watch.prepared")
        yield daemon


async def test_what_a_queue_tells_is_kept_before_it_is_gone_and_stands_beside_the_watch(tmp_path):
    cloud, clock = Cloud({"m-1": of("aws.ssm/Update")}), Clock()
    async with a_daemon(tmp_path, clock, cloud, '{told_by: [events], own: ["/checkout/*"]}') as daemon:
        await soon(lambda: not cloud.lies)
        listed = (await daemon.get("/v1/changes")).json["changes"]
        [watch] = (await daemon.get("/v1/watches")).json["watches"]
        shown = (await daemon.get(f"/v1/watches/{watch['id']}")).json

    assert "parameter `/checkout/limits`, changed" in [each["what"] for each in listed]
    assert [each["what"] for each in shown["changes"]] == ["parameter `/checkout/limits`, changed"]
    assert "  Does not undo: parameter `/checkout/limits`, changed 11:58:00" in shown["story"]


async def test_what_somebody_tells_is_seen_by_a_rule_that_looks_at_changes(tmp_path):
    clock = Clock()
    async with a_daemon(tmp_path, clock, Cloud(), "{told_by: [http]}") as daemon:
        clock.at += timedelta(seconds=20)
        told = await daemon.post("/v1/changes", what="flag new-pricing 0 → 50 %", kind="flag")

        async def asks() -> bool:
            clock.at += timedelta(seconds=10)  # a round that is under way reads the time when it ends
            [watch] = (await daemon.get("/v1/watches")).json["watches"]
            return bool(watch["state"] == "asking")

        await soon(asks)
        [watch] = (await daemon.get("/v1/watches")).json["watches"]
        shown = (await daemon.get(f"/v1/watches/{watch['id']}")).json

    assert told.status == 201
    assert "flag new-pricing 0 → 50 % in motion since 12:00 UTC" in shown["judgement"]["verdicts"][0]["words"]
