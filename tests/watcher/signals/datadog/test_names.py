"""A wrong name looks like silence; so silence that lasts is looked into, and what may have been meant is told."""

import asyncio
import json
from datetime import timedelta

import pytest
from pydantic import SecretStr

from deploy.model import About, Level
from rules.model import Kind
from rules.sample import Invalid, NoData
from tests.fakes.datadog import Metrics, Monitor, Site
from tests.fakes.world import SECOND, START, World, traffic
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.datadog.asking import RATIO, a_site, asking, indicator
from watcher.http import Answer, Http, Request
from watcher.signals.datadog import Settings, open_datadog
from watcher.signals.datadog.provider import LOOK, Datadog
from watcher.signals.provider import Opening

HITS = "sum:trace.http.request.hits{env:prod,service:shop,version:${arm.version}}.as_count()"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            HITS.replace("version:${arm.version}", "version:v22"),
            "no series whose version is v22: did you mean v2?; it is 'v1', 'v2'",
        ),
        (
            HITS.replace("service:shop", "service:shoop"),
            "no series whose service is shoop: did you mean shop?",
        ),
        (HITS.replace("env:prod", "env:production"), "no series whose env is production; it is 'prod'"),
        (
            HITS.replace(".hits", ".hit"),
            "knows no metric trace.http.request.hit: did you mean trace.http.request.hits?",
        ),
        ("sum:trace.http.hits{*}.as_count()", "knows no metric trace.http.hits"),
        (HITS, None),
        ("sum:trace.http.request.hits{*}.as_count()", None),
    ],
)
async def test_the_nearest_name_is_told(query, words):
    async with asking() as life:
        assert isinstance(life.provider, Datadog)
        told = await life.provider.unknown(indicator({"total": query}, Kind.REQUESTS), {"version": "v2"})

        assert told == words if words is None else words in str(told)


@pytest.mark.parametrize(
    ("bad", "fails", "words"),
    [
        (".erors", 0.1, "knows no metric trace.http.request.erors: did you mean trace.http.request.errors?"),
        (".errors", 0.1, None),
        (".errors", 0.0, None),  # nothing has failed yet, so there is none; what is beside it is not meant
        (".erors", 0.0, None),  # nobody can know
    ],
)
async def test_a_metric_of_errors_that_is_nearly_another_is_told_by_the_doctor(bad, fails, words):
    world = World(
        traffic(3, 10, versions=[("v2", 1.0, fails)], every=SECOND), now=START + timedelta(minutes=11)
    )
    async with asking(Site(world, Metrics(world))) as life:
        assert isinstance(life.provider, Datadog)
        wrong = {"total": HITS, "bad": HITS.replace(".hits", bad)}
        told = await life.provider.unknown(indicator(wrong), {"version": "v2"})

        assert told == words if words is None else words in str(told)


async def test_a_key_that_may_not_search_leaves_silence_as_it_is():
    async with asking(a_site(scopes=frozenset({"timeseries_query"}))) as life:
        assert isinstance(life.provider, Datadog)
        wanted = indicator({"total": HITS.replace(".hits", ".hit")}, Kind.REQUESTS)

        assert await life.provider.unknown(wanted, {"version": "v2"}) is None


async def test_what_was_silent_for_five_minutes_is_looked_up_once_an_hour():
    async with asking() as life:
        wrong = {**RATIO, "total": HITS.replace("service:shop", "service:shoop")}
        first = await life.one(wrong)
        life.on(5)
        second = await life.one(wrong)
        life.site.calls.clear()
        life.on(10)
        third = await life.one(wrong)

        assert isinstance(first, NoData)
        assert isinstance(second, Invalid)
        assert "did you mean shop?" in second.words
        assert third == second
        assert len(life.site.calls) == 1


async def test_few_names_are_looked_up_at_a_time():
    async with asking() as life:
        wrong = [
            indicator({"total": HITS.replace("shop", f"shop{n}x")}, Kind.REQUESTS, f"i{n}") for n in range(9)
        ]
        await life.all(*wrong)
        life.on(5)
        told = await life.all(*wrong)

        assert sum(isinstance(each, Invalid) for each in told.values()) == 2


class Slow(Http):
    """Everything is there, and each look takes nearly as long as all together may."""

    def __init__(self) -> None:
        """It has no sessions."""

    async def send(self, request: Request) -> Answer:
        await asyncio.sleep(0.9 * LOOK.total_seconds())
        series = [{"group_tags": ["env:prod", "service:shop", "version:v2"], "query_index": 0}]
        told = {"data": {"attributes": {"series": series, "times": [0], "values": [[1.0]]}}}
        return Answer(200, {}, json.dumps(told).encode(), 0.0)


