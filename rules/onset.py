"""When did it begin? The posterior over the onset, from the stored buckets of a watch that breached.

Told apart are "from the switch on" and "ten minutes later", which is the difference between a release and an outage of
something else. No onset is preferred: the posterior is the likelihood. Before the onset the release is taken to be as
good as what it is compared with, after it to be worse by an unknown effect; the margin plays no part.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import exp

from rules.brief import Brief, Case, Margin
from rules.evidence import SIZE
from rules.model import InState, Slo, Threshold
from rules.objectives import state
from rules.objectives.canary_vs_baseline import paired
from rules.objectives.eprocess import log_mean
from rules.objectives.factors import (
    ceiling_counts,
    ceiling_proportions,
    compared_counts,
    compared_proportions,
)
from rules.objectives.promise import in_proportions
from rules.objectives.threshold import is_beyond, point
from rules.sample import Bucket, Counts, Series
from rules.verdict import Judgement, Onset, Outcome, Verdict

_AS_PROBABLE = 1 - 1e-9  # as the most probable
_TAIL = 0.025  # of the posterior, on either side of the interval
_LEAST = 1e-6  # a share that is usual: where nothing ever failed, one error has something to be compared with
_MOST = 0.999
_AS_GOOD = Margin()


def with_onset(judgement: Judgement, brief: Brief, buckets: Sequence[Series]) -> Judgement:
    """*judgement* with the onset in each verdict that is a breach.

    Args:
        judgement: Of the round that breached.
        brief: Fixed when the watch opened.
        buckets: All that became final since the release took traffic, as `Evaluation.buckets` gave it.
    """
    return replace(
        judgement,
        verdicts=tuple(
            replace(verdict, onset=onset(verdict, brief, buckets))
            if verdict.outcome is Outcome.BREACHED
            else verdict
            for verdict in judgement.verdicts
        ),
    )


def onset(verdict: Verdict, brief: Brief, buckets: Sequence[Series]) -> Onset | None:
    """When what *verdict* says began: by the series that tells it most clearly; ``None`` if none does."""
    curves = [
        curve
        for case in _cases(verdict.rule, brief)
        for curve in [_curve(case, _of(case, buckets))]
        if curve.heights
    ]
    if not curves:
        return None
    return _interval(max(curves, key=lambda curve: max(curve.heights)))


def _cases(rule: str, brief: Brief) -> list[Case]:
    members = {
        rule,
        *(member for voice in brief.voices if voice.rule.id == rule for member in voice.rule.all_of),
    }
    return [case for case in brief.cases.values() if case.rule.id in members]


def _of(case: Case, buckets: Sequence[Series]) -> list[Bucket]:
    found = [
        bucket
        for series in buckets
        if series.indicator == case.indicator and series.bound == case.bound
        for bucket in series.buckets
    ]
    return sorted(found, key=lambda bucket: bucket.start)


@dataclass(frozen=True, slots=True)
class _Curve:
    """For each bucket, the logarithm of how likely the counts are if it began there."""

    buckets: Sequence[Bucket]
    heights: Sequence[float]


def _curve(case: Case, buckets: Sequence[Bucket]) -> _Curve:
    if isinstance(case.rule.judge, Threshold):
        return _first_beyond(case.rule.judge, case, buckets)
    if isinstance(case.rule.judge, InState):
        spell = state.first_spell(case, buckets)
        return _Curve((spell,), (0.0,)) if spell else _Curve((), ())
    increments = [_increments(case, bucket, _usual(case, buckets)) for bucket in buckets]
    if not increments:
        return _Curve((), ())
    # From each bucket to the last: what the counts since then say for each effect.
    sums = accumulate(
        reversed(increments), lambda later, now: [a + b for a, b in zip(later, now, strict=True)]
    )
    return _Curve(buckets, [log_mean(each) for each in sums][::-1])


def _first_beyond(judge: Threshold, case: Case, buckets: Sequence[Bucket]) -> _Curve:
    """For a threshold, the first of the last N data points that was beyond the limit; there is nothing to weigh."""
    points = [(bucket, share) for bucket in buckets if (share := point(case, bucket.canary)) is not None]
    beyond = [bucket for bucket, share in points[-judge.of :] if is_beyond(judge, share)]
    return _Curve(beyond[:1], [0.0] * len(beyond[:1]))


def _usual(case: Case, buckets: Sequence[Bucket]) -> float:
    """The share of bad without the release's fault: of the baseline, of the history, or the ceiling."""
    beside = [bucket.baseline for bucket in buckets if isinstance(bucket.baseline, Counts)]
    requests = sum(counts.total for counts in beside)
    if not isinstance(case.rule.judge, Slo) and requests > 0:
        usual = sum(counts.bad for counts in beside) / requests
    else:
        usual = case.usual if case.usual is not None else case.ceiling or 0.0
    return min(max(usual, _LEAST), _MOST)


def _increments(case: Case, bucket: Bucket, usual: float) -> list[float]:
    if not isinstance(bucket.canary, Counts):
        return _nothing()
    if isinstance(case.rule.judge, Slo):
        weigh = ceiling_proportions if in_proportions(case) else ceiling_counts
        return weigh(bucket.canary.total, min(bucket.canary.bad, bucket.canary.total), usual, case.phi)
    if not isinstance(bucket.baseline, Counts):
        return _nothing()
    pair, _ = paired(case, bucket.canary, bucket.baseline)
    if not pair.compares:
        return _nothing()
    if in_proportions(case):
        return compared_proportions(pair, _AS_GOOD, usual, case.phi)
    return compared_counts(pair, _AS_GOOD, case.phi)


def _nothing() -> list[float]:
    return [0.0] * SIZE


def _interval(curve: _Curve) -> Onset:
    """The most probable bucket, and the buckets between the tails."""
    top = max(curve.heights)
    masses = [exp(height - top) for height in curve.heights]
    sums = list(accumulate(masses))
    first = next(i for i, below in enumerate(sums) if below >= _TAIL * sums[-1])
    last = next(i for i, below in enumerate(sums) if below >= (1 - _TAIL) * sums[-1])
    # Buckets without a word in between are equally probable: it was seen in the last of them.
    most = max(place for place, mass in enumerate(masses) if mass >= _AS_PROBABLE)
    return Onset(
        at=curve.buckets[most].start,
        low=min(curve.buckets[first].start, curve.buckets[most].start),
        high=max(curve.buckets[last].end, curve.buckets[most].end),
    )
