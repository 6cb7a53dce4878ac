"""A fixed limit: breached when M of the last N data points are beyond it, as alarms have it.

Quick, and without a promise: how often a good release is blamed depends on how near the limit is to what is usual, and
the verdict says so. A bucket without data, or without traffic, is no data point.
"""

from collections.abc import Sequence
from math import inf

from rules.brief import Case
from rules.evidence import Memory, Process, Tally
from rules.model import Kind, Threshold, WhenBlind
from rules.objectives.coverage import Moment, Standing, blindness, marked
from rules.objectives.dispersion import Block
from rules.objectives.wording import share_words
from rules.sample import Bucket, Counts, Measure, Value
from rules.verdict import Because, Estimate, Outcome, Seen, Verdict

BEYOND, WITHIN = "x", "."

_NO_PROMISE = "no promise: a fixed limit"


def prepare(case: Case, history: Sequence[Block]) -> Case:  # noqa: ARG001  (a judge is given the history)
    """Nothing depends on the past."""
    return case


def start(case: Case) -> Memory:  # noqa: ARG001  (a judge's start is given its case)
    """Nothing seen, and so nothing against the release."""
    return Memory(process=Process(log_e=-inf))


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Look at one settled bucket: is it a data point, and is it beyond the limit?

    The evidence is all or nothing: infinite while M of N are beyond, so that a threshold can be a member of ``all_of``.
    """
    judge = _judge(case)
    data = point(case, bucket.canary)
    if bucket.canary is None:
        return memory
    newest, came = marked(case, memory, bucket)
    points = memory.points
    if data is not None:
        points = (points + (BEYOND if is_beyond(judge, data) else WITHIN))[-judge.of :]
    breached = points.count(BEYOND) >= judge.bad
    return Memory(
        origin=memory.origin or bucket.start,
        newest=newest,
        came=came,
        tally=_counted(memory.tally, bucket.canary),
        process=Process(memory.process.placed + 1, log_e=inf if breached else -inf),
        points=points,
        latest=memory.latest if data is None else data,
    )


def _judge(case: Case) -> Threshold:
    judge = case.rule.judge
    return judge if isinstance(judge, Threshold) else Threshold()


def _counted(tally: Tally, measure: Measure) -> Tally:
    counts = measure if isinstance(measure, Counts) else Counts(0.0, 0.0)
    return tally._replace(
        buckets=tally.buckets + 1, requests=tally.requests + counts.total, bad=tally.bad + counts.bad
    )


def point(case: Case, measure: Measure | None) -> float | None:
    """The data point of a bucket: the value, or the share of bad (0..1); ``None`` if there is none."""
    match measure:
        case Value(x):
            return x
        case Counts(bad, total) if total > 0:
            return bad / total if case.kind is Kind.EVENTS else min(bad / total, 1.0)
    return None


def is_beyond(judge: Threshold, point: float) -> bool:
    """Whether one data point is beyond the limit; without a limit, whether anything failed."""
    if judge.above is not None:
        return point > judge.above
    return point < judge.below if judge.below is not None else point > 0


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now."""
    tally = memory.tally
    standing = _standing(case, memory, moment)
    return Verdict(
        rule=case.rule.id,
        name=case.rule.name,
        consequence=case.rule.on_breach,
        outcome=standing.outcome,
        because=standing.because,
        words=standing.words,
        seen=Seen(tally.buckets, tally.requests, tally.bad, memory.newest),
        estimate=None if memory.latest is None else Estimate(memory.latest),
        promise=_NO_PROMISE,
        only_asks=case.only_asks,
        asks_when_blind=case.rule.when_blind is WhenBlind.ASK,
    )


def _standing(case: Case, memory: Memory, moment: Moment) -> Standing:
    if moment.breached is not None:
        return Standing(Outcome.BREACHED, Because.POINTS, told(case, memory))
    blind = blindness(case, memory, moment)
    if blind is not None:
        return blind
    judge = _judge(case)
    if len(memory.points) < judge.of:
        words = f"{len(memory.points)} of {judge.of} data points seen"
        return Standing(Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH, words)
    return Standing(Outcome.HEALTHY, Because.WITHIN, told(case, memory))


def told(case: Case, memory: Memory) -> str:
    """How many of the newest data points are beyond the limit, in words."""
    judge, beyond = _judge(case), memory.points.count(BEYOND)
    latest = "" if memory.latest is None else f" (the newest {_figure(case, memory.latest)})"
    return f"{beyond} of the last {len(memory.points)} data points {_limit(case, judge)}{latest}"


def _limit(case: Case, judge: Threshold) -> str:
    if judge.above is not None:
        return f"above {_figure(case, judge.above)}"
    return f"below {_figure(case, judge.below)}" if judge.below is not None else "with a failed probe"


def _figure(case: Case, number: float) -> str:
    return f"{number:g}" if case.kind is Kind.VALUE else share_words(number)
