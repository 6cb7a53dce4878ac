"""CloudWatch of one account and region: metrics and alarms."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.cloudwatch.alarms import Alarm, Alarms
from tests.fakes.aws.cloudwatch.reading import Reading
from tests.fakes.aws.cloudwatch.samples import PROMPT, Lateness, Name, Sample, Series
from tests.fakes.aws.events import Events
from tests.fakes.aws.trouble import AwsError

_LISTED = 500  # [D] metrics on a page
_LISTED_FROM = timedelta(minutes=15)  # [D] a new metric may take so long to appear
_LISTED_FOR = timedelta(days=14)  # [D] without data it is no longer listed
_RECENT = timedelta(hours=3)


class CloudWatch:
    """Metrics and alarms.

    Attributes:
        lateness: By namespace: when a sample becomes readable. AWS's own (``AWS/...``) are late unless told otherwise,
            one's own are there at once.
        listed_from: How long a new metric is not listed.
    """

    def __init__(self, account: str, region: str, events: Events) -> None:
        self._account, self._region = account, region
        self._events = events
        self._series: dict[Name, Series] = {}
        self._put = 0
        self.lateness: dict[str, Lateness] = {}
        self.listed_from = _LISTED_FROM
        self.alarms = Alarms(f"arn:aws:cloudwatch:{region}:{account}")
        self.reading = Reading(account, self._series)

    # ------------------------------------------------------------------------------------------------ what a test tells

    def put(
        self,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, str],
        at: datetime,
        values: float | Iterable[float],
        *,
        counts: Sequence[float] | None = None,
        unit: str = "None",
        fine: bool = False,
    ) -> None:
        """Measured at *at*: raw *values*, each *counts* times (else once)."""
        told = [values] if isinstance(values, int | float) else list(values)
        times = counts or [1.0] * len(told)
        series = self._of(namespace, metric, dimensions, unit, fine=fine)
        for value, count in zip(told, times, strict=True):
            series.add(Sample(at, float(value), float(count), self._readable(namespace, at)))

    def put_summary(
        self,
        namespace: str,
        metric: str,
        dimensions: Mapping[str, str],
        at: datetime,
        *,
        count: float,
        total: float,
        least: float,
        most: float,
    ) -> None:
        """A set of statistics: the raw values are not there any more."""
        series = self._of(namespace, metric, dimensions, "None", fine=False)
        summary = (least, most, total)
        series.add(Sample(at, least, count, self._readable(namespace, at), summary))

    def link(self, other: "CloudWatch") -> None:
        """From now on the metrics of *other*, another account, may be seen here: this one monitors it."""
        self.reading.linked[other._account] = other._series

    def set_alarm(
        self,
        name: str,
        state: str,
        at: datetime,
        *,
        rule: str | None = None,
        reason: str = "Threshold Crossed",
    ) -> None:
        """An alarm's state from *at* on (a composite one has a *rule*); EventBridge hears of it when it turns."""
        before = self.alarms.put(Alarm(name, state, at, reason, rule))
        if before is not None and before.state != state:
            self._tell(before, Alarm(name, state, at, reason, rule))

    def _tell(self, before: Alarm, after: Alarm) -> None:
        detail: dict[str, Any] = {
            "alarmName": after.name,
            "state": _state(after),
            "previousState": _state(before),
            "configuration": {"alarmRule": after.rule} if after.rule else {"metrics": []},
        }
        kind = ("aws.cloudwatch", "CloudWatch Alarm State Change")
        self._events.tell(
            after.since, kind, (self._account, self._region), [self.alarms.arn(after.name)], detail
        )

    def _readable(self, namespace: str, at: datetime) -> datetime:
        self._put += 1
        ordinary = Lateness() if namespace.startswith("AWS/") else PROMPT
        lateness = self.lateness.get(namespace, ordinary)
        return at if lateness == PROMPT else lateness.of(at, self._put)

    def _of(
        self, namespace: str, metric: str, dimensions: Mapping[str, str], unit: str, *, fine: bool
    ) -> Series:
        series = self._series.setdefault(Name.of(namespace, metric, dimensions), Series())
        series.unit = unit
        series.fine = series.fine or fine
        return series

    # ------------------------------------------------------------------------------------------------ what it answers

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What CloudWatch answers to."""
        return {
            "GetMetricData": self.reading.get_metric_data,
            "ListMetrics": self.list_metrics,
            "PutMetricData": self.put_metric_data,
            "DescribeAlarms": self.alarms.describe_alarms,
        }

    def list_metrics(self, asked: Asked) -> Mapping[str, Any]:
        """``ListMetrics``: what has had data in the last two weeks, and is not too new."""
        begin = asked.get("NextToken") or "0"
        if not begin.isdecimal():
            raise AwsError("InvalidParameterValue", "The next token specified is invalid.")
        all_series: dict[str, Mapping[Name, Series]] = {self._account: self._series}
        if asked.get("IncludeLinkedAccounts"):  # [M] without it, those of linked accounts are left out
            all_series |= self.reading.linked
        wanted = asked.get("OwningAccount")
        found = [
            {
                "Namespace": name.namespace,
                "MetricName": name.metric,
                "Dimensions": [{"Name": each, "Value": value} for each, value in name.dimensions],
            }
            for owner, series in all_series.items()
            if wanted in {None, owner}
            for name in sorted(series)
            if _matches(name, asked) and self._is_listed(series[name], asked)
        ]
        first = int(begin)
        answer: dict[str, Any] = {"Metrics": found[first : first + _LISTED]}
        if first + _LISTED < len(found):
            answer["NextToken"] = str(first + _LISTED)
        return answer

    def _is_listed(self, series: Series, asked: Asked) -> bool:
        times = [each.at for each in series.readable(asked.seen_at)]
        kept = _RECENT if asked.get("RecentlyActive") else _LISTED_FOR
        return bool(times) and min(times) + self.listed_from <= asked.seen_at < max(times) + kept

    def put_metric_data(self, asked: Asked) -> Mapping[str, Any]:
        """``PutMetricData``. [D] At most 1,000 metrics, 150 values of each."""
        data = asked.get("MetricData", [])
        if len(data) > 1000:
            raise AwsError(
                "InvalidParameterValue", "The collection MetricData must not have a size greater than 1000."
            )
        for each in data:
            self._put_one(asked["Namespace"], each, asked.now)
        return {}

    def _put_one(self, namespace: str, datum: Mapping[str, Any], now: datetime) -> None:
        dimensions = {each["Name"]: each["Value"] for each in datum.get("Dimensions", [])}
        at = datum.get("Timestamp", now)
        if "StatisticValues" in datum:
            told = datum["StatisticValues"]
            self.put_summary(
                *(namespace, datum["MetricName"], dimensions, at),
                count=told["SampleCount"],
                total=told["Sum"],
                least=told["Minimum"],
                most=told["Maximum"],
            )
            return
        values = datum.get("Values", [datum["Value"]] if "Value" in datum else [])
        if not values or len(values) > 150 or len(datum.get("Counts", values)) != len(values):
            raise AwsError("InvalidParameterValue", "Values must have 1 to 150 items, and as many Counts.")
        self.put(
            *(namespace, datum["MetricName"], dimensions, at, values),
            counts=datum.get("Counts"),
            unit=datum.get("Unit", "None"),
            fine=datum.get("StorageResolution", 60) == 1,
        )


def _matches(name: Name, asked: Asked) -> bool:
    has = dict(name.dimensions)
    return (
        name.namespace == asked.get("Namespace", name.namespace)
        and name.metric == asked.get("MetricName", name.metric)
        and all(
            each["Name"] in has and has[each["Name"]] == each.get("Value", has[each["Name"]])
            for each in asked.get("Dimensions", [])
        )
    )


def _state(alarm: Alarm) -> dict[str, str]:
    written = alarm.since.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    return {"value": alarm.state, "reason": alarm.reason, "timestamp": written}
