"""The one release in a crowded town: many other services beside it, systems that keep a sample, limits that are reached.

Each row says what its system keeps of the log, and how it limits whoever asks while the release is watched.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from rules.sample import Bucket, Reading
from tests.contract.as_usual import (
    BASELINE,
    CANARY,
    USUAL,
    Opened,
    Usual,
    balanced,
    in_logs,
    scraped_by_prometheus,
)
from tests.contract.one_release import MINUTE, buckets_in
from tests.fakes import datadog, loki, newrelic, sentry
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.faults import Fault
from tests.fakes.aws.models import in_its_words
from tests.fakes.aws.trouble import AwsError
from tests.fakes.datadog.limits import Allowed
from tests.fakes.prometheus.gate import Gate
from tests.fakes.world import SECOND, START, Happened, World
from tests.watcher.signals.cloudwatch.balancer import BALANCER, ELB
from watcher.signals.provider import Question

PAUSE = 2  # seconds that a refusal asks for
EVERY = 5 * SECOND  # between two requests to each of the others


def names(many: int) -> list[str]:
    """The releases of so many others, as they are tagged."""
    return [f"o{number:03}" for number in range(many)]


def town(log: Sequence[Happened], seconds: int, many: int) -> list[Happened]:
    """*log*, and the requests to so many others meanwhile: one in ten fails, which is not ours."""
    others = [
        Happened(
            START + step * EVERY + (number + 1) * SECOND / 200,
            name,
            500 if (step + number) % 10 == 0 else 200,
            0.1,
        )
        for step in range(int(seconds / EVERY.total_seconds()))
        for number, name in enumerate(names(many))
    ]
    return sorted([*log, *others])


@dataclass
class Limits:
    """How often it was refused, or answered in part, by what was the reason."""

    reached: Counter[str] = field(default_factory=Counter)

    def once_a_minute(self, app: web.Application, world: World) -> web.Application:
        """*app*, of which the first call of each minute is one too many."""
        minutes: set[int] = set()

        @web.middleware
        async def limited(request: web.Request, handler: Any) -> web.StreamResponse:
            minute = int(world.now.timestamp()) // 60
            if minute not in minutes:
                minutes.add(minute)
                return web.json_response(
                    {"errors": [{"message": "too many requests"}]},
                    status=429,
                    headers={"Retry-After": str(PAUSE)},
                )
            answer: web.StreamResponse = await handler(request)
            return answer

        app.middlewares.append(limited)
        return self.counted(app)

    def counted(self, app: web.Application) -> web.Application:
        """*app*, which refuses by itself what is too much."""

        @web.middleware
        async def counting(request: web.Request, handler: Any) -> web.StreamResponse:
            answer: web.StreamResponse = await handler(request)
            self.reached["429"] += answer.status == 429
            return answer

        app.middlewares.insert(0, counting)
        return app


@dataclass
class OnceAMinute(Fault):
    """It strikes the first call of each minute."""

    minutes: set[int] = field(default_factory=set)

    def strikes(self, service: str, operation: str, now: datetime) -> bool:
        minute = int(now.timestamp()) // 60
        if minute in self.minutes or not super().strikes(service, operation, now):
            return False
        self.minutes.add(minute)
        return True


def _everything(log: Sequence[Happened]) -> list[Happened]:
    return list(log)


@dataclass(frozen=True, slots=True)
class Limited:
    """One system.

    Attributes:
        others: How many services there are besides: as many as its limits take.
        minutes: For how long it is watched.
        keeps: What it keeps of the log: everything, or a sample; then it says that its counts are approximate.
        reaches: The limits that have to be reached, or it would not be shown what becomes of that.
        later: How long after who read the log it may decide.
        made: It, telling a world, and counting in the limits.
        first: From which second on it is asked: nobody did before.
        of: Its name among the usual ones, where that is another.
    """

    name: str
    made: Callable[[World, Limits], Any]
    reaches: frozenset[str]
    others: int
    minutes: int = 3
    later: timedelta = MINUTE
    keeps: Callable[[Sequence[Happened]], list[Happened]] = _everything
    first: int = 1
    of: str = ""

    @property
    def kind(self) -> str:
        """Of the provider."""
        return USUAL[self.of or self.name].kind

    def usual(self, limits: Limits) -> Usual:
        """As it is opened."""
        usual = USUAL[self.of or self.name]
        if usual.on_aws is not None:
            return replace(usual, on_aws=lambda world: self.made(world, limits))
        if usual.stands is not None:
            return replace(usual, stands=lambda world: self.made(world, limits))
        return replace(usual, served=lambda world: self.made(world, limits))

    @property
    def samples(self) -> bool:
        """It does not keep everything."""
        return self.keeps is not _everything


MOST_QUERIES = 500  # of a call of GetMetricData


def asked_in_parts(aws: AwsWorld) -> Counter[str]:
    """Calls of CloudWatch that were full, pages that others went before, queries of logs that were begun together; what was throttled."""
    asked = [call.parameters for call in aws.calls if call.operation == "GetMetricData"]
    begun = Counter(call.at for call in aws.calls if call.operation == "StartQuery")
    starts: dict[datetime, set[datetime]] = {}
    for call in aws.calls:
        if call.operation == "GetMetricData" and len(call.parameters["MetricDataQueries"]) == MOST_QUERIES:
            starts.setdefault(call.at, set()).add(call.parameters["StartTime"])
    return Counter(
        slices=sum(len(each) > 1 for each in starts.values()),
        calls=sum(len(each["MetricDataQueries"]) == MOST_QUERIES for each in asked),
        pages=sum("NextToken" in each for each in asked),
        queries=sum(many > 1 for many in begun.values()),
        throttled=sum(len(each.minutes) for each in aws.faults.pending if isinstance(each, OnceAMinute)),
    )


# ---------------------------------------------------------------------------------------------------------------- asking


@dataclass
class Told:
    """What was heard of the release, when; and of the others."""

    buckets: list[Bucket] = field(default_factory=list)
    at: list[timedelta] = field(default_factory=list)  # after the start
    blind: list[Reading] = field(default_factory=list)
    others: dict[str, list[Bucket]] = field(default_factory=dict)


async def hear(there: Opened, minutes: int, many: int, first: int = 1) -> Told:
    """Look once a second from the *first* on, for the release and for all the others at once, until the last minute is known."""
    told, inquiry = Told(others={name: [] for name in names(many)}), there.inquiry
    for second in range(first, first + minutes * 60 + 12 * 60):
        await there.on(second)
        ours = _question(there, "w_1", told.buckets, CANARY)
        others = [_question(there, name, told.others[name], _arm(name)) for name in told.others]
        asked = inquiry.ask([ours, *others], there.clock.now())
        for read in asked.reads.values():
            await read
        for question, heard in [(ours, told.buckets), *zip(others, told.others.values(), strict=True)]:
            reading = (await asked.to([question])).get("errors")
            if isinstance(reading, tuple):
                heard.extend(buckets_in(reading))
            elif reading is not None and question is ours:
                told.blind.append(reading)
        told.at += [there.clock.now() - START] * (len(told.buckets) - len(told.at))
        if all(len(each) >= minutes for each in (told.buckets, *told.others.values())):
            break
    return told


def _question(there: Opened, name: str, heard: Sequence[Bucket], arm: Mapping[str, str]) -> Question:
    since = heard[-1].end if heard else START
    return Question(f"{name}/errors", there.indicator, arm, BASELINE, since)


def _arm(name: str) -> Mapping[str, str]:
    return {"version": name, "target_group": f"targetgroup/{name}/1", "task_definition": f"web:{name}"}


# ---------------------------------------------------------------------------------------------------------------- each


def _datadog(world: World, limits: Limits) -> web.Application:
    """One call in two minutes, as it says itself: whoever keeps to that is never refused, and hears of every second minute late."""

    class Counted(Allowed):
        def count(self, now: datetime) -> tuple[bool, dict[str, str]]:
            is_over, headers = super().count(now)
            limits.reached["429"] += is_over
            limits.reached["budget"] += headers["X-RateLimit-Remaining"] == "0"
            return is_over, headers

    site = datadog.Site(
        world, datadog.Metrics(world, late=60 * SECOND), allowed=[Counted("metrics_query", 1, 120)]
    )
    return datadog.app_of(site)


def one_in_four(log: Sequence[Happened]) -> list[Happened]:
    """An agent that keeps one transaction of four, whatever became of it."""
    return [each for each in log if _is_kept(each)]


def _is_kept(each: Happened) -> bool:
    return round(each.at.timestamp() * 1e6) // 7 % 4 == 0


def _newrelic(world: World, limits: Limits) -> web.Application:
    """A sample; queries of many facets take too long."""
    account = newrelic.Account(
        world,
        late=120 * SECOND,
        facets_in_time=50,
        kept=_is_kept,
        timed_out=lambda: limits.reached.update(["facets"]),
    )
    return limits.once_a_minute(newrelic.app(account), world)


def _sentry(world: World, limits: Limits) -> web.Application:
    shop = sentry.Shop(world, late=90 * SECOND, sample_rate=0.25)
    return limits.once_a_minute(sentry.app(shop), world)


def _sentry_sessions(world: World, limits: Limits) -> web.Application:
    """Transactions are sampled; sessions are not."""
    return _sentry(world, limits)


def _loki(world: World, limits: Limits) -> web.Application:

    def counted(words: str) -> None:
        limits.reached["series"] += "maximum number of series" in words

    server = loki.Server(world, loki.Lines(world, late=60 * SECOND), most_series=100, wrong=counted)
    return limits.once_a_minute(loki.app_of(server), world)


def _throttled(aws: AwsWorld, service: str, operation: str) -> AwsWorld:
    """*aws*, which throttles the first such call of each minute."""
    words = AwsError(in_its_words(service, "ThrottlingException"), "Rate exceeded")
    aws.faults.pending.append(OnceAMinute(service, operation, error=words))
    return aws


def _cloudwatch(world: World, _limits: Limits) -> AwsWorld:
    """A target group for each of them, so that one call does not hold all metrics; and pages of a hundred points."""
    ours = {CANARY["version"], BASELINE["version"]}
    aws = balanced(World([each for each in world.log if each.version in ours]), lambda: world.now)
    aws.cloudwatch.reading.page_size = 100
    for each in world.log:
        if each.version not in ours:
            dimensions = {"LoadBalancer": BALANCER, "TargetGroup": _arm(each.version)["target_group"]}
            aws.cloudwatch.put(ELB, "RequestCount", dimensions, each.at, 1.0)
    return _throttled(aws, "cloudwatch", "GetMetricData")


HOURS = 206  # minutes, of 500 metrics: more points than the 100,800 of a page


def _cloudwatch_for_hours(world: World, _limits: Limits) -> AwsWorld:
    """What has gathered while nobody asked: more points than fit on one page, so they are asked for in two parts."""
    ours = {CANARY["version"], BASELINE["version"]}
    aws = balanced(World([each for each in world.log if each.version in ours]), lambda: world.now)
    for name in sorted({each.version for each in world.log} - ours):
        dimensions = {"LoadBalancer": BALANCER, "TargetGroup": _arm(name)["target_group"]}
        for minute in range(HOURS):
            for metric in ("RequestCount", "HTTPCode_Target_5XX_Count"):
                aws.cloudwatch.put(ELB, metric, dimensions, START + minute * MINUTE, 1.0)
    return aws


def _cloudwatch_logs(world: World, _limits: Limits) -> AwsWorld:
    """Lines of so many releases that all minutes of a query would be more than its 10,000 rows."""
    return _throttled(in_logs(world), "logs", "StartQuery")


MOST_SAMPLES = 600  # of a query of Prometheus; by itself it allows 50,000,000


def _prometheus(world: World, limits: Limits) -> AbstractAsyncContextManager[str]:
    """A real one, that refuses what it would have to load too many samples for."""

    class Counted(Gate):
        def _spoilt(self, content: dict[str, Any], body: bytes) -> dict[str, Any]:
            limits.reached["samples"] += "too many samples" in content.get("error", "")
            return super()._spoilt(content, body)

    return scraped_by_prometheus(world, Counted, f"--query.max-samples={MOST_SAMPLES}")


CROWDED: Mapping[str, Limited] = {
    each.name: each
    for each in (
        Limited("datadog", _datadog, frozenset({"budget"}), 130, later=2 * MINUTE),
        Limited("newrelic", _newrelic, frozenset({"429", "facets"}), 60, 6, 5 * MINUTE, one_in_four),
        Limited("sentry", _sentry, frozenset({"429"}), 15, 6, 5 * MINUTE, one_in_four),
        Limited("sentry sessions", _sentry_sessions, frozenset({"429"}), 15),
        Limited("cloudwatch", _cloudwatch, frozenset({"calls", "pages", "throttled"}), 260),
        Limited(
            "cloudwatch, for hours",
            _cloudwatch_for_hours,
            frozenset({"calls", "slices"}),
            260,
            first=HOURS * 60,
            of="cloudwatch",
        ),
        Limited("cloudwatch_logs", _cloudwatch_logs, frozenset({"queries", "throttled"}), 130, first=20 * 60),
        Limited("prometheus", _prometheus, frozenset({"samples"}), 130),
        Limited("loki", _loki, frozenset({"429", "series"}), 130),
    )
}


@dataclass(frozen=True, slots=True)
class Restrained:
    """What restrains a kind: the rows of `CROWDED` that play it, or why there are none; and what it keeps of the requests."""

    rows: tuple[str, ...]
    keeps: str
    why_none: str = ""


_LOOKS = "nothing: each look of ours is a request that we make ourselves, and all are counted"
_OWN_RATE = "we alone say how often it is asked, and nobody else shares a limit with us"
RESTRAINED: Mapping[str, Restrained] = {
    "alert": Restrained((), "nothing: it is told of alerts, not of requests", "nobody is asked: senders come to our door, whose limits test_limits plays"),
    "application_signals": Restrained(
        (),
        "no sample is read: SLOs stand by metrics; what X-Ray samples are traces (Application-Signals-SampleRate), which nobody asks for",
        "one call holds 50 SLOs; throttling is played by its contract, of all on AWS",
    ),
    "changes": Restrained((), "nothing: it reads what our own store was told", "nobody is asked: it lies in the store"),
    "cloudwatch": Restrained(("cloudwatch", "cloudwatch, for hours"), "everything: its metrics are counts of all requests"),
    "cloudwatch_logs": Restrained(("cloudwatch_logs",), "everything: each line that was written is counted"),
    "datadog": Restrained(("datadog",), "everything: trace metrics are of all requests, sampled are spans, which are not counted"),
    "ecs_tasks": Restrained((), "everything: each task that ended is there, for as long as ECS tells of it", "throttling is played by its contract, of all on AWS"),
    "http": Restrained((), _LOOKS, _OWN_RATE),
    "loki": Restrained(("loki",), "everything: each line that was written is counted"),
    "newrelic": Restrained(("newrelic",), "a sample, where agents have more events than they keep: approximate"),
    "page": Restrained((), _LOOKS, _OWN_RATE),
    "prometheus": Restrained(("prometheus",), "everything: counters are of all requests, however seldom they are scraped"),
    "relay": Restrained((), _LOOKS, _OWN_RATE),
    "scrape": Restrained((), "everything: counters are of all requests, however seldom they are scraped", _OWN_RATE),
    "sentry": Restrained(("sentry", "sentry sessions"), "a sample of transactions: approximate; sessions are all kept"),
    "steps": Restrained((), _LOOKS, _OWN_RATE),
}  # fmt: skip
