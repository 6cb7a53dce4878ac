"""From readings to settled, ordered, paired buckets: the one place for lateness, resets and revisions.

What leaves this module is final: every bucket lies behind the indicator's settle time, starts where the one before it
ended or later, started after the new release took traffic, and holds increments that are finite and not negative. What
arrives again, later or overlapping is not looked at. Nothing is judged here, and nothing is filled in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rules.brief import Beat
from rules.evidence import Counter, Intake, Trouble
from rules.model import Kind
from rules.sample import (
    Bucket,
    Counts,
    Invalid,
    Measure,
    NoData,
    Reading,
    Series,
    State,
    Unavailable,
    Value,
)
from rules.verdict import Because

# More than any service answers in a bucket; beyond it sums of products could leave the range of a float.
LARGEST = 1e15

_NOT_COUNTED = frozenset({Kind.VALUE, Kind.STATE})
_FOR_EVER = datetime.max.replace(tzinfo=UTC)

Counters = dict[tuple[float | None, str], Counter]  # by bound and arm


@dataclass(frozen=True, slots=True)
class Settled:
    """How far the indicator has been read now, and what is new and final in it."""

    intake: Intake
    series: tuple[Series, ...] = ()


def settle(beat: Beat, intake: Intake, reading: Reading, since: datetime | None, now: datetime) -> Settled:
    """Take in what of *reading* is final and new.

    Args:
        beat: How the indicator is sampled.
        intake: How far it has been read.
        reading: The provider's answer; buckets in any order.
        since: Buckets that start before it are not judged: one of them contains the deployment. ``None``: no traffic yet.
        now: Buckets that end after ``now - settle`` are left for later.

    Returns:
        The new intake, and the increments that became final, oldest first, one series a bound.
    """
    match reading:
        case NoData(words):
            return Settled(replace(intake, trouble=Trouble(Because.NO_DATA, words)))
        case Unavailable(_, words):
            return Settled(replace(intake, trouble=Trouble(Because.UNAVAILABLE, words)))
        case Invalid(words=words):
            return Settled(replace(intake, trouble=Trouble(Because.INVALID, words)))
        case _:
            return _take_in(beat, intake, reading, since, now)


def _take_in(
    beat: Beat, intake: Intake, readings: tuple[Series, ...], since: datetime | None, now: datetime
) -> Settled:
    counters = {(each.bound, each.arm): each for each in intake.counters}
    words: list[str] = []
    taken: list[Series] = []
    for series in readings:
        final = _final(series.buckets, now - beat.settle)
        clean = [_clean(bucket, beat.kind, words) for bucket in final]
        if series.cumulative:
            clean = _counted(clean, series.bound, counters)
        fresh = _in_order(clean, since, intake.watermark)
        if beat.kind is Kind.STATE:
            fresh = tuple(_dated(bucket, since) for bucket in fresh)
        if fresh:
            taken.append(Series(beat.indicator, fresh, series.bound))
    ends = [series.buckets[-1].end for series in taken]
    trouble = Trouble(Because.INVALID, words[0]) if words else None
    return Settled(
        Intake(max(ends, default=intake.watermark), tuple(counters.values()), trouble), tuple(taken)
    )


def increments(beat: Beat, series: Series) -> list[Bucket]:
    """The increments of a whole series that is final, such as a history's; what cannot be judged is left out."""
    clean = [_clean(bucket, beat.kind, []) for bucket in _final(series.buckets, _FOR_EVER)]
    return _counted(clean, series.bound, {}) if series.cumulative else clean


def _final(buckets: Iterable[Bucket], until: datetime) -> list[Bucket]:
    """Settled buckets by their end, each once; of two that end together the later in the answer is the revision."""
    final = {
        bucket.end: bucket
        for bucket in buckets
        if bucket.end <= until and bucket.start < bucket.end and not bucket.incomplete
    }
    return [final[end] for end in sorted(final)]


