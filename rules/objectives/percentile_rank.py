"""A gauge against its own past: breached when its values rank too high among those of the history, one after the other.

For a number of which there is one a bucket, such as somebody else's p99 a minute: it cannot be counted, only be ranked.
Each value is ranked among the history and the values of the watch before it. Were all buckets exchangeable, a release
that changes nothing would have ranks that are even and independent of each other, and the evidence would keep the
promise. They are not: load, and whatever lasts longer than a bucket, moves them together. So this judge promises
nothing, and rolls nothing back alone.

Higher is worse. How *much* higher is not looked at: a rank knows no size. Where values tie the rank is the best of them.

Source:
    docs/judgement.md, "Ranks"; Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World" (conformal test
    martingales); Rényi 1962 (ranks of what is exchangeable are independent).
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import log

from rules.brief import Case, Refusal
from rules.duration import duration_text
from rules.evidence import Memory, Tally
from rules.model import PercentileRank, WhenBlind
from rules.objectives.coverage import COVERED, Moment, Standing, blindness, marked
from rules.objectives.eprocess import GRID, weigh
from rules.objectives.history import Past
from rules.objectives.promise import needed, number
from rules.objectives.wording import share_words, span_words
from rules.sample import Bucket, Value
from rules.verdict import Because, Estimate, Outcome, Seen, Verdict

LEAST = 100  # values of a history: among fewer even the highest rank says little
MOST = 512  # of which a longer history is thinned out: more makes no rank that tells more
_AT_EVERY = 512  # values of the watch; from there on fewer and fewer buckets are looked at
_HALVED_AFTER = 256  # values each
_HIGHEST = 0.05  # of the history, in words
_SLACK = 1e-9
_NO_PROMISE = "no promise: buckets that follow each other are alike, and a rank takes them for independent"


def prepare(case: Case, history: Past) -> Case:
    """Fix the values to rank among; refuse a past that is too short, or that never moved."""
    lookback = _judge(case).history
    past = history.since(history.spans[-1].end - lookback) if history else history
    lasted = sum((span.end - span.start for span in past.spans if span.value is not None), timedelta(0))
    values = [span.value for span in past.spans if span.value is not None]
    refusal = case.refusal or _refusal(values, lasted, lookback)
    return replace(case, among=() if refusal else tuple(sorted(_thinned(values))), refusal=refusal)


def _judge(case: Case) -> PercentileRank:
    judge = case.rule.judge
    return judge if isinstance(judge, PercentileRank) else PercentileRank()


def _refusal(values: Sequence[float], lasted: timedelta, lookback: timedelta) -> Refusal | None:
    if lasted < COVERED * lookback:
        has = span_words(lasted) if lasted else "nothing"
        write = f": write `history: {duration_text(lasted)}`, or wait" if len(values) > LEAST else ""
        words = f"there is too little history to rank among: {has} of {span_words(lookback)}{write}"
        return Refusal(Because.SHORT_HISTORY, words)
    if len(values) < LEAST:
        words = f"there is too little history to rank among: {len(values)} values of at least {LEAST}"
        return Refusal(Because.SHORT_HISTORY, words)
    if len(set(values)) == 1:
        words = f"the history is {values[0]:g} throughout, and among equals there is no rank: use a threshold"
        return Refusal(Because.INVALID, words)
    return None


def _thinned(values: Sequence[float]) -> Sequence[float]:
    """Every so manieth, whatever it is: what is left out says nothing of its size."""
    return values[:: -(-len(values) // MOST)]


def start(case: Case) -> Memory:  # noqa: ARG001  (a judge's start is given its case)
    """Nothing seen."""
    return Memory()


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Rank one value, and let it be among those that later ones are ranked with.

    The values of the watch must be among them: each of many values ranked with the same history alone would tell again
    what the others told, and a good release whose history happened to be low would breach.
    """
    if not isinstance(bucket.canary, Value):
        return memory
    value = bucket.canary.x
    newest, came = marked(case, memory, bucket)
    memory = memory._replace(
        origin=memory.origin or bucket.start,
        newest=newest,
        came=came,
        latest=value,
        tally=Tally(memory.tally.buckets + 1),
    )
    if memory.tally.buckets % stride(len(memory.ranked)):
        return memory
    return memory._replace(
        ranked=(*memory.ranked, value),
        process=weigh(
            case,
            memory.process,
            increments(rank(case.among, memory.ranked, value)),
            number(case, memory, bucket.start, bucket.end),
            max(increments(_foretold(case, memory))),
        ),
    )


def stride(ranked: int) -> int:
    """Of how many buckets one is looked at, once so many were: what is remembered of a long watch has a bound.

    It depends on nothing but how many there were, so those that are looked at are as exchangeable as all of them.
    """
    return 1 if ranked < _AT_EVERY else 2 << (ranked - _AT_EVERY) // _HALVED_AFTER


def rank(among: Sequence[float], before: Sequence[float], value: float) -> float:
    """The part of all values so far, this one with them, that are as high (0..1]; *among* is sorted, *before* is not."""
    as_high = len(among) - bisect_left(among, value) + sum([each >= value for each in before]) + 1
    return as_high / (len(among) + len(before) + 1)


def increments(part: float) -> list[float]:
    """The logarithm of the factor of each effect: k * part ** (k - 1), with k = 1 / effect.

    It falls with the part, and over even ranks 1/n .. n/n its mean is below its integral, which is 1. Where values tie the
    part is larger than that of a rank drawn among them, and the factor less.
    """
    return [(1 / effect - 1) * log(part) - log(effect) for effect in GRID]


def _foretold(case: Case, memory: Memory) -> float:
    """The part, were all values of the watch above those of the history: that is the effect worth seeing."""
    ranked = len(memory.ranked)
    return (ranked / 2 + 1) / (len(case.among) + ranked + 1)


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now."""
    standing = _standing(case, memory, moment)
    return Verdict(
        rule=case.rule.id,
        name=case.rule.name,
        consequence=case.rule.on_breach,
        outcome=standing.outcome,
        because=standing.because,
        words=standing.words,
        seen=Seen(memory.tally.buckets, until=memory.newest),
        estimate=None if memory.latest is None else Estimate(memory.latest, baseline=_median(case)),
        promise=_NO_PROMISE,
        asks_when_blind=case.rule.when_blind is WhenBlind.ASK,
    )


def _median(case: Case) -> float | None:
    return case.among[len(case.among) // 2] if case.among else None


def _standing(case: Case, memory: Memory, moment: Moment) -> Standing:
    if moment.breached is not None:
        return Standing(Outcome.BREACHED, Because.RANK, _words(case, memory))
    blind = blindness(case, memory, moment)
    if blind is not None:
        return blind
    if memory.process.information >= needed(case) - _SLACK:
        return Standing(Outcome.HEALTHY, Because.WITHIN, _words(case, memory))
    words = f"{len(memory.ranked)} values seen, too few to have told"
    return Standing(Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH, words)


def is_high(case: Case, value: float) -> bool:
    """It is higher than all but the highest few of the history."""
    return value > highest(case)


def highest(case: Case) -> float:
    """What all of the history but the highest few is not above. The case has a history."""
    return case.among[int((1 - _HIGHEST) * (len(case.among) - 1))]


def _words(case: Case, memory: Memory) -> str:
    high = sum(is_high(case, value) for value in memory.ranked)
    latest = "" if memory.latest is None else f" (the newest {memory.latest:g})"
    some = f"{high} of {len(memory.ranked)} values are above {highest(case):g}{latest}"
    return f"{some}; {share_words(_HIGHEST)} of the history are"
