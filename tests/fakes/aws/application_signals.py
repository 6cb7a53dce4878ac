"""Application Signals of one account and region: SLOs whose budgets stand as a test says, or as their requests leave them.

Source:
    https://docs.aws.amazon.com/applicationsignals/latest/APIReference/ [D][M]
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.trouble import AwsError

_PAGE = 50
_WARNING = 0.25  # of the budget: below it, it is said to run short


@dataclass(frozen=True, slots=True)
class _Counted:
    """The requests of an SLO: when they came, and how many of the first n were bad. *rolling*: its interval [M]; all of them, if none."""

    goal: float
    times: list[datetime]
    bad: list[int]
    rolling: timedelta | None = None

    def at(self, moment: datetime) -> Mapping[str, Any]:
        """What a report says of them [M]: how many may fail, and how many of those are left."""
        until = bisect_left(self.times, moment)
        first = 0 if self.rolling is None else bisect_left(self.times, moment - self.rolling)
        total = until - first
        if not total:
            return {"BudgetStatus": "INSUFFICIENT_DATA"}
        failed = self.bad[until - 1] - (self.bad[first - 1] if first else 0)
        budget = (1 - self.goal) * total
        left = budget - failed
        status = "BREACHED" if left < 0 else "WARNING" if left < _WARNING * budget else "OK"
        return {
            "BudgetStatus": status,
            "Attainment": 100 * (1 - failed / total),
            "TotalBudgetRequests": int(budget),
            "BudgetRequestsRemaining": int(left // 1),
        }


class ApplicationSignals:
    """SLOs, by name. A report of a time before an SLO was made has insufficient data [D].

    Attributes:
        late: After how long a request is counted.
    """

    def __init__(self, account: str, region: str) -> None:
        self._arn = f"arn:aws:application-signals:{region}:{account}:slo"
        self._stood: dict[str, list[tuple[datetime, str]]] = {}
        self._counted: dict[str, _Counted] = {}
        self.late = timedelta(0)

    def turn(self, name: str, status: str, at: datetime) -> None:
        """Its budget stands so from *at* on."""
        self._stood.setdefault(name, []).append((at, status))
        self._stood[name].sort()

    def follow(
        self,
        name: str,
        goal: float,
        requests: Iterable[tuple[datetime, bool]],
        rolling: timedelta | None = None,
    ) -> None:
        """It is based on *requests*, in the order of their times: each may be bad, and a share of *goal* must not be."""
        log = list(requests)
        self._stood.setdefault(name, [])
        self._counted[name] = _Counted(
            goal, [at for at, _ in log], list(accumulate(int(bad) for _, bad in log)), rolling
        )

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """By name."""
        return {
            "BatchGetServiceLevelObjectiveBudgetReport": self._reports,
            "ListServiceLevelObjectives": self._list,
        }

    def _reports(self, asked: Asked) -> Mapping[str, Any]:
        if not 1 <= len(asked["SloIds"]) <= _PAGE:
            raise AwsError("ValidationException", "SloIds: 1 to 50")
        reports: list[Mapping[str, Any]] = []
        errors: list[Mapping[str, Any]] = []
        for told in asked["SloIds"]:
            name = told.rpartition("/")[2]
            if name not in self._stood:
                words = f"SLO {name} was not found"
                errors.append(
                    {
                        "Name": name,
                        "Arn": f"{self._arn}/{name}",
                        "ErrorCode": "ResourceNotFoundException",
                        "ErrorMessage": words,
                    }
                )
                continue
            reports.append(
                {
                    "Arn": f"{self._arn}/{name}",
                    "Name": name,
                    "EvaluationType": "RequestBased",
                    **self._budget(name, asked["Timestamp"], asked.seen_at),
                }
            )
        return {"Timestamp": asked["Timestamp"], "Reports": reports, "Errors": errors}

    def _budget(self, name: str, at: datetime, seen_at: datetime) -> Mapping[str, Any]:
        if name in self._counted:
            return self._counted[name].at(min(at, seen_at - self.late))
        stood = (status for since, status in reversed(self._stood[name]) if since <= min(at, seen_at))
        return {"BudgetStatus": next(stood, "INSUFFICIENT_DATA")}

    def _list(self, asked: Asked) -> Mapping[str, Any]:
        names = sorted(self._stood)
        first = int(asked.get("NextToken", 0))
        last = first + asked.get("MaxResults", _PAGE)
        more = {"NextToken": str(last)} if last < len(names) else {}
        return {
            "SloSummaries": [{"Arn": f"{self._arn}/{name}", "Name": name} for name in names[first:last]],
            **more,
        }
