"""A watch over one indicator of a provider, judged as its readings come and judged again from what a store on disk holds.

The daemon's own patrol judges and writes; the store is closed and opened anew in between, and before it is read for the last time.
Apart, since each contract of providers has this sentence.
"""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from structlog.testing import capture_logs

from rules.brief import Brief
from rules.evaluate import Timing, evaluate, prepare, start, wanted_since, with_onset
from rules.evidence import decode_brief, decode_evidence
from rules.model import Indicator, InState, Kind, RuleSet, Slo
from rules.sample import Bucket, NoData, Reading, Series
from rules.verdict import Judgement, Outcome
from tests.builders import a_policy, a_service
from tests.rules.building import a_rule
from tests.watcher.runtime.at_work import a_new_watch
from watcher.api.handlers.watches import record_of
from watcher.commands._replay.stored import judged_again
from watcher.core.service import Bake, Mode
from watcher.core.watch import Step, Watch
from watcher.runtime.bells import Bells
from watcher.runtime.case import setting_of
from watcher.runtime.inquiry import Connected, Inquiry, connection_of
from watcher.runtime.patrol import Patrol
from watcher.runtime.rounds import Boundary
from watcher.signals.provider import Question, Window
from watcher.signals.registry import PROVIDERS
from watcher.store.facts import Lookup
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening, Saved, Store
from watcher.telemetry.metrics import Metrics

ID = "w_1"
BAKE = Bake(timedelta(hours=12), timedelta(hours=24))  # longer than any contract plays
ROUNDS_OF_A_DAEMON = 9
Beat = tuple[timedelta, timedelta]


@dataclass
class _Handed:
    """The provider as the patrol sees it: it answers what the contract has just read of the real one."""

    reading: Reading
    reads: int = 0

    async def read(self, questions: Sequence[Question], _window: Window) -> Mapping[str, Reading]:
        self.reads += 1
        return {each.id: self.reading for each in questions}


class _InMemory:
    """The same watch as who never writes anything judges it."""

    def __init__(self, brief: Brief, since: datetime) -> None:
        self.brief, self.since = brief, since
        self.evidence = start(brief)
        self.judged: Judgement | None = None
        self.breached: Judgement | None = None
        self.series: list[Series] = []

    def takes(self, now: datetime, readings: Mapping[str, Reading]) -> None:
        round_ = evaluate(self.brief, self.evidence, readings, Timing(now, self.since, self.since))
        self.evidence, self.judged = round_.evidence, round_.judgement
        self.series += round_.buckets
        if self.breached is None and self.judged.outcome is Outcome.BREACHED:
            self.breached = with_onset(self.judged, self.brief, self.series)


