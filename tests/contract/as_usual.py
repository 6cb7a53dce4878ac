"""Each system that counts, as it usually is: default bucket and settle, and data as late as its vendor lets them be.

What happens is the world's log. Time is a `Clock` that whoever asks turns; the provider is the daemon's, opened as the daemon opens
it, and asked through the daemon's `Inquiry`, which knows by itself what is final.
"""

import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from deploy.ports import AwsAccount
from rules.model import Indicator, Kind
from tests.contract.test_providers import scraped
from tests.fakes import datadog, loki, newrelic, sentry
from tests.fakes.aws import AwsWorld, Direct
from tests.fakes.aws.cloudwatch.samples import Lateness
from tests.fakes.prometheus.gate import Gate, Refuse, before
from tests.fakes.prometheus.real import filled
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import SECOND, START, Clock, World
from tests.watcher.signals.cloudwatch.balancer import BALANCER, BLUE, ELB, GREEN, RATIO
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.signals.provider import Opening, Provider
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

HERE = "http://here.invalid"  # in a query: where it answers
GROUP = "/ecs/shop"
TAGS = "{env:prod,service:shop,version:${arm.version}}"
CANARY: Mapping[str, str] = {"version": "v2", "target_group": GREEN, "task_definition": "web:2"}
BASELINE: Mapping[str, str] = {"version": "v1", "target_group": BLUE, "task_definition": "web:1"}
SCRAPED_EVERY = 15 * SECOND


@dataclass(frozen=True, slots=True)
class Usual:
    """One of them.

    Attributes:
        query: Without a bucket and a settle of its own; it may name an address at `HERE`.
        late: How long after the end of its bucket the last request of it is told, at worst.
        served: Where it answers over HTTP. settings: of the connection to it, beside its address.
        on_aws: Where it is one of AWS.
        stands: Where it is a server of its own: where it answers, while it does.
        opens: How it is opened, where that takes more than its kind.
    """

    kind: str
    query: Mapping[str, Any]
    late: timedelta
    served: Callable[[World], web.Application] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    on_aws: Callable[[World], AwsWorld] | None = None
    of: Kind = Kind.RATIO
    stands: Callable[[World], AbstractAsyncContextManager[str]] | None = None
    opens: Callable[[Opening, Clock], AbstractAsyncContextManager[Provider]] | None = None

    def indicator(self, base: str) -> Indicator:
        """As a rule file has it."""
        text = json.dumps(self.query).replace(HERE, base)
        return Indicator("errors", self.of, self.kind, text, compares_arms="${arm." in text)


@dataclass(frozen=True, slots=True)
class Opened:
    """One that is open, in its world."""

    indicator: Indicator
    connected: Connected
    clock: Clock
    aws: AwsWorld | None

    @property
    def inquiry(self) -> Inquiry:
        """By which the daemon asks it."""
        return Inquiry({self.indicator.provider: self.connected}, Metrics())

    async def on(self, seconds: float) -> None:
        """Go on to so many seconds after the start."""
        await self.clock.advance(START + seconds * SECOND)
        if self.aws is not None:
            self.aws.advance()


@contextlib.asynccontextmanager
async def opened(usual: Usual, world: World) -> AsyncIterator[Opened]:
    """*usual*, telling *world*."""
    clock, kind = Clock(world), PROVIDERS[usual.kind]
    aws = usual.on_aws(world) if usual.on_aws else None
    async with contextlib.AsyncExitStack() as stack:
        base = ""
        if usual.served is not None:
            base = f"http://127.0.0.1:{await stack.enter_async_context(serving_app(usual.served(world)))}"
        elif usual.stands is not None:
            base = await stack.enter_async_context(usual.stands(world))
        asked = usual.indicator(base)
        settings = None
        if kind.settings is not None and not kind.stands_alone:
            settings = kind.settings.model_validate({"url": base, **usual.settings})
        http = await stack.enter_async_context(http_to_loopback(clock.now))
        opening = Opening(
            http,
            clock.now,
            clock.monotonic,
            aws=Direct(aws) if aws else None,
            account=AwsAccount("shop", "eu-central-1") if aws else None,
            until=clock.until,
        )
        opens = usual.opens(opening, clock) if usual.opens else kind.open(settings, opening)
        provider = await stack.enter_async_context(opens)
        yield Opened(asked, Connected(kind.at(settings), provider), clock, aws)


# ---------------------------------------------------------------------------------------------------------------- each


