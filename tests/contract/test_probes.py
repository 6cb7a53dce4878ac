"""Probes of more than one request: suites of steps, and pages with their files."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import web

from rules.sample import Bucket, Counts, Measure
from tests.contract import several_requests
from tests.contract.provider_contract import Life
from tests.fakes.site import site_in
from tests.fakes.till import Till, suite
from tests.fakes.world import Clock, World, last
from watcher.signals.page.provider import open_page
from watcher.signals.provider import Opening, Provider
from watcher.signals.sampling import Pace
from watcher.signals.steps.provider import open_steps

BAD, GOOD = Counts(1.0, 1.0), Counts(0.0, 1.0)


class TestSteps(several_requests.OfSeveralRequests):
    kind = "steps"

    def query(self, base: str) -> dict[str, Any]:
        return {**suite(f"{base}/"), "every": "1s", "deadline": self.deadline(base)}

    def misspelt(self, base: str) -> dict[str, Any]:
        query = self.query(base)
        for step in query["steps"]:
            if "version" in step.get("expect", {}):
                step["expect"]["version"] = {"header": "x-version", "equals": "${arm.version}"}
        return query

    def app(self, world: World) -> web.Application:
        return Till(world).app()

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        now = last(life.world, life.look(bucket.end))
        counts = BAD if now.status != 200 else GOOD
        return (counts, None) if now.version == "v2" else (None, counts)

    def open(self, opening: Opening, clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return open_steps(None, opening, Pace(clock.now, clock.monotonic, clock.until))


class TestPage(several_requests.OfSeveralRequests):
    kind = "page"
    calls_each = 3  # the page, and its two files
    no_end = frozenset({"half as if it were all"})  # HTML needs none: what there is of it is shown

    def query(self, base: str) -> dict[str, Any]:
        return {
            "url": f"{base}/",
            "every": "1s",
            "deadline": self.deadline(base),
            "expect": {"assets": "all", "release": {"meta": "release", "equals": "${arm.version}"}},
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        query = self.query(base)
        query["expect"]["release"]["meta"] = "relase"
        return query

    def app(self, world: World) -> web.Application:
        answer = site_in(world)

        async def handle(request: web.Request) -> web.Response:
            return answer(request)

        app = web.Application()
        app.router.add_get("/{path:.*}", handle)
        return app

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        now = last(life.world, life.look(bucket.end))
        if now.version == "v2":
            return (BAD, None) if now.status != 200 else (GOOD, None)
        return (
            (BAD, BAD) if now.status != 200 else (None, GOOD)
        )  # whose files are gone, is the new one's doing

    def open(self, opening: Opening, clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return open_page(None, opening, Pace(clock.now, clock.monotonic, clock.until))
