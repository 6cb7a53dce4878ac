"""From rows to the buckets of one question. Pure.

No row is no data, and never zero: who wrote no line may be gone, or its agent. Where a release's lines are there, bad ones
that are not are 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.sample import NoData, Reading, Series
from watcher.signals.loki.plan import Arm, Unit
from watcher.signals.prometheus.count import Measured, Unfit, counts, in_time, shares, summed
from watcher.signals.rows import Found, Row, Trouble


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. *after*: buckets that end at or before it are known. *final*: those that end later may still grow."""

    indicator: str
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


def read(asked: Asked, found: Found) -> Reading:
    """The buckets of *asked*; or why there are none."""
    rows: dict[Unit, Sequence[Row]] = {}
    for unit in asked.units:
        answer = found[unit]
        if isinstance(answer, Trouble):
            return answer
        rows[unit] = answer
    try:
        arms = [_by_end(arm, rows) for arm in asked.arms]
    except Unfit as unfit:
        return unfit.reading
    buckets = tuple(in_time(arms, asked.bucket, asked.after, asked.until, asked.final))
    return (Series(asked.indicator, buckets),) if buckets else NoData(_silence(asked))


def is_silent(asked: Asked, found: Found) -> bool:
    """The server answered, and knows nothing of the new release."""
    rows = found[asked.canary.main]
    return not isinstance(rows, Trouble) and not rows


def _by_end(arm: Arm, rows: Mapping[Unit, Sequence[Row]]) -> Mapping[float, Measured]:
    main, bad = rows[arm.main], rows[arm.bad] if arm.bad else ()
    if arm.main.family.expression:
        return shares(main, bad)
    of_bad = summed(bad)
    return {end: counts(of_bad.get(end, 0.0), total) for end, total in summed(main).items()}


def _silence(asked: Asked) -> str:
    span = f"between {asked.after:%H:%M} and {asked.until:%H:%M} UTC"
    return f"no line {span} of {str(asked.canary.main)[:300]}"
