"""From questions to calls: releases of all services that are asked the same share a call. Pure.

What is asked of one endpoint, in one environment and with one search, is a family. Its releases are named in the search
(``release:["a@1","b@2"]``) and told apart by project and release in the answer, so that a thousand of them are ten calls.

Source:
    https://docs.sentry.io/api/releases/retrieve-release-health-session-statistics/
    https://docs.sentry.io/api/explore/query-explore-events-in-table-format/
    https://docs.sentry.io/api/explore/query-explore-events-in-timeseries-format/
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal
from urllib.parse import quote

from watcher.signals.arms import filled
from watcher.signals.grid import Grid
from watcher.signals.sentry.query import Query

LONGEST = 6000  # characters of an address: servers and what stands before them take 8 kB
SAFE = "@:/,"  # signs that an address may have as they are
_AROUND = len("project=&%22%22,")  # what stands around a release and its project in an address
MOST_ROWS = 100  # of a page of the table
MOST_TOP = 10  # releases of one time series
MOST_POINTS = 5000  # of an answer about sessions; beyond it Sentry leaves releases out without a word
MOST_STEPS = 400  # buckets of one answer
STATUSES_TOLD = 5  # healthy, errored, crashed, abnormal, unhandled: groups that one release makes
_EPOCH = datetime.fromtimestamp(0, UTC)
Params = tuple[tuple[str, str], ...]


class What(StrEnum):
    """What is counted."""

    SESSIONS = "sessions"
    ENDS = "ends"  # sessions by how they ended
    REQUESTS = "requests"
    ERRORS = "errors"


class Form(StrEnum):
    """How it is asked for."""

    SESSIONS = "sessions"
    SERIES = "events-timeseries"  # many buckets of few releases, and what is incomplete in them
    TABLE = "events"  # one bucket of many releases


@dataclass(frozen=True, slots=True)
class Family:
    """What can be asked for together. *search*: besides the release."""

    what: What
    bucket: timedelta
    environment: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """One member: a release in a project."""

    family: Family
    project: int
    release: str


@dataclass(frozen=True, slots=True)
class Arm:
    """What the counts of one arm are made of: all of them, and those that are bad."""

    total: Unit
    bad: Unit

    @property
    def units(self) -> tuple[Unit, ...]:
        """All of them, each once."""
        return (self.total,) if self.total == self.bad else (self.total, self.bad)


def arm_of(
    query: Query, names: Mapping[str, str], project: int, requests_in: Literal["spans", "transactions"]
) -> Arm:
    """What *query* needs for the release that goes by *names*.

    Raises:
        ArmUnnamed: The release lacks a name that the query asks for.
    """
    release = filled(query.release, names)

    def unit(what: What, search: str = "") -> Unit:
        return Unit(Family(what, query.bucket, query.environment, search), project, release)

    requests = _REQUESTS[requests_in]
    if query.sessions is not None:
        return Arm(unit(What.SESSIONS), unit(What.ENDS))
    if query.errors is None:
        both = unit(What.REQUESTS, _and(requests, query.where))
        return Arm(both, both)
    errors = _and("error.unhandled:true" if query.errors == "unhandled" else "", query.where)
    total = unit(What.SESSIONS) if query.of == "sessions" else unit(What.REQUESTS, requests)
    return Arm(total, unit(What.ERRORS, errors))


_REQUESTS: Mapping[str, str] = {"spans": "is_transaction:1", "transactions": "event.type:transaction"}


def _and(search: str, more: str | None) -> str:
    return " ".join(part for part in (search, f"({more})" if more else "") if part)


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked at once."""

    form: Form
    family: Family
    units: tuple[Unit, ...]
    grid: Grid
    dataset: str = ""

    @property
    def path(self) -> str:
        """Behind the organisation's."""
        return f"{self.form.value}/"

    @property
    def projects(self) -> tuple[int, ...]:
        """Each once."""
        return tuple(sorted({unit.project for unit in self.units}))

    @property
    def releases(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(sorted({unit.release for unit in self.units}))

    @property
    def params(self) -> Params:
        """What it says, in the order in which it says it."""
        search = " ".join(part for part in (one_of("release", self.releases), self.family.search) if part)
        environment = [("environment", self.family.environment)] if self.family.environment else []
        return (
            *(("project", str(project)) for project in self.projects),
            *environment,
            ("query", search),
            ("start", _time(self.grid.first)),
            ("end", _time(self.grid.end)),
            *_FORMS[self.form](self),
        )

    def halves(self) -> "tuple[Call, Call] | None":
        """The same in two calls: some of the releases each, or of the time; ``None``: there is nothing to split."""
        if len(self.units) > 1:
            middle = len(self.units) // 2
            return replace(self, units=self.units[:middle]), replace(self, units=self.units[middle:])
        if self.grid.many > 1:
            one, *rest = self.grid.slices(-(-self.grid.many // 2))
            return replace(self, grid=one), replace(self, grid=rest[0])
        return None


def one_of(key: str, releases: Sequence[str]) -> str:
    """The part of a search that says that *key* is one of *releases*."""
    named = [f'"{release}"' for release in releases]
    return f"{key}:{named[0]}" if len(named) == 1 else f"{key}:[{','.join(named)}]"


def _time(seconds: int) -> str:
    """In UTC, without saying so, as Sentry wants it."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def _by(call: Call, project: str) -> tuple[str, ...]:
    """What tells releases apart; *project*: what an endpoint calls the number of a project."""
    return ("release",) if len(call.projects) == 1 else (project, "release")


def _sessions(call: Call) -> Iterator[tuple[str, str]]:
    """In buckets by when they began, so that all and those that crashed are of the same sessions: see docs/sentry.md."""
    yield "field", "sum(session)"
    yield from (("groupBy", name) for name in _by(call, "project"))
    if call.family.what is What.ENDS:
        yield "groupBy", "session.status"
    yield "interval", _interval(call)


def _axes(call: Call) -> tuple[str, ...]:
    return ("count()", "failure_count()") if call.family.what is What.REQUESTS else ("count()",)


def _series(call: Call) -> Iterator[tuple[str, str]]:
    yield "dataset", call.dataset
    yield from (("yAxis", axis) for axis in _axes(call))
    yield from (("groupBy", name) for name in _by(call, "project.id"))
    yield "sort", "-count()"
    yield "topEvents", str(len(call.projects) * len(call.releases))
    yield "excludeOther", "1"
    yield "interval", _interval(call)
    yield "disableAggregateExtrapolation", "1"


def _table(call: Call) -> Iterator[tuple[str, str]]:
    yield "dataset", call.dataset
    yield from (("field", name) for name in (*_by(call, "project.id"), *_axes(call)))
    yield "sort", "-count()"
    yield "per_page", str(MOST_ROWS)
    yield "disableAggregateExtrapolation", "1"


_FORMS = {Form.SESSIONS: _sessions, Form.SERIES: _series, Form.TABLE: _table}


def _interval(call: Call) -> str:
    return f"{call.grid.step // 60}m"


# ------------------------------------------------------------------------------------------------------------- the calls


def planned(
    units: Iterable[Unit],
    start: datetime,
    end: datetime,
    requests_in: Literal["spans", "transactions"] = "spans",
) -> list[Call]:
    """*units*, each once, in as few calls as may be, for all whole buckets in ``[start, end)``."""
    families: dict[Family, dict[Unit, None]] = {}
    for unit in units:
        families.setdefault(unit.family, {})[unit] = None
    calls: list[Call] = []
    for family, members in families.items():
        grid = Grid.of(start, end, family.bucket)
        ordered = sorted(members, key=lambda unit: (unit.project, unit.release))
        calls += _of_family(family, ordered, grid, requests_in)
    return calls


def _of_family(family: Family, units: Sequence[Unit], grid: Grid, requests_in: str) -> list[Call]:
    if not grid.many:
        return []
    if family.what in {What.SESSIONS, What.ENDS}:
        return _of_sessions(family, units, grid)
    dataset = "errors" if family.what is What.ERRORS else requests_in
    table = [
        Call(Form.TABLE, family, chunk, each, dataset)
        for chunk in _chunks(units, MOST_ROWS)
        for each in grid.slices(1)
    ]
    if requests_in != "spans":  # a Sentry that is older than its time series
        return table
    series = [
        Call(Form.SERIES, family, chunk, each, dataset)
        for chunk in _chunks(units, MOST_TOP, crosses=True)
        for each in grid.slices(MOST_STEPS)
    ]
    return table if len(table) < len(series) else series


def _of_sessions(family: Family, units: Sequence[Unit], grid: Grid) -> list[Call]:
    each = STATUSES_TOLD if family.what is What.ENDS else 1
    steps = min(grid.many, MOST_STEPS)
    return [
        Call(Form.SESSIONS, family, chunk, part)
        for chunk in _chunks(units, MOST_POINTS // (each * (steps + 1)))
        for part in grid.slices(steps)
    ]


def _chunks(units: Sequence[Unit], most: int, *, crosses: bool = False) -> Iterator[tuple[Unit, ...]]:
    """In parts of at most *most* releases and of an address that is not too long.

    Args:
        units: Sorted by project.
        most: In a part; at least 1.
        crosses: Every release counts in every project: a time series cuts off those with few events, whoever asked for them.
    """
    chunk: list[Unit] = []
    projects: set[int] = set()
    releases: set[str] = set()
    length = 0
    for unit in units:
        more = len(quote(unit.release, safe=SAFE)) + len(str(unit.project)) + _AROUND
        size = len(chunk) + 1
        if crosses:
            size = len(projects | {unit.project}) * len(releases | {unit.release})
        if chunk and (size > most or length + more > LONGEST):
            yield tuple(chunk)
            chunk, projects, releases, length = [], set(), set(), 0
        chunk.append(unit)
        projects.add(unit.project)
        releases.add(unit.release)
        length += more
    if chunk:
        yield tuple(chunk)
