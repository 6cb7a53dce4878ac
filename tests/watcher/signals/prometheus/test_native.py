"""A service that exposes a native histogram, a real server that keeps it as one, and how many were too slow."""

import asyncio
from collections import Counter

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

LATENCY = {
    "histogram": "seconds",
    "native": True,
    "where": {"version": "${arm.version}"},
    "over": "300ms",
    "bucket": "1s",
}
FAST, SLOW = 0.05, 1.0
PATIENCE = 30.0  # seconds; it takes six where the machine is free


def a_service() -> web.Application:
    """Between two looks v1 serves twenty, all of them fast, and v2 twenty of which five are slow."""
    v1: Counter[float] = Counter()
    v2: Counter[float] = Counter()

    async def metrics(_request: web.Request) -> web.Response:
        v1.update({FAST: 20})
        v2.update({FAST: 15, SLOW: 5})
        body = native.page("seconds", [({"version": "v1"}, v1), ({"version": "v2"}, v2)])
        return web.Response(body=body, headers={"Content-Type": native.CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


async def test_how_many_were_too_slow_is_read_of_a_native_histogram(tmp_path):
    told: list[Reading] = [NoData("not asked yet")]
    asked = indicator(LATENCY, Kind.LATENCY, bounds=(0.3,))
    native_too = "--enable-feature=native-histograms"
    async with (
        serving_app(a_service()) as port,
        scraping([f"127.0.0.1:{port}"], "250ms", tmp_path, "shop", "", native_too) as url,
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
