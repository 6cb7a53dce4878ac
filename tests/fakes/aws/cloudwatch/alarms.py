"""Alarms: their state as a test sets it, told by ``DescribeAlarms`` and by events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm.

    Attributes:
        since: When its state last turned (``StateTransitionedTimestamp``).
        rule: Of a composite alarm; none: it is one of a metric.
    """

    name: str
    state: str
    since: datetime
    reason: str = "Threshold Crossed"
    rule: str | None = None
    more: tuple[tuple[str, Any], ...] = ()


class Alarms:
    """The alarms of one account and region."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._all: dict[str, Timeline[Alarm]] = {}

    def put(self, alarm: Alarm) -> Alarm | None:
        """It is so from ``alarm.since`` on. Gives what it was before."""
        known = self._all.setdefault(alarm.name, Timeline())
        before = known.values[-1] if known.values else None
        known.put(alarm.since, alarm)
        return before

    def arn(self, name: str) -> str:
        """Of an alarm."""
        return f"{self._arn}:alarm:{name}"

    def describe_alarms(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeAlarms``. [M] Composite ones are left out unless ``AlarmTypes`` asks for them."""
        kinds = asked.get("AlarmTypes", ["MetricAlarm"])
        found = sorted(
            (
                alarm
                for alarm in (known.at(asked.seen_at) for known in self._all.values())
                if alarm is not None
                and ("CompositeAlarm" if alarm.rule else "MetricAlarm") in kinds
                and alarm.name in asked.get("AlarmNames", [alarm.name])
                and alarm.name.startswith(asked.get("AlarmNamePrefix", ""))
                and alarm.state == asked.get("StateValue", alarm.state)
            ),
            key=lambda alarm: alarm.name,
        )
        begin = int(asked.get("NextToken") or 0)
        size = asked.get("MaxRecords", 50)
        told = found[begin : begin + size]
        answer: dict[str, Any] = {
            "MetricAlarms": [self._metric(each) for each in told if each.rule is None],
            "CompositeAlarms": [self._composite(each) for each in told if each.rule is not None],
        }
        if begin + size < len(found):
            answer["NextToken"] = str(begin + size)
        return answer

    def _common(self, alarm: Alarm) -> dict[str, Any]:
        return {
            "AlarmName": alarm.name,
            "AlarmArn": self.arn(alarm.name),
            "ActionsEnabled": True,
            "StateValue": alarm.state,
            "StateReason": alarm.reason,
            "StateUpdatedTimestamp": alarm.since,
            "StateTransitionedTimestamp": alarm.since,
            **dict(alarm.more),
        }

    def _metric(self, alarm: Alarm) -> dict[str, Any]:
        return {
            "MetricName": "HTTPCode_Target_5XX_Count",
            "Namespace": "AWS/ApplicationELB",
            "Statistic": "Sum",
            "Dimensions": [],
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold",
            **self._common(alarm),
        }

    def _composite(self, alarm: Alarm) -> dict[str, Any]:
        return {"AlarmRule": alarm.rule, **self._common(alarm)}
