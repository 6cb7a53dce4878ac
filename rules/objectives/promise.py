"""What the judges with a promise share: how evidence grows by a bucket, and the verdict that it makes.

A judge brings its factors; the e-process, "it would have seen", the figures and the words are the same for all.
"""

from collections.abc import Callable
from datetime import datetime
from math import exp, log, sqrt

from rules.brief import Case
from rules.evidence import Memory, Tally
from rules.model import Kind, WhenBlind
from rules.objectives.coverage import Moment, Standing
from rules.objectives.eprocess import RESERVE
from rules.objectives.estimate import interval
from rules.objectives.factors import NOTHING
from rules.objectives.wording import about, count_words, odds_words, share_words, unit, what_failed
from rules.verdict import Because, Estimate, Outcome, Seen, Sight, Verdict

Gain = Callable[[float], float]  # what a mean bucket would add to the evidence, were the bad share this

_TEN = log(10)
_CERTAIN = 0.999  # a share that an effect worth seeing does not pass, lest its odds be infinite
_SLACK = 1e-9  # sums of capped gains miss their target by rounding
_HALVINGS = 8  # of the logarithm of a level: to some per cent of it
_RATES = frozenset({Kind.EVENTS})  # of events there may be more than requests
_SHARES = frozenset({Kind.LATENCY, Kind.PROBE})  # at most all are bad, by how they are counted


def in_proportions(case: Case) -> bool:
    """The exact form is for counts of which at most all are bad; vendors' own counters do not guarantee it."""
    return case.kind in _SHARES


def number(case: Case, memory: Memory, start: datetime, end: datetime) -> int:
    """The number of the bucket that ends at *end*, counted on the calendar from the origin; from 1."""
    elapsed = int((end - (memory.origin or start)) / case.bucket + _SLACK)
    return max(elapsed, memory.process.placed + 1)


def worth_seeing(case: Case, allowed: float) -> float:
    """The bad share that a healthy rule must have been able to see: ``must_have_seen``, or twice what is allowed."""
    if case.kind in _RATES:
        return max(case.rule.must_have_seen, 2 * allowed)
    return min(max(case.rule.must_have_seen, 2 * allowed / (1 + allowed)), _CERTAIN)


def size(case: Case, level: float, allowed: float) -> float:
    """The effect that *level* is against the worst *allowed* (above 0): times the odds in the exact form, else times the rate."""
    if not in_proportions(case):
        return level / allowed
    level, allowed = min(level, _CERTAIN), min(allowed, _CERTAIN)
    return level / (1 - level) / (allowed / (1 - allowed))


def bad_of(case: Case, requests: float, allowed: float, size: float) -> float:
    """How many of so many *requests* an effect of this *size* makes bad: the inverse of `size`."""
    if not in_proportions(case):
        return requests * allowed * size
    allowed = min(allowed, _CERTAIN)
    return requests * allowed * size / (1 + (size - 1) * allowed)


def needed(case: Case) -> float:
    """The information that a healthy rule must have gathered, in nats."""
    return log(1 / case.alpha) + RESERVE


def verdict(
    case: Case, memory: Memory, moment: Moment, blind: Standing | None, gain: Gain, allowed: float
) -> Verdict:
    """What the rule says now.

    Args:
        case: Fixed when the watch opened.
        memory: What was seen.
        moment: When, and what is known of the watch.
        blind: Why it cannot say healthy for want of data.
        gain: What a mean bucket would add, by the bad share.
        allowed: The worst acceptable bad share now.
    """
    wanted = _wanted(case, memory)
    standing = _standing(case, memory, moment, blind, wanted)
    return Verdict(
        rule=case.rule.id,
        name=case.rule.name,
        consequence=case.rule.on_breach,
        outcome=standing.outcome,
        because=standing.because,
        words=standing.words,
        seen=Seen(memory.tally.buckets, memory.tally.requests, memory.tally.bad, memory.newest, wanted),
        spent=standing.because is Because.BASELINE_GONE,
        log10_e=memory.process.log_e / _TEN,
        threshold=log(1 / (case.alpha * (case.weight or 1.0))) / _TEN,
        share=moment.share,
        estimate=estimate(case, memory),
        can_see=_sight(case, memory, moment, gain, allowed),
        promise=f"no promise: {case.only_asks}" if case.only_asks else _promise(case, moment),
        asks_when_blind=case.rule.when_blind is WhenBlind.ASK,
        only_asks=case.only_asks,
    )


