"""From questions to calls: what is asked of one metric with other values is one part of a query, and parts share a call. Pure.

A thousand services that count with one metric are one family: ``service=~"a|b|…"``, grouped by ``service``, both releases
of each along with it, and of each whether it is bad. So they are ten calls or fewer, and not two thousand.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from rules.model import Indicator
from watcher.signals import pattern
from watcher.signals.arms import filled, names_in
from watcher.signals.exposed import Not
from watcher.signals.prometheus import promql
from watcher.signals.prometheus.expressions import expanded
from watcher.signals.prometheus.promql import Matcher, counted, counted_native, joined, marked, summed
from watcher.signals.prometheus.query import Query
from watcher.signals.rows import FAMILY

LONGEST = 16_000  # characters of a query
MOST_PARTS = 50  # that are joined by `or`
MOST_ROWS = 100  # of one part of one release
_SPECIAL = frozenset("\\.[](){}|*+?^$")
_TAKEN = {"sum": "sum", "max": "max", "min": "min", "mean": "avg"}


class Form(StrEnum):
    """What a family is compiled to."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    NATIVE = "native"
    GAUGE = "gauge"
    ONE = "one"  # a gauge of which there must be one
    EXPRESSION = "expression"


@dataclass(frozen=True, slots=True)
class Family:
    """What can be asked for together.

    Attributes:
        text: The metric, or the expression.
        fixed: Matchers that are the same for all.
        labels: Those by whose values its members differ.
        bad: What makes a series bad.
        bounds: Of a native histogram, in seconds.
    """

    form: Form
    text: str
    bucket: timedelta
    fixed: tuple[Matcher, ...] = ()
    labels: tuple[str, ...] = ()
    bad: tuple[Matcher, ...] = ()
    take: str = ""
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Unit:
    """One member of a family: what one arm of one question needs. *values*: of the family's labels."""

    family: Family
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """What the measures of one arm are made of. *bad* is an expression of its own, where it is one."""

    main: Unit
    bad: Unit | None = None

    @property
    def units(self) -> tuple[Unit, ...]:
        """All of them."""
        return (self.main,) if self.bad is None else (self.main, self.bad)


def arm_of(indicator: Indicator, query: Query, names: Mapping[str, str]) -> Arm:
    """What *indicator* needs for the release that goes by *names*.

    Raises:
        ArmUnnamed: The release lacks a name that the query asks for.
    """
    if query.expr is not None or query.total_expr is not None:
        main = _expression(query.expr or query.total_expr or "", query, names)
        bad = _expression(query.bad_expr, query, names) if query.bad_expr is not None else None
        return Arm(main, bad)
    exact, fixed = split(query.where, names)
    form = _form(query)
    family = Family(
        form,
        query.metric or "",
        query.bucket,
        fixed,
        tuple(label for label, _ in exact),
        compiled(query.bad or {}, names),
        _TAKEN[query.take] if query.take else "",
        indicator.bounds if form is Form.NATIVE else (),
    )
    return Arm(Unit(family, tuple(value for _, value in exact)))


def _form(query: Query) -> Form:
    if query.counter is not None:
        return Form.COUNTER
    if query.histogram is not None:
        return Form.NATIVE if query.native else Form.HISTOGRAM
    return Form.GAUGE if query.take else Form.ONE


def _expression(text: str, query: Query, names: Mapping[str, str]) -> Unit:
    return Unit(Family(Form.EXPRESSION, expanded(text, names, query.bucket), query.bucket))


def split(
    where: Mapping[str, str | Not], names: Mapping[str, str]
) -> tuple[list[tuple[str, str]], tuple[Matcher, ...]]:
    """Labels that have one value, and matchers for the others.

    Raises:
        ArmUnnamed: The release lacks a name that *where* asks for.
    """
    exact: list[tuple[str, str]] = []
    fixed: list[Matcher] = []
    for label, operator, value in compiled(where, names):
        if operator == "=" and value:
            exact.append((label, value))
        else:
            fixed.append((label, operator, value))
    return exact, tuple(fixed)


def compiled(matchers: Mapping[str, str | Not], names: Mapping[str, str]) -> tuple[Matcher, ...]:
    """*matchers* for the release that goes by *names*, in the order of their labels.

    Raises:
        ArmUnnamed: It lacks a name that they ask for.
    """
    found: list[Matcher] = []
    for label, wanted in sorted(matchers.items()):
        text, differs = (wanted.not_, True) if isinstance(wanted, Not) else (wanted, False)
        is_plain = not any(sign in _SPECIAL for sign in pattern_without_names(text))
        value = filled(text, names) if is_plain else pattern.compiled(text, names).pattern
        found.append((label, _OPERATORS[is_plain, differs], value))
    return tuple(found)


_OPERATORS = {(True, False): "=", (True, True): "!=", (False, False): "=~", (False, True): "!~"}


def pattern_without_names(text: str) -> str:
    """*text* without what stands for names of a release, which are plain."""
    for name in names_in(text):
        text = text.replace(f"${{arm.{name}}}", "")
    return text


# ------------------------------------------------------------------------------------------------------------- the parts


