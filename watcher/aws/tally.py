"""Counts what is asked of AWS, what comes of it, what it costs, and how far our clock is from theirs."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from watcher.aws.codes import Result, result_of
from watcher.telemetry.metrics import Metrics

# USD for each metric that GetMetricData is asked for; each page of an answer is counted as asked anew.
# https://aws.amazon.com/cloudwatch/pricing/, N. Virginia: an estimate, for prices differ by region.
A_METRIC = 0.01 / 1000
A_BYTE = 0.005 / 1e9  # that Logs Insights scans; of the same page


class Tally:
    """Counts. Answers are received in threads, calls end in the event loop."""

    def __init__(self, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._now = now
        self.skew: timedelta | None = None

    def ended(self, mode: str, service: str, operation: str, result: Result, seconds: float) -> None:
        """A call is over."""
        self._metrics.aws_calls.labels(service, operation, mode, result.value).inc()
        self._metrics.aws_seconds.labels(service, mode).observe(seconds)

    def paid(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """AWS answered it, so it costs something."""
        if (service, operation) == ("cloudwatch", "get_metric_data"):
            asked = sum("MetricStat" in query for query in parameters.get("MetricDataQueries", ()))
            self._metrics.aws_metrics.inc(asked)
            self._metrics.aws_cost.inc(asked * A_METRIC)

    def received(
        self, service: str, operation: str, answer: Mapping[str, Any], headers: Mapping[str, Any]
    ) -> None:
        """An answer arrived, maybe not the last one of its call."""
        code = str(answer.get("Error", {}).get("Code", ""))
        status = str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
        if Result.THROTTLED in {result_of(code), result_of(status)}:
            self._metrics.aws_throttles.labels(service, operation).inc()
        if (service, operation) == ("logs", "get_query_results") and answer.get("status") == "Complete":
            scanned = float(answer.get("statistics", {}).get("bytesScanned", 0.0))
            self._metrics.aws_cost.inc(scanned * A_BYTE)
        self._note_clock(headers)

    def _note_clock(self, headers: Mapping[str, Any]) -> None:
        date = next((value for name, value in headers.items() if name.lower() == "date"), None)
        try:
            theirs = parsedate_to_datetime(str(date))
        except (ValueError, OverflowError):
            return  # no date, or none that can be read: of no concern to the call
        if theirs.tzinfo is not None:
            self.skew = self._now() - theirs
            self._metrics.aws_skew.set(self.skew.total_seconds())
