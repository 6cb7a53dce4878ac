"""From data points to the buckets of one question. Pure.

Counts are as CloudWatch gives them. Where the total of a period has no data point there is no bucket, for that is no data
and not zero: a load balancer publishes minutes without requests not at all. Where the total is there, a *bad* metric that
is not is 0: error counts are published only when there are errors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Invalid, Measure, NoData, Reading, Series, Value, Who
from watcher.signals.cloudwatch.fetch import Answers, Points
from watcher.signals.cloudwatch.plan import Arm, Metric
from watcher.signals.cloudwatch.refusals import Fault

_NEARLY = 1e-6  # how far a difference of two counts may be below 0 by rounding


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: what its arms are made of, and which buckets are wanted.

    Attributes:
        after: Buckets that end at or before it are known.
        final: Buckets that end after it may still grow.
    """

    indicator: Indicator
    canary: Arm
    baseline: Arm | None
    after: datetime
    until: datetime
    final: datetime

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Those that there are."""
        return (self.canary,) if self.baseline is None else (self.canary, self.baseline)

    @property
    def metrics(self) -> frozenset[Metric]:
        """All that it needs."""
        return frozenset().union(*(arm.metrics for arm in self.arms))


class Unfit(Exception):
    """The data points cannot answer the question; *reading* says why."""

    def __init__(self, who: Who, words: str) -> None:
        super().__init__(words)
        self.reading = Invalid(who, words)


def read(asked: Asked, answers: Answers) -> Reading:
    """The buckets of *asked*; or why there are none."""
    fault = next((answer for metric in asked.metrics if isinstance(answer := answers[metric], Fault)), None)
    if fault is not None:
        return fault
    points = {metric: answer for metric in asked.metrics if not isinstance(answer := answers[metric], Fault)}
    try:
        _refuse_strange(points, asked.indicator.kind)
        series = tuple(
            Series(asked.indicator.id, tuple(_buckets(asked, points, bound)), bound)
            for bound in asked.indicator.bounds or (None,)
        )
    except Unfit as unfit:
        return unfit.reading
    return series if any(each.buckets for each in series) else NoData(_silence(asked))


def is_silent(arm: Arm, answers: Answers) -> bool:
    """CloudWatch answered, and has nothing: perhaps there is no such metric."""
    return all(not isinstance(answer := answers[metric], Fault) and not answer for metric in arm.main)


def _refuse_strange(points: Mapping[Metric, Points], kind: Kind) -> None:
    for metric, values in points.items():
        for value in values.values():
            if not isfinite(value) or (value < 0 and kind is not Kind.VALUE):
                raise Unfit(
                    Who.PROVIDER, f"CloudWatch answers {value:g} for {metric}, which is no measurement"
                )


def _buckets(asked: Asked, points: Mapping[Metric, Points], bound: float | None) -> Sequence[Bucket]:
    starts = sorted({start for arm in asked.arms for metric in arm.main for start in points[metric]})
    period = asked.canary.main[0].period
    measure = _MEASURES[asked.indicator.kind]
    found = []
    for start in starts:
        end = start + period
        if asked.after < end <= asked.until:
            canary = measure(asked.canary, points, start, bound)
            baseline = None if asked.baseline is None else measure(asked.baseline, points, start, bound)
            if canary is not None or baseline is not None:
                found.append(Bucket(start, end, canary, baseline, incomplete=end > asked.final))
    if starts and not found and bound is not None:
        _refuse_uncounted(asked, points, bound)
    return found


def _refuse_uncounted(asked: Asked, points: Mapping[Metric, Points], bound: float) -> None:
    if not any(points[arm.within[bound]] for arm in asked.arms):
        name = asked.canary.main[0]
        raise Unfit(
            Who.AUTHOR,
            f"CloudWatch cannot count how many samples of {name} are below a bound: it is published as sets of statistics, "
            "or has negative values",
        )


def _total(arm: Arm, points: Mapping[Metric, Points], start: datetime) -> float | None:
    present = [points[metric][start] for metric in arm.main if start in points[metric]]
    return sum(present) if present else None


def _ratio(
    arm: Arm, points: Mapping[Metric, Points], start: datetime, _bound: float | None
) -> Measure | None:
    total = _total(arm, points, start)
    bad = sum(points[metric].get(start, 0.0) for metric in arm.bad)
    return None if total is None else Counts(bad, total)


def _slow(arm: Arm, points: Mapping[Metric, Points], start: datetime, bound: float | None) -> Measure | None:
    """All samples but those up to the bound; both come in one answer, so they are of the same samples."""
    total, within = _total(arm, points, start), points[arm.within[bound or 0.0]].get(start)
    if total is None or within is None:
        return None
    if within > total + _NEARLY:
        raise Unfit(
            Who.PROVIDER, f"CloudWatch counts {within:g} of {total:g} samples of {arm.main[0]} as fast"
        )
    return Counts(max(total - within, 0.0), total)


def _value(
    arm: Arm, points: Mapping[Metric, Points], start: datetime, _bound: float | None
) -> Measure | None:
    value = points[arm.main[0]].get(start)
    return None if value is None else Value(value)


_MEASURES: Mapping[Kind, Callable[[Arm, Mapping[Metric, Points], datetime, float | None], Measure | None]] = {
    Kind.RATIO: _ratio,
    Kind.EVENTS: _ratio,
    Kind.REQUESTS: _ratio,
    Kind.LATENCY: _slow,
    Kind.VALUE: _value,
}


def _silence(asked: Asked) -> str:
    span = f"between {asked.after:%H:%M} and {asked.until:%H:%M} UTC"
    metric = asked.canary.main[0]
    if asked.indicator.kind is Kind.VALUE:
        return f"no data point of {metric} {span}"
    return f"no requests {span}: {metric} has no data point"
