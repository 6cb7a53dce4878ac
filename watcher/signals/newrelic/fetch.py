"""Carries out the requests of a plan: some at once, and a query in halves where it was too much."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from sys import float_info
from typing import Any

from rules.sample import Invalid, Unavailable, Who
from watcher.signals.newrelic.answer import Failed, Next, Told, Trouble
from watcher.signals.newrelic.line import Line
from watcher.signals.newrelic.plan import Call, Piece, Unit

MOST_SPLITS = 16  # in one reading
_MS = 1000
Cells = dict[
    int, Mapping[str, float]
]  # by when the bucket begins, in seconds since 1970: counts by their names
Found = Mapping[Unit, Cells | Trouble]


@dataclass
class _Gathered:
    """What came, to the units that it is of."""

    cells: dict[Unit, Cells] = field(default_factory=dict)
    troubles: dict[Unit, Trouble] = field(default_factory=dict)
    splits: int = MOST_SPLITS


async def fetched(line: Line, calls: Sequence[Call], patience: timedelta) -> Found:
    """What every unit in *calls* counted, or why nobody says.

    Args:
        line: Who is asked.
        calls: As `planned`.
        patience: After which what is not answered yet is unavailable.
    """
    gathered = _Gathered({unit: {} for call in calls for piece in call.pieces for unit in piece.units})
    until = line.monotonic() + patience.total_seconds()
    async with asyncio.TaskGroup() as tasks:
        for call in calls:
            tasks.create_task(_in_time(line, call, until, gathered))
    return {**gathered.cells, **gathered.troubles}


async def _in_time(line: Line, call: Call, until: float, gathered: _Gathered) -> None:
    try:
        async with asyncio.timeout(max(until - line.monotonic(), 0.0)):
            await _whole(line, call, until, gathered)
    except TimeoutError:
        late = Unavailable(Who.PROVIDER, f"{line.where} gave no answer in time")
        for piece in call.pieces:
            for unit in piece.units:
                gathered.troubles.setdefault(unit, late)


async def _whole(line: Line, call: Call, until: float, gathered: _Gathered) -> None:
    told = await line.ask(call.body(line.settings.account), until)
    for alias, piece in call.aliases.items():
        one = told if isinstance(told, Failed) else told.get(alias, _NOTHING)
        failed = one if isinstance(one, Failed) else _take(piece, one, line.where, gathered)
        if failed is not None:
            await _split(line, piece, failed, until, gathered)


_NOTHING = Failed(Unavailable(Who.PROVIDER, "New Relic leaves a query without an answer"))


async def _split(line: Line, piece: Piece, failed: Failed, until: float, gathered: _Gathered) -> None:
    halves = piece.halves() if failed.next is Next.SIZE and gathered.splits else None
    if halves is None:
        gathered.troubles |= dict.fromkeys(piece.units, failed.trouble)
        return
    gathered.splits -= 1
    for half in halves:
        await _whole(line, Call((half,)), until, gathered)


def _take(piece: Piece, told: Told, where: str, gathered: _Gathered) -> Failed | None:
    """Rows to the units that they are of; or why they cannot be read."""
    window = told.metadata.window
    if (window.begin, window.end) != (piece.grid.first * _MS, piece.grid.end * _MS):
        words = f"{where} answers for another span of time than was asked for: events of {piece.family.source} are rolled up"
        return Failed(Invalid(Who.AUTHOR, words))
    units = {unit.values: unit for unit in piece.units}
    for row in told.results:
        unit = units.get(_facet(row.get("facet")))
        at = row.get("beginTimeSeconds", piece.grid.first)
        counts = {
            name: value for name, value in row.items() if name in {"total", "bad"} or name.startswith("over")
        }
        if not all(_is_number(value) for value in (at, *counts.values())):
            return Failed(Unavailable(Who.PROVIDER, f"{where} answers counts that are no numbers"))
        if unit is not None and piece.grid.first <= at < piece.grid.end:
            gathered.cells[unit][int(at)] = counts
    return None


def _facet(facet: Any) -> tuple[str, ...]:
    """The values that a row is of: a text, or several."""
    return tuple(map(str, facet)) if isinstance(facet, list) else (str(facet),)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) <= float_info.max  # JSON has whole numbers beyond it
