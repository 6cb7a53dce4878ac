"""Checks over HTTP: what is bad, what is blindness, and whose probe it is."""

import asyncio
import contextlib
import json
import re
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from pydantic import ValidationError

from rules.model import Indicator, Kind
from rules.sample import Counts, Invalid, NoData, Reading, Unavailable, Who
from tests.fakes.faults import never, serving
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import SECOND, START, Clock, World
from tests.waiting import passes
from watcher.http import Answer
from watcher.signals.late import were_late
from watcher.signals.probe.check import Probed, Reason, judged
from watcher.signals.probe.provider import Probe, open_probe
from watcher.signals.probe.query import Query
from watcher.signals.provider import Opening, Question, Window
from watcher.signals.sampling import Pace
from watcher.telemetry.metrics import Metrics

V2, V1 = {"version": "v2"}, {"version": "v1"}


def a_query(**changes: Any) -> Query:
    return Query.model_validate({"url": "http://a/", **changes})


def an_answer(status: int = 200, body: str = "", seconds: float = 0.1, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, body.encode(), seconds)


def probed(query: Query, answer: Answer, now: datetime) -> Probed:
    """A probe that says something of the service."""
    seen = judged(query, answer, now)
    assert isinstance(seen, Probed), seen
    return seen


@pytest.mark.parametrize(
    ("expect", "answer", "reason"),
    [
        ({}, an_answer(204), None),
        ({}, an_answer(302), Reason.STATUS),
        ({}, an_answer(503), Reason.STATUS),
        ({"status": 302}, an_answer(302), None),
        ({"status": [200, 204]}, an_answer(204), None),
        ({"status": [200, 204]}, an_answer(201), Reason.STATUS),
        ({"status": "200-399"}, an_answer(302), None),
        ({"status": ["200-299", 404]}, an_answer(404), None),
        ({"text": "Healthy"}, an_answer(body="Healthy"), None),
        ({"text": "Healthy"}, an_answer(body="Degraded"), Reason.BODY),  # ASP.NET: with status 200
        ({"not_text": "Degraded"}, an_answer(body="Degraded"), Reason.BODY),
        ({"not_text": ["Degraded", "Unhealthy"]}, an_answer(body="Unhealthy"), Reason.BODY),
        ({"not_text": ["Degraded", "Unhealthy"]}, an_answer(body="Healthy"), None),
        ({"text": "Healthy", "not_text": "Degraded"}, an_answer(body="Healthy, Degraded"), Reason.BODY),
        ({"text": "Healthy", "not_text": "Degraded"}, an_answer(body="Hello"), Reason.BODY),
        ({"header": {"X-Mode": "live"}}, an_answer(x_mode="live"), None),
        ({"header": {"X-Mode": "live"}}, an_answer(x_mode="maintenance"), Reason.HEADER),
        ({"header": {"X-Mode": "live"}}, an_answer(), Reason.HEADER),
        ({"json": [{"path": "status", "equals": "UP"}]}, an_answer(body='{"status": "UP"}'), None),
        ({"json": [{"path": "status", "equals": "UP"}]}, an_answer(body='{"status": "DOWN"}'), Reason.JSON),
        ({"json": [{"path": "status", "equals": "UP"}]}, an_answer(body="UP"), Reason.JSON),
        (
            {"json": [{"path": "a.b[1].c", "equals": 2}]},
            an_answer(body='{"a": {"b": [0, {"c": 2.0}]}}'),
            None,
        ),
        ({"json": [{"path": "a.b[1].c", "equals": 2}]}, an_answer(body='{"a": {"b": [0]}}'), Reason.JSON),
        ({"json": [{"path": "ok", "equals": True}]}, an_answer(body='{"ok": 1}'), Reason.JSON),
        ({"json": [{"path": "ok", "equals": 1}]}, an_answer(body='{"ok": true}'), Reason.JSON),
        ({"json": [{"path": "ok", "equals": None}]}, an_answer(body='{"ok": null}'), None),
        ({"json": [{"path": "ok", "equals": None}]}, an_answer(body="{}"), Reason.JSON),
        ({"json": [{"path": "a", "equals": 1}]}, an_answer(body="[" * 100_000), Reason.JSON),
        ({"json": [{"path": "a", "equals": 1}]}, an_answer(body='{"a": ' + "9" * 5000 + "}"), Reason.JSON),
    ],
)
def test_an_answer_is_what_was_expected_or_bad_for_a_reason(expect, answer, reason):
    assert probed(a_query(expect=expect), answer, START).reason is reason