class Recorded:
    """The watch. The release takes all the traffic from *since* on, and is watched in shadow, so that a breach ends nothing."""

    def __init__(self, indicator: Indicator, beat: Beat, watch: Watch, path: Path) -> None:
        self._indicator, self._beat, self._path = indicator, beat, path
        self._now = watch.opened_at
        brief = prepare(watch.policy.rules, setting_of(watch, lambda _: beat), {})
        self._memory = _InMemory(brief, watch.opened_at)
        self._handed, self._rounds = _Handed(NoData("not read yet")), 0
        self._daemon = contextlib.AsyncExitStack()
        self._store: Store
        self._patrol: Patrol
        self._bugs: list[Exception] = []

    async def opens(self, watch: Watch) -> None:
        """The deployment is heard of, and its judges are prepared."""
        await self.restarts()
        assert isinstance(await self._store.open(Step(watch, before=0), self._now), Saved)
        await self._go_round()
        assert (await self._stored()).brief

    @property
    def since(self) -> datetime:
        """From when on it wants to know."""
        memory = self._memory
        since = wanted_since(memory.brief, memory.evidence, self._indicator.id, memory.since)
        assert since is not None
        return since

    async def takes(self, now: datetime, reading: Reading) -> None:
        """One round at *now*. After so many of them the daemon has been started anew."""
        self._now, self._handed.reading, self._rounds = now, reading, self._rounds + 1
        if self._rounds % ROUNDS_OF_A_DAEMON == 0:
            await self.restarts()
        was_due = await self._go_round()
        self._memory.takes(now, {self._indicator.id: reading} if was_due else {})

    async def is_judged_alike_again(self) -> bool:
        """What the store holds is what was judged in memory, and is judged so again: evidence and verdict, bit for bit.

        And there was something to judge.
        """
        await self.restarts()
        watch, memory = await self._stored(), self._memory
        assert decode_brief(watch.brief or "") == memory.brief
        assert decode_evidence(watch.evidence or "") == memory.evidence
        assert _undated(watch.judgement) == _undated(memory.judged)
        assert (watch.breach and watch.breach.judgement) == memory.breached
        saved = await self._store.buckets_as_saved(ID)
        assert _in_order(each for _, each in saved) == _in_order(memory.series)
        told = record_of(watch, saved)
        again = judged_again(told.model_dump(mode="json"))
        return again.is_same and any(rule.buckets for rule in again.rules)

    async def restarts(self) -> None:
        """The store is closed and opened anew, by a daemon that remembers nothing."""
        await self._daemon.aclose()
        opening = Opening(lambda: self._now, threads=False)
        self._store = await self._daemon.enter_async_context(
            open_sqlite(SqliteSettings(path=self._path), opening)
        )
        bucket, settle = self._beat
        kind = PROVIDERS[self._indicator.provider]
        kind = replace(kind, bucket=lambda _: bucket, settle=settle, settles=None)
        metrics, service = Metrics(), a_service()
        self._patrol = Patrol(
            self._store,
            Lookup(self._store, lambda: {service.key: service}, lambda _rules: (self._beat,)),
            Inquiry({connection_of(self._indicator): Connected(kind, self._handed)}, metrics),
            Bells(),
            metrics,
            Boundary("patrol", lambda _loop, bug: self._bugs.append(bug)),
            "me",
            lambda: self._now,
        )

    async def closes(self) -> None:
        """The daemon ends."""
        await self._daemon.aclose()

    async def _go_round(self) -> bool:
        """Whether anything was due to be asked for."""
        await self._store.hurry(ID, self._now)
        reads = self._handed.reads
        with capture_logs():
            assert await self._patrol.go_round()
        assert self._bugs == []
        return self._handed.reads > reads

    async def _stored(self) -> Watch:
        watch = await self._store.get(ID)
        assert watch is not None
        return watch


def _in_order(series: Iterable[Series]) -> list[tuple[float | None, Bucket]]:
    return [(each.bound, bucket) for each in series for bucket in each.buckets]


def _undated(judgement: Judgement | None) -> Judgement | None:
    """When a breach began is computed once, when it is new: the one that was latched is compared whole."""
    if judgement is None:
        return None
    return replace(judgement, verdicts=tuple(replace(each, onset=None) for each in judgement.verdicts))


@contextlib.asynccontextmanager
async def recorded(indicator: Indicator, beat: Beat, since: datetime) -> AsyncIterator[Recorded]:
    """A watch from *since* on.

    Args:
        indicator: What it is judged by: a state that must not last, else a share of one in a hundred.
        beat: The length of a bucket, and how long after its end it is final.
        since: From when on the release has all the traffic.
    """
    judge = InState(beat[0]) if indicator.kind is Kind.STATE else Slo(0.99)
    policy = a_policy(Mode.SHADOW, rules=RuleSet((indicator,), (a_rule(judge, indicator.id),)), bake=BAKE)
    times: dict[str, Any] = dict.fromkeys(
        ("opened_at", "since", "traffic_at", "complete_at", "due_at", "seen_at"), since
    )
    watch = a_new_watch(id=ID, revision=1, policy=policy, **times)
    with tempfile.TemporaryDirectory() as folder:
        found = Recorded(indicator, beat, watch, Path(folder) / "state.db")
        try:
            await found.opens(watch)
            yield found
        finally:
            await found.closes()