def balanced(world: World, now: Callable[[], datetime]) -> AwsWorld:
    """The balancer's metrics of it, a group for each release: its minutes grow for two minutes more."""
    aws = AwsWorld(now)
    for each in world.log:
        dimensions = {"LoadBalancer": BALANCER, "TargetGroup": GREEN if each.version == "v2" else BLUE}
        aws.cloudwatch.put(ELB, "RequestCount", dimensions, each.at, 1.0)
        if each.status >= 500:
            aws.cloudwatch.put(ELB, "HTTPCode_Target_5XX_Count", dimensions, each.at, 1.0)
    return aws


LOGS_LATE = 110 * SECOND


def in_logs(world: World) -> AwsWorld:
    """A line for each request, which cannot be found for a while."""
    aws = AwsWorld(lambda: world.now)
    aws.logs.looks, aws.logs.late = 1, LOGS_LATE
    for each in world.log:
        line = {"msg": "request handled", "status": each.status, "version": each.version}
        aws.logs.write(GROUP, each.at, json.dumps(line))
    return aws


@contextlib.asynccontextmanager
async def scraped_by_prometheus(
    world: World, gate: Callable[[Refuse], Gate] = Gate, *flags: str
) -> AsyncIterator[str]:
    """A real one that scraped the world. All of it is there from the beginning; it may not be asked for what is to come."""

    def no_future(form: Mapping[str, str]) -> None:
        latest = float(form.get("end") or form.get("time") or 0)
        if latest > world.now.timestamp():
            raise AssertionError(f"asked at {world.now} for {latest}")

    with tempfile.TemporaryDirectory() as folder:
        async with (
            filled(scraped(world, SCRAPED_EVERY), Path(folder), *flags) as real,
            before(gate(no_future), real) as url,
        ):
            yield url


USUAL: Mapping[str, Usual] = {
    "datadog": Usual(
        "datadog",
        {
            "bad": f"sum:trace.http.request.errors{TAGS}.as_count()",
            "total": f"sum:trace.http.request.hits{TAGS}.as_count()",
        },
        60 * SECOND,
        lambda world: datadog.app_of(datadog.Site(world, datadog.Metrics(world, late=60 * SECOND))),
        {"api_key": datadog.API_KEY, "application_key": datadog.APPLICATION_KEY},
    ),
    "loki": Usual(
        "loki",
        {
            "stream": {"app": "shop", "version": "${arm.version}"},
            "parser": "json",
            "total": {"contains": "handled"},
            "bad": {"labels": {"status": "5.."}},
        },
        60 * SECOND,
        lambda world: loki.app_of(loki.Server(world, loki.Lines(world, late=60 * SECOND))),
    ),
    "newrelic": Usual(
        "newrelic",
        {
            "from": "Transaction",
            "where": {"appName": "checkout", "tags.version": "${arm.version}"},
            "bad": "error IS true",
        },
        120 * SECOND,
        lambda world: newrelic.app(newrelic.Account(world, late=120 * SECOND)),
        {"account": 4711, "key": newrelic.KEY},
    ),
    "sentry": Usual(
        "sentry",
        {"requests": "failed", "project": "checkout", "release": "checkout@${arm.version}"},
        90 * SECOND,
        lambda world: sentry.app(sentry.Shop(world, late=90 * SECOND)),
        {"organization": sentry.ORGANIZATION, "token": sentry.TOKEN},
    ),
    "sentry sessions": Usual(
        "sentry",
        {"sessions": "crashed", "project": "checkout", "release": "checkout@${arm.version}"},
        90 * SECOND,
        lambda world: sentry.app(sentry.Shop(world, late=90 * SECOND)),
        {"organization": sentry.ORGANIZATION, "token": sentry.TOKEN},
    ),
    "cloudwatch": Usual(
        "cloudwatch", RATIO, Lateness().last, on_aws=lambda world: balanced(world, lambda: world.now)
    ),
    "cloudwatch_logs": Usual(
        "cloudwatch_logs",
        {
            "groups": GROUP,
            "total": {"contains": "handled", "fields": {"version": "${arm.version}"}},
            "bad": {"fields": {"status": "5.."}},
        },
        LOGS_LATE,
        on_aws=in_logs,
    ),
    "prometheus": Usual(
        "prometheus",
        {
            "counter": "http_requests_total",
            "where": {"version": "${arm.version}"},
            "bad": {"code": "5.."},
        },
        SCRAPED_EVERY,
        stands=scraped_by_prometheus,
    ),
}
