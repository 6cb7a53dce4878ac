"""From questions to scans: what shares log groups, or has few of them, is one query, and is told apart by its rows. Pure.

::

    fields strcontains(@message, "handled") as c0
    | filter version in ["v1", "v2"]
    | stats count(*) as n by bin(60s), @log, status, version, c0
    | limit 10000

All conditions are weighed here, on the rows: a query with every author's conditions in it could not be shared, and would
scan the same lines once for each of them.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from re import Pattern

from watcher.signals import pattern
from watcher.signals.arms import filled, names_in
from watcher.signals.cloudwatch_logs.filters import STAGE, Filters, quoted
from watcher.signals.cloudwatch_logs.query import MOST_GROUPS, MOST_TOLD_BY, Lines, Query
from watcher.signals.exposed import Not

MOST_ROWS = 10_000  # of one query, as far as they come in one piece
A_MEMBER = 8  # rows of one release in a bucket, by statuses and texts: a guess; more is noticed
MOST_MEMBERS = MOST_ROWS // A_MEMBER
LONGEST = 10_000  # characters of a query
A_COLUMN = 40  # of them, around what lines are told apart by
LOG = "@log"  # which log group a line is of: "ACCOUNT:NAME"


@dataclass(frozen=True, slots=True)
class Condition:
    """What a line has to be like."""

    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    exact: tuple[tuple[str, str], ...] = ()
    others: tuple[tuple[str, Pattern[str], bool], ...] = ()  # the last: whether it must match

    def holds(self, row: "Row") -> bool:
        """It is so of the lines of *row*; what is `exact` is looked at elsewhere."""
        return (
            all(row.has[text] for text in self.contains)
            and not any(row.has[text] for text in self.lacks)
            and all(pattern.matches(wanted, row.values[name]) is must for name, wanted, must in self.others)
        )


EVERYTHING = Condition()


@dataclass(frozen=True, slots=True)
class Arm:
    """One release in one question.

    Attributes:
        bad: Of those that are counted; ``None``: nothing is bad.
    """

    groups: tuple[str, ...]
    total: Condition
    bad: Condition | None
    bucket: timedelta
    names: frozenset[str]
    texts: frozenset[str]


def arm_of(query: Query, names: Mapping[str, str]) -> Arm:
    """What *query* needs for the release that goes by *names*.

    Raises:
        ArmUnnamed: The release lacks a name that the query asks for.
    """
    total = _condition(query.total, names)
    bad = None if query.bad is None else _condition(query.bad, names)
    texts = frozenset(text for each in (total, bad) if each for text in (*each.contains, *each.lacks))
    return Arm(tuple(sorted(set(query.groups))), total, bad, query.bucket, query.names, texts)


def _condition(lines: Lines | None, names: Mapping[str, str]) -> Condition:
    if lines is None:
        return EVERYTHING
    exact: list[tuple[str, str]] = []
    others: list[tuple[str, Pattern[str], bool]] = []
    for name, wanted in sorted(lines.fields.items()):
        text, must = (wanted.not_, False) if isinstance(wanted, Not) else (wanted, True)
        if must and _is_plain(text):
            exact.append((name, filled(text, names)))
        else:
            others.append((name, pattern.compiled(text, names), must))
    return Condition(
        tuple(filled(text, names) for text in lines.contains),
        tuple(filled(text, names) for text in lines.lacks),
        tuple(exact),
        tuple(others),
    )


def _is_plain(text: str) -> bool:
    for name in names_in(text):
        text = text.replace(f"${{arm.{name}}}", "x")
    return bool(text) and not any(sign in "\\.[](){}|*+?^$" for sign in text)


# ------------------------------------------------------------------------------------------------------------- the scans


@dataclass(slots=True)
class Scan:
    """Arms that are counted by one query over the same lines."""

    bucket: timedelta
    arms: list[Arm] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    filters: Filters = field(default_factory=Filters)

    def has_room(self, arms: Sequence[Arm], *, apart: bool) -> bool:
        """*arms* fit in; *apart*: with what tells them from those that another query asks for."""
        told_by = {*self.names, *self.texts}.union(*(arm.names | arm.texts for arm in arms))
        return (
            len(self.arms) + len(arms) <= MOST_MEMBERS
            and len(self.groups.union(*(arm.groups for arm in arms))) <= MOST_GROUPS
            and len(told_by) <= MOST_TOLD_BY
            and (not apart or self._can_tell_apart(arms, told_by))
        )

    def _can_tell_apart(self, arms: Sequence[Arm], told_by: Collection[str]) -> bool:
        columns = sum(len(quoted(each)) + A_COLUMN for each in {*told_by} - self.names - self.texts)
        room = LONGEST - len(self._text([])) - columns
        return self.filters.have_room([dict(arm.total.exact) for arm in arms], room)

    def add(self, arms: Sequence[Arm]) -> None:
        """Count these too."""
        for arm in arms:
            self.arms.append(arm)
            self.groups |= set(arm.groups)
            self.names |= arm.names
            self.texts |= arm.texts
            self.filters.add(dict(arm.total.exact))

    @property
    def words(self) -> list[str]:
        """The texts, in the order of their columns."""
        return sorted(self.texts)

    @property
    def many(self) -> str:
        """What the query calls the number of lines."""
        return self._free("n")

    @property
    def columns(self) -> Mapping[str, str]:
        """What the query calls whether each text is in a line."""
        return {text: self._free(f"c{n}") for n, text in enumerate(self.words)}

    def _free(self, name: str) -> str:
        """*name*, or one like it: a field of the log may be called so too."""
        while name in self.names:
            name += "_"
        return name

    @property
    def text(self) -> str:
        """The query."""
        return self._text(self.filters.written(LONGEST - len(self._text([]))))

    def _text(self, filters: Iterable[str]) -> str:
        seconds = int(self.bucket.total_seconds())
        span = f"{seconds}s" if seconds < 60 else f"{seconds // 60}m"  # noqa: PLR2004 - seconds in a minute
        told_by = [f"bin({span})", LOG, *sorted(self.names), *self.columns.values()]
        has = ", ".join(
            f"strcontains(@message, {quoted(text)}) as {name}" for text, name in self.columns.items()
        )
        stages = [
            *([f"fields {has}"] if has else []),
            *filters,
            f"stats count(*) as {self.many} by {', '.join(told_by)}",
            f"limit {MOST_ROWS}",
        ]
        return STAGE.join(stages)

    def halves(self) -> "tuple[Scan, Scan] | None":
        """The same in two, by log groups; ``None``: it has one set of them."""
        sets = sorted({arm.groups for arm in self.arms})
        if len(sets) == 1:
            return None
        first = frozenset(sets[: len(sets) // 2])
        one, other = Scan(self.bucket), Scan(self.bucket)
        one.add([arm for arm in self.arms if arm.groups in first])
        other.add([arm for arm in self.arms if arm.groups not in first])
        return one, other

    def slices(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """``[start, end)`` in parts whose rows should come in one piece."""
        at_once = max(MOST_ROWS // (A_MEMBER * len(self.arms)), 1) * self.bucket
        found = []
        while start < end:
            found.append((start, min(start + at_once, end)))
            start += at_once
        return found


_OPEN = 4  # scans that are looked through for room


def planned(questions: Iterable[Sequence[Arm]]) -> list[Scan]:
    """The arms of *questions* in few scans, those of one question in one; each arm once."""
    seen: set[tuple[Arm, ...]] = set()
    scans: dict[timedelta, list[Scan]] = {}
    alike = sorted(
        (tuple(arms) for arms in questions),
        key=lambda arms: (sorted(arms[0].names), sorted(arms[0].texts), arms[0].groups),
    )
    many = Counter(arms[0].groups for arms in set(alike) for _ in arms)
    for arms in alike:
        if arms in seen:
            continue
        seen.add(arms)
        of_length = scans.setdefault(arms[0].bucket, [])
        # One query that is sent the rows of others too is paid once; of two each would be sent all of them.
        apart = many[arms[0].groups] > MOST_MEMBERS
        scan = next((each for each in of_length[-_OPEN:] if each.has_room(arms, apart=apart)), None)
        if scan is None:
            scan = Scan(arms[0].bucket)
            of_length.append(scan)
        scan.add(arms)
    return [scan for each in scans.values() for scan in each]


# -------------------------------------------------------------------------------------------------------------- the rows


@dataclass(frozen=True, slots=True)
class Row:
    """So many lines that are alike.

    Attributes:
        start: Of the bucket.
        group: The name of the log group.
        values: Of the scan's fields; empty where a line has none.
        has: Whether the scan's texts are in them.
    """

    start: datetime
    group: str
    values: Mapping[str, str]
    has: Mapping[str, bool]
    many: int


def rows_of(scan: Scan, results: Sequence[Sequence[Mapping[str, str]]]) -> list[Row]:
    """What CloudWatch answered to *scan*. Values are texts, and what is not there is left out.

    Raises:
        KeyError, ValueError: It has another form.
    """
    found = []
    columns, many = scan.columns, scan.many
    for result in results:
        told = {each["field"]: each.get("value", "") for each in result}
        at = next(value for name, value in told.items() if name.startswith("bin("))
        found.append(
            Row(
                datetime.fromisoformat(at).replace(tzinfo=UTC),
                told[LOG].partition(":")[2],
                {name: told.get(name, "") for name in scan.names},
                {text: told.get(name, "0") not in {"0", "", "false"} for text, name in columns.items()},
                int(float(told[many])),
            )
        )
    return found


class Counted:
    """The rows of a scan, found by what is exact of them: so thousands of arms do not each look at all of them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._by: dict[tuple[str, ...], dict[tuple[str, ...], list[Row]]] = {}

    def of(self, arm: Arm) -> dict[datetime, tuple[int, int]]:
        """How many lines *arm* has, and how many are bad, by the starts of buckets; without lines there is none."""
        names = tuple(name for name, _ in arm.total.exact)
        if names not in self._by:
            self._by[names] = {}
            for row in self._rows:
                key = tuple(row.values[name] for name in names)
                self._by[names].setdefault(key, []).append(row)
        found: dict[datetime, tuple[int, int]] = {}
        for row in self._by[names].get(tuple(value for _, value in arm.total.exact), ()):
            if row.group in arm.groups and arm.total.holds(row):
                bad, total = found.get(row.start, (0, 0))
                is_bad = arm.bad is not None and arm.bad.holds(row) and _is(arm.bad, row)
                found[row.start] = (bad + row.many * is_bad, total + row.many)
        return found


def _is(condition: Condition, row: Row) -> bool:
    return all(row.values[name] == value for name, value in condition.exact)
