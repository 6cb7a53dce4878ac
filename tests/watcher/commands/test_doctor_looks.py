"""What doctor says of whoever looks at a service itself: over real HTTP, whether it is well; how soon it tells, and what it costs."""

import contextlib
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from deploy.model import About, Finding, Level
from rules.brief import Brief, Setting
from rules.evaluate import Timing, evaluate, prepare, start
from rules.model import Consequence, Indicator, Judge, Kind, Rule, RuleSet, Statistics, Threshold
from rules.sample import Bucket, Counts, Series, Unavailable, Who
from rules.verdict import Outcome
from tests.builders import a_service
from tests.contract.one_release import BESIDE, MINUTE
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import SECOND, START, Clock, World
from tests.watcher.commands.test_doctor import of, the
from tests.watcher.signals.test_probe import a_closed_port
from watcher.app import Ports, load
from watcher.commands import doctor
from watcher.commands._doctor import looks
from watcher.commands._doctor.checks import Found
from watcher.commands._doctor.signals import REMEDIES
from watcher.commands._doctor.tables import what
from watcher.commands._ready.rows import row
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.signals.page.provider import open_page
from watcher.signals.probe.provider import open_probe
from watcher.signals.provider import Opening, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.signals.remedies import remedy_of
from watcher.signals.sampling import Pace
from watcher.signals.steps.provider import open_steps
from watcher.telemetry.metrics import Metrics

OPEN = {"http": open_probe, "page": open_page, "steps": open_steps}
EVERY = timedelta(seconds=30)  # of the virtual clock; an answer may take half of it in real time
PAGE = '<!doctype html><html><body><script src="/app.js"></script><div id="root">the shop</div></body></html>'
STATUS = {"/well": 200, "/broken": 500, "/missing": 404, "/app.js": 200}
BEAT = 15 * SECOND
INDEPENDENT = Statistics(correlation="independent")
MENDS = "make the service well, or correct the url or path of the probe"


async def answer(request: web.Request) -> web.Response:
    status = STATUS[request.path]
    if request.query_string == "other":
        return web.Response(status=status, headers={"x-release": "v0"})
    if request.path.endswith(".js"):
        return web.Response(text="run()", content_type="text/javascript")
    return web.Response(status=status, text=PAGE if status == 200 else "no", content_type="text/html")


@contextlib.asynccontextmanager
async def a_shop() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with serving_app(app) as port:
        yield f"http://127.0.0.1:{port}"


def of_kind(kind: str, *urls: str, **more: Any) -> Indicator:
    query: dict[str, Any] = {"urls": urls, "every": f"{EVERY.seconds}s", **more}
    if kind == "steps":
        steps = [{"name": "opens", "url": "/well"}, {"name": "pays", "url": urls[0]}]
        query = {"url": urls[0], "every": query["every"], "steps": steps, **more}
    return Indicator("health", Kind.PROBE, kind, json.dumps(query, default=list))


def known_by(kind: str, provider: Any) -> Inquiry:
    return Inquiry({kind: Connected(PROVIDERS[kind], provider)}, Metrics())


async def found(indicator: Indicator) -> Finding | None:
    """What is said after one look, over real HTTP."""
    world = World()
    clock, kind = Clock(world), indicator.provider
    question = Question("q", indicator, {}, None)
    async with http_to_loopback(clock.now) as http:
        opening = Opening(http, clock.now, clock.monotonic, Metrics())
        pace = Pace(clock.now, clock.monotonic, clock.until)
        async with OPEN[kind](None, opening, pace) as provider:
            await provider.read([question], Window(START, START, START))
            await clock.advance(START + EVERY * 2.5)
            window = Window(START, START + 2 * EVERY, START + 2 * EVERY)
            reading = (await provider.read([question], window))["q"]
            assert isinstance(reading, tuple), reading
            return looks.failing(known_by(kind, provider), question, reading)


# --------------------------------------------------------------------------------------------------------- is it well?


@pytest.mark.parametrize("kind", OPEN)
async def test_a_probe_that_is_well_is_no_finding(kind):
    async with a_shop() as base:
        assert await found(of_kind(kind, f"{base}/well")) is None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("http", "the newest look fails: HTTP 500"),
        ("page", "the newest look fails: HTTP 500"),
        ("steps", "the newest look fails: step 2 of 2 (pays): HTTP 500"),
    ],
)
async def test_a_probe_that_fails_is_red_in_its_own_words(kind, words):
    async with a_shop() as base:
        told = await found(of_kind(kind, f"{base}/broken"))

    assert told is not None
    assert (told.level, told.words, told.untold) == (Level.FAIL, words, False)
    assert MENDS in told.remedy


async def test_nobody_at_a_port_is_said_as_the_probe_says_it():
    port = a_closed_port()
    told = await found(of_kind("http", f"http://127.0.0.1:{port}/"))

    assert told is not None
    assert told.words == f"the newest look fails: http://127.0.0.1:{port}: connection refused"


