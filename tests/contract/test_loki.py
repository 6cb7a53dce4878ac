"""Loki keeps the contract of all providers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Measure, Reading
from tests.contract.provider_contract import Life, ProviderContract
from tests.fakes.loki import Lines, Server, app_of
from tests.fakes.serve import serving_app
from tests.fakes.world import SECOND, Clock, World
from watcher.signals import loki
from watcher.signals.provider import Opening, Provider, Question, Window


class TestLoki(ProviderContract):
    """Lines are there at once; those that are late are in tests/watcher/signals/loki."""

    kind = "loki"
    measures = Kind.RATIO
    _patient = ""  # the address of the one that answers: the others are waited for a moment only

    def query(self, base: str) -> dict[str, Any]:
        """With the address, which `ByAddress` takes out: a connection has it elsewhere."""
        return {
            "url": base,
            "stream": {"app": "shop", "version": "${arm.version}"},
            "parser": "json",
            "total": {"contains": "handled"},
            "bad": {"labels": {"status": "5.."}},
            "bucket": "1s",
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        return {**self.query(base), "stream": {"app": "shpo", "version": "${arm.version}"}}

    def indicator(self, base: str, name: str = "errors", query: dict[str, Any] | None = None) -> Indicator:
        written = dict(self.query(base) if query is None else query)
        url = written.pop("url")
        return replace(super().indicator(base, name, written), connection=url)

    def silent(self, world: World) -> None:
        world.log = [replace(each, at=each.at - timedelta(hours=1)) for each in world.log]

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        arms = [life.world.between(bucket.start, bucket.end, version=name) for name in ("v2", "v1")]
        v2, v1 = (
            Counts(float(sum(each.status >= 500 for each in arm)), float(len(arm))) if arm else None
            for arm in arms
        )
        return v2, v1

    def open(self, opening: Opening, _clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return by_address(opening, self._patient)

    @contextlib.asynccontextmanager
    async def living(self, world: World) -> AsyncIterator[Life]:
        server = Server(world, Lines(world))
        async with serving_app(app_of(server)) as port:
            self._patient = f"http://127.0.0.1:{port}"
            async with self.alone(world, self._patient) as life:
                life.calls = server.calls
                yield life

    @contextlib.asynccontextmanager
    async def alone(self, world: World, base: str) -> AsyncIterator[Life]:
        async with super().alone(world, base) as life:
            life.settle = timedelta(0)
            yield life


@dataclass
class ByAddress:
    """A provider that has a connection to each address that it is asked about."""

    opening: Opening
    patient: str
    stack: contextlib.AsyncExitStack
    opened: dict[str, Provider] = field(default_factory=dict)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        by_url: dict[str, list[Question]] = {}
        for question in questions:
            by_url.setdefault(question.indicator.connection or "", []).append(question)
        answers = await asyncio.gather(
            *[(await self._at(url)).read(asked, self._window(url, window)) for url, asked in by_url.items()]
        )
        return {name: reading for answer in answers for name, reading in answer.items()}

    def _window(self, url: str, window: Window) -> Window:
        return window if url == self.patient else replace(window, deadline=self.opening.now() + SECOND * 0.8)

    async def _at(self, url: str) -> Provider:
        if url not in self.opened:
            base, _, token = url.partition("?token=")
            secret = {"bearer": token} if token else {}
            settings = loki.Settings.model_validate({"url": base, "settle": "0s", **secret})
            self.opened[url] = await self.stack.enter_async_context(loki.open_loki(settings, self.opening))
        return self.opened[url]


@contextlib.asynccontextmanager
async def by_address(opening: Opening, patient: str) -> AsyncIterator[Provider]:
    async with contextlib.AsyncExitStack() as stack:
        yield ByAddress(opening, patient, stack)
