"""The statistics of a period, from its raw samples.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html [D]
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.fakes.aws.cloudwatch.samples import Sample

_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,10})?|100)")
_SHORT = re.compile(r"(tm|ts|tc|wm)(\d{1,2}(?:\.\d{1,10})?|100)")
_LONG = re.compile(r"(TM|TS|TC|WM|PR)\((-?[\d.]*%?):(-?[\d.]*%?)\)")


class NotAStatistic(Exception):
    """The text after ``Stat`` is none."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """*low* is exclusive, *high* inclusive; in percent of the samples, or as values [D]."""

    low: float | None
    high: float | None
    percent: bool

    def holds(self, value: float, place: float) -> bool:
        """*place* is the percent of the samples up to and with this one."""
        measured = place if self.percent else value
        return (self.low is None or measured > self.low) and (self.high is None or measured <= self.high)


def statistic(stat: str) -> Callable[[Sequence[Sample]], float | None]:
    """The function that *stat* names. It gives nothing for no samples, or where raw values are needed and are not there.

    Raises:
        NotAStatistic: There is no such statistic.
    """
    if stat in _SIMPLE:
        simple = _SIMPLE[stat]
        return lambda samples: simple(samples) if samples else None
    if found := _PERCENTILE.fullmatch(stat):
        share = float(found[1])
        return _raw(lambda values: _percentile(values, share))
    kind, bounds = _trimmed(stat)
    return _raw(lambda values: _of_those(kind, values, bounds))


def _trimmed(stat: str) -> tuple[str, _Bounds]:
    if stat == "IQM":
        return "TM", _Bounds(25, 75, percent=True)
    if found := _SHORT.fullmatch(stat):
        return found[1].upper(), _Bounds(None, float(found[2]), percent=True)
    found = _LONG.fullmatch(stat)
    if not found or (not found[2] and not found[3]):
        raise NotAStatistic(stat)
    percent = found[2].endswith("%") or found[3].endswith("%")
    if percent and found[1] == "PR":  # [D] PR takes values
        raise NotAStatistic(stat)
    try:
        low, high = (float(each.rstrip("%")) if each else None for each in (found[2], found[3]))
    except ValueError as error:
        raise NotAStatistic(stat) from error
    return found[1], _Bounds(low, high, percent)


def _sum(samples: Sequence[Sample]) -> float:
    return math.fsum(each.summary[2] if each.summary else each.value * each.count for each in samples)


def _count(samples: Sequence[Sample]) -> float:
    return math.fsum(each.count for each in samples)


_SIMPLE: dict[str, Callable[[Sequence[Sample]], float]] = {
    "Sum": _sum,
    "SampleCount": _count,
    "Average": lambda samples: _sum(samples) / _count(samples),
    "Minimum": lambda samples: min(each.summary[0] if each.summary else each.value for each in samples),
    "Maximum": lambda samples: max(each.summary[1] if each.summary else each.value for each in samples),
}
_Values = Sequence[tuple[float, float]]  # (value, count), the lowest first


def _raw(function: Callable[[_Values], float | None]) -> Callable[[Sequence[Sample]], float | None]:
    def of(samples: Sequence[Sample]) -> float | None:
        # [D] not with sets of statistics, unless each is of one value; not with negative values
        if not samples or any((each.summary and each.count != 1) or each.value < 0 for each in samples):
            return None
        return function(sorted((each.value, each.count) for each in samples))

    return of


def _percentile(values: _Values, share: float) -> float:
    """The lowest value with at least *share* percent of the samples at or below it. [U]: AWS may interpolate."""
    total = math.fsum(count for _, count in values)
    seen = 0.0
    for value, count in values:
        seen += count
        if seen >= total * share / 100:
            return value
    return values[-1][0]


def _of_those(kind: str, values: _Values, bounds: _Bounds) -> float | None:
    total = math.fsum(count for _, count in values)
    seen = 0.0
    held: list[tuple[float, float]] = []
    for value, count in values:
        seen += count
        if bounds.holds(value, 100 * seen / total):
            held.append((value, count))
    inside = math.fsum(count for _, count in held)
    amount = math.fsum(value * count for value, count in held)
    if kind == "TC":
        return inside
    if kind == "TS":
        return amount
    if kind == "PR":
        return 100 * inside / total
    if kind == "WM":
        return _winsorized(values, held, total)
    return amount / inside if inside else None


def _winsorized(values: _Values, held: _Values, total: float) -> float | None:
    """The mean of all, where what lies outside counts as the nearest value inside [D]."""
    if not held:
        return None
    low, high = held[0][0], held[-1][0]
    return math.fsum(min(max(value, low), high) * count for value, count in values) / total
