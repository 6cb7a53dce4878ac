"""Alerts that are pushed, through a daemon that the app has built, by real HTTP. The clock stands, so that only a push can hurry."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.fakes.alerts import SECRET, Alert, Turn
from tests.fakes.alerts.cloudwatch import of_eventbridge
from tests.fakes.alerts.log import Delivery
from tests.fakes.alerts.post import burst
from tests.fakes.serve import serving_app
from tests.watcher.app.house import AtWork, House, a_house, at_work, built, soon
from tests.watcher.app.test_changes import QUEUE, Cloud
from watcher.app import Ports
from watcher.core.alerts import Mood

START = datetime(2026, 11, 24, 12, 0, 10, tzinfo=UTC)
ALERTS = """\
alerts:
  am: {alertmanager: {secret: {file: ROOT/am.secret}}}
connections:
"""
RULES = """\
version: 1
indicators:
  pushed: {state: {alert: {source: am, match: {service: web}, decides: DECIDES}}}
rules:
  - {name: no alert fires, indicator: pushed, judge: {state: {for: 1s}}, on_breach: CONSEQUENCE}
"""


@dataclass
class Clock:
    """Stands until somebody moves it: to the next whole minute nothing is due by itself."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Town:
    """A house whose rule hears Alertmanager."""

    house: House
    clock: Clock = field(default_factory=Clock)

    @property
    def ports(self) -> Ports:
        return Ports(now=self.clock)

    def delivery(self, *alerts: tuple[str, datetime, bool]) -> Delivery:
        """A group of Alertmanager: each alert with its name, since when it fires, and whether it does."""
        body = {
            "version": "4",
            "groupKey": "{}:{}",
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "rollbackd",
            "alerts": [_alert(name, began, self.clock.at, fires=fires) for name, began, fires in alerts],
        }
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
        return Delivery(self.clock.at, json.dumps(body).encode(), headers)

    async def pushes(self, daemon: AtWork, *alerts: tuple[str, datetime, bool]) -> list[int]:
        return await burst(daemon.session, f"{daemon.url}/v1/alerts/am", [self.delivery(*alerts)])

    async def deploys(self, daemon: AtWork) -> None:
        """v2 is put there, and watched: it was looked at once, and is not due again."""
        self.house.deploy("v2")
        told = await daemon.post("/v1/deployments", service="web", environment="production", tag="v2")
        assert told.status == 202
        await daemon.logs("watch.prepared")
        await soon(lambda: self._is_at_rest(daemon))

    async def _is_at_rest(self, daemon: AtWork) -> bool:
        """The round that looked at it is over: the clock may be moved, and does not move within it."""
        before = (await self.watch(daemon))["revision"]
        await asyncio.sleep(0.3)  # the patrol looks every quarter of a second
        return bool((await self.watch(daemon))["revision"] == before)

    async def watch(self, daemon: AtWork) -> Any:
        [watch] = (await daemon.get("/v1/watches")).json["watches"]
        return watch

    async def verdict(self, daemon: AtWork) -> Any:
        """What the rule says now."""
        watch = await self.watch(daemon)
        judgement = (await daemon.get(f"/v1/watches/{watch['id']}")).json["judgement"]
        return judgement["verdicts"][0] if judgement else None


def _alert(name: str, began: datetime, now: datetime, *, fires: bool) -> dict[str, Any]:
    return {
        "status": "firing" if fires else "resolved",
        "labels": {"alertname": name, "service": "web"},
        "annotations": {"summary": f"{name} of web"},
        "startsAt": began.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z" if fires else now.isoformat(),
        "fingerprint": f"f-{name}",
    }


@contextlib.asynccontextmanager
async def a_town(root: Path, decides: str = "true", consequence: str = "rollback") -> AsyncIterator[Town]:
    house = a_house(root)
    rules = RULES.replace("DECIDES", decides).replace("CONSEQUENCE", consequence)
    (root / "web.yaml").write_text(rules)
    (root / "am.secret").write_text(SECRET)
    house.change("connections:\n", ALERTS)
    house.change("mode: shadow", "mode: auto\n  countdown: 0s")
    yield Town(house)


