"""The heartbeat: the monitor hears that all is well, and nothing else; its silence is what alarms. Against real HTTP."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_network

from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.fakes.serve import serving_app
from tests.watcher.app.house import a_house, at_work, built, soon
from watcher import clock
from watcher.commands._doctor import heartbeat as doctor
from watcher.commands._doctor.checks import carried_out
from watcher.commands._doctor.opened import opened
from watcher.http import Guard, Http
from watcher.runtime.heartbeat import Heartbeat
from watcher.telemetry.metrics import Metrics

WORD = "a-word-that-nobody-may-see"


@dataclass
class Monitor:
    """A monitor: it notes what it hears, and answers with *status*."""

    url: str = ""
    status: int = 200
    heard: list[str] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.heard.append(request.path)
        return web.Response(status=self.status, text=f"OK {WORD}")


@contextlib.asynccontextmanager
async def a_monitor() -> AsyncIterator[Monitor]:
    monitor, app = Monitor(), web.Application()
    app.router.add_get("/{path:.*}", monitor.hear)
    async with serving_app(app) as port:
        monitor.url = f"http://127.0.0.1:{port}/{WORD}"
        yield monitor


@dataclass
class Beating:
    heartbeat: Heartbeat
    metrics: Metrics
    why: list[str | None]

    def counted(self, result: str) -> float | None:
        return self.metrics.registry.get_sample_value("rollbackd_heartbeats_total", {"result": result})

    @property
    def at(self) -> float | None:
        return self.metrics.registry.get_sample_value("rollbackd_heartbeat_last_success_timestamp_seconds")


@contextlib.asynccontextmanager
async def beating(url: str) -> AsyncIterator[Beating]:
    metrics = Metrics()
    why: list[str | None] = [None]
    async with Http.open(Guard([ip_network("127.0.0.0/8")]), metrics, clock.now) as http:
        yield Beating(Heartbeat(SecretStr(url), http, metrics, clock.now, lambda: why[-1]), metrics, why)


async def test_the_monitor_hears_that_all_is_well_and_it_is_counted():
    async with a_monitor() as monitor, beating(monitor.url) as all_well:
        assert not await all_well.heartbeat.go_round()

        assert monitor.heard == [f"/{WORD}"]
        assert all_well.counted("sent") == 1
        assert all_well.at
        assert all_well.at > 1e9


async def test_a_daemon_that_is_not_well_stays_silent_and_says_so_once():
    async with a_monitor() as monitor, beating(monitor.url) as ill:
        ill.why.append("the store was not seen to write")

        with capture_logs() as log:
            await ill.heartbeat.go_round()
            await ill.heartbeat.go_round()
            ill.why.append(None)
            await ill.heartbeat.go_round()

        assert monitor.heard == [f"/{WORD}"]
        assert [line["event"] for line in log] == ["heartbeat.missed", "heartbeat.recovered"]
        assert (ill.counted("withheld"), ill.counted("sent")) == (2, 1)


async def test_a_monitor_that_refuses_is_counted_and_its_address_is_not_said():
    async with a_monitor() as monitor, beating(monitor.url) as unheard:
        monitor.status = 404

        with capture_logs() as log:
            await unheard.heartbeat.go_round()

        assert (unheard.counted("failed"), unheard.at) == (1, 0)
        assert "404" in str(log)
        assert f"/{WORD}" not in str(log)


async def test_a_monitor_that_is_away_spoils_no_round():
    async with beating(f"http://127.0.0.1:9/{WORD}") as unheard:
        await unheard.heartbeat.go_round()

        assert unheard.counted("failed") == 1


async def test_the_counters_are_there_before_the_first_beat_so_that_an_alert_sees_an_increase():
    async with beating("http://127.0.0.1:9/") as before:
        assert [before.counted(each) for each in ("sent", "failed", "withheld")] == [0, 0, 0]


def set_in(house, url):
    (house.root / "beat").write_text(url)
    house.change("  reach:", "  heartbeat: {url: {file: ROOT/beat}, every: 1s}\n  reach:")


async def test_a_daemon_beats_while_it_works_and_not_while_its_store_was_never_seen(tmp_path):
    async with a_monitor() as monitor:
        house = a_house(tmp_path)
        set_in(house, monitor.url)
        async with at_work(house) as daemon:
            await soon(lambda: len(monitor.heard) > 1)
            samples = (await daemon.get("/metrics")).samples

            assert samples['rollbackd_heartbeats_total{result="sent"}'] >= 1
            assert WORD not in daemon.log.read_text()


async def test_a_daemon_without_one_has_no_such_loop(tmp_path):
    async with built(a_house(tmp_path)) as daemon:
        assert "heartbeat" not in [loop.name for loop in daemon.running.daemon.loops]


async def test_another_url_needs_a_restart_and_is_said(tmp_path):
    house = a_house(tmp_path)
    set_in(house, "http://127.0.0.1:9/one")
    async with built(house) as daemon:
        (tmp_path / "beat").write_text("http://127.0.0.1:9/another")

        await daemon.running.in_force.reload()
        [said] = await daemon.logs("configuration.needs_restart")

    assert said["keys"] == ["daemon.heartbeat"]


async def test_the_doctor_says_that_the_monitor_answers_and_sends_no_beat(tmp_path):
    async with a_monitor() as monitor:
        house = a_house(tmp_path)
        set_in(house, monitor.url)
        async with (
            built(house) as daemon,
            opened(daemon.running.in_force.configuration, daemon.running.in_force.ports) as world,
        ):
            [found] = await carried_out(list(doctor.checks(world)))

        assert monitor.heard == ["/"]
        assert "answers (HTTP 200 at its root)" in found.finding.words
        assert WORD not in str(found)


async def test_the_doctor_looks_at_none_where_none_is_set(tmp_path):
    async with (
        built(a_house(tmp_path)) as daemon,
        opened(daemon.running.in_force.configuration, daemon.running.in_force.ports) as world,
    ):
        assert list(doctor.checks(world)) == []
