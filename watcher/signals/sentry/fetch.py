"""Carries out the calls of a plan: some at once, and in halves where one project or the size spoils it for the others."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from sys import float_info
from typing import Any

from rules.sample import Invalid, Unavailable, Who
from watcher.signals.sentry import answer as answers
from watcher.signals.sentry.answer import Failed, Next, Page, Trouble
from watcher.signals.sentry.line import Line
from watcher.signals.sentry.plan import Call, Form, Unit, What

MOST_SPLITS = 20  # in one reading: a token that lacks a scope must not cost a call for every project
LOW = "low"
_MS = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """What was counted of a release in one bucket: by axis, or by how sessions ended.

    Attributes:
        incomplete: Sentry says that more is to come.
        approximate: Of a sample.
    """

    values: Mapping[str, float]
    incomplete: bool = False
    approximate: bool = False


Cells = dict[int, Cell]  # by when the bucket begins, in seconds since 1970
Found = Mapping[Unit, Cells | Trouble]
TOTAL = "total"


@dataclass(slots=True)
class _Allowance:
    """How often calls may still be split."""

    splits: int = MOST_SPLITS


@dataclass
class Gathered:
    """What came, to the units that it is of."""

    cells: dict[Unit, Cells] = field(default_factory=dict)
    troubles: dict[Unit, Trouble] = field(default_factory=dict)

    def found(self) -> Found:
        """A failure of one part is a failure of all of it."""
        return {**self.cells, **self.troubles}

    def add(
        self,
        unit: Unit,
        at: int,
        values: Mapping[str, float],
        *,
        incomplete: bool = False,
        approximate: bool = False,
    ) -> None:
        """One more value of a bucket; several endpoints tell each of its own."""
        cells = self.cells.setdefault(unit, {})
        known = cells.get(at, Cell({}))
        cells[at] = Cell(
            {**known.values, **values}, known.incomplete or incomplete, known.approximate or approximate
        )


async def fetched(line: Line, calls: Sequence[Call], patience: timedelta) -> Found:
    """What every unit in *calls* counted, or why nobody says.

    Args:
        line: Who is asked.
        calls: As `planned`.
        patience: After which what is not answered yet is unavailable.
    """
    gathered = Gathered({unit: {} for call in calls for unit in call.units})
    allowance = _Allowance()
    until = line.monotonic() + patience.total_seconds()
    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            tasks.create_task(_in_time(line, call, until, gathered, allowance))
    return gathered.found()


async def _in_time(line: Line, call: Call, until: float, gathered: Gathered, allowance: _Allowance) -> None:
    try:
        async with asyncio.timeout(max(until - line.monotonic(), 0.0)):
            await _whole(line, call, until, gathered, allowance)
    except TimeoutError:
        words = f"{line.where} gave no answer in time"
        for unit in call.units:
            gathered.troubles.setdefault(unit, Unavailable(Who.PROVIDER, words))


async def _whole(line: Line, call: Call, until: float, gathered: Gathered, allowance: _Allowance) -> None:
    pages = await line.pages(call.path, call.params, until)
    failed = pages if isinstance(pages, Failed) else _sorted(call, pages, line.where, gathered)
    if failed is None:
        return
    halves = call.halves() if _may_split(call, failed) and allowance.splits else None
    if halves is None:
        gathered.troubles |= dict.fromkeys(call.units, failed.trouble)
        return
    allowance.splits -= 1
    for half in halves:
        await _whole(line, half, until, gathered, allowance)


def _may_split(call: Call, failed: Failed) -> bool:
    return failed.next is Next.SIZE or (failed.next is Next.ONE and len(call.projects) > 1)


def _sorted(call: Call, pages: Iterable[Page], where: str, gathered: Gathered) -> Failed | None:
    """What *pages* say, to the units that it is of; or why they cannot be read."""
    for page in pages:
        content = answers.checked(_ADAPTERS[call.form], page.content, where)
        failed = content if isinstance(content, Failed) else _TAKE[call.form](call, content, where, gathered)
        if failed is not None:
            return failed
    return None


class _Units:
    """Whose an answer is. Where one project was asked about, nobody says which."""

    def __init__(self, call: Call) -> None:
        self._units = {(str(unit.project), unit.release): unit for unit in call.units}
        self._only = str(call.projects[0]) if len(call.projects) == 1 else None

    def of(self, project: object, release: object) -> Unit | None:
        """``None``: nobody asked for it."""
        return self._units.get((self._only or str(project), str(release)))


def _wrong_interval(where: str, told: float, call: Call) -> Failed:
    words = f"{where} answers in buckets of {told:g} s where {call.grid.step} s were asked for: write another `bucket`"
    return Failed(Invalid(Who.AUTHOR, words))


def _partial(where: str, scanned: str | None) -> Failed | None:
    if scanned in {None, "full"}:
        return None
    words = f"{where} looked at a part of the data alone (dataScanned: {scanned}): ask for less, or later"
    return Failed(Unavailable(Who.PROVIDER, words), Next.SIZE)


# -------------------------------------------------------------------------------------------------------------- sessions


def _sessions(call: Call, told: answers.Sessions, where: str, gathered: Gathered) -> Failed | None:
    """One group a release, or one a release and end. What a group says it says for every interval."""
    begins = [int(at.timestamp()) for at in told.intervals]
    steps = {later - earlier for earlier, later in pairwise(begins)}
    if len(begins) == 1 and told.start and told.end:
        # One alone is as long as the whole answer, which may end a little early: at the present.
        steps = {max(int((told.end - told.start).total_seconds()), call.grid.step)}
    if steps - {call.grid.step}:
        return _wrong_interval(where, min(steps - {call.grid.step}), call)
    units = _Units(call)
    by_end = call.family.what is What.ENDS
    # Ends that any release has are known to this Sentry: of one that has none of them there are 0.
    known = {str(group.by.get("session.status")) for group in told.groups} if by_end else set()
    for group in told.groups:
        unit = units.of(group.by.get("project"), group.by.get("release"))
        if unit is None:
            continue
        name = str(group.by.get("session.status")) if by_end else TOTAL
        for at, value in zip(begins, group.series.get("sum(session)", ()), strict=False):
            held = gathered.cells[unit].get(at)
            values = {} if held is not None else dict.fromkeys(known, 0.0)
            gathered.add(unit, at, {**values, name: value or 0.0})
    return None


# ---------------------------------------------------------------------------------------------------------------- events


def _table(call: Call, told: answers.Table, where: str, gathered: Gathered) -> Failed | None:
    """One row a release, for the one bucket that was asked for.

    Of requests a sample may have been kept, and a row does not tell its rate, as a series does; errors are all kept.
    """
    failed = _partial(where, told.meta.scanned)
    if failed is not None:
        return failed
    units = _Units(call)
    for row in told.data:
        unit = units.of(row.get("project.id"), row.get("release"))
        if unit is None:
            continue
        values = {name: value for name, value in row.items() if name.endswith(")") and value is not None}
        if not all(_is_number(value) for value in values.values()):
            return Failed(Unavailable(Who.PROVIDER, f"{where} answers counts that are no numbers"))
        gathered.add(unit, call.grid.first, values, approximate=call.family.what is not What.ERRORS)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= float_info.max  # JSON has whole numbers beyond it


def _series(call: Call, told: answers.Lines, where: str, gathered: Gathered) -> Failed | None:
    """One series a release and axis."""
    units = _Units(call)
    for line in told.series:
        by = {key.key: key.value for key in line.by or ()}
        unit = units.of(by.get("project.id"), by.get("release"))
        if unit is None or line.meta.other:
            continue
        if line.meta.interval != call.grid.step * _MS:
            return _wrong_interval(where, line.meta.interval / _MS, call)
        failed = _partial(where, line.meta.scanned)
        if failed is not None:
            return failed
        for point in _inside(call, line.values):
            sampled = (point.rate is not None and point.rate < 1) or point.confidence == LOW
            value = {line.axis: point.value} if point.value is not None else {}
            at = int(point.timestamp // _MS)
            gathered.add(unit, at, value, incomplete=point.incomplete, approximate=sampled)
    return None


def _inside(call: Call, points: Iterable[answers.Point]) -> Iterator[answers.Point]:
    return (each for each in points if call.grid.first * _MS <= each.timestamp < call.grid.end * _MS)


_ADAPTERS: Mapping[Form, Any] = {
    Form.SESSIONS: answers.SESSIONS,
    Form.TABLE: answers.TABLE,
    Form.SERIES: answers.LINES,
}
_TAKE: Mapping[Form, Any] = {Form.SESSIONS: _sessions, Form.TABLE: _table, Form.SERIES: _series}
