"""What every signal provider must do, written once; a member says only how its service would tell the same requests.

A member is a class that begins with ``Test`` and inherits `ProviderContract`. See ``test_providers.py``.
"""

import asyncio
import contextlib
import json
import resource
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from aiohttp import web

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Invalid, Measure, NoData, Reading, Series, Unavailable, Who
from tests.contract.replayed import recorded
from tests.fakes.between import REFUSALS, Between, between
from tests.fakes.faults import FAULTS, never, serving
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import SECOND, START, Clock, World, traffic
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.registry import PROVIDERS

CANARY = {"version": "v2", "short": "2"}
BASELINE = {"version": "v1", "short": "1"}


def a_world(**changes: Any) -> World:
    """Two releases side by side for a minute and a half; the new one fails more."""
    return World(traffic(7, 1.5, versions=[("v1", 0.7, 0.02), ("v2", 0.3, 0.3)]), **changes)


@dataclass
class Life:
    """A provider that is open, in a world that is served."""

    provider: Provider
    clock: Clock
    world: World
    base: str
    every: timedelta
    settle: timedelta
    calls: list[datetime] = field(default_factory=list)

    def look(self, boundary: datetime) -> datetime:
        """When the service was asked for *boundary*."""
        return next(at for at in self.calls if at >= boundary)

    async def ask(
        self, *indicators: Indicator, end: datetime | None = None, since: datetime | None = None
    ) -> Mapping[str, Reading]:
        """The readings of *indicators* up to now, as the patrol asks."""
        start = START + self.clock.ahead
        end = end or start + (self.clock.now() - self.settle - start) // self.every * self.every
        window = Window(start, end, self.clock.now() + SECOND * 5)
        asked = [Question(each.id, each, CANARY, BASELINE, since) for each in indicators]
        return await self.provider.read(asked, window)

    async def watch(self, *indicators: Indicator, until: float, beat: float = 1.0) -> Mapping[str, Reading]:
        """Ask at each beat until *until* seconds after the start; the last answer."""
        while True:
            readings = await self.ask(*indicators)
            if self.world.now >= START + SECOND * until:
                return readings
            await self.clock.advance(self.world.now + SECOND * beat)


