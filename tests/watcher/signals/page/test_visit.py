"""A visit to a page: which screens stay white, whose page it was, and what is nobody's fault."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from rules.sample import Invalid, Unavailable, Who
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.site import INDEX, Site, files, page
from tests.fakes.world import START
from tests.waiting import passes
from watcher.http import Answer, Http
from watcher.signals.page.asset import wrong_asset
from watcher.signals.page.document import Asset, Role
from watcher.signals.page.marker import cached, in_script
from watcher.signals.page.query import Query
from watcher.signals.page.visit import MOST_ASSETS, Page
from watcher.signals.probe.check import Probed, Reason, Seen

RELEASE = {"meta": "release", "equals": "-"}
MAIN = "/app/main.v2.js"


@dataclass
class Visited:
    """A site that has `v2`, and its visitors."""

    base: str
    site: Site
    http: Http
    failures: Counter[Reason] = field(default_factory=Counter)

    async def visit(self, path: str = "/", **query: Any) -> Seen:
        expect = {"release": RELEASE, **query.pop("expect", {})}
        read = Query.model_validate({"url": self.base + path, "expect": expect, **query})
        return await Page(read.addresses[0], read, self.http, self.count).look(START)

    def count(self, reason: Reason) -> None:
        self.failures[reason] += 1

    def write(self, head: str) -> None:
        self.site.put(INDEX, f"<!doctype html><head>{head}</head>")


@contextlib.asynccontextmanager
async def a_site() -> AsyncIterator[Visited]:
    site = Site()
    site.release("v1")
    site.release("v2")
    async with serving_app(site.app()) as port, http_to_loopback(lambda: START) as http:
        yield Visited(f"http://127.0.0.1:{port}", site, http)


async def test_a_page_with_all_that_it_names_is_well_and_its_releases():
    async with a_site() as visited:
        assert await visited.visit() == Probed(None, version="v2", answered=True)
        assert sorted(visited.site.asked) == ["/", *sorted(files("v2"))]


async def test_a_chunk_that_is_missing_is_a_white_screen_though_it_is_answered_with_200():
    async with a_site() as visited:
        del visited.site.objects[MAIN]
        seen = await visited.visit()

        why = "HTTP 200 with a page in its place, as where a file is missing"
        words = f"1 of 3 files: main.v2.js: {why} (the page is of 'v2')"
        assert seen == Probed(Reason.ASSET, words, "v2", answered=True)
        assert visited.failures == {Reason.ASSET: 1}


async def test_an_old_page_from_a_cache_is_called_what_it_is():
    async with a_site() as visited:
        visited.site.stale = (page("v1").encode(), 3600)

        hint = "from a cache: Age 3600 s, Hit from cloudfront"
        assert await visited.visit() == Probed(None, hint, "v1", answered=True)

        visited.site.release("v2", keeps_old=False)
        seen = await visited.visit()
        assert isinstance(seen, Probed)
        assert (seen.reason, seen.version) == (Reason.ASSET, "v1")
        assert seen.words.startswith("3 of 3 files: ")
        assert seen.words.endswith(f"(the page is of 'v1', {hint})")


async def test_a_file_that_was_changed_is_bad():
    async with a_site() as visited:
        visited.site.put(MAIN, "draw(0)")
        seen = await visited.visit()

        assert isinstance(seen, Probed)
        assert "main.v2.js: it is not what the page expects: another sha384" in seen.words


async def test_files_of_strangers_are_asked_for_only_if_somebody_says_so():
    async with a_site() as visited, a_site() as cdn:
        visited.write(
            f'<meta name=release content=v2><script>1</script><script src="{cdn.base}/gone.js"></script>'
        )

        assert await visited.visit() == Probed(None, version="v2", answered=True)
        assert cdn.site.asked == []
        for query in ({"expect": {"assets": "all"}}, {"origins": [cdn.base]}):
            seen = await visited.visit(headers={"X-Canary": "always"}, **query)
            assert isinstance(seen, Probed)
            assert seen.reason is Reason.ASSET
        assert [headers.get("X-Canary") for headers in visited.site.headers[1:]] == ["always", "always"]
        assert [headers.get("X-Canary") for headers in cdn.site.headers] == [None, None]


async def test_a_page_that_names_no_script_draws_nothing():
    async with a_site() as visited:
        visited.write("<meta name=release content=v2><link rel=stylesheet href=/app/styles.v2.css>")

        words = "the page names no script: nothing would be drawn (the page is of 'v2')"
        assert await visited.visit() == Probed(Reason.BODY, words, "v2", answered=True)


async def test_where_all_scripts_are_of_strangers_its_author_has_to_say_whose_they_are():
    async with a_site() as visited, a_site() as cdn:
        visited.write(f"<meta name=release content=v2><script src='{cdn.base}{MAIN}'></script>")

        assert await visited.visit() == Invalid(
            Who.AUTHOR,
            f"the page has no script of its own origin, but of {cdn.base}: if that is yours, add it to `origins`",
        )
        assert await visited.visit(origins=[cdn.base]) == Probed(None, version="v2", answered=True)


async def test_what_is_answered_in_the_place_of_a_page_is_bad():
    async with a_site() as visited:
        visited.site.put("/data.json", "{}")

        assert await visited.visit("/data.json") == Probed(
            Reason.BODY, "the page is application/json, and not text/html", answered=True
        )
        seen = await visited.visit(expect={"status": 404})
        assert seen == Probed(Reason.STATUS, "HTTP 200", answered=True)


async def test_the_release_may_stand_in_a_file_or_in_a_script():
    async with a_site() as visited:
        visited.site.put("/version.json", '{"build": {"version": "v2"}}')
        for marker in (
            {"json": {"url": "/version.json", "path": "build.version"}},
            {"global": "__RELEASE__"},
        ):
            assert await visited.visit(expect={"release": {**marker, "equals": "-"}}) == Probed(
                None, version="v2", answered=True
            )
        for marker in (
            {"json": {"url": "/gone.json", "path": "build.version"}},
            {"global": "RELEASE__"},
            {"meta": "x"},
        ):
            assert await visited.visit(expect={"release": {**marker, "equals": "-"}}) == Probed(
                None, answered=True
            )


async def test_a_redirect_is_followed_on_the_same_site_and_nowhere_else():
    async def away(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async with a_site() as visited, a_site() as login:
        app = web.Application()
        app.router.add_get("/away", away)
        app.router.add_get("/{path:.*}", visited.site.answer)
        async with serving_app(app) as port:
            visited.base = f"http://127.0.0.1:{port}"

            assert (await visited.visit("/away?to=/")) == Probed(None, version="v2", answered=True)
            assert await visited.visit(f"/away?to={login.base}/") == Probed(
                Reason.REDIRECT, f"{visited.base}: HTTP 302, a redirect to {login.base}"
            )
        assert login.site.asked == []


async def test_what_routes_at_home_is_sent_to_nobody_else_also_where_a_file_moved_there():
    async def moved(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"{cdn.base}{request.path}"})

    async with a_site() as visited, a_site() as cdn:
        app = web.Application()
        app.router.add_get(MAIN, moved)
        app.router.add_get("/{path:.*}", visited.site.answer)
        async with serving_app(app) as port:
            visited.base = f"http://127.0.0.1:{port}"
            seen = await visited.visit(headers={"X-Canary": "always"})

        assert seen == Probed(None, version="v2", answered=True)
        assert cdn.site.asked == [MAIN]
        assert "X-Canary" not in cdn.site.headers[0]
        assert all(headers["X-Canary"] == "always" for headers in visited.site.headers)


async def test_a_file_that_may_not_be_asked_for_is_blindness_and_one_that_is_bad_still_bad():
    async with a_site() as visited:
        never = '<meta name=release content=v2><script src="http://169.254.169.254/a.js"></script>'
        visited.write(never)
        seen = await visited.visit(expect={"assets": "all"})
        assert isinstance(seen, Unavailable)
        assert "not an allowed address" in seen.words

        visited.write(never + "<script src=gone.js></script>")
        both = await visited.visit(expect={"assets": "all"})
        assert isinstance(both, Probed)
        assert both.reason is Reason.ASSET


async def test_a_file_that_browsers_read_and_the_daemon_does_not_is_blindness():
    async def brotli(_request: web.Request) -> web.Response:
        return web.Response(body=b"\x0b\x02\x80abc\x03", headers={"Content-Encoding": "br"})

    async with a_site() as visited:
        app = web.Application()
        app.router.add_get(MAIN, brotli)
        app.router.add_get("/{path:.*}", visited.site.answer)
        async with serving_app(app) as port:
            visited.base = f"http://127.0.0.1:{port}"
            seen = await visited.visit()

        words = f"{visited.base}: a body in an encoding that was not asked for: it is not read"
        assert seen == Invalid(Who.AUTHOR, words)


async def test_a_page_that_names_more_files_than_anybody_asks_for_is_told_to_its_author():
    async with a_site() as visited:
        visited.write("".join(f"<script src={n}.js></script>" for n in range(MOST_ASSETS + 1)))

        assert await visited.visit() == Invalid(Who.AUTHOR, f"the page names more than {MOST_ASSETS} files")
        assert visited.site.asked == ["/"]


@pytest.mark.parametrize(("at", "late"), [(MAIN, 70.0), ("/", 59.8)])
async def test_a_file_for_which_no_time_is_left_by_our_own_lateness_is_no_white_screen(at: str, late: float):
    async with a_site() as visited:

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.path == at:
                passes(late)
            if request.path == MAIN:
                await asyncio.sleep(60)
            return await visited.site.answer(request)

        app = web.Application()
        app.router.add_get("/{path:.*}", answer)
        async with serving_app(app) as port:
            visited.base = f"http://127.0.0.1:{port}"
            seen = await visited.visit(every="2m", deadline="60s")

        assert isinstance(seen, Unavailable)
        told = re.match(r"this machine was late by ([0-9.]+) s: ", seen.words)
        assert told
        assert float(told[1]) == pytest.approx(late, abs=0.2)
        assert visited.failures == {}


async def test_a_file_that_never_comes_is_bad_once_the_time_is_over():
    async with a_site() as visited:

        async def hang(_request: web.Request) -> web.Response:
            await asyncio.sleep(60)
            return web.Response()

        app = web.Application()
        app.router.add_get(MAIN, hang)
        app.router.add_get("/{path:.*}", visited.site.answer)
        async with serving_app(app) as port:
            visited.base = f"http://127.0.0.1:{port}"
            seen = await visited.visit(deadline="250ms")

        assert isinstance(seen, Probed)
        assert (
            seen.words
            == "1 of 3 files: main.v2.js: no complete answer within the 0.25 s of the whole (the page is of 'v2')"
        )


def an_asset(role: Role, kind: str, body: bytes = b"a", status: int = 200, **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return wrong_asset(Asset("http://a/x", role), Answer(status, {"content-type": kind, **named}, body, 0.1))


@pytest.mark.parametrize(
    ("role", "kind", "good"),
    [
        (Role.MODULE, "text/javascript; charset=utf-8", True),
        (Role.MODULE, "application/octet-stream", False),  # a browser refuses it as a module
        (Role.MODULE, "", False),
        (Role.SCRIPT, "application/octet-stream", True),  # and runs it as a script
        (Role.SCRIPT, "", True),
        (Role.SCRIPT, "text/html", False),
        (Role.SCRIPT, "image/png", False),
        (Role.STYLE, "text/css", True),
        (Role.STYLE, "text/plain", False),
        (Role.OTHER, "font/woff2", True),
        (Role.OTHER, "text/html", False),
    ],
)
def test_each_file_is_of_the_kind_that_a_browser_can_use(role, kind, good):
    assert (an_asset(role, kind) == "") is good


def test_what_says_that_it_is_a_page_is_no_file_whatever_its_kind():
    for body in (b"<!DOCTYPE html>", b"\xef\xbb\xbf\n <html lang=de>"):
        assert "a page in its place" in an_asset(Role.SCRIPT, "text/javascript", body)
    assert an_asset(Role.SCRIPT, "text/javascript", b"<!-- old -->\nx") == ""
    assert an_asset(Role.SCRIPT, "text/plain", x_content_type_options="nosniff") != ""
    assert an_asset(Role.SCRIPT, "text/javascript", status=404) == "HTTP 404"


@pytest.mark.parametrize(
    ("integrity", "good"),
    [
        ("sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=", True),  # of "a"
        ("sha256-AAAA sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=?x", True),
        ("sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs= sha512-AAAA", False),  # the strongest decides
        ("sha256-AAAA", False),
        ("md5-AAAA", True),  # what nobody knows, nobody checks
        ("sha256-%%%", True),
    ],
)
def test_the_strongest_hash_that_is_written_decides(integrity, good):
    answer = Answer(200, {"content-type": "text/javascript"}, b"a", 0.1)

    assert (wrong_asset(Asset("http://a/x", Role.SCRIPT, integrity), answer) == "") is good


@pytest.mark.parametrize(
    ("script", "release"),
    [
        ('window.__R__="v2"', "v2"),
        ("x();globalThis . __R__ = 'v2';", "v2"),
        ("var __R__=`v2`", "v2"),
        ('other.__R__="v1"', None),
        ('my__R__="v1";', None),
        ('__R__=="v1"', None),
        ('__R__={a:1};__R__="v2"', "v2"),
        ('__R__="a b"', None),
        ("__R__ " * 3000, None),
    ],
)
def test_a_script_says_its_release_by_setting_a_variable(script, release):
    assert in_script(script, "__R__") == release


def test_what_caches_say_is_told_and_a_miss_is_no_cache():
    def hint(**headers: str) -> str:
        return cached(
            Answer(200, {name.replace("_", "-"): value for name, value in headers.items()}, b"", 0.1)
        )

    assert hint(x_cache="Miss from cloudfront", age="0") == ""
    assert hint(age="12") == "from a cache: Age 12 s"
    assert hint(age="9" * 5000, cf_cache_status="HIT").endswith(", HIT")
    assert hint(age="x") == ""


@pytest.mark.parametrize(
    "query",
    [
        {"expect": {"assets": "some"}},
        {"expect": {"release": {"equals": "v"}}},
        {"expect": {"release": {"meta": "a", "global": "b", "equals": "v"}}},
        {"expect": {"release": {"global": "a b", "equals": "v"}}},
        {"expect": {"release": {"json": {"url": "//evil/x", "path": "a"}, "equals": "v"}}},
        {"origins": ["https://cdn/path"]},
        {"deadline": "29s"},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query):
    with pytest.raises(ValidationError):
        Query.model_validate({"url": "http://a/", **query})


def test_a_visit_has_its_deadline_or_half_of_a_short_beat():
    assert Query.model_validate({"url": "http://a/"}).patience == timedelta(seconds=10)
    assert Query.model_validate({"url": "http://a/", "every": "10s"}).patience == timedelta(seconds=5)
