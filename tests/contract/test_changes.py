"""What a provider must do that looks at what moved: over the real store, and before the judge of states."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, cast

from rules.evaluate import wanted_since
from rules.model import Consequence, Indicator, InState, Kind
from rules.sample import Bucket, NoData, Reading, State, Unavailable
from rules.verdict import Because, Outcome, Verdict
from tests.builders import a_service, minutes
from tests.contract.replayed import recorded
from tests.rules.building import MINUTE, a_rule, a_watch, an_indicator, noon
from watcher.core.change import Beside, Change, ChangeKind
from watcher.core.service import Around, Service
from watcher.errors import StoreUnavailable
from watcher.http import Http
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.store.besides import Besides
from watcher.store.sql.changes import MOST
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening as StoreOpening
from watcher.store.store import Store

TOLD = a_service(around=Around(told_by=("events",)))
CART = a_service(name="cart", around=Around(told_by=("events",)))
UNTOLD = a_service(name="site")


@dataclass
class Life:
    """A provider that is open, and the store that it looks into."""

    provider: Provider
    store: Store
    indicator: Indicator
    away: list[bool] = field(default_factory=list)
    deaf: list[str] = field(default_factory=list)
    looks: list[tuple[str, str]] = field(default_factory=list)

    async def moves(self, minute: float, what: str = "flag `new-pricing`, changed", **more: Any) -> None:
        change = Change(noon(minute), what, **{"kind": ChangeKind.FLAG, "name": "new-pricing", **more})
        await self.store.add_change(change, noon(minute))

    async def ask(
        self, start: float, end: float, of: Service = TOLD, since: datetime | None = None, **query: Any
    ) -> Reading:
        indicator = Indicator("moved", Kind.STATE, "changes", json.dumps(query)) if query else self.indicator
        question = Question("q", indicator, {}, None, since, of.key)
        window = Window(noon(start), noon(end), noon(end + 1))
        return (await self.provider.read([question], window))["q"]


def buckets_of(reading: Reading) -> tuple[Bucket, ...]:
    assert isinstance(reading, tuple), reading
    return reading[0].buckets


def states_of(reading: Reading) -> list[State]:
    return [cast("State", bucket.canary) for bucket in buckets_of(reading)]


class MovedContract:
    """The contract. A member says which kind it is, and how it asks for flags."""

    kind: ClassVar[str]
    query: ClassVar[Mapping[str, Any]]

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[Life]:
        services = {each.key: each for each in (TOLD, CART, UNTOLD)}
        async with open_memory(MemorySettings(), StoreOpening(noon, threads=False)) as store:

            async def ask(of: tuple[str, str], since: datetime, until: datetime) -> Beside:
                life.looks.append(of)
                if life.away:
                    raise StoreUnavailable("the store is away", remedy="wait")
                return await besides.of(of, since, until)

            besides = Besides(store, lambda: services, lambda source, _at: source in life.deaf)
            opening = Opening(cast("Http", None), noon, lambda: 0.0, moved=ask)
            async with PROVIDERS[self.kind].open(None, opening) as provider:
                indicator = Indicator("moved", Kind.STATE, self.kind, json.dumps(self.query))
                life = Life(provider, store, indicator)
                yield life

    # ------------------------------------------------------------------------------------------------------ the sentences

    async def test_what_moved_is_bad_from_when_it_moved_on_for_as_long_as_it_counts(self) -> None:
        async with self.living() as life:
            await life.moves(1.25)
            reading = await life.ask(0, 13)

        bad = [bucket for bucket in buckets_of(reading) if cast("State", bucket.canary).bad]
        assert (bad[0].end, bad[-1].end) == (noon(1.5), noon(11))
        assert {cast("State", bucket.canary).since for bucket in bad} == {noon(1.25)}
        assert states_of(reading)[0] == State("rest", of="what else may move")

    async def test_what_moved_before_what_is_asked_for_counts_for_as_long(self) -> None:
        async with self.living() as life:
            await life.moves(1)
            late, later = await life.ask(9, 10), await life.ask(11, 12)

        assert all(state.bad for state in states_of(late))
        assert not any(state.bad for state in states_of(later))

    async def test_buckets_are_on_the_grid_and_none_is_told_twice(self) -> None:
        async with self.living() as life:
            first = buckets_of(await life.ask(0.1, 3.3))
            more = buckets_of(await life.ask(0.1, 4.3, since=first[-1].end))

        spans = [(bucket.start, bucket.end) for bucket in (*first, *more)]
        assert spans == [(noon(number / 2), noon((number + 1) / 2)) for number in range(1, 8)]

    async def test_only_what_is_meant_counts(self) -> None:
        async with self.living() as life:
            await life.moves(1, name="old-pricing")
            await life.moves(1, kind=ChangeKind.SCALING)
            by_kind = await life.ask(1, 2, kinds=["parameter"])
            by_name = await life.ask(1, 2, names=["new-*"])
            by_both = await life.ask(1, 2, names=["new-*"], kinds=["flag"])

        assert not any(state.bad for state in states_of(by_kind))
        assert all(state.bad for state in states_of(by_name))
        assert not any(state.bad for state in states_of(by_both))

    async def test_what_concerns_another_service_does_not_count(self) -> None:
        async with self.living() as life:
            await life.moves(1, service="cart", environment="production")
            ours, theirs = await life.ask(1, 2), await life.ask(1, 2, CART)

        assert not any(state.bad for state in states_of(ours))
        assert all(state.bad for state in states_of(theirs))

    async def test_the_newest_speaks_and_what_moves_again_is_another(self) -> None:
        async with self.living() as life:
            await life.moves(0.25)
            await life.moves(1.25)
            await life.moves(2.25, "flag `other`, changed")
            states = states_of(await life.ask(0, 3))

        first, again, other = (
            ("flag `new-pricing`, changed", noon(0.25)),
            ("flag `new-pricing`, changed ×2", noon(1.25)),
            ("flag `other`, changed", noon(2.25)),
        )
        assert [(state.of, state.since) for state in states] == [first, first, again, again, other, other]

    async def test_what_moves_at_the_very_end_of_a_bucket_is_of_the_next(self) -> None:
        async with self.living() as life:
            await life.moves(1)
            first = states_of(await life.ask(0.5, 1))
            both = states_of(await life.ask(0.5, 1.5))

        assert [state.bad for state in first] == [False]
        assert [state.bad for state in both] == [False, True]

    async def test_what_is_told_late_moves_from_then_on_and_since_when_it_did(self) -> None:
        async with self.living() as life:
            known = buckets_of(await life.ask(0, 5))
            await life.moves(1.25)
            late = await life.ask(0, 7, since=known[-1].end)

        assert not any(cast("State", bucket.canary).bad for bucket in known)
        assert buckets_of(late)[0].start == noon(5)
        assert {(state.bad, state.since) for state in states_of(late)} == {(True, noon(1.25))}

    async def test_all_questions_of_one_service_are_one_look(self) -> None:
        async with self.living() as life:
            asked = [Question(f"q{number}", life.indicator, {}, None, None, TOLD.key) for number in range(20)]
            readings = await life.provider.read(asked, Window(noon(0), noon(1), noon(2)))

        assert len(readings) == 20
        assert life.looks == [TOLD.key]

    async def test_where_nobody_tells_and_where_the_store_is_away_are_different_answers(self) -> None:
        async with self.living() as life:
            untold = await life.ask(0, 1, UNTOLD)
            gone = await life.ask(0, 1, a_service(name="gone"))
            life.deaf.append("events")
            deaf = await life.ask(0, 1)
            life.away.append(True)
            down = await life.ask(0, 1)

        assert isinstance(untold, NoData)
        assert "told_by" in untold.words
        assert isinstance(gone, NoData)
        assert deaf == NoData("events cannot be asked: what moves is not heard of")
        assert isinstance(down, Unavailable)

    async def test_where_more_moves_than_is_looked_through_nothing_is_taken_for_rest(self) -> None:
        async with self.living() as life:
            for _ in range(MOST):
                await life.moves(3, service="cart", environment="production")
            crowded, untold = await life.ask(2, 4), await life.ask(2, 4, UNTOLD)

        assert isinstance(crowded, NoData)
        assert crowded.words.startswith("more moves here than is looked through")
        assert isinstance(untold, NoData)
        assert "told_by" in untold.words

    async def test_what_was_read_is_judged_alike_when_it_is_read_again(self) -> None:
        async with (
            self.living() as life,
            recorded(life.indicator, (minutes(0.5), minutes(0)), noon(0)) as watch,
        ):
            await life.moves(2)
            for step in range(2, 30):
                await watch.takes(noon(step / 2), await life.ask(-10, step / 2, since=watch.since))

            assert await watch.is_judged_alike_again()

    async def test_without_a_daemon_nobody_knows(self) -> None:
        opening = Opening(cast("Http", None), noon, lambda: 0.0)
        async with PROVIDERS[self.kind].open(None, opening) as provider:
            indicator = Indicator("moved", Kind.STATE, self.kind, json.dumps(self.query))
            question = Question("q", indicator, {}, None, None, TOLD.key)
            reading = (await provider.read([question], Window(noon(0), noon(1), noon(2))))["q"]

        assert isinstance(reading, NoData)

    async def test_of_a_long_time_no_more_than_a_day_is_told(self) -> None:
        async with self.living() as life:
            reading = await life.ask(-60 * 24 * 7, 0)

        assert buckets_of(reading)[0].start == noon(-60 * 24)

    # ----------------------------------------------------------------------------------------------- before the judge

    async def judged(self, *moves: float, until: float = 6) -> Verdict:
        """What a control says, minute by minute, of a release that has its traffic since noon."""
        rule = a_rule(InState(MINUTE), consequence=Consequence.DOUBT)
        watch = a_watch(rule, indicators=[an_indicator(kind=Kind.STATE)])
        watch.traffic_at = watch.complete_at = noon(0)
        async with self.living() as life:
            for minute in moves:
                await life.moves(minute)
            for step in range(2, int(until * 2) + 1):
                since = wanted_since(watch.brief, watch.evidence, "errors", watch.traffic_at)
                reading = await life.ask(-10, step / 2, since=since)
                watch.reads(noon(step / 2), errors=reading)
        return watch.verdict()

    async def test_what_moved_after_the_switch_makes_a_control_doubt(self) -> None:
        verdict = await self.judged(2)

        assert verdict.outcome is Outcome.BREACHED
        assert verdict.words == "flag `new-pricing`, changed in motion since 12:02 UTC"

    async def test_what_moved_before_the_switch_says_nothing_of_the_release(self) -> None:
        verdict = await self.judged(-2)

        assert verdict.because is Because.BAD_BEFORE

    async def test_what_moves_again_after_the_switch_is_not_forgiven_for_what_it_was_before(self) -> None:
        assert (await self.judged(-2, 2)).outcome is Outcome.BREACHED

    async def test_a_control_beside_which_nothing_moves_is_well(self) -> None:
        assert (await self.judged()).outcome is Outcome.HEALTHY

    async def test_it_doubts_no_more_once_what_moved_no_longer_counts(self) -> None:
        assert (await self.judged(2, until=11.5)).outcome is Outcome.BREACHED
        assert (await self.judged(2, until=13)).outcome is Outcome.HEALTHY


class TestChanges(MovedContract):
    kind = "changes"
    query: ClassVar[Mapping[str, Any]] = {"kinds": ["flag"], "within": "10m"}