@dataclass(frozen=True, slots=True)
class Part:
    """Members of one family that are asked for together."""

    family: Family
    members: tuple[Unit, ...]

    @property
    def most_rows(self) -> int:
        """How many rows it may have: more would be a mistake, of a pattern or of a label."""
        return MOST_ROWS * len(self.members)

    def text(self, number: int, scrape: timedelta) -> str:
        """Its query; each of its rows carries *number* in the label ``ind``."""
        return marked(_TEXTS[self.family.form](self, scrape), FAMILY, str(number))

    @property
    def series(self) -> str:
        """The selector of all series that it needs."""
        return promql.selector(self.family.text, (*self.family.fixed, *self._values()))

    def _values(self) -> Iterator[Matcher]:
        for place, label in enumerate(self.family.labels):
            values = list(dict.fromkeys(unit.values[place] for unit in self.members))
            if len(values) == 1:
                yield label, "=", values[0]
            else:
                yield label, "=~", promql.either(values)

    def halves(self) -> "tuple[Part, Part]":
        """The same in two."""
        middle = len(self.members) // 2
        return replace(self, members=self.members[:middle]), replace(self, members=self.members[middle:])


def _counter(part: Part, scrape: timedelta) -> str:
    """Rows by the labels, and by which of the conditions for *bad* they meet (``ind1``, ``ind2``, …)."""
    rows = counted(part.series, part.family.bucket, scrape)
    for number, (label, operator, value) in enumerate(part.family.bad, start=1):
        plain = promql.either([value]) if operator in {"=", "!="} else value
        rows = marked(rows, f"{FAMILY}{number}", "1", label, plain)
    conditions = [f"{FAMILY}{number}" for number in range(1, len(part.family.bad) + 1)]
    return summed(rows, (*part.family.labels, *conditions))


def _histogram(part: Part, scrape: timedelta) -> str:
    return summed(counted(part.series, part.family.bucket, scrape), (*part.family.labels, "le"))


def _native(part: Part, _scrape: timedelta) -> str:
    """Rows for all, and for those within each bound, which ``ind1`` says in seconds."""
    rows = summed(counted_native(part.series, part.family.bucket), part.family.labels)
    every = f"histogram_count({rows})"
    within = [
        marked(f"(histogram_fraction(0,{bound:.9g},{rows})*{every})", f"{FAMILY}1", f"{bound:.9g}")
        for bound in part.family.bounds
    ]
    return f"({joined([every, *within])})"


def _gauge(part: Part, _scrape: timedelta) -> str:
    return summed(_newest(part), part.family.labels, part.family.take)


def _one(part: Part, _scrape: timedelta) -> str:
    """The value, and how many there are, which ``ind1`` tells apart."""
    value, many = (summed(_newest(part), part.family.labels, by) for by in ("sum", "count"))
    return f"({joined([value, marked(many, f'{FAMILY}1', '1')])})"


def _newest(part: Part) -> str:
    return f"last_over_time({part.series}[{promql.span(part.family.bucket)}])"


def _expr(part: Part, _scrape: timedelta) -> str:
    return f"({part.family.text})"


_TEXTS = {
    Form.COUNTER: _counter,
    Form.HISTOGRAM: _histogram,
    Form.NATIVE: _native,
    Form.GAUGE: _gauge,
    Form.ONE: _one,
    Form.EXPRESSION: _expr,
}


# ------------------------------------------------------------------------------------------------------------- the calls


@dataclass(frozen=True, slots=True)
class Call:
    """Parts that are asked in one query."""

    parts: tuple[Part, ...]

    def text(self, scrape: timedelta) -> str:
        """The query."""
        return joined(part.text(number, scrape) for number, part in enumerate(self.parts))

    def halves(self) -> "tuple[Call, Call] | None":
        """The same in two calls: parts for themselves, or one part in two; ``None``: there is nothing to split."""
        if len(self.parts) > 1:
            middle = len(self.parts) // 2
            return Call(self.parts[:middle]), Call(self.parts[middle:])
        if len(self.parts[0].members) > 1:
            one, other = self.parts[0].halves()
            return Call((one,)), Call((other,))
        return None


def planned(units: Iterable[Unit], scrape: timedelta) -> list[Call]:
    """*units*, each once, in as few calls as may be; those of one bucket."""
    families: dict[Family, dict[Unit, None]] = {}
    for unit in units:
        families.setdefault(unit.family, {})[unit] = None
    parts = [
        part
        for family, members in families.items()
        for part in _parts(Part(family, tuple(sorted(members, key=lambda unit: unit.values))), scrape)
    ]
    return _packed([(part, len(part.text(MOST_PARTS, scrape)) + len(" or ")) for part in parts])


def _parts(part: Part, scrape: timedelta) -> list[Part]:
    """*part* in as few as may be that are each short enough, of like length."""
    many = len(part.members)
    pieces = -(-len(part.text(MOST_PARTS, scrape)) // LONGEST)
    while True:
        size = -(-many // pieces)
        split = [replace(part, members=part.members[at : at + size]) for at in range(0, many, size)]
        if size == 1 or all(len(each.text(MOST_PARTS, scrape)) <= LONGEST for each in split):
            return split
        pieces += 1


def _packed(parts: Sequence[tuple[Part, int]]) -> list[Call]:
    """First fit among the calls that are open; a part that is too long for any has one for itself."""
    open_: list[list[Part]] = []
    rooms: list[int] = []
    for part, length in sorted(parts, key=lambda each: -each[1]):
        place = next(
            (n for n, room in enumerate(rooms) if room >= length and len(open_[n]) < MOST_PARTS),
            None,
        )
        if place is None:
            open_.append([part])
            rooms.append(LONGEST - length)
        else:
            open_[place].append(part)
            rooms[place] -= length
    return [Call(tuple(each)) for each in itertools.chain(open_)]
