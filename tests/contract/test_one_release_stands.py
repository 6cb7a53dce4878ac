"""The one release, by those that count nothing, and say how something stands: alarms, monitors, budgets, issues, what moved.

Each row says how its system tells the log, as a release that fails or as one that does not; and of the log itself, when what
it tells of turned. What is told must have turned then; the release that fails goes back, and the other one does not.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from rules.model import Indicator, Kind
from rules.sample import Bucket, State
from tests.contract import test_aws_logs, test_changes
from tests.contract.alerts_contract import ERRORS, FIRING, SYSTEMS, WELL, a_house
from tests.contract.aws_provider_contract import Clock
from tests.contract.one_release import (
    ABOVE,
    FROM,
    MINUTE,
    ONE_IN,
    STANDS,
    buckets_in,
    decided,
    requests,
    turned,
)
from tests.fakes.alerts import Log, Turn
from tests.fakes.alerts.post import post
from tests.fakes.aws import AwsWorld
from tests.fakes.datadog import Monitor, Slo
from tests.fakes.world import SECOND, START, Happened, World
from tests.rules.building import noon
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.cloudwatch import balancer
from tests.watcher.signals.datadog import asking as datadog
from tests.watcher.signals.sentry.asking import ISSUES, a_shop, read_one
from watcher.core.alerts import Remembered
from watcher.signals.alert.provider import Alerts
from watcher.signals.alert.query import placed
from watcher.signals.alert.senders.registry import SENDERS
from watcher.signals.provider import Question, Window

MINUTES = 5
RELEASES = {"bad": ONE_IN, "good": None}
SLO = "0123456789abcdef" * 2


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider told.

    Attributes:
        since: When what it tells of turned, by the log; ``None``: it did not.
        every: The length of its buckets.
    """

    buckets: Sequence[Bucket]
    since: datetime | None
    every: timedelta = MINUTE


def log_of(one_in: int | None) -> list[Happened]:
    return requests(MINUTES * 60, one_in, a_second=10)


def monitored(log: list[Happened]) -> Told:
    """A monitor of Datadog, of each version, that looks at the last minute every ten seconds."""
    query = {"monitors": [7], "groups": ["version:${arm.version}"]}
    told = _told_by_datadog(log, query, monitors={7: Monitor("errors of shop", ABOVE)})
    return Told(told, turned(log, 10 * SECOND))


def _told_by_datadog(log: list[Happened], query: Mapping[str, Any], **there: Any) -> Sequence[Bucket]:
    world = World(log, now=START + MINUTES * MINUTE)

    async def story() -> Sequence[Bucket]:
        async with datadog.asking(datadog.a_site(world, **there)) as life:
            return buckets_in(await life.one(query, Kind.STATE, minutes=MINUTES))

    return asyncio.run(story())


def promised_by_a_monitor(log: list[Happened]) -> Told:
    """An SLO of Datadog on the same monitor: the history of each version."""
    query = {"slo": SLO, "groups": ["version:${arm.version}"]}
    slo = Slo("shop is up", monitor=Monitor("errors of shop", ABOVE))
    return Told(_told_by_datadog(log, query, slos={SLO: slo}), turned(log, 10 * SECOND))


def promised_in_slices(log: list[Happened]) -> Told:
    """An SLO of Datadog on the minutes of the log: of all requests, for it knows no releases, which are half of them each."""
    goal = 0.7 * ABOVE
    told = _told_by_datadog(log, {"slo": SLO}, slos={SLO: Slo("most minutes are good", above=goal)})
    minutes = [START + minute * MINUTE for minute in range(MINUTES)]
    came = {at: [each for each in log if at <= each.at < at + MINUTE] for at in minutes}
    bad = [at for at in minutes if sum(each.status >= 500 for each in came[at]) > goal * len(came[at])]
    return Told(told, bad[0] if bad else None)


def alarmed(log: list[Happened]) -> Told:
    """An alarm of CloudWatch on a minute's errors."""
    shop, since = balancer.Balancer(time=START + (MINUTES + 3) * MINUTE), turned(log, MINUTE)
    shop.aws.cloudwatch.set_alarm("errors", "OK", START - MINUTE)
    if since is not None:
        shop.aws.cloudwatch.set_alarm("errors", "ALARM", since)
    asked = balancer.an_indicator({"alarms": ["errors"]}, Kind.STATE)
    reading = in_virtual_time(shop.read(asked))[asked.id]
    return Told(buckets_in(reading), since)


class Budget(test_aws_logs.TestApplicationSignals):
    """An SLO on the requests of the log: of all of them, for it knows no releases."""

    GOAL = 0.995

    def __init__(self, log: list[Happened]) -> None:
        self.log = log

    def world(self, clock: Clock) -> AwsWorld:
        world = AwsWorld(lambda: clock.now)
        world.slos.follow("shop-checkout", self.GOAL, [(each.at, each.status >= 500) for each in self.log])
        return world

    def spent(self) -> datetime | None:
        """The minute's end before the first at which more had failed than may."""
        ends = [START + minute * MINUTE for minute in range(1, MINUTES + 1)]
        for end in ends:
            came = [each for each in self.log if each.at < end]
            if sum(each.status >= 500 for each in came) > (1 - self.GOAL) * len(came):
                return end - MINUTE
        return None


