"""From questions to calls: lines that are told apart by the values of labels alone are one part of a query. Pure.

A thousand services that write alike are one family: ``{app=~"a|b|…"}``, grouped by ``app``, both releases of each along
with it. What is bad of them is another family, of the same members.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from watcher.signals.arms import filled
from watcher.signals.loki import logql
from watcher.signals.loki.query import Lines, Query
from watcher.signals.prometheus.expressions import expanded
from watcher.signals.prometheus.plan import compiled, split
from watcher.signals.prometheus.promql import Matcher, either, joined, marked
from watcher.signals.rows import FAMILY

LONGEST = 16_000  # characters of a query; Loki takes 128 KiB, and compiles every pattern of it
MOST_PARTS = 20  # that are joined by `or`: each reads its lines for itself, in the time that all of them have
MOST_ROWS = 100  # of one member, where other labels of its streams would split it


@dataclass(frozen=True, slots=True)
class Family:
    """What can be asked for together: lines, or one *expression*.

    Attributes:
        stream: Matchers of streams that are the same for all.
        filters: Of the text of a line.
        parser: How its labels are read.
        fixed: Matchers of a line's labels, the same for all.
        of_stream: Labels of streams by whose values its members differ.
        of_line: The same of labels of lines.
    """

    bucket: timedelta
    stream: tuple[Matcher, ...] = ()
    filters: tuple[str, ...] = ()
    parser: str = ""
    fixed: tuple[Matcher, ...] = ()
    of_stream: tuple[str, ...] = ()
    of_line: tuple[str, ...] = ()
    expression: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """By whose values its members differ."""
        return self.of_stream + self.of_line


@dataclass(frozen=True, slots=True)
class Unit:
    """One member of a family: what one arm of one question needs. *values*: of the family's labels."""

    family: Family
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people: the lines that are meant."""
        return self.family.expression or Part(self.family, (self,)).lines


@dataclass(frozen=True, slots=True)
class Arm:
    """What the counts of one arm are made of: of all, and of the bad ones where these are asked for."""

    main: Unit
    bad: Unit | None = None

    @property
    def units(self) -> tuple[Unit, ...]:
        """All of them."""
        return (self.main,) if self.bad is None else (self.main, self.bad)


def arm_of(query: Query, names: Mapping[str, str]) -> Arm:
    """What *query* needs for the release that goes by *names*.

    Raises:
        ArmUnnamed: The release lacks a name that the query asks for.
    """
    if query.total_expr is not None:
        bad = None if query.bad_expr is None else _expression(query.bad_expr, query, names)
        return Arm(_expression(query.total_expr, query, names), bad)
    streams, stream = split(query.stream or {}, names)
    marks, fixed = split(query.total.labels if query.total else {}, names)
    family = Family(
        query.bucket,
        stream,
        _filters(query.total, names),
        query.parser or "",
        fixed,
        tuple(label for label, _ in streams),
        tuple(label for label, _ in marks),
    )
    main = Unit(family, tuple(value for _, value in (*streams, *marks)))
    if query.bad is None:
        return Arm(main)
    of_bad = replace(
        family,
        filters=family.filters + _filters(query.bad, names),
        fixed=family.fixed + compiled(query.bad.labels, names),
    )
    return Arm(main, replace(main, family=of_bad))


def _expression(text: str, query: Query, names: Mapping[str, str]) -> Unit:
    return Unit(Family(query.bucket, expression=expanded(text, names, query.bucket)))


def _filters(lines: Lines | None, names: Mapping[str, str]) -> tuple[str, ...]:
    if lines is None:
        return ()
    contains, lacks = ([filled(text, names) for text in texts] for texts in (lines.contains, lines.lacks))
    return logql.containing(contains) + logql.containing(lacks, lacking=True)


# ------------------------------------------------------------------------------------------------------------- the parts


@dataclass(frozen=True, slots=True)
class Part:
    """Members of one family that are asked for together."""

    family: Family
    members: tuple[Unit, ...]

    @property
    def most_rows(self) -> int:
        """How many rows it may have: more would be a mistake."""
        return MOST_ROWS * len(self.members)

    @property
    def lines(self) -> str:
        """Which lines it needs."""
        family, values = self.family, list(self._values())
        many = len(family.of_stream)
        return logql.lines(
            (*family.stream, *values[:many]), family.filters, family.parser, (*values[many:], *family.fixed)
        )

    def text(self, number: int) -> str:
        """Its query; each of its rows carries *number* in the label ``ind``."""
        family = self.family
        rows = family.expression or logql.counted(self.lines, family.bucket, family.labels)
        return marked(f"({rows})", FAMILY, str(number))

    def _values(self) -> Iterator[Matcher]:
        for place, label in enumerate(self.family.labels):
            values = list(dict.fromkeys(unit.values[place] for unit in self.members))
            yield (label, "=", values[0]) if len(values) == 1 else (label, "=~", either(values))

    def halves(self) -> "tuple[Part, Part]":
        """The same in two."""
        middle = len(self.members) // 2
        return replace(self, members=self.members[:middle]), replace(self, members=self.members[middle:])


# ------------------------------------------------------------------------------------------------------------- the calls


@dataclass(frozen=True, slots=True)
class Call:
    """Parts that are asked in one query."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The query."""
        return joined(part.text(number) for number, part in enumerate(self.parts))

    def halves(self) -> "tuple[Call, Call] | None":
        """The same in two calls: parts for themselves, or one part in two; ``None``: there is nothing to split."""
        if len(self.parts) > 1:
            middle = len(self.parts) // 2
            return Call(self.parts[:middle]), Call(self.parts[middle:])
        if len(self.parts[0].members) > 1:
            one, other = self.parts[0].halves()
            return Call((one,)), Call((other,))
        return None


