"""A daemon that the app builds puts a site back: boto3 over HTTP, our guarded HTTP to the edge, the real clock."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from tests.deploy.targets.s3_cloudfront.pages import BUCKET, DISTRIBUTION, upload
from tests.fakes.aws import AwsWorld, serving
from tests.fakes.aws.fixtures import environment
from tests.fakes.serve import serving_app
from tests.watcher.app.house import House, at_work
from watcher import clock

ACT = "arn:aws:iam::123456789012:role/rollbackd-act"
MAIN = f"""\
version: 1
daemon:
  store: {{sqlite: {{path: ROOT/state.db}}}}
  http: {{listen: "127.0.0.1:0"}}
  reach: [127.0.0.0/8]
accounts:
  shop: {{region: eu-central-1, act: "{ACT}"}}
teams:
  shop: {{may_order: [local]}}
services:
  web:
    production:
      account: shop
      team: shop
      mode: ask
      runs_on: [{{s3_cloudfront: {{bucket: {BUCKET}, distribution: {DISTRIBUTION}, site: "http://127.0.0.1:EDGE"}}}}]
      rules: [{{file: web.yaml}}]
"""
RULES = """\
version: 1
indicators: {alarm: {state: {cloudwatch: {alarms: [site-broken]}}}}
rules: [{name: no alarm, indicator: alarm, judge: {state: {for: 1m}}, on_breach: ask}]
"""


@pytest.fixture
def world() -> AwsWorld:
    """``v1`` is live since a month; edges forget within half a second."""
    made, month_ago = AwsWorld(clock.now), clock.now() - timedelta(days=30)
    made.identities.role(ACT)
    made.s3.create_bucket(BUCKET)
    for release in ("v1", "v2"):
        upload(made, release, month_ago)
    made.s3.copy(BUCKET, "releases/v1/index.html", "index.html", month_ago)
    made.cloudfront.create(DISTRIBUTION, BUCKET, month_ago, clears_in=timedelta(seconds=0.5))
    return made


@pytest.fixture
async def edge(world: AwsWorld) -> AsyncIterator[int]:
    """The port at which an edge answers."""

    async def answer(request: web.Request) -> web.Response:
        seen = world.cloudfront.answer(DISTRIBUTION, request.path, clock.now())
        return web.Response(status=seen.status, headers=dict(seen.headers), body=seen.body)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with serving_app(app) as port:
        yield port


async def test_a_rollback_that_a_person_orders_is_done_when_the_edge_serves_it(
    tmp_path, world, edge, monkeypatch
):
    house = House(tmp_path)
    house.write(MAIN.replace("EDGE", str(edge)))
    (tmp_path / "web.yaml").write_text(RULES)
    with serving(world) as url:
        for name, value in environment(url).items():
            monkeypatch.setenv(name, value)
        async with at_work(house) as daemon:
            await daemon.logs("ledger.recalled")
            world.s3.copy(BUCKET, "releases/v2/index.html", "index.html", clock.now())
            world.cloudfront.clear(DISTRIBUTION, clock.now(), "/*")
            told = await daemon.post("/v1/deployments", service="web", environment="production", tag="v2")
            heard = await daemon.get(f"/v1/announcements/{told.json['announcement']}?wait=20s")
            watch = heard.json["watch"]
            planned = await daemon.get("/v1/plan/web/production")

            ordered = await daemon.post(
                f"/v1/watches/{watch}/orders", order="roll_back", reason="it is blank"
            )
            (closed,) = await daemon.logs("action.closed")

    assert planned.json["moves"][0]["foretold"]["obstacles"] == []
    assert ordered.status == 202, ordered.body
    assert (closed["result"], closed["watch_is"]) == ("done", "recovering")
    served = world.cloudfront.answer(DISTRIBUTION, "/", clock.now())
    assert served.headers["x-amz-meta-release"] == "v1"
    acted = [call.operation for call in world.calls if call.by == ACT]
    assert [each for each in acted if each != "PutObjectTagging"] == ["CopyObject", "CreateInvalidation"]
    assert world.bugs == []