@pytest.mark.parametrize(
    ("sign", "answer", "reason"),
    [
        ({}, an_answer(503, "<!-- app_offline -->"), Reason.STARTING),
        ({}, an_answer(503, "Service Unavailable"), Reason.STATUS),
        ({}, an_answer(500, "app_offline"), Reason.STATUS),
        ({"status": [200, 503]}, an_answer(200, "app_offline"), Reason.STARTING),  # though it would be good
    ],
)
def test_an_address_is_starting_where_both_the_status_and_the_text_say_so(sign, answer, reason):
    query = a_query(starting={"text": "app_offline", **sign})

    assert probed(query, answer, START).reason is reason


def test_an_answer_that_came_too_late_is_slow():
    query = a_query(slower_than="300ms")

    assert probed(query, an_answer(seconds=0.29), START).reason is None
    assert probed(query, an_answer(seconds=0.31), START).reason is Reason.SLOW


def test_what_was_slow_only_by_our_own_lateness_is_neither_good_nor_bad():
    query = a_query(slower_than="300ms")

    assert judged(query, replace(an_answer(seconds=0.5), late=0.25), START) == were_late(0.25)
    assert probed(query, replace(an_answer(seconds=0.5), late=0.15), START).reason is Reason.SLOW
    assert probed(query, replace(an_answer(seconds=0.29), late=0.25), START).reason is None
    assert probed(query, replace(an_answer(503, seconds=0.5), late=0.25), START).reason is Reason.STATUS


def test_a_certificate_that_ends_soon_is_bad_if_somebody_asked():
    answer = Answer(200, {}, b"", 0.1, certificate_until=START + timedelta(days=6))

    assert probed(a_query(tls={"min_days": 7}), answer, START).reason is Reason.TLS
    assert probed(a_query(tls={"min_days": 5}), answer, START).reason is None
    assert probed(a_query(), answer, START).reason is None


@pytest.mark.parametrize(
    ("where", "answer", "version"),
    [
        ({"header": "X-Release"}, an_answer(x_release=" v2 "), "v2"),
        ({"header": "X-Release"}, an_answer(), None),
        ({"json": "build.version"}, an_answer(body='{"build": {"version": "v2"}}'), "v2"),
        ({"json": "build"}, an_answer(body='{"build": 7}'), "7"),
        ({"json": "build"}, an_answer(body='{"build": null}'), None),
        ({"json": "build"}, an_answer(body="no JSON"), None),
    ],
)
def test_the_version_is_read_where_the_query_says(where, answer, version):
    assert probed(a_query(expect={"version": {**where, "equals": "v2"}}), answer, START).version == version


