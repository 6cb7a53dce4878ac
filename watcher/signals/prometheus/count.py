"""From rows to the buckets of one question. Pure.

No row is no data, and never zero: a bucket without a sample has no row (see `promql`). Where a release's requests are
there, errors that are not are 0: a counter of errors is born with the first one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf, isclose, isfinite, isnan

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Invalid, Measure, NoData, Reading, Series, Value, Who
from watcher.signals.exposed import no_bound
from watcher.signals.prometheus.plan import Arm, Form, Unit
from watcher.signals.rows import FAMILY, Found, Row, Trouble, at

NEARLY = 1e-6  # how far a count may be from a whole number by adding up
LISTED = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. *after*: buckets that end at or before it are known. *final*: those that end later may still grow."""

    indicator: Indicator
    canary: Arm
    baseline: Arm | None
    bucket: timedelta
    after: datetime
    until: datetime
    final: datetime

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Those that there are."""
        return (self.canary,) if self.baseline is None else (self.canary, self.baseline)

    @property
    def units(self) -> tuple[Unit, ...]:
        """All that it needs."""
        return tuple(unit for arm in self.arms for unit in arm.units)


class Unfit(Exception):
    """The rows cannot answer the question."""

    def __init__(self, who: Who, words: str) -> None:
        super().__init__(words)
        self.reading = Invalid(who, words)


@dataclass(frozen=True, slots=True)
class Measured:
    """A measure, and whether the server estimated it."""

    measure: Measure
    approximate: bool = False


def read(asked: Asked, found: Found) -> Reading:
    """The buckets of *asked*; or why there are none."""
    rows: dict[Unit, Sequence[Row]] = {}
    for unit in asked.units:
        answer = found[unit]
        if isinstance(answer, Trouble):
            return answer
        rows[unit] = answer
    try:
        series = tuple(
            Series(asked.indicator.id, tuple(_buckets(asked, rows, bound)), bound)
            for bound in (asked.indicator.bounds if asked.indicator.kind is Kind.LATENCY else ()) or (None,)
        )
    except Unfit as unfit:
        return unfit.reading
    return series if any(each.buckets for each in series) else NoData(_silence(asked))


def is_silent(asked: Asked, found: Found) -> bool:
    """The server answered, and knows nothing of the new release."""
    rows = found[asked.canary.main]
    return not isinstance(rows, Trouble) and not rows


def _buckets(asked: Asked, rows: Mapping[Unit, Sequence[Row]], bound: float | None) -> Iterable[Bucket]:
    arms = [_by_end(arm, rows, asked, bound) for arm in asked.arms]
    return in_time(arms, asked.bucket, asked.after, asked.until, asked.final)


def in_time(
    arms: Sequence[Mapping[float, Measured]],
    length: timedelta,
    after: datetime,
    until: datetime,
    final: datetime,
) -> Iterable[Bucket]:
    """The buckets in ``(after, until]``, of what each of the *arms* measured, by their ends; the canary first."""
    for end in sorted({end for arm in arms for end in arm}):
        if after < at(end) <= until:
            both = [arm.get(end) for arm in arms]
            yield Bucket(
                at(end) - length,
                at(end),
                both[0].measure if both[0] else None,
                both[1].measure if len(both) > 1 and both[1] else None,
                incomplete=at(end) > final,
                approximate=any(each.approximate for each in both if each),
            )


def _by_end(
    arm: Arm, rows: Mapping[Unit, Sequence[Row]], asked: Asked, bound: float | None
) -> dict[float, Measured]:
    main = rows[arm.main]
    _refuse_histograms(main)
    match arm.main.family.form:
        case Form.COUNTER:
            return _counter(arm.main, main)
        case Form.HISTOGRAM:
            return _histogram(main, bound or 0.0)
        case Form.NATIVE:
            return _native(main, bound or 0.0)
        case Form.GAUGE | Form.ONE:
            return _gauge(arm.main, main)
        case Form.EXPRESSION if asked.indicator.kind is Kind.VALUE:
            return {end: Measured(Value(x)) for end, x in only(main, "expr").items() if is_value(x)}
        case Form.EXPRESSION:
            return shares(main, rows[arm.bad] if arm.bad else ())


def _refuse_histograms(rows: Sequence[Row]) -> None:
    if not all(row.is_number for row in rows):
        raise Unfit(
            Who.AUTHOR,
            "a native histogram where a number was expected: write `histogram:` with `native: true`",
        )


def is_value(x: float) -> bool:
    """NaN is no data (0/0); what is infinite is no measurement."""
    if isnan(x):
        return False
    if not isfinite(x):
        raise Unfit(
            Who.AUTHOR, f"the server answers {x:g}, which is no measurement: something is divided by zero"
        )
    return True


def is_count(x: float) -> bool:
    """A number that something was counted to; NaN is no data."""
    if is_value(x) and x < -NEARLY:
        raise Unfit(Who.AUTHOR, f"the server counts {x:g}, fewer than none: is it a counter?")
    return not isnan(x)


def counts(bad: float, total: float) -> Measured:
    """Whole numbers, never more bad ones than all; what was estimated says so."""
    whole = abs(bad - round(bad)) <= NEARLY * max(bad, 1) and abs(total - round(total)) <= NEARLY * max(
        total, 1
    )
    every = float(round(max(total, 0.0)))
    return Measured(Counts(min(float(round(max(bad, 0.0))), every), every), approximate=not whole)


def summed(rows: Iterable[Row]) -> dict[float, float]:
    """What all *rows* count together, by the ends of the buckets."""
    sums: dict[float, float] = {}
    for row in rows:
        for end, x in row.points.items():
            if is_count(x):
                sums[end] = sums.get(end, 0.0) + x
    return sums


def _counter(unit: Unit, rows: Sequence[Row]) -> dict[float, Measured]:
    conditions = [
        (f"{FAMILY}{number}", operator in {"=", "=~"})
        for number, (_, operator, _) in enumerate(unit.family.bad, start=1)
    ]
    bad = summed(
        row
        for row in rows
        if conditions and all((row.labels.get(label) == "1") is wanted for label, wanted in conditions)
    )
    return {end: counts(bad.get(end, 0.0), total) for end, total in summed(rows).items()}


def shares(main: Sequence[Row], bad: Sequence[Row]) -> dict[float, Measured]:
    """What two expressions count: in all, and how many are bad of that."""
    of_all, of_bad = only(main, "total_expr"), only(bad, "bad_expr")
    found = {}
    for end, total in of_all.items():
        if is_count(total):
            errors = of_bad.get(end, 0.0)
            if is_count(errors):
                found[end] = counts(errors, total)
    return found


def only(rows: Sequence[Row], key: str) -> Mapping[float, float]:
    """The points of the one series that there may be; in parts of time, where it was asked in several."""
    sets = {tuple(sorted(row.labels.items())) for row in rows}
    if len(sets) > 1:
        raise Unfit(Who.AUTHOR, f"{len(sets)} series where one was expected: write sum(…) around `{key}`")
    return {end: x for row in rows for end, x in row.points.items()}


def _gauge(unit: Unit, rows: Sequence[Row]) -> dict[float, Measured]:
    many = {end: x for row in rows if f"{FAMILY}1" in row.labels for end, x in row.points.items()}
    most = max(many.values(), default=1.0)
    if most > 1:
        raise Unfit(
            Who.AUTHOR,
            f"{unit.family.text} has {most:g} series where one was expected: narrow `where`, or say `take: max`",
        )
    values = {end: x for row in rows if f"{FAMILY}1" not in row.labels for end, x in row.points.items()}
    return {end: Measured(Value(x)) for end, x in values.items() if is_value(x)}


def _histogram(rows: Sequence[Row], bound: float) -> dict[float, Measured]:
    """Those slower than *bound*, exactly: it is one of the histogram's own. How a bound is written ("0.30") differs."""
    counts: dict[float, dict[float, float]] = {}
    for row in rows:
        le = _le(row.labels.get("le", ""))
        for end, x in row.points.items():
            if is_count(x):
                by_le = counts.setdefault(end, {})
                by_le[le] = by_le.get(le, 0.0) + x
    return {end: _slow(by_le, bound) for end, by_le in counts.items()}


