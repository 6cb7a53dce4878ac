"""How targets ask a site for its page: by our guarded HTTP, without any secret, and bounded."""

import pytest
from aiohttp import web

from deploy.errors import DeployError
from deploy.ports import Got
from deploy.targets.s3_cloudfront import Site
from tests.builders import NOON
from tests.fakes.aws import AwsWorld, Direct
from tests.fakes.serve import http_to_loopback, serving_app
from tests.watcher.config.sample import folder
from watcher.app import Ports
from watcher.app.opening import LARGEST_PAGE, _page, fleet_of
from watcher.config import read_configuration
from watcher.config.registries import all_kinds
from watcher.http import Guard, Http
from watcher.telemetry.metrics import Metrics


def a_site(
    body: bytes = b"<html>v1", status: int = 200, headers: dict[str, str] | None = None
) -> tuple[web.Application, list[web.Request]]:
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(body=body, status=status, headers=headers)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app, asked


async def test_a_page_comes_with_its_status_and_its_headers():
    app, asked = a_site(headers={"X-Amz-Meta-Release": "v1"})
    async with serving_app(app) as port, http_to_loopback(lambda: NOON) as http:
        got = await _page(http, f"http://127.0.0.1:{port}/")

    assert (got.status, got.body, got.headers["x-amz-meta-release"]) == (200, b"<html>v1", "v1")
    assert "Authorization" not in asked[0].headers
    assert asked[0].headers["User-Agent"].startswith("rollbackd/")


async def test_where_it_leads_is_not_followed():
    app, asked = a_site(status=301, headers={"Location": "http://127.0.0.1:9/elsewhere"})
    async with serving_app(app) as port, http_to_loopback(lambda: NOON) as http:
        got = await _page(http, f"http://127.0.0.1:{port}/")

    assert got.status == 301
    assert len(asked) == 1


async def test_a_page_that_is_too_large_is_refused():
    app, _ = a_site(b"x" * (LARGEST_PAGE + 1))
    async with serving_app(app) as port, http_to_loopback(lambda: NOON) as http:
        with pytest.raises(DeployError, match="larger than 2048 KiB"):
            await _page(http, f"http://127.0.0.1:{port}/")


async def test_where_the_daemon_may_not_reach_nobody_is_asked():
    app, asked = a_site()
    async with serving_app(app) as port, Http.open(Guard(), Metrics(), lambda: NOON) as http:
        with pytest.raises(DeployError) as caught:
            await _page(http, f"http://127.0.0.1:{port}/")

    assert asked == []
    assert "daemon.reach" in caught.value.remedy


SITE = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
accounts: {shop: {region: eu-central-1}}
services:
  web:
    production:
      account: shop
      runs_on: [{s3_cloudfront: {bucket: shop-site, distribution: E2EXAMPLE1ABC, site: "https://shop.example.com"}}]
      rules: [{pack: white-screen}]
"""


async def test_targets_get_it_where_there_is_http_and_else_that_of_the_ports(tmp_path):
    configuration, aws = (
        read_configuration(folder(tmp_path, SITE), all_kinds()),
        Direct(AwsWorld(lambda: NOON)),
    )

    async def nobody(url: str) -> Got:
        raise AssertionError

    async with http_to_loopback(lambda: NOON) as http:
        found = [
            fleet_of(configuration, ports, aws, by).targets["web", "production"]["service"]
            for ports, by in ((Ports(), http), (Ports(page=nobody), http), (Ports(), None))
        ]

    asks = [target._ask for target in found if isinstance(target, Site)]
    assert asks[0] is not None
    assert asks[1:] == [nobody, None]
