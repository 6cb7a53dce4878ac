"""One release, told by every system that counts its requests: the same decision at the same time, from the same counts.

What each provider reads is judged, and beside it what a perfect one would have read of the log in the same buckets; and all of
them are held against each other. Those that look themselves are in `test_one_release_looked`, those that tell how things stand
in `test_one_release_stands`, and data that come as late as their vendors say in `test_one_release_usual`; and here the registry is held against all of them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from aiohttp import web

from rules.model import Kind
from rules.sample import Bucket, Counts, Measure, Reading
from tests.contract import (
    test_aws_logs,
    test_aws_providers,
    test_datadog,
    test_loki,
    test_newrelic,
    test_one_release_looked,
    test_one_release_stands,
    test_providers,
    test_relay,
    test_sentry,
)
from tests.contract.as_usual import balanced
from tests.contract.aws_provider_contract import Clock as ClockOfAws
from tests.contract.one_release import (
    FROM,
    MINUTE,
    SEEN,
    Decided,
    buckets_in,
    by_the_log,
    counted,
    decided,
    requests,
)
from tests.contract.provider_contract import Life, ProviderContract
from tests.fakes.aws import AwsWorld
from tests.fakes.exposition import answer, page
from tests.fakes.world import SECOND, START, Clock, Happened, World
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.sentry.asking import SESSIONS, a_shop, read_one
from watcher.signals.provider import Opening, Provider
from watcher.signals.registry import PROVIDERS

MEMBERS: Sequence[type[ProviderContract]] = (
    test_datadog.TestDatadog,
    test_loki.TestLoki,
    test_newrelic.TestNewRelic,
    test_providers.TestPrometheus,
    test_providers.TestScrape,
    test_sentry.TestSentry,
)
# They look for themselves, and the seconds of each begin at a moment that is drawn.
LOOKS = frozenset({"relay", "scrape"})


def _usually(query: Mapping[str, Any]) -> dict[str, Any]:
    """At the beat that it has by default: 10 s."""
    return {key: each for key, each in query.items() if key != "every"}


class AtItsUsualBeat(test_providers.TestScrape):
    """The other members are played second by second; those that look at what somebody keeps are at theirs in `test_one_release_usual`."""

    def query(self, base: str) -> dict[str, Any]:
        return _usually(super().query(base))


class Sidecars(test_relay.TestRelay):
    """One beside each of two tasks of the new release, and one beside the old one's."""

    tasks: ClassVar = {"": "v2", "/second": "v2", "/old": "v1"}

    def __init__(self) -> None:
        self.logs: dict[str, list[Happened]] = {}
        self.looks: dict[str, list[datetime]] = {at: [] for at in self.tasks}

    def query(self, base: str) -> dict[str, Any]:
        return _usually(super().query(base))

    def routes(self, world: World) -> Mapping[str, Callable[[web.Request], web.Response]]:
        new, old = ([each for each in world.log if each.version == name] for name in ("v2", "v1"))
        third = {id(each) for each in new[::3]}  # of the failing ones, too, for three does not divide fifty
        self.logs = {
            "": [each for each in new if id(each) in third],
            "/second": [each for each in new if id(each) not in third],
            "/old": old,
        }

        def task(at: str) -> Callable[[web.Request], web.Response]:
            def told(_request: web.Request) -> web.Response:
                self.looks[at].append(world.now)
                return answer(world, page(replace(world, log=self.logs[at])))

            return told

        return {f"{at}/metrics": task(at) for at in self.tasks}

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        seen: dict[str, list[Happened]] = {"v2": [], "v1": []}
        for at, version in self.tasks.items():
            start, end = (
                next(look for look in self.looks[at] if look >= boundary)
                for boundary in (bucket.start, bucket.end)
            )
            seen[version] += [each for each in self.logs[at] if start <= each.at < end]
        new, old = (
            Counts(float(sum(each.status >= 500 for each in log)), float(len(log))) for log in seen.values()
        )
        return new, old

    def open(self, opening: Opening, clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return test_relay.a_chain(opening, clock, self.tasks)


@pytest.mark.parametrize(
    "member",
    [
        *MEMBERS,
        Sidecars,
        pytest.param(AtItsUsualBeat, id="scrape-every-10s"),
        pytest.param(test_datadog.TestDatadogSlo, id="datadog-slo"),
    ],
    ids=lambda member: member.kind,
)
async def test_what_every_system_tells_of_one_release_ends_in_one_decision(member):
    contract, expected = member(), by_the_log()
    async with contract.living(World(requests())) as life:
        asked = contract.indicator(life.base)
        beside = [replace(asked, id="events", kind=Kind.EVENTS)] if _counts_events(contract.kind) else []
        beat = 30.0 if contract.kind in LOOKS else float(SEEN)
        readings = await life.watch(asked, *beside, until=SEEN, beat=beat)
        told = [bucket for bucket in buckets_in(readings["errors"]) if not bucket.incomplete]
        perfect = [
            replace(bucket, canary=canary, baseline=baseline)
            for bucket in told
            for canary, baseline in [contract.truth(life, bucket)]
        ]

    found = decided(told, life.every)

    assert told == perfect
    assert found == decided(perfect, life.every)
    assert found is not None
    assert expected is not None
    assert START + FROM * SECOND < expected.at <= START + (FROM + 45) * SECOND
    assert _began_alike(found, expected)
    assert abs(found.at - expected.at) <= 10 * SECOND if contract.kind in LOOKS else found == expected
    assert decided(_good(told), life.every) is None
    assert all(buckets_in(readings[each.id]) == buckets_in(readings["errors"]) for each in beside)


def _began_alike(found: Decided, expected: Decided) -> bool:
    """As far as the buckets of either tell when it began."""
    one, other = found.onset, expected.onset
    return one is not None and other is not None and abs(one.at - other.at) <= max(one.grain, 10 * SECOND)


def _counts_events(kind: str) -> bool:
    """By the same query as a ratio; Sentry has another one."""
    return Kind.EVENTS in PROVIDERS[kind].fits and kind != "sentry"


def _good(told: Sequence[Bucket]) -> list[Bucket]:
    """What the same answers say of the release that does not fail."""
    return [replace(each, canary=each.baseline) for each in told]


# ---------------------------------------------------------------------------------------------------------- by the minute

MINUTES = 3  # the third is the first that is whole and bad
ERRORS = {
    **{key: each for key, each in SESSIONS.items() if key != "sessions"},
    "errors": "all",
    "of": "sessions",
}


class OnCloudWatch(test_aws_providers.TestCloudWatch):
    """The balancer's metrics of it, a group for each release."""

    def world(self, clock: ClockOfAws) -> AwsWorld:
        return balanced(World(requests(MINUTES * 60)), lambda: clock.now)


class InLogs(test_aws_logs.TestCloudWatchLogs):
    """A line for each request."""

    def world(self, clock: ClockOfAws) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        for each in requests(MINUTES * 60):
            line = {"msg": "request handled", "status": each.status, "colour": self.colour(each.version)}
            world.logs.write(test_aws_logs.GROUP, each.at, json.dumps(line))
        return world


def on_aws(member: type[OnCloudWatch | InLogs]) -> Sequence[Reading]:
    """What it tells, as a ratio and as events."""
    contract = member()

    async def story() -> Sequence[Reading]:
        async with contract.living() as life:
            asked = contract.indicator()
            return [await life.ask(replace(asked, kind=kind)) for kind in (Kind.RATIO, Kind.EVENTS)]

    return in_virtual_time(story())


def in_sentry(query: Mapping[str, object]) -> Reading:
    """Each request is a session of its own there, which crashes where the request fails."""
    names = {"canary": {"sentry": "checkout@v2"}, "baseline": {"sentry": "checkout@v1"}}
    return read_one(a_shop(requests(MINUTES * 60)), query, minutes=MINUTES, **names)


BY_THE_MINUTE: Mapping[str, Callable[[], Sequence[Reading]]] = {
    "cloudwatch": lambda: on_aws(OnCloudWatch),
    "cloudwatch_logs": lambda: on_aws(InLogs),
    "sentry": lambda: [in_sentry(SESSIONS), in_sentry(ERRORS)],
}


@pytest.mark.parametrize("kind", BY_THE_MINUTE)
def test_what_is_told_by_the_minute_ends_in_the_same_decision(kind):
    log, expected = requests(MINUTES * 60), by_the_log()

    for reading in BY_THE_MINUTE[kind]():
        told = [
            each
            for each in buckets_in(reading)
            if each.start >= START and each.end <= START + MINUTES * MINUTE
        ]
        found = decided(told, MINUTE, MINUTES * 60)

        assert told == counted(log, told)
        assert len(told) == MINUTES
        assert found is not None
        assert expected is not None
        assert timedelta(0) <= found.at - expected.at < MINUTE
        assert _began_alike(found, expected)
        assert decided(_good(told), MINUTE, MINUTES * 60) is None


# ------------------------------------------------------------------------------------------------------------ the registry

# In which an error of a release may show; the others tell of how much, how long and how many.
SHOWN = frozenset({Kind.RATIO, Kind.EVENTS, Kind.STATE, Kind.PROBE})


def rows() -> set[tuple[str, Kind]]:
    """Every kind, with each kind of indicator by which this release was played through it."""
    counted_so = {Sidecars.kind, *(member.kind for member in MEMBERS), *BY_THE_MINUTE}
    events = {kind for kind in counted_so if Kind.EVENTS in PROVIDERS[kind].fits}
    return {
        *((kind, Kind.RATIO) for kind in counted_so),
        *((kind, Kind.EVENTS) for kind in events),
        *test_one_release_looked.ROWS,
        *test_one_release_stands.ROWS,
    }


def test_every_kind_of_the_registry_has_its_row():
    """A new kind of provider, or a new way of one to tell of errors, is played here too."""
    assert rows() == {(kind, each) for kind, of in PROVIDERS.items() for each in of.fits & SHOWN}
