"""Two arms at the same time: acceptable is canary <= ratio * baseline + plus, in every bucket.

The promise is strong: whatever both arms share, the time of day or an outage of a dependency, cancels. Latencies and
probes are judged in the exact form for proportions, all else as events. Without a history it begins robust (any number
of errors may have one cause) and learns from the baseline how errors clump.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from rules.brief import Case, Margin
from rules.evidence import Alone, Learned, Memory, Process, Tally, Waiting
from rules.model import CanaryVsBaseline
from rules.objectives.coverage import Moment, Standing, blindness, marked
from rules.objectives.dispersion import Block, learned_clump
from rules.objectives.eprocess import weigh
from rules.objectives.factors import (
    EFFECTS,
    ORDINARY,
    Effects,
    Pair,
    compared_counts,
    compared_proportions,
    effect,
    moderated,
)
from rules.objectives.prepared import with_history
from rules.objectives.promise import bad_of, clump_of, in_proportions, number, size, worth_seeing
from rules.objectives.promise import verdict as promised
from rules.sample import Bucket, Counts
from rules.verdict import Because, Outcome, Verdict

FADING = 0.999  # a bucket; the baseline's next share is foretold from about its last thousand buckets
WAITS_AT_MOST = timedelta(minutes=5)  # for a first request in the smaller arm
GONE_AFTER = timedelta(minutes=5)  # without traffic beside the canary
_GONE_BUCKETS = 3
_GONE_REQUESTS = 10  # of the canary meanwhile: where nobody asks anything, nothing is gone

_UNKNOWN = (
    9.0,
    0.0,
)  # requests and bad of a baseline never seen: foretells 5 %. A bad guess costs power, not the promise
_HISTORY_COUNTS = 100.0  # requests; a history is a first guess, that the watch soon overrules
_LEAST, _MOST = 1e-6, 0.999  # a foretold share is never none or all, lest its odds be infinite
_BLOCKS = 64  # of the baseline to learn from; then merged two by two, so that at least half of them remain
_LEARNS_EVERY = 4  # blocks


def prepare(case: Case, history: Sequence[Block]) -> Case:
    """Fix the margin, what is usual, and how errors clump."""
    judge = case.rule.judge
    margin = Margin(judge.ratio, judge.plus) if isinstance(judge, CanaryVsBaseline) else Margin()
    return replace(with_history(case, history), margin=margin)


def start(case: Case) -> Memory:
    """Nothing seen; the history's share is the first guess of the baseline."""
    guess = _UNKNOWN if case.usual is None else (_HISTORY_COUNTS, _HISTORY_COUNTS * case.usual)
    return Memory(guess=guess, learned=Learned() if case.learns else None)


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Weigh one settled bucket: given its errors, whose are they?

    Args:
        case: Fixed when the watch opened.
        memory: What is known so far.
        bucket: Settled. With one arm only it is no evidence.

    Returns:
        The memory with this bucket in it.

    Source:
        Lindon, Malek, arXiv 2011.03567 (given an error, which arm); docs/judgement.md, "Two arms".
    """
    if not isinstance(bucket.canary, Counts):
        return memory
    if not isinstance(bucket.baseline, Counts):
        return _alone(memory, bucket, bucket.canary)
    pair, clamped = paired(case, bucket.canary, bucket.baseline)
    newest, came = marked(case, memory, bucket)
    joined = pair if memory.waiting is None else _joined(memory.waiting, pair)
    ready = joined.requests >= 1 and joined.beside_requests >= 1
    waiting = None if ready else _waiting(memory.waiting, joined, bucket)
    # What waits will be weighed: until then it must not foretell itself, which would be worth a quarter of a factor.
    known = joined if waiting is None else None
    return Memory(
        origin=memory.origin or bucket.start,
        newest=newest,
        came=came,
        tally=_counted(memory.tally, pair, clamped),
        process=_weighed(case, memory, joined, bucket) if ready else memory.process,
        guess=_faded(memory.guess, known) if known else memory.guess,
        waiting=waiting,
        alone=_without_company(memory.alone, bucket, pair),
        learned=_learned(memory.learned, known) if memory.learned and known else memory.learned,
    )


def paired(case: Case, canary: Counts, baseline: Counts) -> tuple[Pair, bool]:
    """The counts of both arms; where at most all can be bad, more than all is counted as all."""
    pair = Pair(canary.total, canary.bad, baseline.total, baseline.bad)
    if (pair.bad <= pair.requests and pair.beside_bad <= pair.beside_requests) or not in_proportions(case):
        return pair, False
    bad, beside_bad = min(pair.bad, pair.requests), min(pair.beside_bad, pair.beside_requests)
    return pair._replace(bad=bad, beside_bad=beside_bad), True


def _counted(tally: Tally, pair: Pair, clamped: bool) -> Tally:  # noqa: FBT001  (a fact about the pair)
    return Tally(
        tally.buckets + 1,
        tally.requests + pair.requests,
        tally.bad + pair.bad,
        tally.beside_requests + pair.beside_requests,
        tally.beside_bad + pair.beside_bad,
        tally.clamped + clamped,
    )


def _joined(waiting: Waiting, pair: Pair) -> Pair:
    """What waits, with this bucket; buckets are joined until both arms have a request, lest tiny shares waste evidence."""
    return Pair(
        waiting.requests + pair.requests,
        waiting.bad + pair.bad,
        waiting.beside_requests + pair.beside_requests,
        waiting.beside_bad + pair.beside_bad,
    )


def _waiting(waiting: Waiting | None, joined: Pair, bucket: Bucket) -> Waiting | None:
    """What waits on, unless it has waited long enough."""
    since = waiting.since if waiting else bucket.start
    return None if bucket.end - since >= WAITS_AT_MOST else Waiting(since, *joined)


def _weighed(case: Case, memory: Memory, pair: Pair, bucket: Bucket) -> Process:
    guess, phi = _share(case, memory.guess), clump_of(case, memory)
    return weigh(
        case,
        memory.process,
        _moderated(case, pair, guess, phi),
        number(case, memory, bucket.start, bucket.end),
        _gain(case, pair, guess, phi, worth_seeing(case, case.margin.allows(guess))),
    )


def _share(case: Case, guess: tuple[float, float]) -> float:
    """The baseline's next share of bad, from earlier buckets only."""
    share = (guess[1] + 0.5) / (guess[0] + 1)
    return min(max(share, _LEAST), _MOST) if in_proportions(case) else share