def planned(units: Iterable[Unit], most_series: int) -> list[Call]:
    """*units*, each once, in few calls, none of which should have more than *most_series* rows; those of one bucket."""
    families: dict[Family, dict[Unit, None]] = {}
    for unit in units:
        families.setdefault(unit.family, {})[unit] = None
    parts = [
        part
        for family, members in families.items()
        for part in _parts(family, sorted(members, key=lambda unit: unit.values), most_series)
    ]
    return _packed(parts, most_series)


def _parts(family: Family, members: Sequence[Unit], most_series: int) -> list[Part]:
    """In as few as may be that are each short enough, of like length."""
    pieces = -(-len(members) // most_series)
    while True:
        size = -(-len(members) // pieces)
        split_up = [
            Part(family, tuple(members[first : first + size])) for first in range(0, len(members), size)
        ]
        if size == 1 or all(len(part.text(MOST_PARTS)) <= LONGEST for part in split_up):
            return split_up
        pieces += 1


@dataclass(slots=True)
class _Open:
    """A call that parts are still put into."""

    parts: list[Part]
    length: int = 0
    rows: int = 0

    def has_room(self, length: int, rows: int, most_series: int) -> bool:
        """For one part more."""
        return (
            len(self.parts) < MOST_PARTS
            and self.length + length <= LONGEST
            and self.rows + rows <= most_series
        )


def _packed(parts: Sequence[Part], most_series: int) -> list[Call]:
    """First fit, the largest first; a part that is too long for any has a call for itself.

    A call that has no room for one row more is closed, so that thousands of parts are not looked at for each other.
    """
    full: list[_Open] = []
    open_: list[_Open] = []
    for part in sorted(parts, key=lambda part: -len(part.members)):
        length, rows = len(part.text(MOST_PARTS)) + len(" or "), len(part.members)
        place = next((call for call in open_ if call.has_room(length, rows, most_series)), None)
        if place is None:
            place = _Open([])
            open_.append(place)
        place.parts.append(part)
        place.length += length
        place.rows += rows
        if len(place.parts) == MOST_PARTS or place.rows >= most_series:
            open_.remove(place)
            full.append(place)
    return [Call(tuple(each.parts)) for each in (*full, *open_)]
