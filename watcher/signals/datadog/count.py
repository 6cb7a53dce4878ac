"""From rows to the buckets of one question. Pure.

No point is no data, and never zero: Datadog answers only buckets in which something was sent. Where a release's requests
are there, errors that are not are 0: a counter of errors is sent only when there are any.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from math import isinf, isnan

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Invalid, Measure, NoData, Reading, Series, Value, Who
from watcher.signals.datadog.answer import Row, Trouble
from watcher.signals.datadog.fetch import Found
from watcher.signals.datadog.plan import Pair, Sums, Unit

NEARLY = 1e-6  # how far a count may be from a whole number: a rate of 10 s was multiplied


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. *after*: buckets that end at or before it are known. *final*: those that end later may still grow."""

    indicator: Indicator
    canary: tuple[Pair, ...]
    baseline: tuple[Pair, ...]  # empty: nothing is compared
    bucket: timedelta
    after: datetime
    until: datetime
    final: datetime

    @property
    def units(self) -> tuple[Unit, ...]:
        """All that it needs."""
        return tuple(unit for pair in (*self.canary, *self.baseline) for unit in pair.units)


class Unfit(Exception):
    """The rows cannot answer the question."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.reading = Invalid(Who.AUTHOR, words)


def read(asked: Asked, found: Found) -> Reading:
    """The buckets of *asked*; or why there are none."""
    rows: dict[Unit, Sequence[Row]] = {}
    for unit in asked.units:
        answer = found[unit]
        if isinstance(answer, Trouble):
            return answer
        rows[unit] = answer
    bounds = asked.indicator.bounds if asked.indicator.kind is Kind.LATENCY else (None,)
    try:
        series = tuple(
            Series(asked.indicator.id, tuple(_buckets(asked, rows, canary, baseline)), bound)
            for bound, canary, baseline in zip_longest(bounds, asked.canary, asked.baseline)
        )
    except Unfit as unfit:
        return unfit.reading
    return (
        series
        if any(each.buckets for each in series)
        else _never_good(asked, rows) or NoData(_silence(asked))
    )


def _never_good(asked: Asked, rows: dict[Unit, Sequence[Row]]) -> Invalid | None:
    """Of an SLO: that of neither release anything is good in any bucket."""
    sums = asked.canary[0].sums
    if sums is None or not asked.baseline or not _silent(rows, asked.canary[0], asked.baseline[0]):
        return None
    family = sums.good[0][0].family
    words = f"of neither release anything is good by {family.metric}: has it the tags {', '.join(family.tags)}, as all of them have?"
    return Invalid(Who.AUTHOR, words)


def _silent(rows: dict[Unit, Sequence[Row]], *arms: Pair) -> set[int]:
    """Beginnings of the buckets in which each of *arms* has some of all, and nothing is said of what is good.

    What both lack is no release's fault: its sums may have other tags than they are narrowed by, or what is good comes late.
    """

    def times(units: Iterable[Unit]) -> set[int]:
        return {at for unit in units for row in rows[unit] for at in row.points}

    each = [times(unit for unit, _ in arm.sums.total) - times(arm.sums.owed) for arm in arms if arm.sums]
    return set.intersection(*each) if each else set()


def is_silent(asked: Asked, found: Found) -> bool:
    """Datadog answered, and knows nothing of the new release."""
    pair = asked.canary[0]
    units = pair.units if asked.indicator.kind is Kind.LATENCY or pair.sums else (pair.main,)
    return all(not isinstance(found[unit], Trouble) and not found[unit] for unit in units)


def _buckets(
    asked: Asked, rows: dict[Unit, Sequence[Row]], canary: Pair, baseline: Pair | None
) -> Iterable[Bucket]:
    own = _by_start(asked, rows, canary)
    beside = _by_start(asked, rows, baseline) if baseline is not None else {}
    odd = _silent(rows, canary, baseline) if baseline is not None else set()
    for begins in sorted((own.keys() | beside.keys()) - odd):
        start = datetime.fromtimestamp(begins / 1000, UTC)
        end = start + asked.bucket
        if asked.after < end <= asked.until:
            yield Bucket(
                start,
                end,
                own.get(begins),
                beside.get(begins),
                incomplete=end > asked.final,
                # How many are beyond a bound is told from a sketch: those within a percent of it may be on either side.
                approximate=asked.indicator.kind is Kind.LATENCY
                or any(_is_estimate(each.get(begins)) for each in (own, beside)),
            )


def _by_start(asked: Asked, rows: dict[Unit, Sequence[Row]], pair: Pair) -> dict[int, Measure]:
    if pair.sums is not None:
        return _of_sums(pair.sums, rows)
    main = _points(pair.main, rows[pair.main])
    if asked.indicator.kind is Kind.VALUE:
        return {at: Value(x) for at, x in main.items() if not isnan(x)}
    bad = _points(pair.bad, rows[pair.bad]) if pair.bad is not None else {}
    # Of a latency `main` are those within the bound alone; a bucket is there where either is.
    is_apart = asked.indicator.kind is Kind.LATENCY
    counted: dict[int, Measure] = {}
    for at in main.keys() | bad.keys() if is_apart else main.keys():
        wrong = bad.get(at, 0.0)
        total = main.get(at, 0.0) + (wrong if is_apart else 0.0)
        if not isnan(wrong) and not isnan(total):
            counted[at] = _counts(wrong, total)
    return counted


def _of_sums(sums: Sums, rows: dict[Unit, Sequence[Row]]) -> dict[int, Measure]:
    """The buckets of an SLO. One is there where something of all is; of what is put together, what has no point is none."""
    points = {
        unit: _points(unit, rows[unit]) for unit in dict.fromkeys(u for u, _ in (*sums.total, *sums.good))
    }

    def added(terms: Iterable[tuple[Unit, int]], at: int) -> float:
        return sum(factor * points[unit].get(at, 0.0) for unit, factor in terms)

    counted: dict[int, Measure] = {}
    for at in {at for unit, _ in sums.total for at in points[unit]}:
        total, good = added(sums.total, at), added(sums.good, at)
        if not isnan(total) and not isnan(good):
            # Two metrics are sent by themselves: a request may be good in one bucket, and be there in the next.
            counted[at] = _counts(max(total - good, 0.0), total)
    return counted


def _points(unit: Unit, rows: Sequence[Row]) -> dict[int, float]:
    """The points of the one series that there may be; in parts of time, where it was asked in several."""
    points: dict[int, float] = {}
    for row in rows:
        for at, x in row.points.items():
            if at in points:
                raise Unfit(f"several series of {unit.family.metric} where one was expected")
            if isinf(x):
                raise Unfit(f"Datadog answers {x:g} for {unit.family.metric}, which is no measurement")
            points[at] = x
    return points


def _counts(bad: float, total: float) -> Counts:
    """Never more bad ones than all; whole, where adding up alone has made them nearly so."""
    if min(bad, total) < -NEARLY:
        raise Unfit(f"Datadog counts {min(bad, total):g}, fewer than none: is it a count?")
    every = _whole(total)
    return Counts(min(_whole(bad), every), every)


def _whole(x: float) -> float:
    nearest = float(round(max(x, 0.0)))
    return nearest if abs(x - nearest) <= NEARLY * max(nearest, 1.0) else x


def _is_estimate(measure: Measure | None) -> bool:
    return isinstance(measure, Counts) and not (measure.bad.is_integer() and measure.total.is_integer())


def _silence(asked: Asked) -> str:
    unit = asked.canary[0].main
    of = ", ".join(f"{tag}:{value}" for tag, value in zip(unit.family.tags, unit.values, strict=True))
    span = f"between {asked.after:%H:%M:%S} and {asked.until:%H:%M:%S} UTC"
    return f"no point {span} of {unit.family.metric}{f' ({of})' if of else ''}: nothing was sent, or not yet"
