"""Rows of numbers over time, as Prometheus and Loki answer them: asked together, in halves where need be, and told apart.

A call asks for several parts in one query; the label `FAMILY` says which part a row is of, and the labels that members of
a part differ by, which member. So what is asked for a thousand services is a few calls, and one that is wrong spoils
nothing for the others.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Generic, Protocol, Self, TypeVar

import structlog

from deploy.model import About
from rules.sample import Invalid, Unavailable, Who
from watcher.http import Request
from watcher.http.answer import without_secrets

AT_ONCE = 4  # calls; servers have 20 for everybody
MOST_STEPS = 500  # buckets in one answer; servers give 11,000 at most
MOST_REMARKS = 1000  # that are remembered, so that each is told once
WORDS = 200  # characters of the server's own
FAMILY = "ind"  # the label that says which part of a query a row is of
Trouble = Unavailable | Invalid
log = structlog.stdlib.get_logger("rollbackd.signals")


class Next(StrEnum):
    """What asking for less at once would help against."""

    NOTHING = "nothing"
    ONE = "one"  # one of the parts is wrong: the others must not suffer for it
    SIZE = "size"  # it is too much: every part may be asked in parts of its own


def about_of(status: int) -> About:
    """What a refusal with this HTTP status is about, of a server that has no scopes."""
    refused = status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return About.KEY if refused else About.ACCESS


@dataclass(frozen=True, slots=True)
class Failed:
    """There are no rows."""

    trouble: Trouble
    next: Next = Next.NOTHING
    about: About = About.ACCESS


@dataclass(frozen=True, slots=True)
class Row:
    """One series: its labels, and its values by seconds since 1970. *is_number*: it has no native histograms."""

    labels: Mapping[str, str]
    points: Mapping[float, float]
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Rows:
    """All of an answer. *infos*: remarks on the query, without any effect on its numbers."""

    rows: Sequence[Row]
    infos: Sequence[str] = ()


def clean(request: Request, text: str) -> str:
    """The server's words: in one line, without what is secret."""
    plain = "".join(
        sign if sign.isprintable() else " " for sign in without_secrets(request, text[: 8 * WORDS])
    )
    return " ".join(plain.split())[:WORDS]


# What reading an answer raises that has another form.
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def row(series: Mapping[str, Any]) -> Row:
    """One of a matrix, or of a vector. Raises what a form raises that is another one (see `MALFORMED`)."""
    pairs = series.get("values") or ([series["value"]] if "value" in series else [])
    points = {float(at): float(text) for at, text in pairs}
    labels = {str(name): str(value) for name, value in series["metric"].items()}
    return Row(labels, points, not ("histograms" in series or "histogram" in series))


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


class Unit(Hashable, Protocol):
    """What one arm of one question needs. *values*: of the labels that the members of its family differ by."""

    @property
    def values(self) -> tuple[str, ...]:
        """Of the family's labels."""


class Family(Protocol):
    """What can be asked for together."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Those by whose values its members differ."""


class Part(Protocol):
    """Members of one family that are asked for together."""

    @property
    def family(self) -> Family:
        """Whose members they are."""

    @property
    def members(self) -> Sequence[Unit]:
        """Each once."""

    @property
    def most_rows(self) -> int:
        """How many rows it may have: more would be a mistake, of a pattern or of a label."""


class Call(Protocol):
    """Parts that are asked in one query."""

    @property
    def parts(self) -> Sequence[Part]:
        """In the order of their numbers."""


class Divisible(Call, Protocol):
    """A call that can be made in two."""

    def halves(self) -> "tuple[Self, Self] | None":
        """The same in two calls; ``None``: there is nothing to split."""


C = TypeVar("C", bound=Divisible)


Found = Mapping[Hashable, Sequence[Row] | Trouble]


class Fetch(Generic[C]):
    """Asks one server.

    Args:
        ask: One call over one grid, with how long there is for it.
        where: The server, for people.
        monotonic: Seconds.
    """

    def __init__(
        self,
        ask: Callable[[C, Grid, timedelta], Awaitable[Rows | Failed]],
        where: str,
        monotonic: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._where = where
        self._monotonic = monotonic
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._told: set[str] = set()

    async def all(self, calls: Iterable[C], grid: Grid, patience: timedelta) -> Found:
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
        found: dict[Hashable, Sequence[Row] | Trouble] = {
            unit: () for call in calls for part in call.parts for unit in part.members
        }
        for task in running:
            _join(found, task.result())
        return found

    async def _in_time(self, call: C, grid: Grid, until: float) -> Found:
        left = max(until - self._monotonic(), 0.0)
        try:
            async with asyncio.timeout(left):
                return await self._whole(call, grid, until)
        except TimeoutError:
            words = f"{self._where} gave no answer in time"
            return _failed(call, Unavailable(Who.PROVIDER, words))

    async def _whole(self, call: C, grid: Grid, until: float) -> Found:
        async with self._gate:
            left = timedelta(seconds=max(until - self._monotonic(), 0.0))
            answer = await self._ask(call, grid, left)
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
                log.info("query.remarked", server=self._where, words=words)


def _may_split(call: Call, failed: Failed) -> bool:
    return failed.next is Next.SIZE or (failed.next is Next.ONE and len(call.parts) > 1)


def _failed(call: Call, trouble: Trouble) -> Found:
    return {unit: trouble for part in call.parts for unit in part.members}


def _sorted(call: Call, rows: Iterable[Row]) -> Found:
    """*rows*, in whatever order they came, to the units that they are of."""
    of_part: dict[str, list[Row]] = {}
    for row in rows:
        of_part.setdefault(row.labels.get(FAMILY, ""), []).append(row)
    found: dict[Hashable, Sequence[Row] | Trouble] = {}
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


def _join(found: dict[Hashable, Sequence[Row] | Trouble], more: Found) -> None:
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