def buckets_of(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


class ProviderContract:
    """The contract. Attributes and the methods that raise `NotImplementedError` are the member's to fill in."""

    kind: ClassVar[str]
    measures: ClassVar[Kind]
    ahead: timedelta = timedelta(0)  # our clock, of the system's
    counts_faults: ClassVar[frozenset[str]] = (
        frozenset()
    )  # faults that are bad counts here: a health check is made for them

    no_end: ClassVar[frozenset[str]] = frozenset()  # refusals that cannot be told from an answer here
    calls_each: ClassVar[int] = 1  # of one look, at most
    looks_refused: ClassVar[int] = 6
    patience: ClassVar[int] = (
        8  # seconds of its own clock, that a 429 asks for: more than the looks at it take
    )
    _patient = ""  # the address that is waited for, where a member opens a connection for each address

    def query(self, base: str) -> dict[str, Any]:
        """The query that tells the requests of `a_world`, at *base*."""
        raise NotImplementedError

    def routes(self, world: World) -> Mapping[str, Callable[[web.Request], web.Response]]:
        """How the service tells the requests in *world*, by path."""
        raise NotImplementedError

    def truth(self, life: "Life", bucket: Bucket) -> tuple[Measure | None, Measure | None]:
        """What a perfect provider that asked when ours did measures in *bucket*."""
        raise NotImplementedError

    def misspelt(self, base: str) -> dict[str, Any]:
        """A query that asks for a name that the service does not have."""
        raise NotImplementedError

    def silent(self, world: World) -> None:
        """Let nothing happen in *world* while the provider looks, though the service is there."""
        raise NotImplementedError

    def open(self, opening: Opening, _clock: Clock) -> AbstractAsyncContextManager[Provider]:
        """The provider."""
        return PROVIDERS[self.kind].open(None, opening)

    def indicator(self, base: str, name: str = "errors", query: dict[str, Any] | None = None) -> Indicator:
        text = json.dumps(self.query(base) if query is None else query)
        return Indicator(name, self.measures, self.kind, text, compares_arms="${arm." in text)

    @contextlib.asynccontextmanager
    async def living(self, world: World) -> AsyncIterator[Life]:
        """The provider in *world*."""
        calls: list[datetime] = []

        def counted(tell: Callable[[web.Request], web.Response]) -> Any:
            async def handle(request: web.Request) -> web.Response:
                calls.append(world.now)
                return tell(request)

            return handle

        app = web.Application()
        for path, tell in self.routes(world).items():
            app.router.add_get(path, counted(tell))
        async with serving_app(app) as port, self.alone(world, f"http://127.0.0.1:{port}") as life:
            life.calls = calls
            yield life

    @contextlib.asynccontextmanager
    async def alone(self, world: World, base: str) -> AsyncIterator[Life]:
        """The provider, towards whatever is at *base*."""
        clock = Clock(world, self.ahead)
        async with http_to_loopback(clock.now) as http:
            opening = Opening(http, clock.now, clock.monotonic)
            async with self.open(opening, clock) as provider:
                kind = PROVIDERS[self.kind]
                every = kind.bucket(self.indicator(base))
                yield Life(provider, clock, world, base, every, kind.settle)

    async def test_counts_are_what_happened(self):
        async with self.living(a_world()) as life:
            await life.watch(self.indicator(life.base), until=60)
            reading = (await life.ask(self.indicator(life.base)))["errors"]

            buckets = buckets_of(reading)
            assert len(buckets) >= 50
            for bucket in buckets:
                assert life.look(bucket.end) - bucket.end < SECOND / 2
                assert (bucket.canary, bucket.baseline) == self.truth(life, bucket)

    async def test_what_was_said_once_is_never_taken_back(self):
        async with self.living(a_world()) as life:
            said: dict[datetime, Bucket] = {}
            for _ in range(80):
                await life.clock.advance(life.world.now + SECOND * 0.5)
                reading = (await life.ask(self.indicator(life.base)))["errors"]
                for bucket in buckets_of(reading) if isinstance(reading, tuple) else ():
                    assert said.setdefault(bucket.end, bucket) == bucket

            assert said

    async def test_no_bucket_ends_after_the_window_or_before_what_is_known(self):
        async with self.living(a_world()) as life:
            await life.watch(self.indicator(life.base), until=30)
            reading = (
                await life.ask(self.indicator(life.base), since=START + SECOND * 20, end=START + SECOND * 25)
            )["errors"]

            ends = [bucket.end for bucket in buckets_of(reading)]
            assert ends == [START + SECOND * second for second in (21, 22, 23, 24, 25)]

    async def test_the_first_question_is_answered_with_no_data_and_not_with_zero(self):
        async with self.living(a_world()) as life:
            reading = (await life.ask(self.indicator(life.base)))["errors"]

            assert isinstance(reading, NoData)

    async def test_silence_wrong_names_and_an_end_that_is_down_are_different_answers(self):
        quiet = a_world()
        self.silent(quiet)
        async with self.living(quiet) as life:
            wrong = self.indicator(life.base, "wrong", self.misspelt(life.base))
            readings = await life.watch(self.indicator(life.base), wrong, until=20)

        async with self.alone(a_world(), "http://127.0.0.1:1") as life:
            down = (await life.watch(self.indicator(life.base), until=20))["errors"]

        assert isinstance(readings["errors"], tuple | NoData)
        assert isinstance(readings["wrong"], NoData | Invalid)
        assert readings["wrong"] != readings["errors"]
        assert self.is_blind_or_bad(down, "refused")
        assert down not in (readings["errors"], readings["wrong"])

    async def test_a_fault_touches_only_its_own_indicators(self):
        async with serving(never) as port, self.living(a_world()) as life:
            broken = self.indicator(life.base, "broken", self.query(f"http://127.0.0.1:{port}"))
            until = 7 + life.settle.total_seconds()
            readings = await life.watch(self.indicator(life.base), broken, until=until)

            assert len(buckets_of(readings["errors"])) >= 5
            assert self.is_blind_or_bad(readings["broken"], "no answer")

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_a_fault_is_blindness_and_never_good_counts(self, fault: str):
        async with serving(FAULTS[fault]) as port, self.alone(a_world(), f"http://127.0.0.1:{port}") as life:
            reading = (await life.watch(self.indicator(life.base), until=5))["errors"]

            assert self.is_blind_or_bad(reading, fault)

    @pytest.mark.parametrize("refusal", REFUSALS)
    async def test_what_is_refused_for_a_while_is_blindness_is_not_hammered_and_counts_again_afterwards(
        self, refusal: str
    ):
        async with (
            self.living(a_world()) as life,
            self._by(life.base) as way,
            self.alone(life.world, way.url) as ours,
        ):
            ours.calls = life.calls
            before = await self._goes_on(ours, 8)
            way.refuses, from_now = refusal, ours.clock.now()
            way.retry_after = self.patience
            meanwhile = await self._goes_on(ours, self.looks_refused)
            way.refuses, refused, again_from = "", way.refused, ours.clock.now()
            afterwards = await self._goes_on(ours, 12)

            known, gone_on, again = (_last(each) for each in (before, meanwhile, afterwards))
            assert known is not None
            blind_or_bad = gone_on is None or gone_on.end <= from_now + SECOND or self._is_bad(gone_on)
            assert blind_or_bad or refusal in self.no_end
            assert 1 <= refused <= self.looks_refused * self.calls_each
            if (
                "429" in refusal and not PROVIDERS[self.kind].looks_itself
            ):  # who looks keeps the time of its rule
                assert refused == 1  # of all looks before it is over
                assert isinstance(meanwhile, Unavailable)
                assert meanwhile.retry_at is not None
                assert meanwhile.retry_at > from_now
            assert again is not None
            assert again.end > again_from - ours.settle

    @contextlib.asynccontextmanager
    async def _by(self, base: str) -> AsyncIterator[Between]:
        """A way to *base* that may be cut, and that is waited for as *base* is."""
        async with between(base) as way:
            self._patient = way.url
            yield way

    async def _goes_on(self, life: Life, beats: int) -> Reading:
        """So many looks; the last answer."""
        reading: Reading = NoData("nobody has looked")
        for _ in range(beats):
            await life.clock.advance(life.world.now + SECOND)
            reading = (await life.ask(self.indicator(life.base)))["errors"]
        return reading

    def _is_bad(self, bucket: Bucket) -> bool:
        """The fault is what is measured, and it is bad."""
        found = [each for each in (bucket.canary, bucket.baseline) if isinstance(each, Counts)]
        return bool(self.counts_faults) and all(each.bad == each.total > 0 for each in found)

    @pytest.mark.parametrize("minutes", [10, -10])
    async def test_a_clock_that_is_ten_minutes_off_invents_nothing(self, minutes: int):
        self.ahead = timedelta(minutes=minutes)
        try:
            async with self.living(a_world()) as life:
                reading = (await life.watch(self.indicator(life.base), until=20, beat=2))["errors"]
                happened = len(life.world.between(START, life.world.now))

                assert isinstance(reading, NoData | Unavailable | Invalid) or _totals(reading) <= happened
                assert not isinstance(reading, tuple) or not _claims_silence(reading)
        finally:
            self.ahead = timedelta(0)

    async def test_what_was_read_is_judged_alike_when_it_is_read_again(self):
        async with (
            self.living(a_world()) as life,
            recorded(self.indicator(life.base), (life.every, life.settle), START) as watch,
        ):
            for _ in range(20):
                await life.clock.advance(life.world.now + SECOND)
                reading = (await life.ask(self.indicator(life.base), since=watch.since))["errors"]
                await watch.takes(life.clock.now(), reading)

            assert await watch.is_judged_alike_again()

    async def test_an_end_that_sends_50_mb_costs_no_memory(self):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        async with (
            serving(FAULTS["50 MB"]) as port,
            self.alone(a_world(), f"http://127.0.0.1:{port}") as life,
        ):
            await life.watch(self.indicator(life.base), until=4)

        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024

    async def test_words_name_no_secret_of_the_address(self):
        secret = secrets.token_hex(8)
        words = []
        for fault in FAULTS.keys() - {
            "trickling body",
            "slow headers",
            "50 MB",
            "gzip bomb",
        }:  # slow, and the same words
            async with (
                serving(FAULTS[fault]) as port,
                self.alone(a_world(), f"http://127.0.0.1:{port}") as life,
            ):
                query = self.query(life.base)
                query["url"] += f"?token={secret}"
                reading = (await life.watch(self.indicator(life.base, query=query), until=4))["errors"]
                words.append(repr(reading))

        assert secret not in "".join(words)

    async def test_one_call_serves_all_questions_of_all_watches(self):
        async with self.living(a_world()) as life:
            many = [self.indicator(life.base, f"errors{number}") for number in range(20)]
            await life.watch(*many, until=10)

            assert len(life.calls) <= 11

    async def test_a_release_without_the_name_that_is_asked_for_is_the_authors_to_mend(self):
        async with self.living(a_world()) as life:
            text = json.dumps(self.query(life.base)).replace("${arm.version}", "${arm.colour}")
            reading = (await life.watch(self.indicator(life.base, query=json.loads(text)), until=3))["errors"]

            assert isinstance(reading, Invalid)
            assert reading.who is Who.AUTHOR
            assert "colour" in reading.words

    async def test_closing_leaves_no_task_also_in_the_middle_of_a_call(self):
        before = asyncio.all_tasks()
        async with serving(never) as port, self.living(a_world()) as life:
            ours = asyncio.all_tasks()
            hanging = self.indicator(life.base, "hanging", self.query(f"http://127.0.0.1:{port}"))
            await life.ask(self.indicator(life.base), hanging)
            moving = asyncio.create_task(life.clock.advance(START + SECOND * 2))
            await asyncio.sleep(0.2)
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
        await asyncio.sleep(0)

        assert asyncio.all_tasks() - ours - before == set()

    async def test_a_failure_of_who_uses_it_comes_out_as_it_is(self):
        async def fail() -> None:
            async with self.living(a_world()) as life:
                await life.ask(self.indicator(life.base))
                raise LookupError("mine")

        with pytest.raises(LookupError, match="mine"):
            await fail()

    def is_blind_or_bad(self, reading: Reading, fault: str) -> bool:
        """No counts; or, where the fault is what is measured, bad ones alone."""
        if isinstance(reading, NoData | Unavailable | Invalid):
            return bool(reading.words) and fault not in self.counts_faults
        return fault in self.counts_faults and all(_all_bad(series) for series in reading)


def _last(reading: Reading) -> Bucket | None:
    """The newest bucket with counts."""
    buckets = [
        bucket
        for series in (reading if isinstance(reading, tuple) else ())
        for bucket in series.buckets
        if bucket.canary is not None or bucket.baseline is not None
    ]
    return max(buckets, key=lambda bucket: bucket.end, default=None)


def _counts(reading: tuple[Series, ...]) -> list[Counts]:
    buckets = [bucket for series in reading for bucket in series.buckets]
    return [m for b in buckets for m in (b.canary, b.baseline) if isinstance(m, Counts)]


def _totals(reading: tuple[Series, ...]) -> float:
    return sum(each.total for each in _counts(reading))


def _claims_silence(reading: tuple[Series, ...]) -> bool:
    """There was traffic all the time, and it is said that there was none."""
    counts = _counts(reading)
    return bool(counts) and all(each.total == 0 for each in counts)


def _all_bad(series: Series) -> bool:
    measures = [m for bucket in series.buckets for m in (bucket.canary, bucket.baseline) if m is not None]
    return bool(measures) and all(isinstance(m, Counts) and m.bad == m.total > 0 for m in measures)
