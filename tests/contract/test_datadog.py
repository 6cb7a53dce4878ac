"""Datadog keeps the contract of all providers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Measure, Reading
from tests.contract.provider_contract import Life, ProviderContract
from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Metrics, Site, Slo, app_of
from tests.fakes.serve import serving_app
from tests.fakes.world import SECOND, Clock, World
from watcher.signals import datadog
from watcher.signals.provider import Opening, Provider, Question, Window

TAGS = "{env:prod,service:shop,version:${arm.version}}"


class TestDatadog(ProviderContract):
    """Metrics are sent every second, and are there at once; those that are late are in tests/watcher/signals/datadog."""

    kind = "datadog"
    measures = Kind.RATIO
    slos: ClassVar[dict[str, Slo]] = {}
    _patient = ""  # the address of the one that answers: the others are waited for a moment only

    def query(self, base: str) -> dict[str, Any]:
        """With the address, which `ByAddress` takes out: a connection has it elsewhere."""
        return {
            "url": base,
            "bad": f"sum:trace.http.request.errors{TAGS}.as_count()",
            "total": f"sum:trace.http.request.hits{TAGS}.as_count()",
            "bucket": "1s",
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        return {**self.query(base), "total": f"sum:trace.http.request.hit{TAGS}.as_count()"}

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
        site = Site(world, Metrics(world, flush=SECOND), slos=self.slos)
        async with serving_app(app_of(site)) as port:
            self._patient = f"http://127.0.0.1:{port}"
            async with self.alone(world, self._patient) as life:
                life.calls = _Times(site)
                yield life

    @contextlib.asynccontextmanager
    async def alone(self, world: World, base: str) -> AsyncIterator[Life]:
        async with super().alone(world, base) as life:
            life.settle = timedelta(0)
            yield life


SLO, HITS = "0123456789abcdef" * 2, "sum:trace.http.request.hits{env:prod,service:shop}.as_count()"
GOOD = f"{HITS} - {HITS.replace('.hits', '.errors')}"


@pytest.mark.long  # its readings are those of `TestDatadog`; what is its own is in tests/watcher/signals/datadog/test_slos.py
class TestDatadogSlo(TestDatadog):
    """An SLO of counts, of which each release is counted; those that have states are in ``test_one_release_stands.py``."""

    slos: ClassVar[dict[str, Slo]] = {SLO: Slo("shop answers", good=GOOD, total=HITS)}

    def query(self, base: str) -> dict[str, Any]:
        return {"url": base, "slo": SLO, "groups": "version:${arm.version}", "bucket": "1s"}

    def misspelt(self, base: str) -> dict[str, Any]:
        return {**self.query(base), "slo": SLO[::-1]}


class _Times(list[datetime]):
    """When the site was asked."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self._site = site

    def __iter__(self) -> Any:
        return (at for _, at in self._site.calls)

    def __len__(self) -> int:
        return len(self._site.calls)


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
            settings = datadog.Settings.model_validate(
                {
                    "url": base,
                    "api_key": API_KEY,
                    "application_key": token or APPLICATION_KEY,
                    "flush": "1s",
                    "settle": "0s",
                }
            )
            self.opened[url] = await self.stack.enter_async_context(
                datadog.open_datadog(settings, self.opening)
            )
        return self.opened[url]


@contextlib.asynccontextmanager
async def by_address(opening: Opening, patient: str) -> AsyncIterator[Provider]:
    async with contextlib.AsyncExitStack() as stack:
        yield ByAddress(opening, patient, stack)