@pytest.mark.parametrize(
    "query",
    [
        {"url": "ftp://a/"},
        {"url": "http://user:word@a/"},
        {"url": "http://a/", "urls": ["http://b/"]},
        {"every": "7s"},
        {"every": "50ms"},
        {"every": 10},
        {"timeout": "10s"},
        {"method": "POST"},
        {"method": "HEAD", "expect": {"text": "a"}},
        {"method": "HEAD", "expect": {"not_text": "a"}},
        {"method": "HEAD", "starting": {"text": "a"}},
        {"expect": {"not_text": ""}},
        {"starting": {"status": 503}},
        {"starting": {"text": "a"}, "grace": "11m"},
        {"grace": "1m"},
        {"expect": {"status": 99}},
        {"expect": {"status": "299-200"}},
        {"expect": {"status": True}},
        {"expect": {"version": {"equals": "v1"}}},
        {"expect": {"version": {"header": "a", "json": "b", "equals": "c"}}},
        {"expect": {"version": {"header": "a"}}},
        {"expect": {"json": [{"path": "a b", "equals": 1}]}},
        {"headers": {"a b": "c"}},
        {"headers": {"a": "b\r\nc: d"}},
        {"tls": {"verify": False, "min_days": 7}},
        {"expct": {}},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(query):
    with pytest.raises(ValidationError):
        a_query(**query)


@dataclass
class Checked:
    """A service at one address, which answers what the test says."""

    base: str
    clock: Clock
    world: World
    provider: Probe[Query]
    metrics: Metrics
    say: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    async def beat(self, **say: Any) -> None:
        self.say |= say
        await self.clock.advance(START + (self.world.now - START) // SECOND * SECOND + SECOND * 1.5)

    async def read(self, indicator: Indicator, baseline: dict[str, str] | None = V1) -> Reading:
        window = Window(
            START - timedelta(hours=1), START + (self.world.now - START) // SECOND * SECOND, self.world.now
        )
        return (await self.provider.read([Question("q", indicator, V2, baseline)], window))["q"]

    async def counts(
        self, indicator: Indicator, baseline: dict[str, str] | None = V1
    ) -> list[tuple[Any, Any]]:
        reading = await self.read(indicator, baseline)
        assert isinstance(reading, tuple), reading
        return [(bucket.canary, bucket.baseline) for bucket in reading[0].buckets]

    def indicator(self, *urls: str, **query: Any) -> Indicator:
        addresses = [url if "://" in url else f"{self.base}/{url}" for url in urls or ("a",)]
        text = json.dumps({"urls": addresses, "every": "1s", **query})
        return Indicator("health", Kind.PROBE, "http", text, compares_arms="${arm." in text)

    def versioned(self, *urls: str) -> Indicator:
        return self.indicator(*urls, expect={"version": {"header": "x-release", "equals": "${arm.version}"}})


@contextlib.asynccontextmanager
async def checked() -> AsyncIterator[Checked]:
    world = World()
    clock, metrics, holder = Clock(world), Metrics(), list[Checked]()

    async def handle(request: web.Request) -> web.Response:
        status, version = holder[0].say.get(request.match_info["name"], (200, None))
        return web.Response(status=status, headers={"X-Release": version} if version else {})

    app = web.Application()
    app.router.add_get("/{name}", handle)
    async with serving_app(app) as port, http_to_loopback(clock.now) as http:
        opening = Opening(http, clock.now, clock.monotonic, metrics)
        async with open_probe(None, opening, Pace(clock.now, clock.monotonic, clock.until)) as provider:
            assert isinstance(provider, Probe)
            holder.append(Checked(f"http://127.0.0.1:{port}", clock, world, provider, metrics))
            yield holder[0]


def a_closed_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port: int = closed.getsockname()[1]
        return port


GOOD, BAD = Counts(0, 1), Counts(1, 1)


async def test_without_a_version_all_probes_are_the_canarys():
    async with checked() as service:
        health = service.indicator()
        await service.read(health)
        await service.beat(a=(200, None))
        await service.beat(a=(503, None))

        assert await service.counts(health) == [(GOOD, None), (BAD, None)]


async def test_an_answer_belongs_to_the_release_that_it_names():
    async with checked() as service:
        health = service.versioned()
        await service.read(health)
        for said in ((200, "v2"), (503, "v2"), (200, "v1"), (503, "v1"), (200, "v0")):
            await service.beat(a=said)

        assert await service.counts(health) == [(GOOD, None), (BAD, None), (None, GOOD), (None, BAD)]


async def test_good_answers_of_another_release_never_make_the_canary_healthy():
    async with checked() as service:
        health = service.versioned()
        await service.read(health)
        for _ in range(3):
            await service.beat(a=(200, "v1"))

        assert await service.read(health, None) == NoData("the answers are of 'v1', none of 'v2'")


async def test_good_answers_that_do_not_say_whose_they_are_prove_nothing():
    async with checked() as service:
        health = service.versioned()
        await service.read(health)
        await service.beat(a=(200, None))

        assert await service.read(health) == NoData("the answers do not say which release they are of")


async def test_a_failure_that_does_not_say_whose_it_is_counts_for_both():
    async with checked() as service:
        health = service.versioned()
        await service.read(health)
        await service.beat(a=(502, None))

        assert await service.counts(health) == [(BAD, BAD)]
        assert await service.counts(health, None) == [(BAD, None)]


async def test_where_arms_have_addresses_of_their_own_a_failure_counts_for_its_own():
    async with checked() as service:
        health = service.versioned("${arm.version}")
        await service.read(health)
        await service.beat(v1=(200, "v1"), v2=(502, None))

        assert await service.counts(health) == [(BAD, GOOD)]


async def test_several_instances_are_counted_together():
    async with checked() as service:
        health = service.indicator("a", "b", "c")
        await service.read(health)
        await service.beat(b=(500, None))

        assert await service.counts(health) == [(Counts(1, 3), None)]


async def test_a_service_that_is_dead_is_bad_and_not_blindness():
    async with checked() as service:
        health = service.indicator(f"http://127.0.0.1:{a_closed_port()}/")
        await service.read(health)
        await service.beat()

        assert await service.counts(health) == [(BAD, None)]
        assert service.provider.failures == {Reason.REFUSED: 1}
        assert b'rollbackd_probe_failures_total{reason="refused"} 1.0' in service.metrics.render()


async def test_a_service_that_hangs_is_bad():
    async with serving(never) as port, checked() as service:
        health = service.indicator(f"http://127.0.0.1:{port}/", timeout="200ms")
        await service.read(health)
        await service.beat()

        assert await service.counts(health) == [(BAD, None)]


async def test_a_look_through_which_this_machine_stood_still_is_blindness_and_the_next_counts_again():
    stalls = [True, False]

    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if stalls.pop(0):
            passes(2.3)
        await never(reader, writer)

    async with serving(hangs) as port, checked() as service:
        health = service.indicator(f"http://127.0.0.1:{port}/", timeout="200ms")
        await service.read(health)
        await service.beat()
        blind = await service.read(health)
        assert service.provider.failures == {}
        await service.beat()

        assert isinstance(blind, Unavailable)
        assert blind.who is Who.OPERATOR
        assert re.fullmatch(
            r"this machine was late by 2\.[23] s: what is asked meanwhile is not counted", blind.words
        )
        assert "CPU" in blind.remedy
        assert await service.counts(health) == [(BAD, None)]
        assert service.provider.failures == {Reason.READ_TIMEOUT: 1}


async def test_a_name_that_cannot_be_resolved_is_our_trouble_and_not_the_services():
    async with checked() as service:
        health = service.indicator("http://nobody.invalid/")
        await service.read(health)
        await service.beat()

        assert await service.read(health) == Unavailable(
            Who.OPERATOR, "http://nobody.invalid: its name cannot be resolved"
        )


async def test_an_address_that_is_not_allowed_is_our_trouble():
    async with checked() as service:
        health = service.indicator("http://169.254.169.254/")
        await service.read(health)
        await service.beat()

        reading = await service.read(health)
        assert isinstance(reading, Unavailable)
        assert "not an allowed address" in reading.words


async def test_one_probe_serves_all_who_ask_whichever_release_they_expect():
    async with checked() as service:
        health = service.versioned()
        for baseline in (V1, {"version": "v0"}, None):
            await service.read(health, baseline)
        await service.beat(a=(200, "v2"))

        assert len(service.provider._sampler.tracks) == 1


async def test_a_certificate_that_nobody_vouches_for_is_bad_unless_its_authority_is_named(tmp_path: Path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)

    app = web.Application()
    async with serving_app(app, server) as port, checked() as service:
        url, expect = f"https://127.0.0.1:{port}/", {"status": 404}
        unknown = service.indicator(url, expect=expect)
        named = service.indicator(url, expect=expect, tls={"ca": str(tmp_path / "ca.pem"), "min_days": 1})
        blind = service.indicator(url, expect=expect, tls={"verify": False})
        lost = service.indicator(url, expect=expect, tls={"ca": "/nowhere.pem"})
        for health in (unknown, named, blind, lost):
            await service.read(health)
        await service.beat()

        assert await service.counts(unknown) == [(BAD, None)]
        assert await service.counts(named) == [(GOOD, None)]
        assert await service.counts(blind) == [(GOOD, None)]
        assert await service.read(lost) == Invalid(
            Who.OPERATOR, "the authorities in `ca` cannot be read: No such file or directory"
        )