def test_all_looks_together_take_no_longer_than_is_kept_for_them():
    async def story() -> float:
        clock = asyncio.get_running_loop().time
        settings = Settings(
            url="http://datadog", api_key=SecretStr("a"), application_key=SecretStr("b"), site=None
        )
        async with open_datadog(settings, Opening(Slow(), lambda: START, clock)) as provider:
            assert isinstance(provider, Datadog)
            began = clock()
            assert (
                await provider.unknown(indicator({"total": HITS}, Kind.REQUESTS), {"version": "v2"}) is None
            )
            return clock() - began

    assert in_virtual_time(story()) <= LOOK.total_seconds()


async def test_a_monitor_that_is_not_there_is_told():
    async with asking(a_site(monitors={7: Monitor("errors", 0.1)})) as life:
        assert isinstance(life.provider, Datadog)
        there, gone = ({"monitors": [number]} for number in (7, 9))

        assert await life.provider.unknown(indicator(there, Kind.STATE), {}) is None
        assert "no monitor 9" in str(await life.provider.unknown(indicator(gone, Kind.STATE), {}))


async def test_a_release_without_the_name_is_told():
    async with asking() as life:
        assert isinstance(life.provider, Datadog)
        told = await life.provider.unknown(indicator({"total": HITS}, Kind.REQUESTS), {})

        assert "no name 'version'" in str(told)


# ------------------------------------------------------------------------------------------------------------- doctor


async def test_doctor_says_that_both_keys_are_right_and_what_is_left_of_the_limit():
    async with asking() as life:
        assert isinstance(life.provider, Datadog)
        found = await life.provider.examine()

        words = [f"{each.level.value}: {each.words}" for each in found]
        assert [each.partition(":")[0] for each in words] == ["ok"] * 4
        assert [each.about for each in found] == [About.SITE, About.KEY, About.SCOPE, About.CLOCK]
        assert "is the site of the API key" in words[0]
        assert "knows the API key" in words[1]
        assert "299 of 300 requests left of the limit metrics_query" in words[2]


@pytest.mark.parametrize(
    ("settings", "ahead", "about", "level", "words"),
    [
        ({"api_key": "c"}, 0.0, About.KEY, Level.FAIL, "is the API key one of this site"),
        ({"api_key": "c"}, 0.0, About.SITE, Level.WARN, "cannot be told"),
        ({"application_key": "c"}, 0.0, About.SCOPE, Level.FAIL, "the scope timeseries_query"),
        ({}, 10.0, About.CLOCK, Level.WARN, "this machine's clock is 10 s behind"),
        ({}, 60.0, About.CLOCK, Level.FAIL, "this machine's clock is 60 s behind"),
    ],
)
async def test_doctor_says_what_is_wrong_with_the_connection(settings, ahead, about, level, words):
    async with asking(a_site(ahead=ahead), **settings) as life:
        assert isinstance(life.provider, Datadog)
        found = await life.provider.examine()

        (only,) = [each for each in found if each.about is about]
        assert (only.level, only.untold) == (level, "cannot be told" in words)
        assert words in only.words
        assert only.remedy
        assert {each.about for each in found if each.level is not Level.OK} - {about} <= {
            About.KEY,
            About.SITE,
        }


@pytest.mark.parametrize(
    ("query", "names", "about"),
    [
        ("sum:trace.http.request.hit{service:shop,version:${arm.version}}.as_count()", {"version": "v2"}, About.METRIC),
        ("sum:trace.http.request.hits{service:shopp,version:${arm.version}}.as_count()", {"version": "v2"}, About.TAG),
        ("sum:trace.http.request.hits{service:shop,release:${arm.version}}.as_count()", {"version": "v2"}, About.VERSION_TAG),
        ("sum:trace.http.request.hits{service:shop,version:${arm.version}}.as_count()", {"version": "v9"}, About.RELEASE),
        ("sum:trace.http.request.hits{service:shop,version:${arm.version}}.as_count()", {}, About.RELEASE),
    ],
)  # fmt: skip
async def test_what_datadog_does_not_know_is_a_metric_a_tag_or_the_release(query, names, about):
    async with asking() as life:
        assert isinstance(life.provider, Datadog)
        told = await life.provider.unknown(indicator({"total": query}, Kind.REQUESTS), names)

        assert told is not None
        assert told.about is about