def budgeted(log: list[Happened]) -> Told:
    """Application Signals: once the budget is spent."""
    contract = Budget(log)

    async def story() -> Sequence[Bucket]:
        async with contract.living() as life:
            return buckets_in(await life.ask(contract.indicator()))

    return Told(in_virtual_time(story()), contract.spent())


def new_issues(log: list[Happened]) -> Told:
    """Sentry: an issue that no release had before, since its first event."""
    names = {"canary": {"sentry": "checkout@v2"}, "baseline": {"sentry": "checkout@v1"}}
    failed = [each.at for each in log if each.status >= 500]
    told = buckets_in(read_one(a_shop(log), ISSUES, minutes=MINUTES, **names))
    return Told(told, min(failed, default=None))


def moved(log: list[Happened]) -> Told:
    """It knows no requests; but that a flag was turned just before the first of them failed, if one was."""
    failed = [each.at for each in log if each.status >= 500]
    flag = START + FROM * SECOND if failed else None

    async def story() -> Sequence[Bucket]:
        async with test_changes.TestChanges().living() as life:
            if flag is not None:
                await life.moves((flag - START) / MINUTE)
            return [_today(each) for each in buckets_in(await life.ask(0, MINUTES))]

    return Told(in_virtual_time(story()), flag, every=timedelta(seconds=30))


def _today(bucket: Bucket) -> Bucket:
    """That contract's noon is of another day."""
    later, state = START - noon(), cast("State", bucket.canary)
    told = replace(state, since=state.since and state.since + later)
    return replace(bucket, start=bucket.start + later, end=bucket.end + later, canary=told)


STANDING: Mapping[str, Callable[[list[Happened]], Told]] = {
    "application_signals": budgeted,
    "changes": moved,
    "cloudwatch": alarmed,
    "datadog": monitored,
    "sentry": new_issues,
}
# Other ways in which one of these stands.
BESIDE: Mapping[str, Callable[[list[Happened]], Told]] = {
    "an SLO of a monitor": promised_by_a_monitor,
    "an SLO of time slices": promised_in_slices,
}
ROWS = {("alert", Kind.STATE), *((kind, Kind.STATE) for kind in STANDING)}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", [*STANDING, *BESIDE])
def test_how_things_stand_under_a_release_ends_in_the_same_decision(kind, release):
    held({**STANDING, **BESIDE}[kind](log_of(RELEASES[release])), release)


def held(told: Told, release: str) -> None:
    """It turned when the log says, and only the release that fails goes back."""
    states = [cast("State", each.canary) for each in told.buckets]
    found = decided(told.buckets, told.every, MINUTES * 60, STANDS)

    assert states
    assert all(each.since == told.since for each in states if each.bad)
    if release == "good":
        assert told.since is None
        assert not states[-1].bad
        assert found is None
    else:
        assert told.since is not None
        assert told.since > START + MINUTE
        assert states[-1].bad
        assert found is not None
        assert found.onset is not None
        assert told.since <= found.onset.at <= found.at


# ----------------------------------------------------------------------------------------------------------------- pushed

LATEST = 10  # minutes: a group that has told something tells of more five minutes later


def pushed(log: list[Happened], kind: str) -> Told:
    """An alert on the log, which was tried half an hour before, is told by a system to our door; and asked for each minute."""
    system, since = SYSTEMS[kind](), turned(log, 10 * SECOND)
    tried = [Turn(START - 30 * MINUTE, ERRORS, FIRING), Turn(START - 20 * MINUTE, ERRORS, WELL)]
    turns = Log(tried if since is None else [*tried, Turn(since, ERRORS, FIRING)])
    deliveries = system.deliveries(turns, START + LATEST * MINUTE)
    query = {"source": "door", "match": {"name": ERRORS.name}}
    asked = placed(Indicator("errors", Kind.STATE, "alert", json.dumps(query)), SENDERS[kind].repeats)

    async def story() -> Sequence[Bucket]:
        found: list[Bucket] = []
        async with a_house(system) as (house, url, session):

            async def ask(_source: str, _known: Remembered | None) -> Remembered:
                heard = max(each.at for each in deliveries if each.at <= house.now)
                return Remembered(heard, None, tuple(house.book.alerts.values()))

            provider, before = Alerts(ask, lambda: house.now), START - timedelta(hours=1)
            for minute in range(LATEST + 1):
                now = START + minute * MINUTE
                due = [each for each in deliveries if before < each.at <= now]
                assert set(await post(session, url, system, due, house.set)) <= {202}
                house.set(now)
                question = Question("q", asked, {}, None, found[-1].end if found else None)
                window = Window(now - MINUTE, now, now + 6 * SECOND)
                found += buckets_in((await provider.read([question], window))["q"])
                before = now
            assert house.unproven == []
        return found

    return Told(asyncio.run(story()), since)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("sender", SENDERS)
def test_an_alert_on_a_release_ends_in_the_same_decision_whoever_tells_it(sender, release):
    held(pushed(log_of(RELEASES[release]), sender), release)
