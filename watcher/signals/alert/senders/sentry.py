"""Sentry: the webhook of an integration. It signs the raw body with the integration's client secret.

    Sentry-Hook-Resource  action                  mood
    metric_alert          critical                firing since it was detected
                          warning                 well: what the rule calls critical is not reached
                          resolved                well
    event_alert           triggered               the issue is firing, until its issue says otherwise
    issue                 resolved, archived      the issue is well
                          unresolved              firing: it came back
                          created, anything else  nothing: which new issues matter says an alert rule

An issue alert has an end only if the integration also sends ``issue``, and somebody, or Sentry, resolves the issue. So it can say
that something began, and hardly that a rollback has helped: for that, take a metric alert. What an issue says of itself (`project`,
`level`, `issue`) is told by both; by which rule it was told, and of which environment, by the issue alert alone.

Of a message neither the id nor the time in the headers is signed; neither is believed. Of an event nothing is taken that may be
about a person: no user, no address, no request.

Source:
    https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
    https://docs.sentry.io/organization/integrations/integration-platform/webhooks/metric-alerts/
    https://docs.sentry.io/organization/integrations/integration-platform/webhooks/issue-alerts/
    https://docs.sentry.io/organization/integrations/integration-platform/webhooks/issues/
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from deploy.model import Finding
from deploy.source import Ignored, Received, Rejected
from deploy.sources.proof import Secrets, examined, signs
from deploy.sources.sqs.envelope import moment, shown
from watcher.signals.alert.pushed import LONGEST_KEY, LONGEST_NAME, Meaning, Mood, Pushed
from watcher.signals.alert.senders.clean import (
    Text,
    Written,
    believed,
    labels,
    line,
    link,
    said,
    short,
    told,
)
from watcher.signals.alert.senders.sender import Kind

RESOURCE, SIGNATURE = "sentry-hook-resource", "sentry-hook-signature"
METRIC, EVENT, ISSUE = "metric_alert", "event_alert", "issue"
MOODS: Mapping[tuple[str, str], Mood] = {
    (METRIC, "critical"): Mood.FIRING,
    (METRIC, "warning"): Mood.WELL,
    (METRIC, "resolved"): Mood.WELL,
    (EVENT, "triggered"): Mood.FIRING,
    (ISSUE, "unresolved"): Mood.FIRING,
    (ISSUE, "resolved"): Mood.WELL,
    (ISSUE, "archived"): Mood.WELL,
    (ISSUE, "ignored"): Mood.WELL,  # as older servers call it
}
_RESOLVED = "resolved"
_NEXT = timedelta(milliseconds=1)  # after it was detected: later than all that is told of it while it lasts
_REMEDY = "send what Sentry sends, unchanged"
_MOST = 1000  # projects, tags
_TAGS = ("environment", "release")  # of an event: no other is looked at
_PROJECT = re.compile(r"https://[^/]{1,255}/api/0/projects/[^/]{1,100}/([^/]{1,100})/events/[^/]{1,100}/?")

_Id = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}\Z")]


class Settings(Secrets):
    """``{sentry: {secret: {env: NAME}}}``: the client secret of the integration."""


class _Rule(Written):
    id: _Id
    name: Any = None
    environment: Any = None


class _Incident(Written):
    rule: _Rule = Field(alias="alert_rule")
    projects: Annotated[list[Text], Field(max_length=_MOST)] = Field(default_factory=list)
    detected: Any = Field(default=None, alias="date_detected")
    closed: Any = Field(default=None, alias="date_closed")


class _OfMetric(Written):
    incident: _Incident = Field(alias="metric_alert")
    title: Any = Field(default=None, alias="description_title")
    url: Any = Field(default=None, alias="web_url")


class _Metric(Written):
    action: Text
    data: _OfMetric


class _Event(Written):
    issue: _Id = Field(alias="issue_id")
    title: Any = None
    at: Any = Field(default=None, alias="datetime")
    tags: Annotated[list[Any], Field(max_length=_MOST)] = Field(default_factory=list)
    level: Any = None
    api: Any = Field(default=None, alias="url")
    url: Any = Field(default=None, alias="web_url")


class _OfEvent(Written):
    event: _Event
    rule: Any = Field(default=None, alias="triggered_rule")


class _Triggered(Written):
    action: Text
    data: _OfEvent


class _Project(Written):
    slug: Any = None


class _OneIssue(Written):
    id: _Id
    title: Any = None
    level: Any = None
    project: _Project | None = None
    url: Any = Field(default=None, alias="web_url")


class _OfIssue(Written):
    issue: _OneIssue


class _Changed(Written):
    action: Text
    data: _OfIssue


@dataclass(frozen=True, slots=True)
class _Circumstances:
    """What is known of a message beside what it says.

    Attributes:
        key: By which it is known when it comes again: nothing that is signed has an id, so it is known by its bytes.
    """

    mood: Mood
    arrived: datetime
    key: str


class Sentry:
    """The guard and the parser."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:  # noqa: ARG002  (no time is signed)
        """It is signed with the client secret."""
        return signs(self._settings.secrets, headers.get(SIGNATURE, ""), body)

    def read(self, received: Received) -> Meaning:
        """One incident of a metric alert, or one issue."""
        resource = received.headers.get(RESOURCE, "")
        model = _MODELS.get(resource)
        if model is None:
            return Ignored(f"Sentry: {shown(resource)} is no alert")
        sent = said(received.body, model, f"a webhook {resource} of Sentry", _REMEDY)
        if isinstance(sent, Rejected):
            return sent
        mood = MOODS.get((resource, sent.action))
        if mood is None:
            return Ignored(f"Sentry: {resource} {shown(sent.action)} changes nothing")
        known = _Circumstances(mood, received.at, hashlib.sha256(received.body).hexdigest())
        return told([_pushed(sent, known)])

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secret."""
        return examined(self._settings)


_MODELS: Mapping[str, type[_Metric] | type[_Triggered] | type[_Changed]] = {
    METRIC: _Metric,
    EVENT: _Triggered,
    ISSUE: _Changed,
}


def _pushed(sent: _Metric | _Triggered | _Changed, known: _Circumstances) -> Pushed:
    match sent:
        case _Metric():
            return _of_metric(sent.data, known, ended=sent.action == _RESOLVED)
        case _Triggered():
            return _of_event(sent.data, known)
        case _Changed():
            return _of_issue(sent.data.issue, known)


def _of_metric(data: _OfMetric, known: _Circumstances, *, ended: bool) -> Pushed:
    """An alert is a rule in its projects: the next incident is the same alert again.

    It began when Sentry detected it. `date_started` is not looked at: it lies a whole time window before that, where the
    release under watch may not have been there yet. Where Sentry does not say when it ended, it was after it was detected.
    """
    incident = data.incident
    projects = ",".join(sorted(incident.projects))
    began = believed(moment(incident.detected), known.arrived)
    at = believed(moment(incident.closed), known.arrived) if ended else began
    rule = line(incident.rule.name, LONGEST_NAME)
    names = {"rule": rule, "project": incident.projects[0] if incident.projects else None}
    return Pushed(
        key=short(f"{METRIC}:{incident.rule.id}:{projects}", LONGEST_KEY),
        name=rule or f"alert rule {incident.rule.id}",
        mood=known.mood,
        since=at,
        sent_at=at or (began and began + _NEXT),
        dedup_key=known.key,
        labels=labels(names, {"environment": incident.rule.environment}),
        words=line(data.title),
        link=link(data.url),
    )


def _of_event(data: _OfEvent, known: _Circumstances) -> Pushed:
    """One more event of an issue: the rule tells of it again and again, as long as the issue goes on."""
    event = data.event
    at = believed(moment(event.at), known.arrived)
    title = line(event.title)
    return Pushed(
        key=f"{ISSUE}:{event.issue}",
        name=line(data.rule, LONGEST_NAME) or title or f"issue {event.issue}",
        mood=known.mood,
        since=at,
        sent_at=at,
        dedup_key=known.key,
        labels=labels(_tags(event.tags), {"rule": data.rule, **_names(event)}),
        words=title,
        link=link(event.url),
        recurs=True,
    )


def _of_issue(issue: _OneIssue, known: _Circumstances) -> Pushed:
    """Since when is not told: it is as new as it came."""
    title = line(issue.title)
    return Pushed(
        key=f"{ISSUE}:{issue.id}",
        name=line(title, LONGEST_NAME) or f"issue {issue.id}",
        mood=known.mood,
        since=None,
        sent_at=None,
        dedup_key=known.key,
        labels=labels(
            {"project": issue.project and issue.project.slug, "level": issue.level, "issue": issue.id}
        ),
        words=title,
        link=link(issue.url),
    )


def _names(event: _Event) -> dict[str, Any]:
    """What an issue says of itself too. The slug of the project stands in the event's address alone."""
    found = _PROJECT.fullmatch(event.api) if isinstance(event.api, str) else None
    return {"project": found and found[1], "level": event.level, "issue": event.issue}


def _tags(tags: Sequence[Any]) -> dict[str, Any]:
    """Those of `_TAGS`: Sentry writes pairs."""
    pairs = [tag for tag in tags if isinstance(tag, list) and len(tag) == 2 and isinstance(tag[0], str)]  # noqa: PLR2004  (a pair)
    return {name: value for name, value in pairs if name in _TAGS}


KIND = Kind(settings=Settings, open=Sentry)