def _standing(
    case: Case, memory: Memory, moment: Moment, blind: Standing | None, wanted: float | None
) -> Standing:
    if moment.breached is not None:
        return Standing(Outcome.BREACHED, Because.EVIDENCE, figures(case, memory))
    if blind is not None:
        return blind
    if memory.process.information >= needed(case) - _SLACK:
        return Standing(Outcome.HEALTHY, Because.WITHIN, figures(case, memory))
    of = f" of {about(wanted)}" if wanted is not None else ""
    words = f"{count_words(memory.tally.requests)}{of} {unit(case)} seen"
    return Standing(Outcome.UNDECIDED, Because.NOT_SEEN_ENOUGH, words)


def _wanted(case: Case, memory: Memory) -> float | None:
    """How many of the canary's requests it takes to say healthy, at the rate of information so far."""
    if memory.process.information <= 0:
        return None
    return memory.tally.requests * needed(case) / memory.process.information


def figures(case: Case, memory: Memory) -> str:
    """The counts, in a sentence: ``412 of 7,930 requests failed (5.2 %), the old version 0.11 %``."""
    tally = memory.tally
    if case.kind is Kind.EVENTS:
        mine = f"{count_words(tally.bad)} events in {count_words(tally.requests)} {unit(case)}"
    else:
        mine = f"{count_words(tally.bad)} of {count_words(tally.requests)} {unit(case)} {what_failed(case)}"
    share = f" ({share_words(tally.bad / tally.requests)})" if tally.requests > 0 else ""
    more = "; more was bad than there was, counted as all" if tally.clamped else ""
    return f"{mine}{share}{_beside(case, tally)}{more}"


def _beside(case: Case, tally: Tally) -> str:
    if case.ceiling is not None:
        return f", {share_words(case.ceiling)} is acceptable"
    return f", the old version {share_words(tally.beside_bad / max(tally.beside_requests, NOTHING))}"


def estimate(case: Case, memory: Memory) -> Estimate | None:
    """The canary's bad share with its confidence sequence at the level of the rule; without one where clumps may have any size."""
    tally = memory.tally
    if tally.requests <= 0:
        return None
    beside = tally.beside_bad / tally.beside_requests if tally.beside_requests > 0 else case.usual
    value, phi = tally.bad / tally.requests, clump_of(case, memory)
    if phi is None:
        return Estimate(value, baseline=beside)
    low, high = interval(tally.bad, tally.requests, case.alpha, phi)
    return Estimate(value, low, high if case.kind is Kind.EVENTS else min(high, 1.0), beside)


def clump_of(case: Case, memory: Memory) -> float | None:
    """The largest number of errors that one cause is held to make: from the history, or learned meanwhile."""
    return memory.learned.phi if case.learns and memory.learned is not None else case.phi


def _sight(case: Case, memory: Memory, moment: Moment, gain: Gain, allowed: float) -> Sight | None:
    """The smallest bad share that would still be found by the end of the watch; ``None`` if none would."""
    remaining = moment.ends_at - moment.now
    buckets = remaining / case.bucket
    if buckets < 1 or memory.tally.requests <= 0:
        return None
    low, high = allowed, 1.0 if case.kind not in _RATES else max(1.0, 100 * allowed)
    enough, cap = needed(case), case.cap
    if min(gain(high), cap) * buckets < enough:
        return None
    for _ in range(_HALVINGS):
        level = sqrt(low * high)
        if min(gain(level), cap) * buckets < enough:
            low = level
        else:
            high = level
    return Sight(high, remaining)


def _promise(case: Case, moment: Moment) -> str:
    if moment.breached is None or moment.against is None:
        limit = odds_words(case.alpha)
        return f"a good release is blamed less than {limit} deployments{_assuming(case)}"
    chance = min(case.alpha, exp(-moment.against))
    return f"a good release would look like this less than {odds_words(chance)} deployments{_assuming(case)}"


def _assuming(case: Case) -> str:
    return f", {case.assumes}" if case.assumes else ""