async def test_a_pushed_alert_is_judged_at_once_and_where_it_decides_the_release_is_back(tmp_path):
    async with a_town(tmp_path) as town, at_work(town.house, town.ports) as daemon:
        await daemon.logs("release.adopted")
        await town.deploys(daemon)
        town.clock.passes(10)

        answers = await town.pushes(daemon, ("errors", town.clock.at - timedelta(seconds=5), True))
        await soon(lambda: town.house.serves == "v1")
        samples = (await daemon.get("/metrics")).samples
        audit = (await daemon.get("/v1/audit?limit=500")).json["rows"]

    assert answers == [202]
    assert town.clock.at < datetime(2026, 11, 24, 12, 1, tzinfo=UTC)  # before anything was due
    assert samples['rollbackd_alerts_received_total{outcome="changed",sender="am"}'] == 1
    [hurried] = [row for row in audit if row["what"] == "watch.hurried"]
    assert (hurried["by"], hurried["why"]) == ("alerts:am", "errors of web")


async def test_an_alert_that_fired_before_the_deployment_is_not_blamed_and_one_that_is_worse_is(tmp_path):
    async with a_town(tmp_path) as town, at_work(town.house, town.ports) as daemon:
        await daemon.logs("release.adopted")
        before = town.clock.at - timedelta(minutes=20)
        await town.pushes(daemon, ("database", before, True))
        await town.deploys(daemon)

        async def says(words: str) -> bool:
            verdict = await town.verdict(daemon)
            return verdict is not None and words in verdict["words"]

        town.clock.passes(115)  # a whole minute with all the traffic
        await soon(lambda: says("before the deployment: says nothing of this release"))
        town.clock.passes(10)
        await town.pushes(daemon, ("database", before, True))
        unmoved = (await town.verdict(daemon))["outcome"], town.house.serves
        town.clock.passes(10)
        worse = ("errors", town.clock.at - timedelta(seconds=3), True)
        await town.pushes(daemon, ("database", before, True), worse)
        await soon(lambda: town.house.serves == "v1")

    assert unmoved == ("undecided", "v2")


async def test_an_alert_that_may_only_hint_hurries_and_asks(tmp_path):
    async with a_town(tmp_path, "false", "ask") as town, at_work(town.house, town.ports) as daemon:
        await daemon.logs("release.adopted")
        await town.deploys(daemon)
        town.clock.passes(10)
        await town.pushes(daemon, ("errors", town.clock.at - timedelta(seconds=5), True))

        async def asks() -> bool:
            return bool((await town.watch(daemon))["state"] == "asking")

        await soon(asks)

    assert town.house.serves == "v2"


async def test_in_shadow_and_without_a_store_that_lasts_it_is_heard_too_and_nothing_is_moved(tmp_path):
    async with a_town(tmp_path) as town:
        town.house.change("mode: auto", "mode: shadow")
        town.house.change("{sqlite: {path: ROOT/state.db}}", "{memory: {}}")
        async with at_work(town.house, town.ports) as daemon:
            await daemon.logs("release.adopted")
            await town.deploys(daemon)
            town.clock.passes(10)
            await town.pushes(daemon, ("errors", town.clock.at - timedelta(seconds=5), True))

            async def breached() -> bool:
                verdict = await town.verdict(daemon)
                return verdict is not None and bool(verdict["outcome"] == "breached")

            await soon(breached)
            words = (await town.verdict(daemon))["words"]

    assert words == "errors in alarm since 12:00 UTC"
    assert town.house.serves == "v2"


