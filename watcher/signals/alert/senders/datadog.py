"""Datadog: the webhook of a monitor, with our payload. Datadog signs nothing: who sends shows a secret in a header.

    transition                     mood
    Triggered, Re-Triggered        firing
    Recovered                      well
    Warn, Re-Warn                  well: what the monitor calls critical is not reached
    No Data, Re-No Data            unknown
    Renotify, null, anything else  nothing: no state is told

The payload is a template that is set at Datadog; ours is `TEMPLATE`.

Source:
    https://docs.datadoghq.com/integrations/webhooks/
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from deploy.model import Finding
from deploy.source import Ignored, Received, Rejected
from deploy.sources.proof import InHeader, examined
from deploy.sources.sqs.envelope import shown
from watcher.signals.alert.pushed import LONGEST_KEY, LONGEST_NAME, Meaning, Mood, Pushed
from watcher.signals.alert.senders.clean import (
    Text,
    Written,
    believed,
    labels,
    line,
    link,
    of_milliseconds,
    said,
    short,
    told,
)
from watcher.signals.alert.senders.sender import Kind

SCHEMA = "rollbackd/1"
TEMPLATE: Mapping[str, str] = {  # what is to be pasted at Datadog
    "schema": SCHEMA,
    "alert_id": "$ALERT_ID",
    "scope": "$ALERT_SCOPE",
    "transition": "$ALERT_TRANSITION",
    "title": "$ALERT_TITLE",
    "status": "$ALERT_STATUS",
    "priority": "$ALERT_PRIORITY",
    "tags": "$TAGS",
    "date_ms": "$DATE",
    "event_id": "$ID",
    "link": "$LINK",
}
MOODS: Mapping[str, Mood] = {
    "triggered": Mood.FIRING,
    "recovered": Mood.WELL,
    "warn": Mood.WELL,
    "no data": Mood.UNKNOWN,
}
_AGAIN = "re-"
_UNSET = frozenset({"", "null"})
_MOST_TAGS = 1000
_REMEDY = "use the payload of docs/alerts.md for the webhook, unchanged, and do not encode it as a form"


class Settings(InHeader):
    """``{datadog: {secret: {env: NAME}}}``."""


class _Sent(Written):
    schema_: Annotated[Text, Field(alias="schema")]
    alert_id: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}\Z")]
    transition: Text
    scope: Text = ""
    title: Text = ""
    status: Text = ""
    priority: Text = ""
    tags: Text = ""
    date_ms: Any = None
    event_id: Text = ""
    link: Text = ""


class Datadog:
    """The guard and the parser."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def admits(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:  # noqa: ARG002  (nothing is signed)
        """It shows the secret."""
        return self._settings.admits(headers)

    def read(self, received: Received) -> Meaning:
        """One group of one monitor."""
        sent = said(received.body, _Sent, "our payload of a webhook of Datadog", _REMEDY)
        if isinstance(sent, Rejected):
            return sent
        if sent.schema_ != SCHEMA:
            return Rejected(f"the payload {shown(sent.schema_)} is not {SCHEMA}", _REMEDY, "schema")
        again, mood = _mood(sent.transition)
        if mood is None:
            return Ignored(f"Datadog: the transition {shown(sent.transition)} tells no state")
        return told([_pushed(sent, mood, received.at, again=again)])

    def examine(self) -> Sequence[Finding]:
        """What is to be said of its secret."""
        return examined(self._settings)


def _mood(transition: str) -> tuple[bool, Mood | None]:
    """Whether it is told again, and the mood."""
    word = line(transition).lower()
    return word.startswith(_AGAIN), MOODS.get(word.removeprefix(_AGAIN))


def _pushed(sent: _Sent, mood: Mood, arrived: datetime, *, again: bool) -> Pushed:
    at = believed(of_milliseconds(sent.date_ms), arrived)
    scope = "" if sent.scope in _UNSET else short(sent.scope, LONGEST_KEY // 2)
    event = line(sent.event_id, LONGEST_KEY // 4)
    return Pushed(
        key=f"{sent.alert_id}:{scope}",
        name=line(sent.title, LONGEST_NAME) or f"monitor {sent.alert_id}",
        mood=mood,
        since=None if again else at,  # it has been so for a while
        sent_at=at,
        dedup_key=f"{sent.alert_id}:{scope}:{event}:{line(sent.transition, _SHORT).lower()}",
        labels=labels(
            _tags(sent.tags), _tags(scope), {"monitor": sent.alert_id, "priority": _set(sent.priority)}
        ),
        words=line(_set(sent.status)),
        link=link(sent.link),
    )


_SHORT = 32


def _set(text: str) -> str:
    return "" if text in _UNSET else text


def _tags(text: str) -> dict[str, str]:
    """``service:checkout,env:prod`` by name; of several of one name the first, and what has no value is left out."""
    found: dict[str, str] = {}
    for tag in _set(text).split(",", _MOST_TAGS)[:_MOST_TAGS]:
        name, _, value = tag.strip().partition(":")
        found.setdefault(name, value)
    return found


KIND = Kind(settings=Settings, open=Datadog)