def _le(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Unfit(Who.SERVICE, f"a bucket of a histogram whose bound is {text[:20]!r}") from None


def _slow(by_le: Mapping[float, float], bound: float) -> Measured:
    if inf not in by_le:
        raise Unfit(Who.SERVICE, 'a histogram without its bucket le="+Inf"')
    within = next((x for le, x in by_le.items() if isclose(le, bound, rel_tol=1e-9)), None)
    if within is None:
        raise Unfit(Who.AUTHOR, no_bound(bound, sorted(by_le)))
    ordered = [by_le[le] for le in sorted(by_le)]
    if any(low > high + NEARLY * max(high, 1) + 1 for low, high in pairwise(ordered)):
        raise Unfit(
            Who.SERVICE, "histograms whose bounds differ are added up: narrow `where` to those that agree"
        )
    return counts(by_le[inf] - within, by_le[inf])


def _native(rows: Sequence[Row], bound: float) -> dict[float, Measured]:
    """How many are within the bound is guessed inside a bucket of the histogram: an estimate."""
    label = f"{FAMILY}1"
    total = summed(row for row in rows if label not in row.labels)
    within = summed(row for row in rows if row.labels.get(label) == f"{bound:.9g}")
    return {
        end: Measured(counts(every - within.get(end, 0.0), every).measure, approximate=True)
        for end, every in total.items()
        if end in within or every == 0
    }


def _silence(asked: Asked) -> str:
    span = f"between {asked.after:%H:%M:%S} and {asked.until:%H:%M:%S} UTC"
    family = asked.canary.main.family
    if family.form is Form.EXPRESSION:
        return f"no series {span}: the expression gives none"
    of = ", ".join(
        f"{label}={value}" for label, value in zip(family.labels, asked.canary.main.values, strict=True)
    )
    return f"no sample {span} of {family.text}{f' ({of})' if of else ''}: not scraped, or not born yet"