async def test_what_was_heard_is_judged_by_the_next_life_though_this_one_is_killed_before_it_looks(tmp_path):
    async with a_town(tmp_path) as town:
        async with at_work(town.house, town.ports) as daemon:
            await daemon.logs("release.adopted")
            await town.deploys(daemon)
        town.clock.passes(10)

        on_disk = tmp_path / "on_disk"
        async with built(town.house, town.ports) as daemon:  # nobody looks at anything
            answers = await town.pushes(daemon, ("errors", town.clock.at - timedelta(seconds=5), True))
            on_disk.mkdir()
            for file in tmp_path.glob("state.db*"):  # what kill -9 leaves, the moment it is answered
                shutil.copy(file, on_disk / file.name)
        for file in tmp_path.glob("state.db*"):
            file.unlink()
        for file in on_disk.iterdir():
            shutil.copy(file, tmp_path / file.name)

        async with at_work(town.house, town.ports):
            await soon(lambda: town.house.serves == "v1")

    assert answers == [202]


async def test_an_alarm_that_comes_by_the_queue_of_deployments_is_judged_at_once_too(tmp_path):
    async with a_town(tmp_path, "false", "ask") as town:
        town.house.change("connections:\n", QUEUE)
        rules = (tmp_path / "web.yaml").read_text()
        queued = rules.replace("source: am, match: {service: web}", "source: events, match: {alarm: web-5xx}")
        (tmp_path / "web.yaml").write_text(queued)
        cloud = Cloud()
        async with at_work(town.house, Ports(now=town.clock, aws=cloud)) as daemon:
            await daemon.logs("release.adopted")
            await town.deploys(daemon)
            town.clock.passes(10)
            began = town.clock.at - timedelta(seconds=5)
            cloud.lies["m-1"] = of_eventbridge(Turn(began, Alert("web-5xx"), Mood.FIRING))

            async def asks() -> bool:
                return bool((await town.watch(daemon))["state"] == "asking")

            await soon(asks)
            await soon(lambda: not cloud.lies)
            told = (await daemon.get("/v1/alerts")).json["senders"]

    assert [(each["name"], each["moods"]) for each in told] == [("am", {}), ("events", {"firing": 1})]


