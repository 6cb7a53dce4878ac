"""From questions to calls: what asks one metric for other values of its tags is one query, and queries share a call. Pure.

A thousand services that count with one metric are one family: ``service IN (a, b, …)``, ``by {service, version}``, both
releases of each along with it. So they are a call or two, and not two thousand.

Source:
    https://docs.datadoghq.com/metrics/advanced-filtering/
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from rules.model import Indicator
from watcher.signals.datadog import metric
from watcher.signals.datadog.query import Query
from watcher.signals.datadog.slo import Definition, Made, Terms, made_of, narrowed

# Nobody documents how many groups a query may give, how many queries a call may have, or how long it may be. These are
# guesses that leave room; what is refused as too large is asked in halves.
MOST_MEMBERS = 200  # of one query: groups that it gives
MOST_QUERIES = 50  # in one call
LONGEST = 150_000  # characters of all queries of a call


@dataclass(frozen=True, slots=True)
class Family:
    """What can be asked for together.

    Attributes:
        space: How series are put together: ``sum``, ``p99``, ``count(v: v>0.3)``.
        tags: Those by whose values its members differ.
        fixed: Conditions that are the same for all.
        functions: What stands behind the query.
    """

    space: str
    metric: str
    tags: tuple[str, ...]
    fixed: tuple[str, ...]
    functions: str
    bucket: timedelta


@dataclass(frozen=True, slots=True)
class Unit:
    """One member of a family: what one arm of one question needs. *values*: of the family's tags."""

    family: Family
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """What the buckets of one series of one arm are made of.

    Attributes:
        main: How many there are, or the value; of a latency, how many are within the bound.
        bad: How many of them are bad; of a latency, how many are beyond it.
        sums: Of an SLO: of what all, and those that are good, are put together; `main` is one of them.
    """

    main: Unit
    bad: Unit | None = None
    sums: "Sums | None" = None

    @property
    def units(self) -> tuple[Unit, ...]:
        """All that are asked for."""
        if self.sums is not None:
            return tuple(dict.fromkeys(unit for unit, _ in (*self.sums.total, *self.sums.good)))
        return (self.main,) if self.bad is None else (self.main, self.bad)


@dataclass(frozen=True, slots=True)
class Sums:
    """What is added, each with how often; some are taken away."""

    total: tuple[tuple[Unit, int], ...]
    good: tuple[tuple[Unit, int], ...]

    @property
    def owed(self) -> tuple[Unit, ...]:
        """Whose silence alone makes the rest look worse: what is good, and what is taken from all but not from what is good."""
        good = dict(self.good)
        less = (unit for unit, factor in self.total if factor < good.get(unit, 0))
        return tuple(dict.fromkeys([*(unit for unit, factor in self.good if factor > 0), *less]))


def arm_of(
    indicator: Indicator, query: Query, names: Mapping[str, str], slo: Definition | None = None
) -> tuple[Pair, ...]:
    """What *indicator* needs for the release that goes by *names*: a pair for each bound of a latency; else one.

    Args:
        indicator: Not of states.
        query: Of it.
        names: Of one release.
        slo: That the query names, if it does.

    Raises:
        ArmUnnamed: The release lacks a name that the query asks for.
        Malformed: The SLO does not count, or not so that it can be read here.
    """
    if slo is not None:
        return (_sums(made_of(slo), query, names),)
    if query.distribution is not None:
        scale = query.units_in_a_second or 1.0
        return tuple(
            Pair(
                _unit(query.distribution, query, names, f"count(v: v<={_plain(bound * scale)})"),
                _unit(query.distribution, query, names, f"count(v: v>{_plain(bound * scale)})"),
            )
            for bound in indicator.bounds
        )
    main = _unit(query.total or query.value or "", query, names)
    return (Pair(main, _unit(query.bad, query, names) if isinstance(query.bad, str) else None),)


def _sums(made: Made, query: Query, names: Mapping[str, str]) -> Pair:
    groups = query.groups or ()

    def units(terms: Terms) -> tuple[tuple[Unit, int], ...]:
        return tuple((_unit(narrowed(text, groups), query, names), factor) for text, factor in terms.items())

    total = units(made.total)
    return Pair(total[0][0], sums=Sums(total, units(made.good)))