def _in_order(
    buckets: Iterable[Bucket], since: datetime | None, watermark: datetime | None
) -> tuple[Bucket, ...]:
    """Those that hold something, start after the traffic came, and do not reach back behind what was taken in."""
    if since is None:
        return ()
    behind, fresh = max(since, watermark or since), []
    for bucket in buckets:
        if bucket.start >= behind and not (bucket.canary is None and bucket.baseline is None):
            fresh.append(bucket)
            behind = bucket.end
    return tuple(fresh)


def _dated(bucket: Bucket, traffic_at: datetime | None) -> Bucket:
    """*bucket*, its states knowing whether they are older than the traffic of the new release."""
    return replace(
        bucket, canary=_older(bucket.canary, traffic_at), baseline=_older(bucket.baseline, traffic_at)
    )


def _older(measure: Measure | None, traffic_at: datetime | None) -> Measure | None:
    if not isinstance(measure, State) or measure.since is None or traffic_at is None:
        return measure
    return replace(measure, before=measure.since < traffic_at)


def _clean(bucket: Bucket, kind: Kind, words: list[str]) -> Bucket:
    canary, baseline = _sound(bucket.canary, kind, words), _sound(bucket.baseline, kind, words)
    if canary is bucket.canary and baseline is bucket.baseline:
        return bucket
    return replace(bucket, canary=canary, baseline=baseline)


def _sound(measure: Measure | None, kind: Kind, words: list[str]) -> Measure | None:
    """*measure*, if it can be judged. NaN is no data; what cannot be a measure at all is said in *words*."""
    match measure:
        case None:
            pass
        case Counts(bad, total) if kind not in _NOT_COUNTED:
            if 0 <= bad <= LARGEST and 0 <= total <= LARGEST:
                return measure
            if bad == bad and total == total:  # noqa: PLR0124  (not NaN, which is no data)
                words.append(f"the provider answered {bad:g} bad of {total:g}, which cannot be counts")
        case Value(x) if kind is Kind.VALUE:
            if -LARGEST <= x <= LARGEST:
                return measure
            if x == x:  # noqa: PLR0124  (not NaN)
                words.append(f"the provider answered {x:g}, which is no measurement")
        case State() if kind is Kind.STATE:
            return measure
        case _:
            words.append(f"the provider answered a {type(measure).__name__}, which is not of the kind {kind}")
    return None


def _counted(readings: Iterable[Bucket], bound: float | None, counters: Counters) -> list[Bucket]:
    """What cumulative counters counted between their readings; the first reading of an arm is only a reference."""
    increments = []
    for reading in readings:
        canary = _grown((bound, "canary"), reading.end, reading.canary, counters)
        baseline = _grown((bound, "baseline"), reading.end, reading.baseline, counters)
        start = max((grown.since for grown in (canary, baseline) if grown), default=None)
        if start is not None:
            increments.append(
                replace(reading, start=start, canary=_from(start, canary), baseline=_from(start, baseline))
            )
    return increments


@dataclass(frozen=True, slots=True)
class _Grown:
    """What one counter counted, and since when."""

    since: datetime
    counts: Counts


def _grown(
    key: tuple[float | None, str], at: datetime, reading: Measure | None, counters: Counters
) -> _Grown | None:
    before = counters.get(key)
    if not isinstance(reading, Counts) or (before is not None and at <= before.at):
        return None
    counters[key] = Counter(*key, at, reading.bad, reading.total)
    if before is None:
        return None
    if reading.bad < before.bad or reading.total < before.total:
        return _Grown(before.at, reading)  # it began again from 0, as Prometheus takes it
    return _Grown(before.at, Counts(reading.bad - before.bad, reading.total - before.total))


def _from(start: datetime, grown: _Grown | None) -> Counts | None:
    # Arms that count from different moments are no pair: of an arm that missed a reading nothing is judged.
    return grown.counts if grown is not None and grown.since == start else None
