"""CloudWatch Logs of one account and region: log groups, and queries that take their time.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html [D][M]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.logs import insights
from tests.fakes.aws.logs.insights import Event
from tests.fakes.aws.trouble import AwsError

_OVERHEAD = 26  # bytes that each line counts more than it has [D]


@dataclass
class _Query:
    text: insights.Asked
    events: list[Event]
    looks: int
    bytes: float
    status: str = "Scheduled"


@dataclass
class Logs:
    """Groups and queries.

    Attributes:
        looks: How often a query is looked at before it is complete.
        ends_as: What queries end as.
        most: Queries at once.
        late: How long a line cannot be found yet.
        scanned: Bytes that were paid for.
    """

    account: str
    region: str
    ids: Callable[[str], str]
    looks: int = 2
    ends_as: str = "Complete"
    most: int = 30
    late: timedelta = timedelta(0)
    scanned: float = 0.0
    groups: dict[str, list[Event]] = field(default_factory=dict)
    queries: dict[str, _Query] = field(default_factory=dict)

    def write(self, group: str, at: datetime, message: str) -> None:
        """A line."""
        self.groups.setdefault(group, []).append(Event(at, at + self.late, group, message))

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """By name."""
        return {
            "StartQuery": self._start,
            "GetQueryResults": self._results,
            "StopQuery": self._stop,
            "DescribeLogGroups": self._describe,
        }

    @property
    def running(self) -> list[str]:
        """Queries that have not ended."""
        return [name for name, each in self.queries.items() if each.status in {"Scheduled", "Running"}]

    def _start(self, asked: Asked) -> Mapping[str, Any]:
        if len(asked.get("logGroupNames", [])) > 50:
            raise AwsError("InvalidParameterException", "at most 50 log groups can be queried")
        for name in asked["logGroupNames"]:
            if name not in self.groups:
                raise AwsError("ResourceNotFoundException", f"Log group '{name}' does not exist")
        if asked["startTime"] > asked["endTime"]:
            raise AwsError("InvalidParameterException", "the end is before the start")
        if len(self.running) >= self.most:
            raise AwsError("LimitExceededException", "LimitExceeded: too many concurrent queries")
        text = insights.asked(asked["queryString"])
        # [D] both ends belong to it, in whole seconds
        events = [
            each
            for name in asked["logGroupNames"]
            for each in self.groups[name]
            if asked["startTime"] <= int(each.at.timestamp()) <= asked["endTime"]
            and each.found <= asked.seen_at
        ]
        name = self.ids("query")[:36]
        size = float(sum(len(each.message) + _OVERHEAD for each in events))
        self.scanned += size
        self.queries[name] = _Query(text, events, self.looks, size)
        return {"queryId": name}

    def _results(self, asked: Asked) -> Mapping[str, Any]:
        query = self._of(asked)
        if query.status in {"Scheduled", "Running"}:
            query.looks -= 1
            query.status = "Running" if query.looks > 0 else self.ends_as
        rows = insights.answered(query.text, query.events, self.account)
        if query.status == "Running":
            rows = rows[: len(rows) // 2]  # [D] a part, while it runs
        statistics = {
            "recordsMatched": float(len(query.events)),
            "recordsScanned": float(len(query.events)),
            "bytesScanned": query.bytes,
        }
        return {
            "queryLanguage": "CWLI",
            "results": rows if query.status in {"Running", "Complete"} else [],
            "statistics": statistics,
            "status": query.status,
        }

    def _stop(self, asked: Asked) -> Mapping[str, Any]:
        query = self._of(asked)
        if query.status not in {"Scheduled", "Running"}:
            raise AwsError("InvalidParameterException", "the query has ended")
        query.status = "Cancelled"
        return {"success": True}

    def _of(self, asked: Asked) -> _Query:
        try:
            return self.queries[asked["queryId"]]
        except KeyError:
            raise AwsError("ResourceNotFoundException", "there is no such query") from None

    def _describe(self, asked: Asked) -> Mapping[str, Any]:
        prefix = asked.get("logGroupNamePrefix", "")
        names = [name for name in sorted(self.groups) if name.startswith(prefix)]
        return {"logGroups": [{"logGroupName": name} for name in names[: asked.get("limit", 50)]]}
