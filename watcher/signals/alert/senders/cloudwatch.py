"""CloudWatch: how an alarm stands, as EventBridge tells of it, or as SNS carries it.

    state                                    mood
    ALARM                                    firing
    ALARM, and its actions are suppressed    unknown: somebody has said that nothing is to be made of it now
    OK                                       well
    OK, but of a part of the data            unknown: what is missing may be what is bad
    INSUFFICIENT_DATA                        unknown

Pure. An alarm has one key, whichever way it came, so that the two ways tell one story.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-alarms-partial-data.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_CompositeAlarm.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from deploy.source import Event, Ignored, Rejected
from deploy.sources.sqs.envelope import ALARM, moment, shown
from watcher.signals.alert.pushed import LONGEST_NAME, Meaning, Mood, Pushed
from watcher.signals.alert.senders.clean import believed, labels, line, link, told

SOURCE, CHANGED = "aws.cloudwatch", "CloudWatch Alarm State Change"
MOODS: Mapping[str, Mood] = {"ALARM": Mood.FIRING, "OK": Mood.WELL, "INSUFFICIENT_DATA": Mood.UNKNOWN}
_ARN = re.compile(r"arn:aws[a-z-]{0,16}:cloudwatch:[a-z0-9-]{1,32}:[0-9]{12}:alarm:([^\x00-\x1f\x7f]{1,255})")
_REMEDY = "send the event, or the notification, as CloudWatch wrote it"


@dataclass(frozen=True, slots=True)
class _Alarm:
    """How an alarm stands, before it is known what that means; nothing is checked yet."""

    state: object
    at: object
    reason: object
    suppressed: object = None
    partly: object = None
    tags: object = None
    dimensions: Mapping[str, Any] | None = None


def is_alarm(event: Event) -> bool:
    """*event* tells how an alarm stands."""
    return event.source == SOURCE and event.kind in {CHANGED, ALARM}


def read(event: Event, arrived: datetime) -> Meaning:
    """What *event*, which came then, says of an alarm; `Ignored` where it is about something else."""
    if not is_alarm(event):
        return Ignored(f"{shown(event.kind)} of {shown(event.source)} tells of no alarm")
    found = _ARN.fullmatch(event.resources[0]) if event.resources else None
    if found is None:
        return Rejected("no alarm is named", _REMEDY, "resources.0")
    alarm = _of_sns(event.detail) if event.kind == ALARM else _of_eventbridge(event.detail)
    mood = MOODS.get(alarm.state) if isinstance(alarm.state, str) else None
    if mood is None:
        return Rejected(f"{shown(alarm.state)} is no state of an alarm", _REMEDY, "detail.state.value")
    return told([_pushed(event, found[1], alarm, mood, arrived)])


def _of_eventbridge(detail: Mapping[str, Any]) -> _Alarm:
    state = _within(detail, "state")
    return _Alarm(
        state=state.get("value"),
        at=state.get("timestamp"),
        reason=state.get("reason"),
        suppressed=state.get("actionsSuppressedBy"),
        partly=state.get("evaluationState"),
        tags=detail.get("alarmTags"),
        dimensions=_dimensions(_within(detail, "configuration").get("metrics")),
    )


def _of_sns(said: Mapping[str, Any]) -> _Alarm:
    trigger = _within(said, "Trigger")
    written = trigger.get("Dimensions")
    pairs = [each for each in written if isinstance(each, dict)] if isinstance(written, list) else []
    return _Alarm(
        state=said.get("NewStateValue"),
        at=said.get("StateChangeTime"),
        reason=said.get("NewStateReason"),
        tags=said.get("AlarmTags"),
        dimensions={each["name"]: each.get("value") for each in pairs if isinstance(each.get("name"), str)},
    )


def _dimensions(metrics: object) -> Mapping[str, Any]:
    """Those of its only metric; an expression over several has none of its own."""
    if not isinstance(metrics, list) or len(metrics) != 1 or not isinstance(metrics[0], dict):
        return {}
    return _within(_within(_within(metrics[0], "metricStat"), "metric"), "dimensions")


def _within(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inside = said.get(name)
    return inside if isinstance(inside, dict) else {}


def _pushed(event: Event, name: str, alarm: _Alarm, mood: Mood, arrived: datetime) -> Pushed:
    at = believed(moment(alarm.at) or event.at, arrived)
    surely, words = _surely(alarm, mood)
    tags = alarm.tags if isinstance(alarm.tags, dict) else {}
    place = {"alarm": name, "account": event.account, "region": event.region}
    return Pushed(
        key=event.resources[0],
        name=line(name, LONGEST_NAME),
        mood=surely,
        since=at,
        sent_at=at,
        dedup_key=event.id,
        labels=labels(alarm.dimensions or {}, tags, place),
        words=line(f"{words}{line(alarm.reason)}"),
        link=_console(event.region, name),
    )


def _console(region: str, name: str) -> str:
    """Where people look at it; an event tells no address. Other partitions have other consoles, and get none."""
    if region.startswith(("cn-", "us-gov-", "us-iso")):
        return ""
    return link(
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:alarm/{quote(name, safe='')}"
    )


def _surely(alarm: _Alarm, mood: Mood) -> tuple[Mood, str]:
    """How it stands for sure, and words where that is another mood than the state alone would be."""
    if mood is Mood.FIRING and alarm.suppressed is not None:
        return Mood.UNKNOWN, f"in ALARM, its actions suppressed by {shown(alarm.suppressed)}: "
    if mood is Mood.WELL and alarm.partly is not None:
        return Mood.UNKNOWN, f"OK, as far as the data go ({shown(alarm.partly)}): "
    return mood, ""
