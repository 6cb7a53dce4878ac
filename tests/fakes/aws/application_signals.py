"""Application Signals of one account and region: SLOs whose budgets stand as a test says, and as of when.

Source:
    https://docs.aws.amazon.com/applicationsignals/latest/APIReference/ [D][M]
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.trouble import AwsError

_PAGE = 50


class ApplicationSignals:
    """SLOs, by name. A report of a time before an SLO was made has insufficient data [D]."""

    def __init__(self, account: str, region: str) -> None:
        self._arn = f"arn:aws:application-signals:{region}:{account}:slo"
        self._stood: dict[str, list[tuple[datetime, str]]] = {}

    def turn(self, name: str, status: str, at: datetime) -> None:
        """Its budget stands so from *at* on."""
        self._stood.setdefault(name, []).append((at, status))
        self._stood[name].sort()

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
                    "BudgetStatus": self._status(name, min(asked["Timestamp"], asked.seen_at)),
                }
            )
        return {"Timestamp": asked["Timestamp"], "Reports": reports, "Errors": errors}

    def _status(self, name: str, at: datetime) -> str:
        return next(
            (status for since, status in reversed(self._stood[name]) if since <= at), "INSUFFICIENT_DATA"
        )

    def _list(self, asked: Asked) -> Mapping[str, Any]:
        names = sorted(self._stood)
        first = int(asked.get("NextToken", 0))
        last = first + asked.get("MaxResults", _PAGE)
        more = {"NextToken": str(last)} if last < len(names) else {}
        return {
            "SloSummaries": [{"Arn": f"{self._arn}/{name}", "Name": name} for name in names[first:last]],
            **more,
        }
