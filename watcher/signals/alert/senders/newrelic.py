"""New Relic: the webhook of a workflow. New Relic signs nothing: who sends shows a secret in a header of the destination.

    state                  mood
    ACTIVATED              firing
    CLOSED                 well
    CREATED, anything else nothing: it is told again as soon as it is activated, or closed

What is read is New Relic's own template, as it stands there when the webhook is made; with ``labels``, which are written into it
by hand, ours is `TEMPLATE`. An alert is an issue: the next incident of the same condition is another one.

Source:
    https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook
    https://docs.newrelic.com/docs/alerts/get-notified/custom-variables-incident-workflows/
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from deploy.model import Finding
from deploy.source import Ignored, Received, Rejected
from deploy.sources.proof import InHeader, examined
from deploy.sources.sqs.envelope import shown
from watcher.signals.alert.pushed import LONGEST_NAME, Meaning, Mood, Pushed
from watcher.signals.alert.senders.clean import (
    Text,
    Written,
    believed,
    labels,
    line,
    link,
    of_milliseconds,
    said,
    told,
)
from watcher.signals.alert.senders.sender import Kind

TEMPLATE = """\
{
  "id": {{ json issueId }},
  "issueUrl": {{ json issuePageUrl }},
  "title": {{ json annotations.title.[0] }},
  "priority": {{ json priority }},
  "impactedEntities": {{ json entitiesData.names }},
  "state": {{ json state }},
  "createdAt": {{ createdAt }},
  "updatedAt": {{ updatedAt }},
  "alertPolicyNames": {{ json accumulations.policyName }},
  "alertConditionNames": {{ json accumulations.conditionName }},
  "labels": {"service": "checkout", "environment": "production"}
}
"""
MOODS: Mapping[str, Mood] = {"ACTIVATED": Mood.FIRING, "CLOSED": Mood.WELL}
_REMEDY = "use New Relic's own template of the webhook, or the one of docs/alerts.md"


class Settings(InHeader):
    """``{newrelic: {secret: {env: NAME}}}``."""


class _Sent(Written):
    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}\Z")]
    state: Text
    title: Any = None
    priority: Any = None
    entities: Any = Field(default=None, alias="impactedEntities")
    created: Any = Field(default=None, alias="createdAt")
    updated: Any = Field(default=None, alias="updatedAt")
    policies: Any = Field(default=None, alias="alertPolicyNames")
    conditions: Any = Field(default=None, alias="alertConditionNames")
    labels: dict[str, Any] = Field(default_factory=dict)
    url: Any = Field(default=None, alias="issueUrl")


class NewRelic:
    """The guard and the parser."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:  # noqa: ARG002  (nothing is signed)
        """It shows the secret."""
        return self._settings.admits(headers)

    def read(self, received: Received) -> Meaning:
        """One issue."""
        sent = said(received.body, _Sent, "a webhook of New Relic", _REMEDY)
        if isinstance(sent, Rejected):
            return sent
        mood = MOODS.get(sent.state)
        if mood is None:
            return Ignored(f"New Relic: the state {shown(sent.state)} of an issue changes nothing")
        return told([_pushed(sent, mood, received.at)])

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secret."""
        return examined(self._settings)


def _pushed(sent: _Sent, mood: Mood, arrived: datetime) -> Pushed:
    created, updated = (believed(of_milliseconds(each), arrived) for each in (sent.created, sent.updated))
    title = line(sent.title)
    condition = _first(sent.conditions)
    names = {
        "policy": _first(sent.policies),
        "condition": condition,
        "entity": _first(sent.entities),
        "priority": sent.priority,
    }
    return Pushed(
        key=sent.id,
        name=line(condition, LONGEST_NAME) or title or sent.id,
        mood=mood,
        since=created if mood is Mood.FIRING else updated,
        sent_at=updated,
        dedup_key=f"{sent.id}:{sent.state}:{updated.isoformat() if updated else '-'}",
        labels=labels(names, sent.labels),
        words=title,
        link=link(sent.url),
    )


def _first(names: object) -> object:
    """Of several the first: a label has one value."""
    return names[0] if isinstance(names, list) and names else None


KIND = Kind(settings=Settings, open=NewRelic)
