"""The provider `relay` keeps the contract, by a sidecar that reads and a store that keeps what it tells."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest
from aiohttp import web

from rules.model import Indicator, Kind, RuleSet
from rules.sample import Bucket, Counts, Measure, Reading
from tests.contract.provider_contract import CANARY, Life, ProviderContract
from tests.fakes.exposition import answer, page
from tests.fakes.world import Clock, World, last
from tests.watcher.api.daemon import a_service
from watcher.core.relayed import NotTaken, Telling, Trouble
from watcher.core.service import Policy, Service
from watcher.runtime.central import Accepted, Identity, Refused
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.relay import Relay
from watcher.runtime.rounds import Boundary
from watcher.runtime.untold import Key, Marked
from watcher.signals import probe, scrape
from watcher.signals.probe.provider import open_probe
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.relay.provider import open_relay
from watcher.signals.sampling import Pace
from watcher.signals.scrape.provider import open_scrape
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening as StoreOpening
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics


@dataclass
class Straight:
    """The central daemon, without the wire to it."""

    store: Store

    async def tell(
        self,
        key: Key,
        who: Identity,
        samples: Sequence[Marked],
        troubles: Mapping[str, Trouble],
        now: datetime,
        *,
        leaves: bool = False,
    ) -> Accepted | Refused:
        said = tuple(each.sample for each in samples)
        telling = Telling(*key, who.instance, who.run, who.names, said, troubles, leaves)
        outcome = await self.store.relay(telling, "token:sidecars", now)
        if isinstance(outcome, NotTaken):
            return Refused(outcome.words)
        return Accepted(new=outcome.new, known=outcome.known)


@dataclass
class Sidecar:
    """One that goes round whenever it is told to.

    Attributes:
        at: Under which path its own task answers.
    """

    relay: Relay
    services: dict[Key, Service]
    at: str = ""

    async def go_round(self, asked: Sequence[Indicator]) -> None:
        own = tuple(
            replace(each, query=each.query.replace("/metrics", f"{self.at}/metrics")) for each in asked
        )
        policy = Policy(RuleSet(own, ()))
        self.services |= {service.key: replace(service, policy=policy) for service in [a_service()]}
        await self.relay.go_round()


@dataclass
class Chain:
    """Sidecars that go round whenever somebody asks, and who sums what they told."""

    sidecars: Sequence[Sidecar]
    summing: Provider

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        for sidecar in self.sidecars:
            await sidecar.go_round([each.indicator for each in questions if _is_right(each)])
        return await self.summing.read([replace(each, of=a_service().key) for each in questions], window)


def _is_right(question: Question) -> bool:
    return "colour" not in question.indicator.query


class TestRelay(ProviderContract):
    kind = "relay"
    measures = Kind.RATIO

    def query(self, base: str) -> dict[str, Any]:
        return {
            "url": f"{base}/metrics",
            "counter": "http_requests_total",
            "where": {"version": "${arm.version}"},
            "bad": {"code": "5.."},
            "every": "1s",
        }

    def misspelt(self, base: str) -> dict[str, Any]:
        return {**self.query(base), "counter": "http_request_total"}

    def indicator(self, base: str, name: str = "errors", query: dict[str, Any] | None = None) -> Indicator:
        """What is asked of the sidecar stands one step further in, and whose it is beside it."""
        inside = dict(self.query(base) if query is None else query)
        text = json.dumps({"where": inside.pop("where"), "scrape": inside})
        return Indicator(name, self.measures, self.kind, text, compares_arms=True)

    def routes(self, world: World) -> Mapping[str, Callable[[web.Request], web.Response]]:
        """The page of an instance of v2."""

        def told(_request: web.Request) -> web.Response:
            own = replace(world, log=[each for each in world.log if each.version != "v1"])
            return answer(world, page(own))

        return {"/metrics": told}

    def silent(self, world: World) -> None:
        world.log = [replace(each, at=each.at - timedelta(hours=1)) for each in world.log]

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        """Nothing of v1: no sidecar is beside it."""
        log = life.world.between(life.look(bucket.start), life.look(bucket.end), version="v2")
        return Counts(float(sum(each.status >= 500 for each in log)), float(len(log))), None

    def open(self, opening: Opening, clock: Clock) -> AbstractAsyncContextManager[Provider]:
        return a_chain(opening, clock)


@contextlib.asynccontextmanager
async def a_chain(
    opening: Opening, clock: Clock, tasks: Mapping[str, str] = MappingProxyType({"": CANARY["version"]})
) -> AsyncIterator[Provider]:
    """*tasks* have a sidecar each: by the path under which one answers it, its release."""
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_memory(MemorySettings(), StoreOpening(clock.now)))
        summing = open_relay(None, replace(opening, relayed=store.relayed))
        sidecars = [
            await stack.enter_async_context(a_sidecar(opening, clock, store, version, at))
            for at, version in tasks.items()
        ]
        yield Chain(sidecars, await stack.enter_async_context(summing))


@contextlib.asynccontextmanager
async def a_sidecar(
    opening: Opening, clock: Clock, store: Store, version: str, at: str
) -> AsyncIterator[Sidecar]:
    async with (
        open_scrape(None, opening, Pace(clock.now, clock.monotonic, clock.until)) as scraping,
        open_probe(None, opening, Pace(clock.now, clock.monotonic, clock.until)) as probing,
    ):
        services: dict[Key, Service] = {}

        async def identify() -> Identity:
            return Identity(f"task-{version}{at}", "r_1", {"version": version})

        relay = Relay(
            services=lambda: services,
            inquiry=Inquiry(
                {"scrape": Connected(scrape.KIND, scraping), "http": Connected(probe.KIND, probing)},
                Metrics(),
            ),
            central=Straight(store),
            identify=identify,
            metrics=Metrics(),
            boundary=Boundary("relay"),
            now=clock.now,
            monotonic=clock.monotonic,
        )
        yield Sidecar(relay, services, at)


# ------------------------------------------------------------------------------------------------ what else is counts


class Latency(TestRelay):
    """How many were slower than a bound: a pair of bad and total for each."""

    measures = Kind.LATENCY

    def query(self, base: str) -> dict[str, Any]:
        return {
            "url": f"{base}/metrics",
            "histogram": "http_request_duration_seconds",
            "where": {"version": "${arm.version}"},
            "every": "1s",
        }

    def indicator(self, base: str, name: str = "errors", query: dict[str, Any] | None = None) -> Indicator:
        plain = super().indicator(base, name, query)
        text = json.dumps({**json.loads(plain.query), "over": ["300ms"]})
        return replace(plain, query=text, bounds=(0.3,))

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        log = life.world.between(life.look(bucket.start), life.look(bucket.end), version="v2")
        return Counts(float(sum(each.seconds > 0.3 for each in log)), float(len(log))), None


class Requests(TestRelay):
    """How many there were."""

    measures = Kind.REQUESTS

    def query(self, base: str) -> dict[str, Any]:
        return {name: each for name, each in super().query(base).items() if name != "bad"}

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        log = life.world.between(life.look(bucket.start), life.look(bucket.end), version="v2")
        return Counts(0.0, float(len(log))), None


class Probes(TestRelay):
    """Whether it answers well: one probe, bad or not."""

    measures = Kind.PROBE

    def query(self, base: str) -> dict[str, Any]:
        return {"url": f"{base}/health", "where": {"version": "${arm.version}"}, "every": "1s"}

    def indicator(self, base: str, name: str = "errors", query: dict[str, Any] | None = None) -> Indicator:
        inside = dict(self.query(base) if query is None else query)
        text = json.dumps({"where": inside.pop("where"), "http": inside})
        return Indicator(name, self.measures, self.kind, text, compares_arms=True)

    def routes(self, world: World) -> Mapping[str, Callable[[web.Request], web.Response]]:
        return {"/health": lambda _: web.Response(status=last(world, world.now).status)}

    def truth(self, life: Life, bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        return Counts(float(last(life.world, life.look(bucket.end)).status >= 500), 1.0), None


@pytest.mark.parametrize("member", [Latency(), Requests(), Probes()], ids=lambda each: each.measures.value)
async def test_what_else_a_sidecar_counts_is_summed_as_it_happened(member: TestRelay) -> None:
    await member.test_counts_are_what_happened()
