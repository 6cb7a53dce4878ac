"""A provider towards a New Relic in virtual time, asked as the patrol asks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Reading
from tests.fakes.newrelic import KEY, Account, Line
from tests.fakes.world import START, Happened, World
from tests.scenarios.virtual import in_virtual_time
from watcher.signals.newrelic import Settings, open_newrelic
from watcher.signals.provider import Opening, Provider, Question, Window

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
NEW, OLD = {"version": "2"}, {"version": "1"}
BASE: Mapping[str, Any] = {
    "from": "Transaction",
    "where": {"appName": "checkout", "tags.version": "${arm.version}"},
}
RATIO: Mapping[str, Any] = {**BASE, "bad": "error IS true"}
SLOW: Mapping[str, Any] = {**BASE, "over": ["300ms", "1s"]}


def a_log(
    minutes: int = 10, *, new: int = 30, old: int = 60, fails: int = 3, usual: int = 0
) -> list[Happened]:
    """Of every minute *new* requests of release 2 and *old* ones of 1, in order; the first *fails* and *usual* of them fail."""
    return [
        Happened(
            START + minute * MINUTE + number * MINUTE / (many + 1),
            version,
            500 if number < bad else 200,
            2.0 if number < bad else 0.1,
        )
        for minute in range(minutes)
        for version, many, bad in (("2", new, fails), ("1", old, usual))
        for number in range(many)
    ]


def an_account(log: list[Happened] | None = None, **more: Any) -> Account:
    """What is in it has long been told: it is half past."""
    account = Account(World(a_log() if log is None else log), **more)
    account.world.now = START + 30 * MINUTE
    return account


def indicator(query: Mapping[str, Any], kind: Kind | None = None, name: str = "errors") -> Indicator:
    text = json.dumps(query)
    bounds = (0.3, 1.0) if "over" in query else ()
    usual = Kind.LATENCY if bounds else Kind.RATIO if "bad" in query else Kind.REQUESTS
    return Indicator(name, kind or usual, "newrelic", text, compares_arms="${arm." in text, bounds=bounds)


class Asking:
    """Someone who asks, in a world whose time goes on as the loop's does, and when it is told to."""

    def __init__(self, provider: Provider, account: Account, line: Line) -> None:
        self.provider = provider
        self.account = account
        self.line = line

    async def all(
        self,
        *indicators: Indicator,
        start: datetime = START,
        minutes: float = 10,
        since: datetime | None = None,
        canary: Mapping[str, str] = NEW,
        baseline: Mapping[str, str] | None = OLD,
        patience: float = 6,
    ) -> Mapping[str, Reading]:
        window = Window(start, start + minutes * MINUTE, self.account.now + patience * SECOND)
        asked = [Question(each.id, each, canary, baseline, since) for each in indicators]
        return await self.provider.read(asked, window)

    async def one(self, query: Mapping[str, Any], kind: Kind | None = None, **more: Any) -> Reading:
        return (await self.all(indicator(query, kind), **more))["errors"]


@contextlib.asynccontextmanager
async def asking(account: Account, /, **settings: Any) -> AsyncIterator[Asking]:
    loop = asyncio.get_running_loop()
    begun = account.world.now

    def now() -> datetime:
        account.world.now = max(account.world.now, begun + timedelta(seconds=loop.time()))
        return account.world.now

    def monotonic() -> float:
        return (now() - begun).total_seconds()

    account.time = now
    line = Line(account)
    given = Settings.model_validate({"account": 4711, "key": SecretStr(KEY), **settings})
    async with open_newrelic(given, Opening(line, now, monotonic)) as provider:
        yield Asking(provider, account, line)


def read_one(account: Account, query: Mapping[str, Any], **more: Any) -> Reading:
    """What one question comes to."""

    async def story() -> Reading:
        async with asking(account) as ask:
            return await ask.one(query, **more)

    return in_virtual_time(story())


def buckets(reading: Reading, series: int = 0) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[series].buckets


def arms(
    reading: Reading, series: int = 0
) -> list[tuple[int, tuple[float, float] | None, tuple[float, float] | None]]:
    """Minute of the bucket's end; bad and total of the new release, and of the old one."""
    return [
        (int((bucket.end - START) / MINUTE), _pair(bucket.canary), _pair(bucket.baseline))
        for bucket in buckets(reading, series)
    ]


def _pair(measure: object) -> tuple[float, float] | None:
    return (measure.bad, measure.total) if isinstance(measure, Counts) else None
