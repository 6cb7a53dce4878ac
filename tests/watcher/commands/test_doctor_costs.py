"""What a watch will ask of the systems that may limit it: what the doctor says is what a reading asks, and no more is asked for it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from deploy.model import Finding, Level
from rules.model import Indicator, Kind
from rules.sample import Reading
from tests.fakes.datadog.limits import Allowed
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.datadog import asking as datadog
from tests.watcher.signals.loki import asking as loki
from tests.watcher.signals.newrelic import asking as newrelic
from tests.watcher.signals.prometheus import asking as prometheus
from tests.watcher.signals.sentry import asking as sentry
from watcher.commands._doctor.costs import findings
from watcher.core.service import Bake
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.signals.provider import Provider, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

MINUTE = timedelta(minutes=1)
NOW = START + 10 * MINUTE
NEW = {"version": "v2", "sentry": "checkout@2"}
BAKE = Bake(timedelta(minutes=30), timedelta(hours=24))
ONE = "1 call each 1m: 1,440 for a day of a watch, 30 for the shortest bake (30m)"


def said(
    provider: Provider, *indicators: Indicator, now: datetime = NOW, bake: Bake = BAKE
) -> Sequence[Finding]:
    """What is said of a service with these *indicators*."""
    kind = indicators[0].provider
    inquiry = Inquiry({kind: Connected(PROVIDERS[kind], provider)}, Metrics())
    return findings(bake, inquiry, [Question(each.id, each, NEW, None) for each in indicators], now)


def words(told: Sequence[Finding]) -> list[str]:
    return [each.words for each in told]


def of_datadog(**more: Any) -> tuple[Indicator, Indicator]:
    errors = datadog.indicator({**datadog.RATIO, **more})
    return errors, datadog.indicator({**datadog.LATENCY, **more}, Kind.LATENCY, "slow", (0.3, 1.0))


def test_what_datadog_will_be_asked_is_told_as_a_share_of_what_it_said_that_it_allows():
    async def story() -> None:
        async with datadog.asking(datadog.a_site(allowed=[Allowed("metrics_query", 600, 3600)])) as ask:
            before = words(said(ask.provider, *of_datadog()))
            had = len(ask.site.calls)
            await ask.all(*of_datadog(), start=START + 9 * MINUTE, minutes=1)

            assert had == 0  # to say it nobody is asked
            assert len(ask.site.calls) == 1
            assert before == [f"datadog: {ONE}"]
            assert words(said(ask.provider, *of_datadog())) == [
                f"datadog: {ONE}; 10.0% of the 600 calls of metrics_query that are allowed each 1h"
            ]

    asyncio.run(story())


def test_what_is_most_of_what_is_allowed_is_a_warning_with_what_would_help():
    async def story() -> None:
        async with datadog.asking(datadog.a_site(allowed=[Allowed("metrics_query", 100, 3600)])) as ask:
            await ask.all(*of_datadog(), start=START + 9 * MINUTE, minutes=1)
            (much,) = said(ask.provider, *of_datadog())
            (less,) = said(ask.provider, *of_datadog(bucket="5m"))

            assert (much.level, "60.0% of the 100 calls" in much.words) == (Level.WARN, True)
            assert much.remedy.startswith("a longer `bucket`")
            assert (less.level, "12.0% of the 100 calls" in less.words) == (Level.OK, True)
            assert "1 call each 5m: 288 for a day of a watch, 6 for the shortest bake" in less.words

    asyncio.run(story())


def test_a_round_is_of_one_window_however_short_that_is():
    async def story() -> None:
        async with datadog.asking(datadog.a_site(allowed=[Allowed("metrics_query", 4, 10)])) as ask:
            await ask.all(*of_datadog(), start=START + 9 * MINUTE, minutes=1)

            (told,) = said(ask.provider, *of_datadog())
            assert told.words.endswith("; 25.0% of the 4 calls of metrics_query that are allowed each 10s")

    asyncio.run(story())


def test_each_monitor_is_a_call_of_its_own():
    async def story() -> None:
        async with datadog.asking() as ask:
            watched = [
                datadog.indicator({"monitors": ids}, Kind.STATE, f"watched{ids[0]}")
                for ids in ([7, 8], [8, 9])
            ]

            assert words(said(ask.provider, *watched)) == [
                "datadog: 3 calls each 1m: 4,320 for a day of a watch, 90 for the shortest bake (30m)"
            ]

    asyncio.run(story())


def test_what_cannot_be_asked_costs_nothing():
    async def story() -> None:
        async with datadog.asking() as ask:
            assert said(ask.provider, datadog.indicator({**datadog.RATIO, "bucket": "5s"})) == []

    asyncio.run(story())


def test_what_new_relic_will_be_asked_is_what_it_is_asked():
    both = (newrelic.indicator(newrelic.RATIO), newrelic.indicator(newrelic.SLOW, name="slow"))

    async def story() -> None:
        account = newrelic.an_account()
        async with newrelic.asking(account) as ask:
            told = words(said(ask.provider, *both))
            had = account.requests
            await ask.all(*both, minutes=1)

            assert (had, account.requests) == (0, 1)
            assert told == [f"newrelic: {ONE}"]

    in_virtual_time(story())


def test_what_sentry_will_be_asked_is_told_by_the_endpoints_that_it_limits():
    each = [
        sentry.indicator(query, name)
        for name, query in (
            ("crashes", sentry.SESSIONS),
            ("requests", {**sentry.REQUESTS, "settle": "5m"}),
            ("errors", {**sentry.ERRORS, "settle": "5m"}),
            ("new", sentry.ISSUES),
        )
    ]

    async def story() -> None:
        shop = sentry.a_shop(limit=5)
        async with sentry.asking(shop) as ask:
            before = words(said(ask.provider, *each))
            assert ask.asked == []
            await ask.all(*each, minutes=1)
            told = words(said(ask.provider, *each))

            for endpoint, many in (("sessions", 2), ("events-timeseries", 2), ("issues", 1)):
                calls = "1 call each" if many == 1 else f"{many} calls each"
                of = f"5 calls of {endpoint} are allowed at once, and how soon again is not told"
                assert sum(path.startswith(f"{endpoint}/") for path in ask.asked) == many
                assert sum(calls in one and of in one for one in told) == 1, endpoint
            assert len(told) == len(before) == 3
            assert not any("allowed" in one for one in before)

    in_virtual_time(story())


def test_what_is_final_at_another_time_is_another_call_of_the_same_limit():
    soon = sentry.indicator({**sentry.REQUESTS, "settle": "5m"}, "soon")
    late = sentry.indicator({**sentry.REQUESTS, "settle": "10m"}, "late")

    async def story() -> None:
        async with sentry.asking(sentry.a_shop()) as ask:
            (told,) = words(said(ask.provider, soon, late))
            assert told.startswith("sentry: 2 calls each 1m: 2,880 for a day of a watch")
            (alone,) = words(said(ask.provider, soon))
            assert alone.startswith(f"sentry: {ONE}")

    in_virtual_time(story())


def test_loki_and_prometheus_tell_of_no_limit_and_the_calls_are_told():
    async def story() -> None:
        server = loki.a_server()
        async with loki.asking(server) as ask:
            assert words(said(ask.provider, loki.indicator(loki.RATIO))) == [f"loki: {ONE}"]
            assert server.calls == []
            await ask.one(loki.RATIO, minutes=1)
            assert len(server.calls) == 1
        async with prometheus.asking("http://127.0.0.1:9") as asked:
            both = (
                prometheus.indicator(prometheus.RATIO),
                prometheus.indicator(prometheus.RATIO, name="again"),
            )
            assert words(said(asked.provider, *both)) == [f"prometheus: {ONE}"]

    asyncio.run(story())


class Looking:
    """A provider that only reads: it looks itself, and nobody counts that."""

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        raise AssertionError((questions, window))


def test_of_what_nobody_limits_nothing_is_said():
    probe = Indicator("health", Kind.PROBE, "http", '{"url": "https://shop.example/health"}')

    assert said(Looking(), probe) == []
