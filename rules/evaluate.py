"""One round of judging: readings in, evidence and a judgement out. Daemon, ``judge``, ``test`` and ``replay`` call this.

`rules.preparing` fixes a brief when the watch opens, `start` gives the evidence before the first bucket, `evaluate` folds a
round. Buckets are folded in the order of their ends, whatever round brought them, so that the evidence does not depend
on how often one looked; a breach is kept in it and does not go away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import log

from rules import combine
from rules.assemble import settle
from rules.brief import Brief, Case, Setting, Voice
from rules.combine import Sum
from rules.evidence import Evidence, Intake, Memory
from rules.objectives import proof
from rules.objectives.coverage import Moment
from rules.objectives.registry import judge_of
from rules.onset import Came, came, came_of, with_onset
from rules.preparing import prepare, preparing
from rules.recovery import Level, level
from rules.sample import Bucket, Reading, Series
from rules.verdict import Judgement, Outcome, Verdict

__all__ = [
    "Brief",
    "Came",
    "Evaluation",
    "Evidence",
    "Level",
    "Setting",
    "Timing",
    "came",
    "came_of",
    "evaluate",
    "level",
    "prepare",
    "preparing",
    "start",
    "wanted_since",
    "with_onset",
]


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the watch stands in time.

    Attributes:
        traffic_at: From when the new release takes traffic; ``None`` if it does not yet.
        complete_at: From when it has all the traffic that it will get; the bake counts from here.
    """

    now: datetime
    traffic_at: datetime | None
    complete_at: datetime | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a round gave.

    Attributes:
        buckets: What became final in it, as increments, for the store: replaying them gives the same evidence.
    """

    evidence: Evidence
    buckets: tuple[Series, ...]
    judgement: Judgement


def start(brief: Brief) -> Evidence:
    """The evidence before the first bucket."""
    return Evidence(
        intakes={name: Intake() for name in brief.beats},
        memories={key: judge_of(case).start(case) for key, case in brief.cases.items()},
    )


def wanted_since(
    brief: Brief, evidence: Evidence, indicator_id: str, traffic_at: datetime | None
) -> datetime | None:
    """From when on an indicator has to be read: behind it nothing is looked at.

    Before the first bucket it is one bucket before the traffic came, however long ago that was: a cumulative counter needs
    a reading to count from. ``None`` as long as there is no traffic.

    Args:
        brief: Fixed when the watch opened.
        evidence: What is known so far.
        indicator_id: Which.
        traffic_at: `Timing.traffic_at`, of the round in which it is read.
    """
    watermark, since = evidence.intakes[indicator_id].watermark, evidence.since or traffic_at
    if watermark is not None or since is None:
        return watermark
    return since - brief.beats[indicator_id].bucket


def evaluate(brief: Brief, evidence: Evidence, readings: Mapping[str, Reading], timing: Timing) -> Evaluation:
    """Fold one round.

    Args:
        brief: Fixed when the watch opened.
        evidence: What is known so far.
        readings: The answers of this round, by indicator; one that is not due is not there.
        timing: The time, and since when the release takes traffic. The first such moment that is told is kept.

    Returns:
        The new evidence, what became final, and what the rules say now. Raises nothing for what a provider answers.
    """
    since = evidence.since or timing.traffic_at
    settled = {
        name: settle(brief.beats[name], evidence.intakes[name], reading, since, timing.now)
        for name, reading in readings.items()
        if name in brief.beats
    }
    fresh = tuple(series for each in settled.values() for series in each.series)
    intakes = {**evidence.intakes, **{name: each.intake for name, each in settled.items()}}
    evidence, sums = _folded(brief, replace(evidence, since=since, intakes=intakes), fresh)
    return Evaluation(evidence, fresh, _judged(brief, evidence, sums, timing))


def _folded(brief: Brief, evidence: Evidence, fresh: Sequence[Series]) -> tuple[Evidence, Sum]:
    """Every bucket in the order of its end; after each moment, who breaches. And the sum of it all."""
    sums: Sum | None = None
    for end, due in sorted(_by_end(brief, evidence, fresh).items()):
        memories = dict(evidence.memories)
        for case, bucket in due:
            memories[case.key] = _advanced(brief, case, memories[case.key], bucket)
        sums = combine.add_up(brief, memories)
        evidence = combine.latch(brief, replace(evidence, memories=memories), sums, end)
    return evidence, sums or combine.add_up(brief, evidence.memories)


def _advanced(brief: Brief, case: Case, before: Memory, bucket: Bucket) -> Memory:
    after = judge_of(case).advance(case, before, bucket)
    if brief.early is None:
        return after
    return after._replace(proof=proof.grown(brief.early, case, before, bucket))


def _by_end(
    brief: Brief, evidence: Evidence, fresh: Sequence[Series]
) -> dict[datetime, list[tuple[Case, Bucket]]]:
    due: dict[datetime, list[tuple[Case, Bucket]]] = {}
    for series in fresh:
        for case in brief.cases.values():
            # What was refused gathers nothing: it is blind, and what it would say has no promise.
            if case.indicator == series.indicator and case.bound == series.bound and case.refusal is None:
                warm = (evidence.since or brief.opened_at) + case.rule.statistics.warmup
                for bucket in series.buckets:
                    if bucket.start >= warm:
                        due.setdefault(bucket.end, []).append((case, bucket))
    return due


def _judged(brief: Brief, evidence: Evidence, sums: Sum, timing: Timing) -> Judgement:
    said = {
        voice.rule.id: _said(voice, brief, evidence, sums, timing) for voice in brief.voices if voice.keys
    }
    for voice in brief.voices:
        if not voice.keys:
            name = voice.rule.id
            said[name] = combine.of_all(
                voice,
                [said[member] for member in voice.rule.all_of],
                sums.rules[name],
                evidence.breached.get(name),
                sums.shares.get(name),
            )
    verdicts = [
        said[voice.rule.id] if voice.part_of is None else combine.as_member(said[voice.rule.id])
        for voice in brief.voices
    ]
    return combine.judgement(brief, evidence, sums, verdicts, timing.now)


def _said(voice: Voice, brief: Brief, evidence: Evidence, sums: Sum, timing: Timing) -> Verdict:
    """The verdict of one measured rule, over all its series."""
    name = voice.rule.id
    log_e, breached = sums.rules[name], evidence.breached.get(name)
    if voice.part_of is not None and log_e >= log(1 / voice.alpha):
        breached = timing.now
    moment = Moment(
        now=timing.now,
        since=evidence.since,
        ends_at=(timing.complete_at or brief.opened_at) + brief.at_most,
        trouble=evidence.intakes[voice.rule.indicator or ""].trouble,
        breached=breached,
        against=sums.group if name in sums.shares else log_e,
        share=sums.shares.get(name),
        complete_at=timing.complete_at,
    )
    cases = [brief.cases[key] for key in voice.keys]
    verdicts = [judge_of(case).verdict(case, evidence.memories[case.key], moment) for case in cases]
    return _proven(brief, evidence, cases, combine.of_bounds(verdicts, log_e))


def _proven(brief: Brief, evidence: Evidence, cases: Sequence[Case], said: Verdict) -> Verdict:
    """*said*, and whether all its series are proven to be well."""
    early = brief.early
    if early is None or not all(proof.is_proven(early, evidence.memories[case.key]) for case in cases):
        return said
    if said.outcome is not Outcome.HEALTHY:
        return replace(said, proven=True)
    return replace(said, proven=True, words=f"{said.words}; {proof.words(early, cases[0])}")
