"""A provider towards a Sentry in virtual time, asked as the patrol asks."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Reading
from tests.fakes.sentry import ORGANIZATION, TOKEN, Line, Shop
from tests.fakes.world import START, Happened, World
from tests.scenarios.virtual import in_virtual_time
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.sentry import Settings, open_sentry

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
NEW, OLD = {"sentry": "checkout@2", "version": "2"}, {"sentry": "checkout@1", "version": "1"}
BASE: Mapping[str, Any] = {"project": "checkout", "environment": "production", "release": "${arm.sentry}"}
SESSIONS: Mapping[str, Any] = {**BASE, "sessions": "crashed"}
REQUESTS: Mapping[str, Any] = {**BASE, "requests": "failed"}
ERRORS: Mapping[str, Any] = {**BASE, "errors": "all", "of": "sessions"}
ISSUES: Mapping[str, Any] = {**BASE, "new_issues": {"events": 3}}
KINDS = {"sessions": Kind.RATIO, "requests": Kind.RATIO, "errors": Kind.EVENTS, "new_issues": Kind.STATE}


def a_log(
    minutes: int = 10, *, new: int = 30, old: int = 60, fails: int = 3, usual: int = 0
) -> list[Happened]:
    """Of every minute *new* requests of release 2 and *old* ones of 1, in order; the first *fails* and *usual* of them fail."""
    return [
        Happened(
            START + minute * MINUTE + number * MINUTE / (many + 1), version, 500 if number < bad else 200, 0.1
        )
        for minute in range(minutes)
        for version, many, bad in (("2", new, fails), ("1", old, usual))
        for number in range(many)
    ]


def a_shop(log: list[Happened] | None = None, **more: Any) -> Shop:
    """What is in it has long been told: it is half past."""
    shop = Shop(World(a_log() if log is None else log), **more)
    shop.world.now = START + 30 * MINUTE
    return shop


def indicator(query: Mapping[str, Any], name: str = "errors") -> Indicator:
    kind = next(kind for key, kind in KINDS.items() if key in query)
    text = json.dumps(query)
    return Indicator(name, kind, "sentry", text, compares_arms="${arm." in text)


class Asking:
    """Someone who asks, in a world whose time goes on as the loop's does, and when it is told to."""

    def __init__(
        self, provider: Provider, shop: Shop, line: Line, opening: Opening, settings: Settings
    ) -> None:
        self.provider = provider
        self.shop = shop
        self.line = line
        self.opening = opening
        self.settings = settings

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
        window = Window(start, start + minutes * MINUTE, self.shop.now + patience * SECOND)
        asked = [Question(each.id, each, canary, baseline, since) for each in indicators]
        return await self.provider.read(asked, window)

    async def one(self, query: Mapping[str, Any], **more: Any) -> Reading:
        return (await self.all(indicator(query), **more))["errors"]

    @property
    def asked(self) -> list[str]:
        """The endpoints, in order."""
        return [path for path, _ in self.shop.asked]

    def params(self, number: int = -1) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.shop.asked[number][1]:
            found.setdefault(name, []).append(value)
        return found


@contextlib.asynccontextmanager
async def asking(shop: Shop, **settings: Any) -> AsyncIterator[Asking]:
    loop = asyncio.get_running_loop()
    begun = shop.world.now

    def now() -> datetime:
        shop.world.now = max(shop.world.now, begun + timedelta(seconds=loop.time()))
        return shop.world.now

    shop.time = now

    def monotonic() -> float:
        return (now() - begun).total_seconds()

    line = Line(shop)
    given = Settings.model_validate({"organization": ORGANIZATION, "token": SecretStr(TOKEN), **settings})
    opening = Opening(line, now, monotonic, connection="errors")
    async with open_sentry(given, opening) as provider:
        yield Asking(provider, shop, line, opening, given)


def read_one(shop: Shop, query: Mapping[str, Any], **more: Any) -> Reading:
    """What one question comes to."""

    async def story() -> Reading:
        async with asking(shop) as ask:
            return await ask.one(query, **more)

    return in_virtual_time(story())


def buckets(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


def arms(reading: Reading) -> list[tuple[int, tuple[float, float] | None, tuple[float, float] | None]]:
    """Minute of the bucket's end; bad and total of the new release, and of the old one."""
    return [
        (int((bucket.end - START) / MINUTE), _pair(bucket.canary), _pair(bucket.baseline))
        for bucket in buckets(reading)
    ]


def _pair(measure: object) -> tuple[float, float] | None:
    return (measure.bad, measure.total) if isinstance(measure, Counts) else None
