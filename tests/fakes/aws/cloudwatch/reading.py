"""``GetMetricData``, with the rules that its clients trip over.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html [D][M]
"""

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.cloudwatch.samples import Name, Series
from tests.fakes.aws.cloudwatch.statistics import NotAStatistic, statistic
from tests.fakes.aws.trouble import AwsError, FakeBug

_MOST_QUERIES = 500
_MOST_POINTS = 100_800  # on one page
_POINTS_A_SECOND = 180_000
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_FINE = frozenset({1, 5, 10, 20, 30})
_FINE_KEPT = timedelta(hours=3)
_MINUTES_KEPT = timedelta(days=15)
_FIVE_MINUTES_KEPT = timedelta(days=63)
_SECOND = timedelta(seconds=1)
_PAGES_KEPT = 100


@dataclass(frozen=True, slots=True)
class _Row:
    """The whole result of one query."""

    id: str
    label: str
    points: Sequence[tuple[datetime, float]]
    status: str = "Complete"
    words: tuple[tuple[str, str], ...] = ()


@dataclass
class Reading:
    """``GetMetricData`` over the series of one account and region.

    Attributes:
        billed: Metrics asked for: what AWS bills. [M] Each page asks for all of them again. [U]
        page_size: Points on a page, where fewer than asked for: AWS may always split earlier. [D]
        fail_once: Metric names that are answered once with ``InternalError``.
        linked: Accounts whose metrics this one may see, and these.
    """

    account: str
    series: Mapping[Name, Series]
    billed: int = 0
    page_size: int = _MOST_POINTS
    fail_once: list[str] = field(default_factory=list)
    linked: dict[str, Mapping[Name, Series]] = field(default_factory=dict)
    _kept: dict[str, list[_Row]] = field(default_factory=dict)
    _lately: deque[tuple[datetime, int]] = field(default_factory=deque)

    def get_metric_data(self, asked: Asked) -> Mapping[str, Any]:
        """One page."""
        queries = asked["MetricDataQueries"]
        start, end = _span(asked)
        _refuse(queries, start, end)
        size = asked.get("MaxDatapoints", _MOST_POINTS)
        if not 1 <= size <= _MOST_POINTS:
            raise _wrong(f"MaxDatapoints must be between 1 and {_MOST_POINTS}")
        self._count_points(queries, start, end, asked.now)
        self.billed += len(queries)
        key = _fingerprint(asked)
        rows, at = self._resumed(asked, key)
        if rows is None:
            rows = [self._row(query, start, end, asked) for query in queries if query.get("ReturnData", True)]
        return self._page(rows, at, min(size, self.page_size), key)

    def _row(self, query: Mapping[str, Any], start: datetime, end: datetime, asked: Asked) -> _Row:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        label = query.get("Label", metric["MetricName"])
        owner = query.get("AccountId", self.account)
        if owner not in {self.account, *self.linked}:
            words = (("Forbidden", f"Not authorized to access metrics of account {query['AccountId']}"),)
            return _Row(query["Id"], label, (), "Forbidden", words)
        if metric["MetricName"] in self.fail_once:
            self.fail_once.remove(metric["MetricName"])
            return _Row(query["Id"], label, (), "InternalError")
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions", [])}
        series = {self.account: self.series, **self.linked}[owner].get(
            Name.of(metric["Namespace"], metric["MetricName"], dimensions)
        )
        points = list(_points(series, stat, start, end, asked)) if series else []
        if asked.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            points.reverse()
        return _Row(query["Id"], label, points)

    def _page(self, rows: list[_Row], at: tuple[int, int], size: int, key: str) -> Mapping[str, Any]:
        """*size* points from *at* (row, point) on. A row that goes on on the next page is ``PartialData``."""
        results = []
        for number in range(at[0], len(rows)):
            row = rows[number]
            begin = at[1] if number == at[0] else 0
            points = row.points[begin : begin + size]
            size -= len(points)
            whole = begin + len(points) == len(row.points)
            results.append(_result(row, points, row.status if whole else "PartialData"))
            if not whole or (size == 0 and number + 1 < len(rows)):
                then = (number + 1, 0) if whole else (number, begin + len(points))
                return {
                    "MetricDataResults": results,
                    "NextToken": self._keep(rows, then, key),
                    "Messages": [],
                }
        return {"MetricDataResults": results, "Messages": []}

    def _keep(self, rows: list[_Row], at: tuple[int, int], key: str) -> str:
        token = f"{key}.{len(self._kept)}.{at[0]}.{at[1]}"
        self._kept[token] = rows
        while len(self._kept) > _PAGES_KEPT:
            del self._kept[next(iter(self._kept))]
        return token

    def _resumed(self, asked: Asked, key: str) -> tuple[list[_Row] | None, tuple[int, int]]:
        token = asked.get("NextToken")
        if not token:
            return None, (0, 0)
        if token not in self._kept or not token.startswith(f"{key}."):
            raise AwsError("InvalidNextToken", "The next token specified is invalid.")
        row, point = token.split(".")[-2:]
        return self._kept[token], (int(row), int(point))

    def _count_points(
        self, queries: Sequence[Mapping[str, Any]], start: datetime, end: datetime, now: datetime
    ) -> None:
        """[D] 180,000 points a second, reckoned from span and period, whether there are any or not."""
        while self._lately and self._lately[0][0] <= now - _SECOND:
            self._lately.popleft()
        asked_for = sum(
            int((end - start).total_seconds() // each["MetricStat"]["Period"]) for each in queries
        )
        if self._lately and sum(points for _, points in self._lately) + asked_for > _POINTS_A_SECOND:
            raise AwsError("Throttling", "Rate exceeded")
        self._lately.append((now, asked_for))


def _refuse(queries: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> None:
    """What AWS says no to, whatever its data are."""
    if len(queries) > _MOST_QUERIES:
        raise _wrong(f"The collection MetricDataQueries must not have a size greater than {_MOST_QUERIES}.")
    if start >= end:
        raise _wrong("The parameter StartTime must be less than the parameter EndTime.")
    ids = [query["Id"] for query in queries]
    if len(set(ids)) != len(ids):
        raise _wrong(f"The values for parameter id in MetricDataQueries are not unique: {ids}")
    for query in queries:
        if not _ID.fullmatch(query["Id"]):
            raise _wrong(
                f"The value {query['Id']} for parameter Id does not match the pattern ^[a-z][a-zA-Z0-9_]*$"
            )
        if ("MetricStat" in query) == ("Expression" in query):
            raise _wrong("Each query must have either MetricStat or Expression")
        if "Expression" in query:
            raise FakeBug("cloudwatch.GetMetricData: expressions are not faked; ask for raw metrics")
        period = query["MetricStat"]["Period"]
        if period % 60 and period not in _FINE:
            raise _wrong(
                f"The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, and is {period}."
            )
        try:
            statistic(query["MetricStat"]["Stat"])
        except NotAStatistic as error:
            raise _wrong(f"The value {error} for parameter Stat is not supported.") from error


def _grain(age: timedelta) -> int:
    """Seconds of what is kept of a time so long ago: below a minute for three hours, then ever coarser [D]."""
    if age <= _FINE_KEPT:
        return 1
    if age <= _MINUTES_KEPT:
        return 60
    return 300 if age <= _FIVE_MINUTES_KEPT else 3600


def _span(asked: Asked) -> tuple[datetime, datetime]:
    """[D] The start is rounded down: to the minute, to five after 15 days, to the hour after 63; finer for fine periods."""
    start, end = asked["StartTime"], asked["EndTime"]
    grain = max(60, _grain(asked.now - start))
    if grain == 60 and asked.now - start <= _FINE_KEPT:
        periods = (
            each["MetricStat"]["Period"] for each in asked["MetricDataQueries"] if "MetricStat" in each
        )
        grain = min(60, *periods, 60)
    return datetime.fromtimestamp(start.timestamp() // grain * grain, UTC), end


def _points(
    series: Series, stat: Mapping[str, Any], start: datetime, end: datetime, asked: Asked
) -> Iterator[tuple[datetime, float]]:
    """The periods that have samples: there is no point where nothing was measured [D]."""
    if stat["Period"] in _FINE and not series.fine:
        return  # [U] a metric of whole minutes has nothing finer
    if stat.get("Unit", series.unit) != series.unit:
        return  # [D] another unit is another metric
    period = timedelta(seconds=stat["Period"])
    of = statistic(stat["Stat"])
    at = start
    while at < end:  # [D] the end is exclusive: of the beginnings of periods
        # [M] asked for in a period that is too fine for its age, a point is silently left out
        if stat["Period"] % _grain(asked.now - at) == 0:
            value = of(series.between(at, at + period, asked.seen_at))
            if value is not None:
                yield at, value
        at += period


def _result(row: _Row, points: Sequence[tuple[datetime, float]], status: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "Id": row.id,
        "Label": row.label,
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": status,
    }
    if row.words:
        result["Messages"] = [{"Code": code, "Value": words} for code, words in row.words]
    return result


def _fingerprint(asked: Asked) -> str:
    told = {name: each for name, each in asked.parameters.items() if name != "NextToken"}
    return hashlib.sha256(json.dumps(told, default=str, sort_keys=True).encode()).hexdigest()[:16]


def _wrong(words: str) -> AwsError:
    return AwsError("ValidationError", words)
