"""The whole way, in real time: a service that is real, a server that scrapes it, and a bad release that is put back."""

import asyncio
import itertools
from datetime import timedelta

from aiohttp import ClientSession, web
from prometheus_client import CollectorRegistry, Counter, generate_latest

from rules.sample import Counts, NoData, Reading
from tests.crash.patience import until
from tests.fakes.prometheus.real import scraping
from tests.fakes.serve import http_to_loopback, serving_app
from tests.watcher.app.house import House, a_house, at_work
from tests.watcher.signals.prometheus.asking import RATIO, indicator
from watcher.clock import now as utc_now
from watcher.signals.prometheus import Settings, open_prometheus
from watcher.signals.provider import Opening, Question, Window

BUCKET = timedelta(seconds=1)
PATIENCE = 60.0  # seconds; it takes seven where the machine is free


def _service() -> tuple[web.Application, Counter]:
    registry = CollectorRegistry()
    served = Counter("http_requests", "Served.", ["service", "version", "code"], registry=registry)

    async def buy(request: web.Request) -> web.Response:
        version = request.query["version"]
        code = "500" if version == "v2" and request.query["n"].endswith(("0", "5")) else "200"
        served.labels("shop", version, code).inc()
        return web.Response(status=int(code))

    async def page(_request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    app = web.Application()
    app.router.add_get("/buy", buy)
    app.router.add_get("/metrics", page)
    return app, served


async def test_a_bad_release_of_a_real_service_is_seen_through_a_real_server(tmp_path):
    app, served = _service()
    asked = indicator({**RATIO, "bucket": "1s"})
    settings = Settings.model_validate({"url": "http://unused", "scrape_interval": "500ms", "settle": "1s"})
    async with (
        serving_app(app) as port,
        scraping([f"127.0.0.1:{port}"], "500ms", tmp_path) as url,
        http_to_loopback(utc_now) as http,
        ClientSession() as customers,
    ):
        opening = Opening(http, utc_now, asyncio.get_running_loop().time)
        begun = utc_now()
        async with open_prometheus(settings.model_copy(update={"url": url}), opening) as provider:
            reading: Reading = NoData("not asked yet")
            async with asyncio.timeout(PATIENCE):
                for number in itertools.count():
                    for version in ("v1", "v2"):
                        await customers.get(
                            f"http://127.0.0.1:{port}/buy", params={"version": version, "n": str(number)}
                        )
                    await asyncio.sleep(0.05)
                    if number % 20 == 19:
                        window = Window(begun - BUCKET, utc_now() - settings.settles, utc_now() + 3 * BUCKET)
                        question = Question("q", asked, {"version": "v2"}, {"version": "v1"})
                        reading = (await provider.read([question], window))["q"]
                        if isinstance(reading, tuple) and len(reading[0].buckets) >= 3:
                            break

    assert isinstance(reading, tuple)
    new = [each.canary for each in reading[0].buckets if isinstance(each.canary, Counts)]
    old = [each.baseline for each in reading[0].buckets if isinstance(each.baseline, Counts)]
    assert sum(each.bad for each in new) >= 0.1 * sum(each.total for each in new) > 0
    assert sum(each.bad for each in old) == 0 < sum(each.total for each in old)
    truth = served.labels("shop", "v2", "500")._value.get()
    assert sum(each.bad for each in new) <= truth


CONNECTION = """\
connections:
  prom: {prometheus: {url: "PROMETHEUS", scrape_interval: 500ms, settle: 1s}}
"""
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      prometheus:
        counter: http_requests_total
        where: {service: shop, version: "${arm.version}"}
        bad: {code: "5.."}
        bucket: 1s
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


async def _customers(session: ClientSession, url: str, house: House) -> None:
    """They are served by what serves now, for as long as they are let."""
    for number in itertools.count():
        await session.get(f"{url}/buy", params={"version": house.serves, "n": str(number)})
        await asyncio.sleep(0.02)


async def test_the_daemon_puts_a_bad_release_back_by_what_prometheus_says(tmp_path):
    app, _ = _service()
    house = a_house(tmp_path)
    (tmp_path / "server").mkdir()
    (tmp_path / "web.yaml").write_text(RULES)
    async with (
        serving_app(app) as port,
        scraping([f"127.0.0.1:{port}"], "500ms", tmp_path / "server") as url,
        ClientSession() as session,
    ):
        house.change("connections:\n", CONNECTION.replace("PROMETHEUS", url))
        house.change("mode: shadow", "mode: auto")
        buying = asyncio.ensure_future(_customers(session, f"http://127.0.0.1:{port}", house))
        try:
            async with at_work(house) as daemon:
                await daemon.logs("release.adopted")
                house.deploy("v2")
                answer = await daemon.post(
                    "/v1/deployments", service="web", environment="production", tag="v2"
                )
                assert answer.status == 202, answer.body
                async with asyncio.timeout(PATIENCE):
                    await until(lambda: house.serves == "v1")
        finally:
            buying.cancel()