def _plain(number: float) -> str:
    """Without an exponent, which nobody documents."""
    return f"{number:.9f}".rstrip("0").rstrip(".")


def _unit(text: str, query: Query, names: Mapping[str, str], counting: str | None = None) -> Unit:
    asked = metric.parsed(text)
    exact = sorted((tag, metric.value_of(value, names)) for tag, value in asked.exact)
    seconds = f"{query.bucket.total_seconds():g}"
    functions = "".join(
        f".{name}({', '.join((arguments[0], seconds) if name == 'rollup' else arguments)})"
        for name, arguments in asked.functions
    )
    family = Family(
        counting or asked.space,
        asked.metric,
        tuple(tag for tag, _ in exact),
        tuple(metric.condition_of(condition, names) for condition in asked.fixed),
        ".as_count()" if counting else functions,
        query.bucket,
    )
    return Unit(family, tuple(value for _, value in exact))


# ------------------------------------------------------------------------------------------------------------- the parts


@dataclass(frozen=True, slots=True)
class Part:
    """Members of one family that are asked for in one query."""

    family: Family
    members: tuple[Unit, ...]

    @property
    def text(self) -> str:
        """The query."""
        family = self.family
        conditions = " AND ".join((*self._values(), *family.fixed)) or "*"
        by = f" by {{{','.join(family.tags)}}}" if family.tags else ""
        return f"{family.space}:{family.metric}{{{conditions}}}{by}{family.functions}"

    def _values(self) -> Iterator[str]:
        for place, tag in enumerate(self.family.tags):
            values = list(dict.fromkeys(unit.values[place] for unit in self.members))
            yield f"{tag}:{values[0]}" if len(values) == 1 else f"{tag} IN ({', '.join(values)})"

    def halves(self) -> "tuple[Part, Part]":
        """The same in two."""
        middle = len(self.members) // 2
        return replace(self, members=self.members[:middle]), replace(self, members=self.members[middle:])


@dataclass(frozen=True, slots=True)
class Call:
    """Parts that are asked at once."""

    parts: tuple[Part, ...]

    def halves(self) -> "tuple[Call, Call] | None":
        """The same in two calls: parts for themselves, or one part in two; ``None``: there is nothing to split."""
        if len(self.parts) > 1:
            middle = len(self.parts) // 2
            return Call(self.parts[:middle]), Call(self.parts[middle:])
        if len(self.parts[0].members) > 1:
            one, other = self.parts[0].halves()
            return Call((one,)), Call((other,))
        return None


def planned(
    units: Iterable[Unit], most: int = MOST_QUERIES, alone: Callable[[Family], bool] = lambda _family: False
) -> list[Call]:
    """*units*, each once, in as few calls as may be; those of one bucket.

    Args:
        units: Of all questions.
        most: Queries in a call.
        alone: Families that are not to be asked with others: they were refused before.
    """
    families: dict[Family, dict[Unit, None]] = {}
    for unit in units:
        families.setdefault(unit.family, {})[unit] = None
    apart: list[Call] = []
    together: list[Part] = []
    for family, members in families.items():
        parts = _parts(Part(family, tuple(sorted(members, key=lambda unit: unit.values))))
        if alone(family):
            apart += [Call((part,)) for part in parts]
        else:
            together += parts
    return [*_packed(together, most), *apart]


def _parts(part: Part) -> list[Part]:
    """*part* in as few as may be, of like size."""
    many = len(part.members)
    size = -(-many // -(-many // MOST_MEMBERS))
    return [replace(part, members=part.members[at : at + size]) for at in range(0, many, size)]


def _packed(parts: Sequence[Part], most: int) -> list[Call]:
    """In their order, so that what is bad is asked with that of which it is a part; a part that is too long is alone."""
    calls: list[list[Part]] = []
    room = 0
    for part in parts:
        length = len(part.text)
        if not calls or len(calls[-1]) >= most or length > room:
            calls.append([])
            room = LONGEST
        calls[-1].append(part)
        room -= length
    return [Call(tuple(each)) for each in calls]