async def test_of_several_instances_it_is_said_how_many_fail_and_why_each():
    async with a_shop() as base:
        other = base.replace("127.0.0.1", "localhost")
        told = await found(of_kind("http", f"{base}/well", f"{base}/broken", f"{other}/missing"))

    assert told is not None
    assert told.words == "2 of the 3 newest looks fail: 127.0.0.1: HTTP 500; localhost: HTTP 404"


async def test_a_quorum_that_is_met_is_well_and_one_that_is_not_is_red():
    async with a_shop() as base:
        urls = [f"{base}/well", f"{base}/broken"]
        met, missed = [await found(of_kind("http", *urls, quorum=many)) for many in (1, 2)]

    assert met is None
    assert missed is not None
    assert missed.words == "1 of the 2 newest looks fail: 127.0.0.1: HTTP 500"


async def test_what_fails_at_another_release_is_not_said_of_this_one():
    """A bad answer that names another release is nobody's; one that names none is everybody's."""
    version = {"version": {"header": "x-release", "equals": "v1"}}
    async with a_shop() as base:
        urls = [f"{base}/broken", f"{base}/missing?other"]
        told = await found(of_kind("http", *urls, expect=version))

    assert told is not None
    assert told.words == "the newest look fails: HTTP 500"


def test_requests_that_fail_are_no_probe_that_does():
    errors = Indicator("errors", Kind.RATIO, "scrape", "{}")
    reading = (Series("errors", (Bucket(START, START + SECOND, Counts(1.0, 2.0)),)),)

    assert looks.failing(known_by("scrape", None), Question("q", errors, {}, None), reading) is None


def test_whoever_repairs_is_not_held_up_by_a_probe_that_fails():
    """`ready` asks whether signals can be read: of one that cannot it says NO as ever."""
    fails = Finding(Level.FAIL, "the newest look fails: HTTP 500", MENDS, About.HEALTH)
    blind = Finding(Level.FAIL, "no connection", "correct it", About.DATA)
    service = a_service()
    own = f"service {service.name}/{service.environment}"
    told = row(
        service, (), [Found(own, "signal ready", fails), Found(own, "signal errors", blind)], frozenset()
    )

    assert [each.level for findings in told.signals.values() for each in findings] == [Level.WARN, Level.FAIL]


def test_a_fault_of_a_signal_system_is_said_to_be_its_own():
    remedy = remedy_of(Unavailable(Who.PROVIDER, "https://far.example: HTTP 500"), REMEDIES)

    assert "the signal system's own, not the service's" in remedy
    assert "status page" in remedy