class AwayLater(Cloud):
    """One whose queue does not answer any more, once it is told so."""

    is_away = False

    async def poll(self, scope: str, service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        if self.is_away:
            raise TimeoutError
        return await super().poll(scope, service, operation, **asked)


async def test_what_a_queue_told_to_be_well_is_not_known_any_more_when_it_does_not_answer(tmp_path):
    async with a_town(tmp_path, "false", "ask") as town:
        town.house.change("connections:\n", QUEUE)
        rules = (tmp_path / "web.yaml").read_text()
        queued = rules.replace("source: am, match: {service: web}", "source: events, match: {alarm: web-5xx}")
        (tmp_path / "web.yaml").write_text(queued)
        cloud = AwayLater()
        cloud.lies["m-1"] = of_eventbridge(Turn(town.clock.at, Alert("web-5xx"), Mood.WELL))
        async with at_work(town.house, Ports(now=town.clock, aws=cloud)) as daemon:
            await daemon.logs("release.adopted")
            await soon(lambda: not cloud.lies)
            await town.deploys(daemon)

            async def says(words: str) -> bool:
                town.clock.passes(10)
                return words in json.dumps(await town.verdict(daemon))

            await soon(lambda: says("healthy"))
            cloud.is_away = True
            await soon(lambda: says("events does not answer"))


@pytest.mark.lasts(6)
async def test_a_storm_is_heard_whole_and_a_release_is_rolled_back_in_the_middle_of_it(tmp_path):
    async with a_town(tmp_path) as town, at_work(town.house, town.ports) as daemon:
        await daemon.logs("release.adopted")
        await town.deploys(daemon)
        town.clock.passes(10)
        began = town.clock.at - timedelta(seconds=5)
        storm = [town.delivery((f"a{number}", began, True)) for number in range(1000)]

        answers = await burst(daemon.session, f"{daemon.url}/v1/alerts/am", storm)
        await soon(lambda: town.house.serves == "v1")
        told = (await daemon.get("/v1/alerts")).json["senders"]

    assert set(answers) == {202}
    assert told[0]["moods"] == {"firing": 1000}


async def test_whoever_shows_no_secret_is_not_heard(tmp_path):
    async with a_town(tmp_path) as town, at_work(town.house, town.ports) as daemon:
        await daemon.logs("release.adopted")
        forged = town.delivery(("errors", town.clock.at, True))
        headers = {**forged.headers, "Authorization": "Bearer " + "x" * 40}

        wrong = Delivery(forged.at, forged.body, headers)
        answers = await burst(daemon.session, f"{daemon.url}/v1/alerts/am", [wrong])
        answers += await burst(daemon.session, f"{daemon.url}/v1/alerts/nobody", [forged])
        told = (await daemon.get("/v1/alerts")).json["senders"]

    assert answers == [401, 401]
    assert told == [
        {
            "name": "am",
            "kind": "alertmanager",
            "heard_at": None,
            "lacking_at": None,
            "moods": {},
            "unsubscribed": [],
        }
    ]


async def test_another_secret_is_taken_when_the_configuration_is_read_again(tmp_path):
    async with a_town(tmp_path) as town, at_work(town.house, town.ports) as daemon:
        await daemon.logs("release.adopted")
        (tmp_path / "am.secret").write_text("another secret, and long enough to be one 0123456789")
        before = await town.pushes(daemon)
        assert await daemon.running.in_force.reload()
        after = await town.pushes(daemon)

    assert (before, after) == ([202], [401])


async def test_where_an_alert_can_be_seen_stands_beside_the_evidence_and_no_secret_of_its_address(tmp_path):
    told: list[Any] = []

    async def hears(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    receiver = web.Application()
    receiver.router.add_post("/ops", hears)
    async with a_town(tmp_path, "false", "ask") as town, serving_app(receiver) as port:
        town.house.change("http://127.0.0.1:9/ops", f"http://127.0.0.1:{port}/ops")
        town.house.change("shop: {may_order", "shop: {tell: [ops], may_order")
        async with at_work(town.house, town.ports) as daemon:
            await daemon.logs("release.adopted")
            await town.deploys(daemon)
            town.clock.passes(10)
            delivery = town.delivery(("errors", town.clock.at - timedelta(seconds=5), True))
            said = json.loads(delivery.body)
            said["alerts"][0]["generatorURL"] = (
                "https://prometheus.acme.example/graph?g0.expr=x&token=a-canary"
            )
            said["alerts"][0]["annotations"]["runbook_url"] = "https://wiki.acme.example/errors"
            said["alerts"].append(
                {**said["alerts"][0], "fingerprint": "other", "labels": {"alertname": "other"}}
            )
            pushed = replace(delivery, body=json.dumps(said).encode())
            await burst(daemon.session, f"{daemon.url}/v1/alerts/am", [pushed])
            await soon(lambda: any(each["event"] == "watch.asked" for each in told))
            shown = (await daemon.get(f"/v1/watches/{(await town.watch(daemon))['id']}")).json

    asked = next(each for each in told if each["event"] == "watch.asked")
    assert asked["links"] == [
        {
            "label": "errors at prometheus.acme.example",
            "url": "https://prometheus.acme.example/graph?g0.expr=x",
        },
        {"label": "Runbook at wiki.acme.example", "url": "https://wiki.acme.example/errors"},
    ]
    assert (
        "Fires: errors since 12:00:15, told by am: errors of web (prometheus.acme.example)" in asked["lines"]
    )
    [fires] = shown["fires"]
    assert (fires["called"], fires["words"], fires["link"]) == (
        "errors",
        "errors of web",
        asked["links"][0]["url"],
    )
    assert any("https://wiki.acme.example/errors" in line for line in shown["story"])
    assert "a-canary" not in json.dumps([told, shown])
