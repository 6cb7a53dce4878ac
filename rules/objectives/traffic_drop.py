"""Does the release get its traffic? Acceptable is: of the requests of both arms it has at least (1 - drop) of its share.

A release that answers nothing any more has no errors either. Where a router gives it a share, each request of the bucket
is one trial of whether it came here, exactly; what both arms lose alike, at night or in an outage, cancels. A bucket in
which the share is not known, or only one arm reported, is no evidence.
"""

from dataclasses import replace
from math import log

from rules.brief import Case
from rules.evidence import Memory, Tally
from rules.model import TrafficDrop
from rules.objectives.coverage import Moment, Standing, blindness, marked
from rules.objectives.dispersion import Block
from rules.objectives.eprocess import weigh
from rules.objectives.estimate import interval
from rules.objectives.factors import EFFECTS, Effects, ceiling_proportions, effect
from rules.objectives.history import Past
from rules.objectives.promise import number
from rules.objectives.promise import verdict as promised
from rules.objectives.wording import count_words, share_words
from rules.sample import Bucket, Counts
from rules.verdict import Because, Estimate, Outcome, Verdict

_ROUTED = "if each request is routed for itself"
_HALF = 0.5  # of the least acceptable share: what a healthy rule would have seen
_LEAST_SHARE, _MOST_SHARE = 1e-6, 1 - 1e-6  # beyond them there is no other arm to compare with


def prepare(case: Case, history: Past) -> Case:  # noqa: ARG001  (as every judge; no past tells how requests were shared out)
    """Fix how many requests one cause sends the same way: one, unless the rule says a number."""
    told = case.rule.statistics.correlation
    if isinstance(told, (int, float)):
        return replace(case, phi=max(float(told), 1.0))
    return replace(case, phi=None) if told == "robust" else replace(case, phi=1.0, assumes=_ROUTED)


def start(case: Case) -> Memory:  # noqa: ARG001  (a judge's start is given its case)
    """Nothing seen."""
    return Memory()


def split(bucket: Bucket) -> tuple[Block, float] | None:
    """All requests of a bucket with those that went to the other arm, and the share that was due here; ``None`` if it tells nothing."""
    canary, baseline, share = bucket.canary, bucket.baseline, bucket.share
    if not (isinstance(canary, Counts) and isinstance(baseline, Counts)) or share is None:
        return None
    if not _LEAST_SHARE <= share <= _MOST_SHARE:
        return None
    return (canary.total + baseline.total, baseline.total), share


def advance(case: Case, memory: Memory, bucket: Bucket) -> Memory:
    """Weigh one settled bucket: of its requests, how many went past the release?

    Source:
        The exact form of a ceiling, for the share that goes elsewhere; docs/judgement.md, "Traffic".
    """
    if not (isinstance(bucket.canary, Counts) and isinstance(bucket.baseline, Counts)):
        return memory
    newest, came = marked(case, memory, bucket)
    memory = memory._replace(newest=newest, came=came, latest=bucket.share)
    told = split(bucket)
    if told is None:
        return memory
    (requests, elsewhere), share = told
    tally, ceiling = memory.tally, _ceiling(case, share)
    return memory._replace(
        origin=memory.origin or bucket.start,
        tally=Tally(
            tally.buckets + 1,
            tally.requests + requests - elsewhere,
            beside_requests=tally.beside_requests + elsewhere,
        ),
        guess=(memory.guess[0] + requests * share, 0.0),
        process=weigh(
            case,
            memory.process,
            _increments(case, requests, elsewhere, ceiling),
            number(case, memory, bucket.start, bucket.end),
            _gain(case, requests, ceiling),
        ),
    )


def _ceiling(case: Case, share: float) -> float:
    """The largest acceptable part that goes elsewhere."""
    judge = case.rule.judge
    drop = judge.drop if isinstance(judge, TrafficDrop) else TrafficDrop().drop
    return 1 - (1 - drop) * share


def _increments(
    case: Case, requests: float, elsewhere: float, ceiling: float, effects: Effects = EFFECTS
) -> list[float]:
    if case.phi is None:
        return _as_one(requests, elsewhere, ceiling, effects)
    return ceiling_proportions(requests, elsewhere, ceiling, case.phi, effects)


def _as_one(requests: float, elsewhere: float, ceiling: float, effects: Effects) -> list[float]:
    """All requests of the bucket may have been sent one way together: they count as one."""
    if requests <= 0:
        return [0.0] * len(effects)
    part = elsewhere / requests
    return [log(1 + (size - 1) * part) - log(1 + (size - 1) * ceiling) for size, _ in effects]


def _gain(case: Case, requests: float, ceiling: float) -> float:
    """What a bucket would add, did the release get half of the least acceptable."""
    level = 1 - _HALF * (1 - ceiling)
    size = level / (1 - level) / (ceiling / (1 - ceiling))
    (gain,) = _increments(case, requests, requests * level, ceiling, effect(size))
    return gain


def verdict(case: Case, memory: Memory, moment: Moment) -> Verdict:
    """What the rule says now; in shares of the traffic."""
    tally = memory.tally
    requests = tally.requests + tally.beside_requests
    due = memory.guess[0] / requests if requests > 0 else 0.0
    said = promised(
        replace(case, ceiling=_ceiling(case, due)),
        memory,
        moment,
        _unshared(memory) or blindness(case, memory, moment),
        lambda _: 0.0,
        _ceiling(case, due),
    )
    if requests <= 0:
        return replace(said, estimate=None, can_see=None)
    words = f"{count_words(tally.requests)} of {count_words(requests)} requests came to the new release ({share_words(tally.requests / requests)}), {share_words(due)} is its share"
    tells = said.outcome in (Outcome.HEALTHY, Outcome.BREACHED)
    return replace(
        said, words=words if tells else said.words, estimate=_estimate(case, memory, due), can_see=None
    )


def _unshared(memory: Memory) -> Standing | None:
    """Its share was never told, or it has all: then nothing is shared out any more, and the rule is spent."""
    if memory.newest is None:
        return None
    if (memory.latest or 0.0) > _MOST_SHARE:
        words = "the new release has all the traffic: there is nothing to share out"
        if memory.tally.buckets > 0:
            return Standing(Outcome.UNDECIDED, Because.BASELINE_GONE, words)
        return Standing(Outcome.BLIND, Because.NOT_COMPARABLE, words)
    if memory.tally.buckets > 0:
        return None
    words = "what serves does not tell the share of the traffic that the new release gets"
    return Standing(Outcome.BLIND, Because.NOT_COMPARABLE, words)


def _estimate(case: Case, memory: Memory, due: float) -> Estimate:
    """The part of the requests that came here, with its interval."""
    tally = memory.tally
    requests = tally.requests + tally.beside_requests
    value = tally.requests / requests
    if case.phi is None:
        return Estimate(value, baseline=due)
    low, high = interval(tally.beside_requests, requests, case.alpha, case.phi)
    return Estimate(value, max(0.0, 1 - high), min(1.0, max(0.0, 1 - low)), due)
