"""Carries out the calls of a plan: some at once, and in halves where one query spoils it for the others."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rules.sample import Invalid, Unavailable, Who
from watcher.signals.datadog.answer import Failed, Next, Row, Timeseries, Trouble
from watcher.signals.datadog.plan import MOST_QUERIES, Call, Family, Part, Unit, planned
from watcher.signals.datadog.server import Server

# Buckets in one answer: of more than 350 Datadog has made wider ones at times, and did not say so.
MOST_STEPS = 330
FASTER_AFTER = 10  # good answers in a row, before more is asked at once again; a guess
LEAST = 5  # queries in a call, however slow the answers are: more calls would make them slower
REFUSED_FOR = timedelta(minutes=5)  # that a query which was refused is not sent again
MOST_REFUSED = 1000  # that are remembered
TIMESERIES = "/api/v2/query/timeseries"
SCOPE = "timeseries_query"


@dataclass(frozen=True, slots=True)
class Grid:
    """The beginnings of the buckets that are wanted: *first*, each *step* further, before *end*; ms since 1970."""

    first: int
    end: int
    step: int

    @classmethod
    def of(cls, start: datetime, end: datetime, bucket: timedelta) -> "Grid":
        """Of all whole buckets of the length *bucket* in ``[start, end)``, on the grid of Unix time, as Datadog's lie on it."""
        step = round(bucket.total_seconds()) * 1000
        return cls(
            -(-round(start.timestamp() * 1000) // step) * step,
            round(end.timestamp() * 1000) // step * step,
            step,
        )

    def slices(self) -> "list[Grid]":
        """In parts of which each is one answer."""
        length = MOST_STEPS * self.step
        return [
            Grid(first, min(first + length, self.end), self.step)
            for first in range(self.first, self.end, length)
        ]


Found = Mapping[Unit, Sequence[Row] | Trouble]


def body_of(call: Call, grid: Grid) -> Mapping[str, Any]:
    """What is sent for *call*."""
    queries = [
        {"data_source": "metrics", "name": f"q{number}", "query": part.text}
        for number, part in enumerate(call.parts)
    ]
    attributes = {
        "from": grid.first,
        "to": grid.end,
        "interval": grid.step,
        "formulas": [{"formula": query["name"]} for query in queries],
        "queries": queries,
    }
    return {"data": {"type": "timeseries_request", "attributes": attributes}}


class Fetch:
    """Asks one site."""

    def __init__(self, server: Server, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._server = server
        self._now = now
        self._monotonic = monotonic
        self._refused: dict[Family, tuple[Trouble, datetime]] = {}
        self._most = MOST_QUERIES
        self._good = 0

    async def all(self, units: Iterable[Unit], grid: Grid, patience: timedelta) -> Found:
        """The rows of all *units*, in each bucket of *grid*; or why one has none.

        Args:
            units: Of one length of a bucket.
            grid: Of the same.
            patience: After which what is not answered yet is unavailable.
        """
        units = list(units)
        found: dict[Unit, Sequence[Row] | Trouble] = {unit: self._known(unit.family) or () for unit in units}
        calls = planned(
            (unit for unit in units if self._known(unit.family) is None),
            self._most,
            self._refused.__contains__,
        )
        until = self._monotonic() + patience.total_seconds()
        asked = [(call, part) for call in calls for part in grid.slices()]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._in_time(call, part, until)) for call, part in asked]
        for task in running:
            _join(found, task.result())
        return found

    def _known(self, family: Family) -> Trouble | None:
        """Why *family* was refused not long ago."""
        trouble, at = self._refused.get(family, (None, None))
        return trouble if at is not None and self._now() - at < REFUSED_FOR else None

    async def _in_time(self, call: Call, grid: Grid, until: float) -> Found:
        try:
            async with asyncio.timeout(max(until - self._monotonic(), 0.0)):
                return await self._settled(call, await self._asked(call, grid, until), grid, until)
        except TimeoutError:
            self._ask_for_less(call, LEAST)
            return _failed(call, Unavailable(Who.PROVIDER, f"{self._server.where} gave no answer in time"))

    async def _asked(self, call: Call, grid: Grid, until: float) -> Timeseries | Failed:
        left = timedelta(seconds=max(until - self._monotonic(), 0.0))
        return await self._server.post(TIMESERIES, body_of(call, grid), Timeseries, SCOPE, left)

    async def _settled(
        self,
        call: Call,
        answer: Timeseries | Failed,
        grid: Grid,
        until: float,
        *,
        others_fare_well: bool = False,
    ) -> Found:
        """What *answer* says to *call*, or what its halves say. Where both halves fail alike the site is down: no more is asked."""
        if isinstance(answer, Timeseries):
            return self._good_answer(call, answer, grid)
        if answer.next in {Next.SIZE, Next.SLOW}:
            self._ask_for_less(call, 1 if answer.next is Next.SIZE else LEAST)
        halves = call.halves() if _may_split(call, answer) else None
        if halves is None:
            if len(call.parts) == 1 and (isinstance(answer.trouble, Invalid) or others_fare_well):
                self._remember(call.parts[0].family, answer.trouble)
            return _failed(call, answer.trouble)
        told = [await self._asked(half, grid, until) for half in halves]
        if answer.next is Next.PART and all(
            isinstance(each, Failed) and each.next is Next.PART for each in told
        ):
            return _failed(call, answer.trouble)
        is_one_good = any(isinstance(each, Timeseries) for each in told)
        found: dict[Unit, Sequence[Row] | Trouble] = {}
        for half, each in zip(halves, told, strict=True):
            found |= await self._settled(half, each, grid, until, others_fare_well=is_one_good)
        return found

    def _good_answer(self, call: Call, answer: Timeseries, grid: Grid) -> Found:
        try:
            rows = answer.rows
        except ValueError:
            words = f"{self._server.where} answers series whose lengths differ"
            return _failed(call, Unavailable(Who.PROVIDER, words))
        for part in call.parts:
            self._refused.pop(part.family, None)
        self._good += 1
        if self._good % FASTER_AFTER == 0:
            self._most = min(2 * self._most, MOST_QUERIES)
        return _sorted(call, rows, grid)

    def _ask_for_less(self, call: Call, least: int) -> None:
        self._most, self._good = min(self._most, max(len(call.parts) // 2, least)), 0

    def _remember(self, family: Family, trouble: Trouble) -> None:
        """What is wrong by itself is not sent with others again, and not at once."""
        if len(self._refused) >= MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        self._refused[family] = trouble, self._now()


def _may_split(call: Call, failed: Failed) -> bool:
    return failed.next is Next.SIZE or (failed.next in {Next.ONE, Next.PART} and len(call.parts) > 1)


def _failed(call: Call, trouble: Trouble) -> Found:
    return {unit: trouble for part in call.parts for unit in part.members}


def _sorted(call: Call, rows: Iterable[Row], grid: Grid) -> Found:
    """*rows*, in whatever order they came, to the units that they are of."""
    of_part: dict[int, list[Row]] = {}
    for row in rows:
        # Their grid wins over what was asked for: the newest bucket may lie behind the end.
        points = {at: x for at, x in row.points.items() if grid.first <= at < grid.end}
        of_part.setdefault(row.query, []).append(replace(row, points=points))
    found: dict[Unit, Sequence[Row] | Trouble] = {}
    for number, part in enumerate(call.parts):
        found |= _of_members(part, of_part.get(number, []), grid)
    return found


def _of_members(part: Part, rows: Sequence[Row], grid: Grid) -> Found:
    if any(at % grid.step for row in rows for at in row.points):
        words = f"Datadog answers {part.family.metric} in other buckets than those of {grid.step // 1000} s that were asked for"
        return dict.fromkeys(part.members, Unavailable(Who.PROVIDER, words))
    by_values: dict[tuple[str, ...], list[Row]] = {unit.values: [] for unit in part.members}
    for row in rows:
        values = tuple(row.tags.get(tag, "") for tag in part.family.tags)
        if values in by_values and row.points:
            by_values[values].append(row)
    return {unit: by_values[unit.values] for unit in part.members}


def _join(found: dict[Unit, Sequence[Row] | Trouble], more: Found) -> None:
    """What was asked in several parts of time; a failure of one is a failure of all."""
    for unit, rows in more.items():
        known = found.get(unit)
        if known is None or isinstance(rows, Trouble):
            found[unit] = rows
        elif not isinstance(known, Trouble):
            found[unit] = [*known, *rows]
