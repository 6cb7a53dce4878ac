"""From questions to requests: what is asked of one type of events with other values is one query by facets. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rules.model import Indicator
from watcher.signals.arms import filled
from watcher.signals.grid import Grid
from watcher.signals.newrelic import nrql
from watcher.signals.newrelic.nrql import attribute, select, string
from watcher.signals.newrelic.query import Query

LONGEST = 4000  # characters of a query
MOST_FACETS = 1000  # that one query asks for; New Relic gives 5,000
MOST_QUERIES = 25  # in one request
MOST_BYTES = 60_000  # of a request
MOST_STEPS = 300  # buckets of a time series; New Relic gives 366
FEW = 3  # buckets that are asked for one by one: each is a query without a time series
BAD = "bad"


@dataclass(frozen=True, slots=True)
class Family:
    """What can be asked for together.

    Attributes:
        attributes: Those by whose values its members differ.
        slow: The attribute and the bounds in seconds, of a latency.
    """

    source: str
    bucket: timedelta
    attributes: tuple[str, ...]
    bad: str = ""
    slow: tuple[str, tuple[float, ...]] = ("", ())


@dataclass(frozen=True, slots=True)
class Unit:
    """One member: what one arm of one question needs."""

    family: Family
    values: tuple[str, ...]


def unit_of(indicator: Indicator, query: Query, names: Mapping[str, str]) -> Unit:
    """What *indicator* needs for the release that goes by *names*.

    Raises:
        ArmUnnamed: The release lacks a name that the query asks for.
    """
    where = sorted((name, filled(value, names)) for name, value in query.where.items())
    slow = (query.duration, indicator.bounds) if query.over is not None else ("", ())
    family = Family(query.source, query.bucket, tuple(name for name, _ in where), query.bad or "", slow)
    return Unit(family, tuple(value for _, value in where))


@dataclass(frozen=True, slots=True)
class Piece:
    """One query."""

    family: Family
    units: tuple[Unit, ...]
    grid: Grid

    @property
    def is_series(self) -> bool:
        """It tells several buckets apart."""
        return self.grid.many > 1

    @property
    def text(self) -> str:
        """The NRQL."""
        family, grid = self.family, self.grid
        conditions = [
            f"{attribute(name)} IN ({','.join(map(string, sorted({unit.values[place] for unit in self.units})))})"
            for place, name in enumerate(family.attributes)
        ]
        return select(
            family.source,
            (grid.first, grid.end),
            more=list(_counts(family)),
            conditions=conditions,
            facets=family.attributes,
            step=grid.step if self.is_series else None,
        )

    def halves(self) -> "tuple[Piece, Piece] | None":
        """The same in two: some of the members each, or of the time; ``None``: there is nothing to split."""
        if len(self.units) > 1:
            middle = len(self.units) // 2
            return replace(self, units=self.units[:middle]), replace(self, units=self.units[middle:])
        if self.is_series:
            one, *rest = self.grid.slices(-(-self.grid.many // 2))
            return replace(self, grid=one), replace(self, grid=rest[0])
        return None


def _counts(family: Family) -> Iterator[str]:
    if family.bad:
        yield f"filter(count(*), WHERE ({family.bad})) AS '{BAD}'"
    name, bounds = family.slow
    for number, bound in enumerate(bounds):
        yield f"filter(count(*), WHERE {attribute(name)} > {bound:.9g}) AS '{over(number)}'"


def over(number: int) -> str:
    """What those slower than a bound are called."""
    return f"over{number}"


@dataclass(frozen=True, slots=True)
class Call:
    """Queries that share a request, each by its alias."""

    pieces: tuple[Piece, ...]

    @property
    def aliases(self) -> Mapping[str, Piece]:
        """By their names in the answer."""
        return {f"q{number}": piece for number, piece in enumerate(self.pieces)}

    def body(self, account: int) -> bytes:
        """The request."""
        return nrql.body(account, {name: piece.text for name, piece in self.aliases.items()})


def planned(units: Iterable[Unit], start: datetime, end: datetime) -> list[Call]:
    """*units*, each once, in as few requests as may be, for all whole buckets in ``[start, end)``."""
    families: dict[Family, dict[Unit, None]] = {}
    for unit in units:
        families.setdefault(unit.family, {})[unit] = None
    pieces = [
        Piece(family, chunk, part)
        for family, members in families.items()
        for grid in [Grid.of(start, end, family.bucket)]
        for part in grid.slices(1 if grid.many <= FEW else MOST_STEPS)
        for chunk in _chunks(sorted(members, key=lambda unit: unit.values))
    ]
    return list(_packed(pieces))


def _chunks(units: Sequence[Unit]) -> Iterator[tuple[Unit, ...]]:
    """In parts of which each is a query that is not too long."""
    chunk: list[Unit] = []
    length = 0
    for unit in units:
        more = sum(len(string(value)) + 1 for value in unit.values)
        if chunk and (len(chunk) == MOST_FACETS or length + more > LONGEST - 1500):
            yield tuple(chunk)
            chunk, length = [], 0
        chunk.append(unit)
        length += more
    if chunk:
        yield tuple(chunk)


def _packed(pieces: Iterable[Piece]) -> Iterator[Call]:
    held: list[Piece] = []
    size = 0
    for piece in pieces:
        more = len(piece.text)
        if held and (len(held) == MOST_QUERIES or size + more > MOST_BYTES):
            yield Call(tuple(held))
            held, size = [], 0
        held.append(piece)
        size += more
    if held:
        yield Call(tuple(held))
