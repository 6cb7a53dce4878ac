"""Carries out the calls of a plan: some at once, and in halves where one part spoils it for the others."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from rules.sample import Invalid, Unavailable, Who
from watcher.signals.prometheus.answer import Failed, Next, Row, Rows, Trouble
from watcher.signals.prometheus.plan import Call, Part, Unit
from watcher.signals.prometheus.promql import FAMILY, range_of
from watcher.signals.prometheus.server import Server

AT_ONCE = 4  # calls; servers have 20 for everybody
MOST_STEPS = 500  # buckets in one answer; servers give 11,000 at most
MOST_REMARKS = 1000  # that are remembered, so that each is told once
QUERY_RANGE = "/api/v1/query_range"
log = structlog.stdlib.get_logger("rollbackd.signals")


@dataclass(frozen=True, slots=True)
class Grid:
    """The ends of the buckets that are wanted: *first*, each *step* further, up to *last*; seconds since 1970."""

    first: int
    last: int
    step: int

    @classmethod
    def of(cls, start: datetime, end: datetime, bucket: timedelta) -> "Grid":
        """Of all buckets of the length *bucket* in ``[start, end)``, on the grid of Unix time."""
        step = int(bucket.total_seconds())
        return cls(
            -(-int(start.timestamp()) // step) * step + step, int(end.timestamp()) // step * step, step
        )

    def slices(self) -> "list[Grid]":
        """In parts of which each is one answer."""
        length = MOST_STEPS * self.step
        return [
            Grid(first, min(first + length - self.step, self.last), self.step)
            for first in range(self.first, self.last + 1, length)
        ]


Found = Mapping[Unit, Sequence[Row] | Trouble]


class Fetch:
    """Asks one server."""

    def __init__(self, server: Server, monotonic: Callable[[], float]) -> None:
        self._server = server
        self._monotonic = monotonic
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._told: set[str] = set()

    async def all(self, calls: Iterable[Call], grid: Grid, patience: timedelta) -> Found:
        """The rows of every unit in *calls*, at each end of *grid*; or why it has none.

        Args:
            calls: As `planned`.
            grid: Of all of them.
            patience: After which what is not answered yet is unavailable.
        """
        until = self._monotonic() + patience.total_seconds()
        calls = list(calls)
        asked = [(call, part) for call in calls for part in grid.slices()]
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._in_time(call, part, until)) for call, part in asked]
        found: dict[Unit, Sequence[Row] | Trouble] = {
            unit: () for call in calls for part in call.parts for unit in part.members
        }
        for task in running:
            _join(found, task.result())
        return found

    async def _in_time(self, call: Call, grid: Grid, until: float) -> Found:
        left = max(until - self._monotonic(), 0.0)
        try:
            async with asyncio.timeout(left):
                return await self._whole(call, grid, until)
        except TimeoutError:
            words = f"{self._server.where} gave no answer in time"
            return _failed(call, Unavailable(Who.PROVIDER, words))

    async def _whole(self, call: Call, grid: Grid, until: float) -> Found:
        async with self._gate:
            left = timedelta(seconds=max(until - self._monotonic(), 0.0))
            more = {"timeout": f"{max(left.total_seconds(), 1):.0f}s"}
            text = call.text(self._server.settings.scrape_interval)
            form = range_of(text, grid.first, grid.last, grid.step, more)
            answer = await self._server.ask(QUERY_RANGE, form, left)
        if isinstance(answer, Rows):
            self._remark(answer.infos)
            return _sorted(call, answer.rows)
        halves = call.halves() if _may_split(call, answer) else None
        if halves is None:
            return _failed(call, answer.trouble)
        return {**await self._whole(halves[0], grid, until), **await self._whole(halves[1], grid, until)}

    def _remark(self, infos: Iterable[str]) -> None:
        for words in infos:
            if words not in self._told and len(self._told) < MOST_REMARKS:
                self._told.add(words)
                log.info("query.remarked", server=self._server.where, words=words)


def _may_split(call: Call, failed: Failed) -> bool:
    return failed.next is Next.SIZE or (failed.next is Next.ONE and len(call.parts) > 1)


def _failed(call: Call, trouble: Trouble) -> Found:
    return {unit: trouble for part in call.parts for unit in part.members}


def _sorted(call: Call, rows: Iterable[Row]) -> Found:
    """*rows*, in whatever order they came, to the units that they are of."""
    of_part: dict[str, list[Row]] = {}
    for row in rows:
        of_part.setdefault(row.labels.get(FAMILY, ""), []).append(row)
    found: dict[Unit, Sequence[Row] | Trouble] = {}
    for number, part in enumerate(call.parts):
        found |= _of_members(part, of_part.get(str(number), []))
    return found


def _of_members(part: Part, rows: Sequence[Row]) -> Found:
    if len(rows) > part.most_rows:
        words = f"{len(rows)} series where at most {part.most_rows} are read: narrow `where`, or `bad`"
        return dict.fromkeys(part.members, Invalid(Who.AUTHOR, words))
    by_values: dict[tuple[str, ...], list[Row]] = {unit.values: [] for unit in part.members}
    for row in rows:
        values = tuple(row.labels.get(label, "") for label in part.family.labels)
        if values in by_values:
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


def at(seconds: float) -> datetime:
    """The time that *seconds* since 1970 are."""
    return datetime.fromtimestamp(seconds, UTC)
