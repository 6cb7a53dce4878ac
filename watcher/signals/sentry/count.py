"""From what was told to the buckets of one question. Pure.

Sentry keeps what happened, and nothing of what did not: whether a release had no traffic, or is not heard of any more,
nobody can tell. So a bucket without a session or a request has no data, and never zero, also where Sentry itself fills
a series up with zeros, as it does for some spans of time and not for others. Only beside sessions or requests that are
there, crashes and errors that are not are 0.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rules.model import Indicator
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Series, Who
from watcher.signals.sentry.answer import Trouble
from watcher.signals.sentry.fetch import TOTAL, Cell, Cells, Found
from watcher.signals.sentry.plan import Arm, Unit, What
from watcher.signals.sentry.query import Query

ALL, FAILED = "count()", "failure_count()"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. *after*: buckets that end at or before it are known. *final*: those that end later may still grow."""

    indicator: Indicator
    query: Query
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
    def units(self) -> tuple[Unit, ...]:
        """All that it needs."""
        return tuple(unit for arm in self.arms for unit in arm.units)


class Unfit(Exception):
    """What was told cannot answer the question."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.reading = Invalid(Who.AUTHOR, words)


@dataclass(frozen=True, slots=True)
class _Measured:
    """Counts, and what Sentry says of them."""

    counts: Counts
    incomplete: bool
    approximate: bool


def read(asked: Asked, found: Found) -> Reading:
    """The buckets of *asked*; or why there are none."""
    cells: dict[Unit, Cells] = {}
    for unit in asked.units:
        told = found.get(unit, {})
        if isinstance(told, Trouble):
            return told
        cells[unit] = told
    try:
        buckets = tuple(_buckets(asked, cells))
    except Unfit as unfit:
        return unfit.reading
    return (Series(asked.indicator.id, buckets),) if buckets else NoData(_silence(asked))


def is_silent(asked: Asked, found: Found) -> bool:
    """Sentry answered, and knows nothing of the new release."""
    told = found.get(asked.canary.total, {})
    return not isinstance(told, Trouble) and not told


def _buckets(asked: Asked, cells: Mapping[Unit, Cells]) -> Iterable[Bucket]:
    arms = [_by_begin(asked.query, arm, cells) for arm in asked.arms]
    for begin in sorted({at for arm in arms for at in arm}):
        start = datetime.fromtimestamp(begin, UTC)
        end = start + asked.query.bucket
        if asked.after < end <= asked.until:
            both = [arm.get(begin) for arm in arms]
            there = [each for each in both if each is not None]
            yield Bucket(
                start,
                end,
                both[0].counts if both[0] else None,
                both[1].counts if len(both) > 1 and both[1] else None,
                incomplete=end > asked.final or any(each.incomplete for each in there),
                approximate=any(each.approximate for each in there),
            )


def _by_begin(query: Query, arm: Arm, cells: Mapping[Unit, Cells]) -> dict[int, _Measured]:
    bad = cells[arm.bad]
    found = {}
    for begin, total in cells[arm.total].items():
        every = total.values.get(TOTAL if arm.total.family.what is What.SESSIONS else ALL)
        if not every:
            continue
        told = bad.get(begin, Cell({}))
        found[begin] = _Measured(
            _counts(_bad(query, told), every, may_exceed=query.errors is not None),
            total.incomplete or told.incomplete,
            total.approximate or told.approximate,
        )
    return found


def _bad(query: Query, told: Cell) -> float:
    """How many were bad; nothing told of them is 0, for they are told of beside all."""
    if query.sessions is not None:
        return sum(_ended(status, told) for status in query.sessions)
    return told.values.get(ALL if query.errors is not None else FAILED, 0.0)


def _ended(status: str, told: Cell) -> float:
    value = told.values.get(status)
    if value is None and told.values and status != "crashed":
        raise Unfit(f"this Sentry does not tell sessions that are {status}: write `sessions: crashed`")
    return value or 0.0


def _counts(bad: float, total: float, *, may_exceed: bool) -> Counts:
    """Never fewer than none. Sessions and their ends are told by two answers, between which one may have come."""
    if bad < 0 or total < 0:
        raise Unfit(f"Sentry counts {min(bad, total):g}, fewer than none")
    return Counts(bad if may_exceed else min(bad, total), total)


def _silence(asked: Asked) -> str:
    span = f"between {_clock(asked.after, asked.until)} UTC"
    unit = asked.canary.total
    what = {What.SESSIONS: "session", What.REQUESTS: "request"}.get(unit.family.what, "event")
    environment = f" in {unit.family.environment}" if unit.family.environment else ""
    return f"no {what} of {unit.release}{environment} {span}: it has no traffic yet, or it tells Sentry nothing of it"


def _clock(start: datetime, end: datetime) -> str:
    form = "%H:%M:%S" if end - start < timedelta(days=1) else "%d %b %H:%M"
    return f"{start:{form}} and {end:{form}}"
