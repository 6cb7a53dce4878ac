"""When did it begin? The posterior over the onset, from the stored buckets of a watch that breached.

Told apart are "from the switch on" and "ten minutes later", which is the difference between a release and an outage of
something else. No onset is preferred: the posterior is the likelihood. Before the onset the release is taken to be as
good as what it is compared with, after it to be worse by an unknown effect; the margin plays no part.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import accumulate
from math import exp

from rules.brief import Brief, Case, Margin
from rules.evidence import SIZE
from rules.model import BeforeAfter, BurnRate, InState, PercentileRank, Slo, Threshold, TrafficDrop
from rules.objectives import percentile_rank, state
from rules.objectives.canary_vs_baseline import paired
from rules.objectives.eprocess import log_mean
from rules.objectives.factors import (
    ceiling_counts,
    ceiling_proportions,
    compared_counts,
    compared_proportions,
)
from rules.objectives.history import slot_of
from rules.objectives.promise import in_proportions
from rules.objectives.threshold import is_beyond, point
from rules.objectives.traffic_drop import split
from rules.sample import Bucket, Counts, Measure, Series, Value
from rules.verdict import Judgement, Onset, Outcome, Verdict

_AS_PROBABLE = 1 - 1e-9  # as the most probable
_TAIL = 0.025  # of the posterior, on either side of the interval
_QUARTER = 0.25  # of the posterior: with less, "from the switch on" is no longer said
_LEAST = 1e-6  # a share that is usual: where nothing ever failed, one error has something to be compared with
_MOST = 0.999
_AS_GOOD = Margin()

ONCE = timedelta(minutes=2)  # what began with the switch is seen in the first two buckets of a minute
LATE = timedelta(minutes=5)  # a guess: a bad release shows within a few minutes of the switch
_ALARM = timedelta(
    minutes=5
)  # how late a vendor's state tells what began with the switch: its own data points


class Came(StrEnum):
    """How what is wrong began, beside the switch to the release under watch. From best proof to worst."""

    AT_ONCE = "at_once"  # with the switch, as far as can be told
    SOON = "soon"  # minutes later: a release may do so, and so may an outage of something else
    LATE = "late"


def came_of(onset: Onset, switched: datetime) -> Came:
    """How it began: with the switch, if that has at least a quarter of the posterior; late, if even soon has none.

    A defect that is there from the switch on loses one acting verdict in thirty by the quarter, and only where it is hardly
    to be seen; an outage three minutes later would be blamed on the release three times as often without it.

    Args:
        onset: When it began.
        switched: From when the release served.
    """
    if (onset.quartile or onset.low) <= switched + max(ONCE, onset.grain):
        return Came.AT_ONCE
    return Came.SOON if onset.low <= switched + max(LATE, onset.grain) else Came.LATE


def came(judgement: Judgement, switched: datetime) -> Came:
    """How what breached began: as the first of the rules has it on which it rests. What was compared at the same time is never late.

    A rule whose onset nobody knows is late if it breached long after the switch.
    """
    if judgement.compared or not judgement.resting_on:
        return Came.AT_ONCE
    began = [_came(verdict, judgement.at, switched) for verdict in judgement.resting_on]
    return min(began, key=list(Came).index)


_LATE_AT_ALL = timedelta(minutes=15)  # a guess, where nobody can say when it began


def _came(verdict: Verdict, breached_at: datetime, switched: datetime) -> Came:
    if verdict.onset is not None:
        return came_of(verdict.onset, switched)
    return Came.AT_ONCE if breached_at <= switched + _LATE_AT_ALL else Came.LATE


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
    cases = _cases(verdict.rule, brief)
    return onset_of(cases, {case.key: _of(case, buckets) for case in cases})


def onset_of(cases: Iterable[Case], buckets: Mapping[str, Sequence[Bucket]]) -> Onset | None:
    """As `onset`, for *cases*, with the buckets of each by its key, oldest first."""
    curves = [(case, curve) for case in cases if (curve := _curve(case, buckets[case.key])).heights]
    if not curves:
        return None
    case, curve = max(curves, key=lambda each: max(each[1].heights))
    return _interval(curve, _grain(case))


def _grain(case: Case) -> timedelta:
    own = _ALARM if isinstance(case.rule.judge, InState) else case.bucket
    return own + case.rule.statistics.warmup


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
    usual = _usual(case, buckets)
    increments = [_increments(case, bucket, _then(case, bucket, usual)) for bucket in buckets]
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
    if not isinstance(case.rule.judge, (Slo, BurnRate)) and requests > 0:
        usual = sum(counts.bad for counts in beside) / requests
    else:
        usual = case.usual if case.usual is not None else case.ceiling or 0.0
    return min(max(usual, _LEAST), _MOST)


def _then(case: Case, bucket: Bucket, usual: float) -> float:
    """What is usual at the time of day of *bucket*, where the past tells."""
    if not case.usuals:
        return usual
    return min(max(case.usuals[slot_of(bucket.start)], _LEAST), _MOST)


def _increments(case: Case, bucket: Bucket, usual: float) -> list[float]:
    if isinstance(case.rule.judge, PercentileRank):
        return _ranked(case, bucket.canary)
    if not isinstance(bucket.canary, Counts):
        return _nothing()
    if isinstance(case.rule.judge, TrafficDrop):
        return _of_the_share(case, bucket)
    if isinstance(case.rule.judge, (Slo, BeforeAfter, BurnRate)):
        return _alone(case, bucket.canary, usual)
    return _compared(case, bucket.canary, bucket.baseline, usual)


def _compared(case: Case, canary: Counts, baseline: Measure | None, usual: float) -> list[float]:
    if not isinstance(baseline, Counts):
        return _nothing()
    pair, _ = paired(case, canary, baseline)
    if not pair.compares:
        return _nothing()
    if in_proportions(case):
        return compared_proportions(pair, _AS_GOOD, usual, case.phi)
    return compared_counts(pair, _AS_GOOD, case.phi)


def _ranked(case: Case, canary: Measure | None) -> list[float]:
    """By the rank among the history alone: which of the watch were before the onset is what is asked."""
    if not isinstance(canary, Value):
        return _nothing()
    return percentile_rank.increments(percentile_rank.rank(case.among, (), canary.x))


def _of_the_share(case: Case, bucket: Bucket) -> list[float]:
    told = split(bucket)
    if told is None:
        return _nothing()
    (requests, elsewhere), share = told
    return ceiling_proportions(requests, elsewhere, 1 - share, case.phi)


def _alone(case: Case, canary: Counts, usual: float) -> list[float]:
    if in_proportions(case):
        return ceiling_proportions(canary.total, min(canary.bad, canary.total), usual, case.phi)
    return ceiling_counts(canary.total, canary.bad, usual, case.phi)


def _nothing() -> list[float]:
    return [0.0] * SIZE


def _interval(curve: _Curve, grain: timedelta) -> Onset:
    """The most probable bucket, and the buckets between the tails, with the holes before them."""
    top = max(curve.heights)
    masses = [exp(height - top) for height in curve.heights]
    sums = list(accumulate(masses))
    first = next(i for i, below in enumerate(sums) if below >= _TAIL * sums[-1])
    last = next(i for i, below in enumerate(sums) if below >= (1 - _TAIL) * sums[-1])
    # Buckets without a word in between are equally probable: it was seen in the last of them.
    most = max(place for place, mass in enumerate(masses) if mass >= _AS_PROBABLE)
    quarter = next(i for i, below in enumerate(sums) if below >= _QUARTER * sums[-1])
    return Onset(
        at=curve.buckets[most].start,
        low=_since(curve.buckets, min(first, most)),
        quartile=_since(curve.buckets, min(quarter, most)),
        high=curve.buckets[max(last, most)].end,
        grain=grain,
    )


def _since(buckets: Sequence[Bucket], place: int) -> datetime:
    """What is seen to begin in a bucket began after the one before it ended."""
    return buckets[place - 1].end if place else buckets[place].start
