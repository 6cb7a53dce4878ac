"""The patrol: claims the watches that are due, asks every provider once, lets the rules judge, and saves one step a watch.

A watch is the unit of work: one that cannot be judged for a bug of ours, or waits for a provider that hangs, holds up no
other. Nor is it tried again at once: its lease is kept until it runs out.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

import structlog

from rules.evaluate import Brief, Evaluation, Timing, evaluate, level, preparing, start, with_onset
from rules.evidence import decode_brief, encode_brief, encode_evidence
from rules.sample import Reading, Series, Unavailable
from rules.verdict import Judgement, Outcome
from watcher.core import lifecycle
from watcher.core.intake import alike
from watcher.core.watch import State, Step, Watch
from watcher.core.wording import Event, in_advance, in_words, is_blunt, refused, told_of
from watcher.runtime.bells import Bells
from watcher.runtime.case import (
    Case,
    before,
    by_length,
    case_of,
    has_new_breach,
    is_back_at_its_baseline,
    is_quiet,
    setting_of,
    suspects,
    warming_answers,
    with_known_onset,
    with_shares,
)
from watcher.runtime.inquiry import Inquiry
from watcher.runtime.rounds import Boundary, in_slices
from watcher.runtime.tenure import Tenure, of_watches
from watcher.runtime.timing import TERMS, Terms
from watcher.store.facts import Lookup
from watcher.store.store import GuardFailed, Saved, Stale, Store
from watcher.telemetry.metrics import Metrics

BATCH = 200  # watches a round: what one core judges in a fraction of a second
AT_ONCE = (
    4  # watches that are judged and saved at the same time: while one waits for the disk, the next is judged
)
BRIEFS = 4096  # that are kept decoded: more than there are watches
# For a provider that fails just then, once or twice: without a history its judges are slower, or assume more, for the whole
# watch; but the rules of the other providers wait with it.
HISTORY_WAITS = timedelta(seconds=20)
EVENS_OUT = 5.0  # seconds between two looks at how the watches are spread over the replicas
READ_IN = frozenset({State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD, State.RECOVERING})
log = structlog.stdlib.get_logger("rollbackd.patrol")


@dataclass
class Patrol:
    """The loop that judges."""

    store: Store
    lookup: Lookup
    inquiry: Inquiry
    bells: Bells
    metrics: Metrics
    boundary: Boundary
    owner: str
    now: Callable[[], datetime]
    timing: Terms = TERMS
    _even_at: float = 0.0
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _brief: Callable[[str], Brief] = field(default_factory=lambda: lru_cache(BRIEFS)(decode_brief))

    async def go_round(self) -> bool:
        """Look at all watches that are due, at most `BATCH` of them."""
        await self._even_out()
        sent, timing = asyncio.get_running_loop().time(), self.timing
        leased = await self.store.claim_due(self.now(), BATCH, self.owner, timing.lease, timing.grace)
        if not leased:
            return False
        held = {each.watch.id: each.fence for each in leased}
        for each in leased:
            if each.taken_from is not None:
                self.metrics.takeovers.labels("watch").inc()
                log.info("watch.taken_over", watch=each.watch.id, taken_from=each.taken_from)
        leases = of_watches(self.store, self.owner, self.metrics)
        async with Tenure(leases, held, self.metrics, sent, timing) as tenure:
            await self._judge(await self._ripe([each.watch for each in leased], tenure), tenure)
        return True

    async def _even_out(self) -> None:
        """A replica that came later gets its share of the watches that others have."""
        now = asyncio.get_running_loop().time()
        if now >= self._even_at:
            self._even_at = now + EVENS_OUT
            many = await self.store.even_out(self.owner)
            if many:
                log.info("watches.evened_out", watches=many)

    async def _each(self, works: Mapping[str, Coroutine[None, None, None]], tenure: Tenure) -> None:
        for failed in await self.boundary.each(works):
            tenure.set_aside(failed)

    # ------------------------------------------------------------------------------------------------------------ time

    async def _ripe(self, watches: Sequence[Watch], tenure: Tenure) -> list[Case]:
        """Do what time alone does, and prepare what is new; what is to be judged in this round."""
        cases: list[Case] = []

        async def ripen(watch: Watch) -> None:
            case = await self._in_time(watch, tenure)
            if case is not None:
                cases.append(case)

        await self._each({watch.id: ripen(watch) for watch in watches}, tenure)
        return cases

    async def _in_time(self, watch: Watch, tenure: Tenure) -> Case | None:
        now = self.now()
        if lifecycle.due(watch, now, self.lookup.glance(watch)) is not None:
            async with self._gate:
                await self._end(watch, now)
            return None
        if watch.state not in READ_IN:
            if watch.due_at is None or watch.due_at <= now:
                tenure.set_aside(watch.id)  # nobody knows what it waits for: look again, but not at once
            return None
        prepared = watch if watch.brief is not None else await self._prepare(watch, tenure, now)
        return None if prepared is None else case_of(prepared, self._brief(prepared.brief or ""))

    async def _end(self, watch: Watch, now: datetime) -> None:
        """Its state is over: what follows depends on what is so now."""
        step = lifecycle.due(watch, now, await self.lookup.facts(watch, now))
        if step is not None:
            await self._save(watch, step, now)

    async def _prepare(self, watch: Watch, tenure: Tenure, now: datetime) -> Watch | None:
        """Look at the history, once, and fix what the judges judge by: frozen, so it is decoded once too."""
        histories = await self._histories(watch, now)
        if now < watch.opened_at + HISTORY_WAITS and _is_lacking(histories):
            tenure.set_aside(watch.id)
            return None
        spells = suspects(watch, await self.lookup.ledgers(watch), now)
        async with self._gate:
            setting = setting_of(watch, self.inquiry.beat, spells)
            brief = await in_slices(preparing(watch.policy.rules, setting, histories))
            step = lifecycle.prepared(watch, encode_brief(brief), encode_evidence(start(brief)), now)
            step = self._foretold(step, brief, histories, now)
            saved = await self.store.save(step, now)
        return saved.watch if isinstance(saved, Saved) else None

    def _foretold(self, step: Step, brief: Brief, histories: Mapping[str, Reading], now: datetime) -> Step:
        """*step*, with what the watch will see in its first message, where that was quiet; it is in the log in any case."""
        watch, sights = step.watch, in_advance(step.watch, brief, histories, now)
        words = [*refused(brief).values(), *in_words(sights)]
        log.info("watch.prepared", watch=watch.id, sees=words)
        if blunt := [*refused(brief), *(each.rule for each in sights if is_blunt(each))]:
            log.warning("watch.sees_nothing_useful", watch=watch.id, rules=blunt, words=words)
        if watch.returning or watch.obstacles or alike(watch.policy.rules, watch.arms):
            return step
        shown = lifecycle.messages_of(watch, Event.OPENED, now, self.lookup.glance(watch))
        return replace(step, messages=told_of(shown, words))

    async def _histories(self, watch: Watch, now: datetime) -> dict[str, Reading]:
        until, lengths = before(watch), by_length(watch)
        asked = {
            back: self.inquiry.recall(questions, until - back, until, now)
            for back, questions in lengths.items()
        }
        await self.boundary.each(
            {f"{name} for {back}": read for back, each in asked.items() for name, read in each.reads.items()}
        )
        histories: dict[str, Reading] = {}
        for back, questions in lengths.items():
            histories |= await asked[back].to(questions)
        return histories

    # --------------------------------------------------------------------------------------------------------- judging

    async def _judge(self, cases: Sequence[Case], tenure: Tenure) -> None:
        """Ask for all of them together; each is judged as soon as its own answers are there."""
        asked = self.inquiry.ask([question for case in cases for question in case.questions], self.now())

        async def judge(case: Case) -> None:
            readings = await asked.to(case.questions)
            async with self._gate:
                if tenure.holds(case.watch.id):
                    await self._judge_one(case, readings)

        await self._each({**asked.reads, **{case.watch.id: judge(case) for case in cases}}, tenure)

    async def _judge_one(self, case: Case, readings: Mapping[str, Reading]) -> None:
        now, watch = self.now(), case.watch
        timing = Timing(now, watch.traffic_at, watch.complete_at)
        found = evaluate(case.brief, case.evidence, with_shares(case, readings), timing)
        if watch.state is State.RECOVERING:
            step = await self._recovering(case, found, now)
        else:
            step = await self._judged(case, found, now, warming_answers(watch, readings))
        if step is not None:
            await self._save(watch, step, now, found.buckets)

    async def _judged(
        self, case: Case, found: Evaluation, now: datetime, answers: Reading | None
    ) -> Step | None:
        watch, judgement = case.watch, await self._dated(case, found)
        self._count(case.brief, judgement)
        quiet = is_quiet(watch, judgement)
        facts = self.lookup.glance(watch) if quiet else await self.lookup.facts(watch, now)
        return lifecycle.judged(watch, judgement, encode_evidence(found.evidence), now, facts, answers)

    async def _dated(self, case: Case, found: Evaluation) -> Judgement:
        """The judgement, with when it began, if it is bad. That is computed once: all buckets of the watch are read for it."""
        if not any(verdict.outcome is Outcome.BREACHED for verdict in found.judgement.verdicts):
            return found.judgement
        if not has_new_breach(case.watch, found.judgement):
            return with_known_onset(case.watch, found.judgement)
        return with_onset(found.judgement, case.brief, await self._buckets(case.watch, found))

    async def _recovering(self, case: Case, found: Evaluation, now: datetime) -> Step | None:
        watch, buckets = case.watch, await self._buckets(case.watch, found)
        lingers, beside = watch.policy.lingers, is_back_at_its_baseline(watch)
        how = level(case.brief, buckets, watch.back_at or now, lingers=lingers, beside=beside)
        facts = replace(self.lookup.glance(watch), beside=await self.lookup.beside(watch, now))
        step = lifecycle.recovered(watch, how, now, facts)
        return step and replace(step, watch=replace(step.watch, evidence=encode_evidence(found.evidence)))

    async def _buckets(self, watch: Watch, found: Evaluation) -> list[Series]:
        return [*await self.store.buckets(watch.id), *found.buckets]

    # ---------------------------------------------------------------------------------------------------------- saving

    async def _save(self, watch: Watch, step: Step, now: datetime, buckets: Sequence[Series] = ()) -> None:
        """Save a step; a guard that does not hold is a fact for the next one."""
        saving = await self.store.save(step, now, buckets)
        if isinstance(saving, GuardFailed):
            self.metrics.actions_refused.labels(type(saving.guard).__name__.lower()).inc()
            facts = await self.lookup.facts(watch, now)
            instead = lifecycle.refused(watch, step, saving.guard, saving.words, now, facts)
            saving = await self.store.save(instead, now, buckets) if instead else Stale()
        if isinstance(saving, Saved):
            self._say(watch, saving.watch)
        else:
            self.metrics.fenced.inc()
            log.info("watch.overtaken", watch=watch.id)

    def _say(self, before: Watch, after: Watch) -> None:
        self.bells.after_step()
        if after.state is not before.state:
            self.bells.after_move(after.key)
            log.info(
                "watch.moved",
                watch=after.id,
                service=after.service,
                environment=after.environment,
                before=before.state.value,
                state=after.state.value,
            )

    def _count(self, brief: Brief, judgement: Judgement) -> None:
        judges = {
            each.rule.id: each.rule.judge.kind if each.rule.judge else "all_of" for each in brief.voices
        }
        for verdict in judgement.verdicts:
            self.metrics.verdicts.labels(judges[verdict.rule], verdict.outcome.value).inc()


def _is_lacking(histories: Mapping[str, Reading]) -> bool:
    """A provider could not be asked just now; in a moment it may."""
    return any(isinstance(reading, Unavailable) for reading in histories.values())