def _faded(guess: tuple[float, float], pair: Pair) -> tuple[float, float]:
    return FADING * guess[0] + pair.beside_requests, FADING * guess[1] + pair.beside_bad


def _increments(
    case: Case, pair: Pair, guess: float, phi: float | None, effects: Effects = EFFECTS
) -> list[float]:
    if in_proportions(case):
        return compared_proportions(pair, case.margin, guess, phi, effects)
    return compared_counts(pair, case.margin, phi, effects, guess)


def _moderated(case: Case, pair: Pair, guess: float, phi: float | None) -> Sequence[float]:
    """No more for an effect than it makes of a bucket; where the baseline is worse than foretold, of such a bucket."""
    plain = _increments(case, pair, guess, phi)
    if phi is None or max(plain) <= ORDINARY:
        return plain
    usual = case.margin.allows(max(guess, pair.beside_bad / pair.beside_requests))
    return moderated(
        plain,
        pair.bad,
        phi,
        lambda size: bad_of(case, pair.requests, usual, size),
        lambda bad, effects: _increments(case, pair._replace(bad=bad), guess, phi, effects),
    )


def _gain(case: Case, pair: Pair, guess: float, phi: float | None, level: float) -> float:
    """What a bucket of this traffic is expected to add, if *level* of the canary's requests are bad and *guess* of the others."""
    worse = size(case, level, case.margin.allows(guess))
    if not pair.compares or worse <= 1:  # beside a baseline as bad as that nothing is too bad
        return 0.0
    expected = Pair(pair.requests, pair.requests * level, pair.beside_requests, pair.beside_requests * guess)
    (gain,) = _increments(case, expected, guess, phi, effect(worse))
    # Where a bucket's errors count as one, a bucket without any has nothing to count.
    return gain * min(1.0, expected.bad + expected.beside_bad) if phi is None else gain


def _alone(memory: Memory, bucket: Bucket, canary: Counts) -> Memory:
    """Only the canary reported: counted, and no evidence."""
    tally = memory.tally
    pair = Pair(canary.total, canary.bad, 0.0, 0.0)
    return memory._replace(
        tally=tally._replace(requests=tally.requests + canary.total, bad=tally.bad + canary.bad),
        alone=_without_company(memory.alone, bucket, pair),
    )


def _without_company(alone: Alone | None, bucket: Bucket, pair: Pair) -> Alone | None:
    if pair.beside_requests > 0:
        return None
    if alone is None:
        return Alone(bucket.start, bucket.end, pair.requests)
    return Alone(alone.since, bucket.end, alone.requests + pair.requests)


def _learned(learned: Learned, pair: Pair) -> Learned:
    """One bucket of the baseline more to learn from."""
    blocks, partial = learned.blocks, learned.partial
    if 0 < partial < learned.merged:
        last = blocks[-1]
        blocks = (*blocks[:-1], (last[0] + pair.beside_requests, last[1] + pair.beside_bad))
        partial += 1
    else:
        blocks, partial = (*blocks, (pair.beside_requests, pair.beside_bad)), 1
    if partial < learned.merged or len(blocks) % _LEARNS_EVERY:
        return Learned(learned.merged, blocks, partial, learned.phi)
    phi = learned_clump(blocks) or learned.phi
    if len(blocks) < _BLOCKS:
        return Learned(learned.merged, blocks, partial, phi)
    halves = zip(blocks[::2], blocks[1::2], strict=True)
    merged = tuple((one[0] + other[0], one[1] + other[1]) for one, other in halves)
    return Learned(2 * learned.merged, merged, 2 * learned.merged, phi)


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now; *spent* once nothing serves beside the canary any more."""
    tally = memory.tally
    buckets = max(tally.buckets, 1)
    mean = Pair(tally.requests / buckets, 0.0, tally.beside_requests / buckets, 0.0)
    guess, phi = _share(case, memory.guess), clump_of(case, memory)
    return promised(
        case,
        memory,
        moment,
        _company(case, memory) or blindness(case, memory, moment),
        lambda level: _gain(case, mean, guess, phi, level),
        case.margin.allows(guess),
    )


def _company(case: Case, memory: Memory) -> Standing | None:
    """Whether nothing serves beside the canary, for so long that nothing will."""
    alone = memory.alone
    if case.refusal is not None or alone is None or alone.requests < _GONE_REQUESTS:
        return None
    if alone.until - alone.since < max(GONE_AFTER, _GONE_BUCKETS * case.bucket):
        return None
    if memory.tally.beside_requests > 0:
        words = "nothing serves beside the new release any more: the comparison is over"
        return Standing(Outcome.UNDECIDED, Because.BASELINE_GONE, words)
    # Or what does is never found in the same bucket: by one probe a beat, say, that a balancer gives to either release.
    words = "in no bucket is there anything beside the new release to compare it with"
    return Standing(Outcome.BLIND, Because.NOT_COMPARABLE, words)
