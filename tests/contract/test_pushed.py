"""What every provider must do that asks nobody, because it is told: the same sentences as of those that ask, over the real store."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, cast

from rules.model import Indicator, Kind
from rules.sample import Bucket, Invalid, NoData, Reading, State, Unavailable, Who
from tests.builders import minutes
from tests.contract.replayed import recorded
from tests.fakes.world import START, Clock, World
from tests.watcher.signals.alert.building import FIRING, WELL, an_alert
from watcher.core.alerts import Remembered
from watcher.errors import StoreUnavailable
from watcher.http import Http
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening as StoreOpening
from watcher.store.store import Store

CANARY = {"version": "v2"}


@dataclass
class Life:
    """A provider that is open, the store that it looks into, and the clock."""

    provider: Provider
    store: Store
    world: World
    opening: Opening
    away: bool = False

    def turn(self, minute: float) -> None:
        self.world.now = START + minutes(minute)

    async def ask(
        self, *indicators: Indicator, since: datetime | None = None, end: datetime | None = None
    ) -> Sequence[Reading]:
        now = self.world.now
        window = Window(since or now - minutes(1), end or now, now + minutes(0.1))
        asked = [Question(f"q{number}", each, CANARY, None, since) for number, each in enumerate(indicators)]
        found = await self.provider.read(asked, window)
        assert set(found) == {each.id for each in asked}
        return [found[each.id] for each in asked]


def buckets_of(reading: Reading) -> Sequence[Bucket]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


class PushedContract:
    """The contract. Attributes and the methods that raise `NotImplementedError` are the member's to fill in."""

    kind: ClassVar[str]

    def query(self) -> dict[str, Any]:
        """It means what is `told` of the release under watch."""
        raise NotImplementedError

    def misspelt(self) -> dict[str, Any]:
        """It means something that nobody ever told."""
        raise NotImplementedError

    async def told(self, store: Store, minute: float, *, bad: bool) -> None:
        """Somebody tells, in that minute after the start, that it is so since then."""
        raise NotImplementedError

    def indicator(self, query: Mapping[str, Any] | None = None) -> Indicator:
        text = json.dumps(query or self.query())
        return Indicator("pushed", Kind.STATE, self.kind, text, compares_arms="${arm." in text)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[Life]:
        world = World([])
        clock = Clock(world)
        async with open_memory(MemorySettings(), StoreOpening(clock.now)) as store:

            async def ask(source: str, known: Remembered | None) -> Remembered:
                if life.away:
                    raise StoreUnavailable("the store is away", remedy="wait")
                return await store.alerts(source, known)

            opening = Opening(cast("Http", None), clock.now, clock.monotonic, alerts=ask)
            async with PROVIDERS[self.kind].open(None, opening) as provider:
                life = Life(provider, store, world, opening)
                yield life

    # ------------------------------------------------------------------------------------------------------ the sentences

    async def test_what_was_told_is_read_since_its_own_time(self) -> None:
        async with self.living() as life:
            await self.told(life.store, 1, bad=False)
            await self.told(life.store, 5, bad=True)
            life.turn(6)
            (reading,) = await life.ask(self.indicator())

            state = buckets_of(reading)[-1].canary
            assert isinstance(state, State)
            assert (state.bad, state.since) == (True, START + minutes(5))

    async def test_what_was_said_once_is_never_taken_back_and_no_bucket_reaches_into_another(self) -> None:
        async with self.living() as life:
            known, said = START, list[Bucket]()
            for step in range(60):
                minute = 1 + step * 0.37
                if step % 3 == 0:
                    await self.told(life.store, minute, bad=step % 2 == 0)
                life.turn(minute + 0.01)
                (reading,) = await life.ask(self.indicator(), since=known)
                for bucket in buckets_of(reading):
                    assert known <= bucket.start < bucket.end <= life.world.now
                    known = bucket.end
                    said.append(bucket)

            assert len(said) > 30

    async def test_what_was_told_is_judged_alike_when_it_is_read_again(self) -> None:
        async with self.living() as life:
            beat = (minutes(0.5), minutes(0))
            async with recorded(self.indicator(), beat, START + minutes(1)) as watch:
                for step in range(20):
                    minute = 1 + step * 0.5
                    await self.told(life.store, minute, bad=8 < step < 16)
                    life.turn(minute + 0.5)
                    (reading,) = await life.ask(self.indicator(), since=watch.since)
                    await watch.takes(life.world.now, reading)

                assert await watch.is_judged_alike_again()

    async def test_one_that_has_just_come_says_what_one_says_that_was_always_there(self) -> None:
        async with self.living() as life:
            await self.told(life.store, 1, bad=True)
            life.turn(3)
            before = await life.ask(self.indicator())
            async with PROVIDERS[self.kind].open(None, life.opening) as fresh:
                life.provider = fresh
                assert await life.ask(self.indicator()) == before

    async def test_silence_wrong_names_and_an_end_that_is_down_are_different_answers(self) -> None:
        async with self.living() as life:
            life.turn(3)
            (silent,) = await life.ask(self.indicator())
            await self.told(life.store, 1, bad=False)
            well, wrong = await life.ask(self.indicator(), self.indicator(self.misspelt()))
            life.away = True
            (down,) = await life.ask(self.indicator())

        assert isinstance(silent, NoData)
        assert isinstance(wrong, NoData)
        assert silent != wrong
        assert not cast("State", buckets_of(well)[-1].canary).bad
        assert isinstance(down, Unavailable)

    async def test_a_release_without_the_name_that_is_asked_for_is_the_authors_to_mend_and_nobody_elses_trouble(
        self,
    ) -> None:
        async with self.living() as life:
            await self.told(life.store, 1, bad=False)
            life.turn(3)
            text = json.dumps(self.query()).replace("${arm.version}", "${arm.colour}")
            alone = await life.ask(self.indicator())
            both = await life.ask(self.indicator(), self.indicator(json.loads(text)))

        assert both[:1] == alone
        assert isinstance(both[1], Invalid)
        assert both[1].who is Who.AUTHOR
        assert "colour" in both[1].words

    def test_it_says_who_tells_it_and_whether_that_may_roll_back(self) -> None:
        pushed = PROVIDERS[self.kind].pushed
        assert pushed is not None

        assert pushed.source(self.indicator()) == "am"
        assert not pushed.decides(self.indicator())
        assert pushed.decides(self.indicator({**self.query(), "decides": True}))


class TestAlert(PushedContract):
    kind = "alert"

    def query(self) -> dict[str, Any]:
        return {"source": "am", "match": {"service": "checkout", "version": "${arm.version}"}}

    def misspelt(self) -> dict[str, Any]:
        return {"source": "am", "match": {"service": "chekout"}}

    async def told(self, store: Store, minute: float, *, bad: bool) -> None:
        at = START + minutes(minute)
        said = an_alert("errors", FIRING if bad else WELL, minute, since=at, sent_at=at, labels=CANARY)
        await store.hear_alerts("am", [said], at, {})
