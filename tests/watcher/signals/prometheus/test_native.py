"""A service that exposes a native histogram, a real server that keeps it as one, and how many were too slow."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

import pytest
from aiohttp import web

from rules.model import Kind
from rules.sample import Counts, NoData, Reading
from tests.crash.patience import until
from tests.fakes.prometheus import native
from tests.fakes.prometheus.real import scraping
from tests.fakes.serve import serving_app
from tests.watcher.signals.prometheus.asking import MINUTE, SECOND, asking, indicator
from watcher.clock import now
from watcher.signals.prometheus.promql import STARTED

LATENCY = {
    "histogram": "seconds",
    "native": True,
    "where": {"version": "${arm.version}"},
    "over": "300ms",
    "bucket": "1s",
}
FAST, SLOW = 0.05, 1.0
PATIENCE = 30.0  # seconds; it takes six where the machine is free


def a_process(version: str, between: Mapping[float, int], age: timedelta, life: int = 0) -> web.Application:
    """Serves *between* two looks, and has served as many slow ones as *life* before the first."""
    served: Counter[float] = Counter({SLOW: life} if life else {})
    started = native.gauge(STARTED, (now() - age).timestamp())

    async def metrics(_request: web.Request) -> web.Response:
        served.update(between)
        body = started + native.page("seconds", [({"version": version}, served)])
        return web.Response(body=body, headers={"Content-Type": native.CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


async def test_how_many_were_too_slow_is_read_of_a_native_histogram_without_the_life_of_an_old_process(
    tmp_path,
):
    told: list[Reading] = [NoData("not asked yet")]
    asked = indicator(LATENCY, Kind.LATENCY, bounds=(0.3,))
    native_too = "--enable-feature=native-histograms"
    async with (
        serving_app(a_process("v1", {FAST: 20}, timedelta(hours=2), life=5000)) as old_port,
        serving_app(a_process("v2", {FAST: 15, SLOW: 5}, timedelta(0))) as new_port,
        scraping(
            [f"127.0.0.1:{port}" for port in (old_port, new_port)], "250ms", tmp_path, "shop", "", native_too
        ) as url,
        asking(url, scrape_interval="250ms", settle="1s") as ask,
    ):
        begun = now().replace(microsecond=0)

        async def came() -> bool:
            ask.now[0] = now()
            minutes = (ask.now[0] - SECOND - begun) / MINUTE
            told[0] = (await ask.all(asked, start=begun, minutes=minutes))["errors"]
            return isinstance(told[0], tuple) and len(told[0][0].buckets) >= 3

        async with asyncio.timeout(PATIENCE):
            await until(came)

    assert isinstance(told[0], tuple)
    found = told[0][0].buckets
    new = [each.canary for each in found if isinstance(each.canary, Counts)]
    old = [each.baseline for each in found if isinstance(each.baseline, Counts)]
    assert sum(each.bad for each in new) / sum(each.total for each in new) == pytest.approx(0.25, abs=0.05)
    assert sum(each.bad for each in old) == 0 < sum(each.total for each in old)
    assert all(each.approximate for each in found)
