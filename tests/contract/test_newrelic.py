"""New Relic keeps the contract of providers, told in minutes what the contract tells in seconds: it has no shorter bucket here."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Measure, Reading
from tests.contract.provider_contract import Life, ProviderContract, a_world, buckets_of
from tests.fakes.newrelic import KEY, Account
from tests.fakes.newrelic import app as nerdgraph
from tests.fakes.serve import serving_app
from tests.fakes.world import SECOND, START, Clock, World
from watcher.signals.newrelic import Settings, open_newrelic
from watcher.signals.provider import Opening, Provider, Question, Window

SLOWER = 60


def slow(at: datetime) -> datetime:
    """The time of New Relic at a time of the contract."""
    return START + (at - START) * SLOWER


def fast(at: datetime) -> datetime:
    return START + (at - START) / SLOWER


class TestNewRelic(ProviderContract):
    patience = 8 * 60  # a minute passes there in each second of the world
    kind = "newrelic"
    measures = Kind.RATIO
    _patient = ""  # the address of the one that answers

    def query(self, base: str) -> dict[str, Any]:
        """With the address, which `ByAddress` takes out: a connection has it elsewhere."""
        return {
            "url": base,
            "from": "Transaction",
            "where": {"appName": "checkout", "tags.version": "${arm.version}"},
            "bad": "error IS true",
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        return {**self.query(base), "where": {"appName": "chekout", "tags.version": "${arm.version}"}}

    def indicator(self, base: str, name: str = "errors", query: dict[str, Any] | None = None) -> Indicator:
        written = dict(self.query(base) if query is None else query)
        url = written.pop("url")
        return replace(super().indicator(base, name, written), connection=url)

    def silent(self, world: World) -> None:
        world.log = [replace(each, at=each.at - timedelta(hours=1)) for each in world.log]

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        """New Relic keeps what happened: of a minute in which nothing did it tells nothing."""
        arms = [life.world.between(bucket.start, bucket.end, version=name) for name in ("v2", "v1")]
        new, old = (
            Counts(float(sum(each.status >= 500 for each in arm)), float(len(arm))) if arm else None
            for arm in arms
        )
        return new, old

    def open(self, opening: Opening, _clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return by_address(opening, self._patient)

    @contextlib.asynccontextmanager
    async def living(self, world: World) -> AsyncIterator[Life]:
        calls: list[datetime] = []

        @web.middleware
        async def counted(request: web.Request, handler: Any) -> Any:
            calls.append(world.now)
            return await handler(request)

        slowly = World([replace(each, at=slow(each.at)) for each in world.log])
        application = nerdgraph(Account(slowly, time=lambda: slow(world.now)))
        application.middlewares.append(counted)
        async with serving_app(application) as port:
            self._patient = f"http://127.0.0.1:{port}"
            async with self.alone(world, self._patient) as life:
                life.calls = calls
                yield life

    @contextlib.asynccontextmanager
    async def alone(self, world: World, base: str) -> AsyncIterator[Life]:
        async with super().alone(world, base) as life:
            life.every, life.settle = life.every / SLOWER, life.settle / SLOWER
            yield life

    async def test_counts_are_what_happened(self):
        """New Relic keeps what happened: it does not matter when it is asked."""
        async with self.living(a_world()) as life:
            await life.clock.advance(START + SECOND * 60)
            buckets = buckets_of((await life.ask(self.indicator(life.base)))["errors"])

            assert len(buckets) >= 50
            for bucket in buckets:
                assert (bucket.canary, bucket.baseline) == self.truth(life, bucket)
                assert not bucket.incomplete


@dataclass
class ByAddress:
    """A provider that has a connection to each address that it is asked about, and lives in the time of New Relic.

    One that does not answer well is asked once: it would say the same again, as slowly.
    """

    opening: Opening
    patient: str
    stack: contextlib.AsyncExitStack
    opened: dict[str, Provider] = field(default_factory=dict)
    said: dict[str, Mapping[str, Reading]] = field(default_factory=dict)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        by_url: dict[str, list[Question]] = {}
        for question in questions:
            since = None if question.since is None else slow(question.since)
            by_url.setdefault(question.indicator.connection or "", []).append(replace(question, since=since))
        answers = await asyncio.gather(*[self._said(url, asked, window) for url, asked in by_url.items()])
        return {name: reading for answer in answers for name, reading in answer.items()}

    async def _said(self, url: str, asked: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        if url in self.said:
            return self.said[url]
        patience = window.deadline - self.opening.now() if url == self.patient else SECOND * 0.3
        now = slow(self.opening.now())
        provider = await self._at(url)
        told = await provider.read(asked, Window(slow(window.start), slow(window.end), now + patience))
        if url != self.patient:
            self.said[url] = told
        return {name: _fast(reading) for name, reading in told.items()}

    async def _at(self, url: str) -> Provider:
        if url not in self.opened:
            base, _, token = url.partition("?token=")
            key = f"NRAK-{token}" if token else KEY
            settings = Settings.model_validate({"url": base, "account": 4711, "key": key})
            opening = replace(self.opening, now=lambda: slow(self.opening.now()))
            self.opened[url] = await self.stack.enter_async_context(open_newrelic(settings, opening))
        return self.opened[url]


def _fast(reading: Reading) -> Reading:
    if not isinstance(reading, tuple):
        return reading
    return tuple(
        replace(
            series,
            buckets=tuple(
                replace(bucket, start=fast(bucket.start), end=fast(bucket.end)) for bucket in series.buckets
            ),
        )
        for series in reading
    )


@contextlib.asynccontextmanager
async def by_address(opening: Opening, patient: str) -> AsyncIterator[Provider]:
    async with contextlib.AsyncExitStack() as stack:
        yield ByAddress(opening, patient, stack)