CONFIGURATION = """\
version: 1
daemon: {store: {memory: {}}, alone: true, reach: [127.0.0.0/8]}
services:
  web:
    production:
      runs_on: [{command: {live: [/bin/false], move: [/bin/false]}}]
      rules: [{file: rules.yaml}]
      mode: auto
"""
RULES = """\
version: 1
indicators:
  ready: {probe: {http: {url: "BASE/broken", every: 1s}}}
  errors: {ratio: {scrape: {url: "BASE/missing", counter: c_total, bad: {code: "5.."}, every: 1s}}}
rules:
  - {name: it is ready, indicator: ready, judge: {threshold: {bad: 1, of: 1}}, on_breach: rollback}
  - {name: few fail, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""
WEB = "service web/production"


@pytest.mark.lasts(6)
async def test_doctor_says_that_it_is_not_well_how_soon_a_watch_would_and_what_looking_costs(tmp_path):
    heard: list[str] = []
    (tmp_path / "rollbackd.yaml").write_text(CONFIGURATION)
    async with a_shop() as base:
        (tmp_path / "rules.yaml").write_text(RULES.replace("BASE", base))
        told = await doctor.examined(load(tmp_path / "rollbackd.yaml"), Ports(), tell=heard.append)

    red = the(told, WEB, "signal ready")
    assert (red.level, red.words) == (Level.FAIL, "the newest look fails: HTTP 500")
    assert [what(each) for each in told if each.check == "signal ready"] == ["health"]
    page = the(told, WEB, "signal errors")
    assert "HTTP 404" in page.words
    assert page.remedy.startswith("correct the url in the rule file")
    assert [each.words for each in of(told, WEB, "could see")] == [
        "“it is ready”: 1 bad look, one each 1s, until a verdict: within 4s"
    ]
    assert [each.words for each in of(told, WEB, "costs")] == [
        "ready: one look each 1s at 1 instance: 86,400 requests a day",
        "errors: one look each 1s at 1 instance: 86,400 requests a day",
    ]
    assert heard == [
        "looking at 1 service: what looks itself (probes, pages of metrics) takes up to 6 s to look twice"
    ]
    assert doctor.status(told) == 1


async def test_whoever_does_not_wait_is_told_of_no_wait(tmp_path):
    heard: list[str] = []
    (tmp_path / "rollbackd.yaml").write_text(CONFIGURATION)
    async with a_shop() as base:
        (tmp_path / "rules.yaml").write_text(RULES.replace("BASE", base))
        await doctor.examined(
            load(tmp_path / "rollbackd.yaml"), Ports(), timedelta(seconds=0.1), tell=heard.append
        )

    assert heard == []


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_only_a_terminal_is_told_what_is_waited_for():
    screen, pipe = Screen(), io.StringIO()
    for stream in (screen, pipe):
        doctor.on_a_terminal("looking", stream)

    assert (screen.getvalue(), pipe.getvalue()) == ("looking\n", "")


# ---------------------------------------------------------------------------------------------------- until a verdict


def a_brief(judge: Judge | None) -> Brief:
    rule = Rule("ready", "it is ready", Consequence.ROLLBACK, "health", judge, statistics=INDEPENDENT)
    setting = Setting(
        0.001, START, timedelta(minutes=30), timedelta(hours=24), {"health": BEAT}, {"health": 2 * SECOND}
    )
    return prepare(RuleSet((of_kind("http", "http://a/"),), (rule,)), setting, {})


def foretold(judge: Judge | None) -> Finding:
    reading = (Series("health", (Bucket(START - BEAT, START, Counts(0.0, 1.0)),)),)
    (told,) = looks.until_a_verdict(a_brief(judge), {"health": reading})
    return told


def at_once(many: int) -> Outcome:
    """What so many bad looks come to, beside as many good ones, that all come in one round."""
    brief, good, bad = a_brief(BESIDE.judge), Counts(0.0, 1.0), Counts(1.0, 1.0)
    ran = [Bucket(START + nth * BEAT, START + (nth + 1) * BEAT, bad, good) for nth in range(many)]
    timing = Timing(ran[-1].end + MINUTE, START, START)
    return evaluate(
        brief, start(brief), {"health": (Series("health", tuple(ran)),)}, timing
    ).judgement.outcome


def test_a_threshold_says_how_many_looks_it_takes():
    told = foretold(Threshold(bad=3, of=5))

    assert told.level is Level.OK
    assert (
        told.words
        == "“it is ready”: 3 bad looks in a row, one each 15s, until a verdict: within 47s; or 3 bad of any 5"
    )


def test_what_compares_says_how_many_it_takes_where_the_old_release_is_well():
    told = foretold(BESIDE.judge)

    many = int(told.words.removeprefix("“it is ready”: ").partition(" ")[0])
    assert many == 11
    assert at_once(many - 1) is not Outcome.BREACHED
    assert at_once(many) is Outcome.BREACHED
    assert told.level is Level.OK
    assert "one each 15s, where those at the old release are good, until a verdict: within " in told.words


def test_where_a_rule_would_need_hours_of_them_that_is_a_warning():
    told = foretold(Threshold(bad=300, of=300))

    assert (told.level, "200 bad looks in a row" in told.words) == (Level.WARN, True)
    assert told.remedy.startswith("a shorter `every`")


def test_a_rule_that_speaks_through_another_is_not_spoken_of():
    whole = Rule("both", "both", Consequence.ROLLBACK, all_of=("ready", "again"))
    members = [
        Rule(name, name, Consequence.TELL, "health", Threshold(bad=1, of=1)) for name in ("ready", "again")
    ]
    setting = Setting(
        0.001, START, timedelta(minutes=30), timedelta(hours=24), {"health": EVERY}, {"health": SECOND}
    )
    brief = prepare(RuleSet((of_kind("http", "http://a/"),), (*members, whole)), setting, {})

    assert list(looks.until_a_verdict(brief, {})) == []


# ------------------------------------------------------------------------------------------------------------- its cost


def cost(*indicators: Indicator) -> list[str]:
    inquiry = Inquiry({each: Connected(PROVIDERS[each], None) for each in PROVIDERS}, Metrics())  # type: ignore[arg-type]
    return [each.words for each in looks.costs(inquiry, indicators)]


def test_what_looking_costs_is_counted_by_instances_times_and_steps():
    urls = ["http://a/", "http://b/", "http://c/"]

    assert cost(of_kind("http", *urls, every="5s", times=2)) == [
        "health: 2 looks each 5s at 3 instances: 103,680 requests a day"
    ]
    assert cost(of_kind("steps", "http://a/well")) == [
        "health: one look each 30s at 1 instance: 5,760 requests a day, 2 steps a run"
    ]
    assert cost(of_kind("page", "http://a/")) == [
        "health: one look each 30s at 1 instance: 2,880 requests a day, and as many again for each file that the page names"
    ]


def test_a_page_of_metrics_is_read_once_for_all_that_is_counted_on_it():
    query = {"url": "http://a/metrics", "counter": "c_total", "every": "10s"}
    pages = [
        Indicator(name, Kind.RATIO, "scrape", json.dumps({**query, "bad": {"code": code}}))
        for name, code in (("errors", "5.."), ("refused", "4.."))
    ]

    assert cost(*pages) == ["errors, refused: one look each 10s at 1 instance: 8,640 requests a day"]
