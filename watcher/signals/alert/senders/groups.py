"""A group of alerts, as Alertmanager sends it, and Grafana after its manner.

    status      endsAt      mood
    firing      the year 1  firing since startsAt
    resolved    a time      well since endsAt

A message tells no time of its own. What puts the messages about one alert in order is when it began and when it ended:
an alert that fires anew begins later than the one before has ended, and what is told again is told with the same times. So
a message that was overtaken on its way changes nothing. An alert that its system took for ended because it heard no more of
it (Prometheus was cut off from Alertmanager for a while), and that goes on with the old beginning, looks the same: it is
told from one that was overtaken by when it comes (``untimed``).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from deploy.source import Rejected
from deploy.sources.sqs.envelope import moment, shown
from watcher.signals.alert.pushed import LONGEST_KEY, LONGEST_NAME, Meaning, Mood, Pushed
from watcher.signals.alert.senders.clean import Text, Written, believed, first_link, labels, line, said, told

MOST_READ = 5000  # alerts; 256 KiB hold some 2,000 of the smallest

STATUSES: Mapping[str, Mood] = {"firing": Mood.FIRING, "resolved": Mood.WELL}


class One(Written):
    """One alert of a group."""

    status: Text
    labels: dict[str, Any]
    annotations: dict[str, Any] | None = None
    starts_at: Any = Field(default=None, alias="startsAt")
    ends_at: Any = Field(default=None, alias="endsAt")
    generator_url: Any = Field(default=None, alias="generatorURL")
    panel_url: Any = Field(default=None, alias="panelURL")
    dashboard_url: Any = Field(default=None, alias="dashboardURL")
    fingerprint: Annotated[str, StringConstraints(pattern=rf"^[!-~]{{1,{LONGEST_KEY}}}\Z")]


class Group(Written):
    """A message."""

    version: Text
    alerts: Annotated[list[One], Field(max_length=MOST_READ)]
    truncated: int = Field(default=0, alias="truncatedAlerts")


def read(
    body: bytes, arrived: datetime, version: str, what: str, of_one: Callable[[One, datetime], Pushed | str]
) -> Meaning:
    """What a group says.

    Args:
        body: As it came.
        arrived: When.
        version: Of the form that is understood.
        what: Whose it should be, for words.
        of_one: An alert's meaning; or what is wrong with it.
    """
    group = said(body, Group, f"a message of {what}", f"send what {what} sends, unchanged")
    if isinstance(group, Rejected):
        return group
    if group.version != version:
        why = f"version {shown(group.version)} of the messages of {what}"
        return Rejected(why, f"version {version} is understood", "version")
    alerts: list[Pushed] = []
    for place, one in enumerate(group.alerts):
        found = of_one(one, arrived)
        if isinstance(found, str):
            return Rejected(found, f"send what {what} sends, unchanged", f"alerts.{place}.status")
        alerts.append(found)
    return told(alerts, incomplete=group.truncated > 0)


def pushed(one: One, arrived: datetime) -> Pushed | str:
    """One alert; or what is wrong with it."""
    mood = STATUSES.get(one.status)
    if mood is None:
        return f"{shown(one.status)} is neither firing nor resolved"
    changed = one.starts_at if mood is Mood.FIRING else one.ends_at
    since = believed(moment(changed), arrived)
    annotations = one.annotations or {}
    return Pushed(
        key=one.fingerprint,
        name=line(one.labels.get("alertname"), LONGEST_NAME) or one.fingerprint,
        mood=mood,
        since=since,
        sent_at=since,
        dedup_key=f"{one.fingerprint}:{mood.value}:{since.isoformat() if since else '-'}",
        labels=labels(one.labels),
        words=line(annotations.get("summary")) or line(annotations.get("description")),
        link=first_link(one.panel_url, one.dashboard_url, one.generator_url),
        runbook=first_link(annotations.get("runbook_url"), annotations.get("runbook")),
        untimed=True,
    )
