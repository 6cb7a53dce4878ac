"""From rows to the buckets of one question. Pure.

New Relic keeps what happened, and nothing of what did not: a bucket without an event has no data, and never zero, also
where a time series is filled up with zeros.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Series, Who
from watcher.signals.newrelic.answer import Trouble
from watcher.signals.newrelic.fetch import Cells, Found
from watcher.signals.newrelic.nrql import TOTAL
from watcher.signals.newrelic.plan import BAD, Unit, over

# Agents keep some thousand of these a minute, and drop what is more by chance.
SAMPLED = frozenset({"Transaction", "TransactionError", "Span"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. *after*: buckets that end at or before it are known. *final*: those that end later may still grow."""

    indicator: Indicator
    canary: Unit
    baseline: Unit | None
    after: datetime
    until: datetime
    final: datetime

    @property
    def units(self) -> tuple[Unit, ...]:
        """All that it needs."""
        return (self.canary,) if self.baseline is None else (self.canary, self.baseline)


class _Unfit(Exception):
    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.reading = Invalid(Who.PROVIDER, words)


def read(asked: Asked, found: Found) -> Reading:
    """The buckets of *asked*; or why there are none."""
    cells: dict[Unit, Cells] = {}
    for unit in asked.units:
        told = found.get(unit, {})
        if isinstance(told, Trouble):
            return told
        cells[unit] = told
    bounds = asked.indicator.bounds if asked.indicator.kind is Kind.LATENCY else ()
    names: list[tuple[float | None, str]] = [(bound, over(number)) for number, bound in enumerate(bounds)]
    try:
        series = tuple(
            Series(asked.indicator.id, tuple(_buckets(asked, cells, name)), bound)
            for bound, name in names or [(None, BAD)]
        )
    except _Unfit as unfit:
        return unfit.reading
    return series if series[0].buckets else NoData(_silence(asked))


def is_silent(asked: Asked, found: Found) -> bool:
    """New Relic answered, and knows nothing of the new release."""
    told = found.get(asked.canary, {})
    return not isinstance(told, Trouble) and not any(each.get(TOTAL) for each in told.values())


def _buckets(asked: Asked, cells: Mapping[Unit, Cells], name: str) -> Iterable[Bucket]:
    length = asked.canary.family.bucket
    sampled = asked.canary.family.source in SAMPLED
    for begin in sorted({at for unit in asked.units for at in cells[unit]}):
        start = datetime.fromtimestamp(begin, UTC)
        if asked.after < start + length <= asked.until:
            both = [_counts(cells[unit].get(begin, {}), name) for unit in asked.units]
            if any(both):
                yield Bucket(
                    start,
                    start + length,
                    both[0],
                    both[1] if len(both) > 1 else None,
                    incomplete=start + length > asked.final,
                    approximate=sampled,
                )


def _counts(cell: Mapping[str, float], name: str) -> Counts | None:
    total = cell.get(TOTAL, 0.0)
    if not total:
        return None
    bad = cell.get(name, 0.0)
    if not 0 <= bad <= total:
        raise _Unfit(f"New Relic counts {bad:g} of {total:g}")
    return Counts(float(bad), float(total))


def _silence(asked: Asked) -> str:
    form = "%H:%M:%S" if asked.until - asked.after < timedelta(days=1) else "%d %b %H:%M"
    unit = asked.canary
    of = ", ".join(f"{name}={value}" for name, value in zip(unit.family.attributes, unit.values, strict=True))
    span = f"between {asked.after:{form}} and {asked.until:{form}} UTC"
    return f"no {unit.family.source} {span} of {of}: it has no traffic yet, or goes by another name"
