"""A provider that is open towards a server, and asked as the patrol asks."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Reading
from tests.fakes.loki import Lines, Server, app_of
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import SECOND, START, World, traffic
from watcher.signals.loki import Settings, open_loki
from watcher.signals.provider import Opening, Provider, Question, Window

MINUTE = timedelta(minutes=1)
NEW, OLD = {"version": "v2"}, {"version": "v1"}
RATIO: Mapping[str, Any] = {
    "stream": {"app": "shop", "version": "${arm.version}"},
    "parser": "json",
    "total": {"contains": "handled"},
    "bad": {"labels": {"status": "5.."}},
}


def a_server(lines: Mapping[str, Any] | None = None, **changes: Any) -> Server:
    """Five minutes of two releases, the new one of which fails more; it is six minutes later."""
    log = traffic(7, 5, versions=[("v1", 0.7, 0.02), ("v2", 0.3, 0.3)], every=SECOND / 2)
    world = World(log, now=START + 6 * MINUTE)
    return Server(world, Lines(world, **(lines or {})), **changes)


def indicator(query: Mapping[str, Any], kind: Kind = Kind.RATIO, name: str = "errors") -> Indicator:
    text = json.dumps(query)
    return Indicator(name, kind, "loki", text, compares_arms="${arm." in text)


class Asking:
    """Someone who asks, at the time that it is in the world."""

    def __init__(self, provider: Provider, world: World, opening: Opening, settings: Settings) -> None:
        self.provider = provider
        self.world = world
        self.opening = opening
        self.settings = settings

    async def all(
        self,
        *indicators: Indicator,
        minutes: float = 6,
        canary: Mapping[str, str] = NEW,
        baseline: Mapping[str, str] | None = OLD,
    ) -> Mapping[str, Reading]:
        window = Window(START, START + minutes * MINUTE, self.world.now + 6 * SECOND)
        asked = [Question(each.id, each, canary, baseline) for each in indicators]
        return await self.provider.read(asked, window)

    async def one(self, query: Mapping[str, Any], kind: Kind = Kind.RATIO, **more: Any) -> Reading:
        return (await self.all(indicator(query, kind), **more))["errors"]


@contextlib.asynccontextmanager
async def asking(server: Server, **settings: Any) -> AsyncIterator[Asking]:
    """Towards *server*."""

    def now() -> datetime:
        return server.world.now

    async with serving_app(app_of(server)) as port, http_to_loopback(now) as http:
        opening = Opening(http, now, lambda: 0.0)
        given = Settings.model_validate({"url": f"http://127.0.0.1:{port}", **settings})
        async with open_loki(given, opening) as provider:
            yield Asking(provider, server.world, opening, given)


def buckets(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


def truth(world: World, bucket: Bucket, version: str) -> Counts | None:
    """What a release did in *bucket*; ``None``: nothing."""
    own = world.between(bucket.start, bucket.end, version=version)
    return Counts(float(sum(each.status >= 500 for each in own)), float(len(own))) if own else None
