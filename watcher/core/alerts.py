"""Alerts that a system tells by itself: how each stands, and what is remembered of it. Pure.

A system tells how one of its alerts is *now*, in whatever order the network likes. What is remembered is the newest word of
each, since when it is so, and when it was last told to be well: for what was bad before is only counted when it was well
in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

GOES_ON = timedelta(days=1)  # without a word of what recurs: then one more is a new beginning

OVERTAKEN = timedelta(minutes=2)  # a message may be on its way so long; one that comes later is no old one


class Mood(StrEnum):
    """How an alert stands."""

    FIRING = "firing"
    WELL = "well"
    UNKNOWN = "unknown"  # the system itself has no data (INSUFFICIENT_DATA, No Data)


@dataclass(frozen=True, slots=True)
class Pushed:
    """One alert, as its system told it.

    Attributes:
        key: What it is at its system, and stays over its life: the ARN of an alarm, a fingerprint, a monitor and its group.
        name: What people call it.
        labels: What ``match:`` looks at.
        since: When this mood began, by the sender's clock; ``None`` where that is not told.
        sent_at: The sender's own time of this message. It puts the messages of one key in order: the newest wins, and of two
            with the same time the one that came last. ``None`` where the sender tells no time: then it is as new as it came.
        dedup_key: By what this message about this alert is known when it comes again.
        words: A title or a reason, in the sender's words.
        link: To the alert at its system: ``https`` or nothing.
        runbook: What its authors say is to be done: the same.
        recurs: It tells of one more of the same, and ``since`` is when that one was: what fires already goes on firing.
        untimed: The message has no time of its own: ``sent_at`` is when the mood began, and a repetition looks like an old one.
    """

    key: str
    name: str
    mood: Mood
    since: datetime | None
    sent_at: datetime | None
    dedup_key: str
    labels: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    link: str = ""
    runbook: str = ""
    recurs: bool = False
    untimed: bool = False


_WAY = "way:"  # how the key of a way begins; keys of alerts are ARNs, fingerprints and numbers
TOPIC = "topic"


def way(key: str, topic: str, mood: Mood, at: datetime, letter: str) -> Pushed:
    """Not an alert: the way, known by *key*, by which those of *topic* come. It is well, or (``unknown``) its subscription was taken back.

    It is remembered as alerts are, so that it outlasts a restart, is the same for all replicas, and the newest word stands.
    """
    words = (
        "its subscription was taken back: it tells nothing more"
        if mood is Mood.UNKNOWN
        else "it is subscribed to"
    )
    return Pushed(f"{_WAY}{key}", topic, mood, at, at, letter, {TOPIC: topic}, words)


def is_way(pushed: Pushed) -> bool:
    """*pushed* tells of a way, and not of an alert."""
    return pushed.key.startswith(_WAY)


@dataclass(frozen=True, slots=True)
class Alert:
    """What is remembered of one alert.

    Attributes:
        alert: The newest word of it.
        since: Since when it stands so; ``None`` where nobody knows.
        told_at: When that was said, by the sender's clock; by ours where it tells no time, or one that is to come.
        heard_at: When it was last heard, by our clock; a repetition counts.
        changed_at: When the word was heard that it stands by.
        well_at: When it was last told to be well; ``None``: never.
        fired_since: Since when it fires, or fired before its system had no data; ``None``: it was well since.
    """

    alert: Pushed
    since: datetime | None
    told_at: datetime
    heard_at: datetime
    changed_at: datetime
    well_at: datetime | None = None
    fired_since: datetime | None = None

    @property
    def mood(self) -> Mood:
        """How it stands."""
        return self.alert.mood


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that is remembered of one sender.

    Attributes:
        heard_at: When it last told anything; ``None``: never.
        lacking_at: When it last left some out, or told of more than are kept; ``None``: never.
        revision: Grows with each word of it.
        is_deaf: It is a queue that does not answer: what it would tell nobody hears.
    """

    heard_at: datetime | None = None
    lacking_at: datetime | None = None
    alerts: Sequence[Alert] = ()
    revision: int = 0
    is_deaf: bool = False


@dataclass(frozen=True, slots=True)
class Fires:
    """An alert that fires now and that a rule of a watch means, as people are pointed to it.

    Attributes:
        source: Who tells it, by its name in the configuration.
        called: What people call it, with what tells it from others of that name.
        since: By its system's clock; ``None``: nobody knows.
        words: In its system's words.
        link: To it, at its system; empty: there is none.
        runbook: What is to be done; the same.
    """

    source: str
    called: str
    since: datetime | None
    words: str = ""
    link: str = ""
    runbook: str = ""


def closed(alerts: Sequence[Alert]) -> tuple[Alert, ...]:
    """The ways by which nothing comes any more: taken back, and nothing of their topic was heard since."""
    taken_back = [each for each in alerts if is_way(each.alert) and each.mood is Mood.UNKNOWN]
    return tuple(each for each in taken_back if not any(_came_by(alert, each) for alert in alerts))


def _came_by(alert: Alert, way: Alert) -> bool:
    is_of_it = not is_way(alert.alert) and alert.alert.labels.get(TOPIC) == way.alert.labels.get(TOPIC)
    return is_of_it and alert.heard_at > way.changed_at


class News(StrEnum):
    """What a word does to what is remembered of its alert."""

    CHANGED = "changed"  # it stands otherwise than before, or since another time
    REPEATED = "repeated"  # it stands as before; that it was heard is remembered
    OUTDATED = "outdated"  # something newer is known: nothing changes


def heard(known: Alert | None, pushed: Pushed, now: datetime) -> tuple[News, Alert]:
    """What *pushed*, which has just been heard, does to what is *known* of its alert; and what is known then.

    A firing alert that only lost its data in between has fired all the time, and so has one that is told to have happened once
    more. What was well fires since it was told to, whenever its trouble began at its system; but for one that its system took
    for ended, and that goes on. Where a sender does not tell since when, a mood began with the word that changed it; of the
    very first word nobody knows.
    """
    told_at = min(pushed.sent_at or now, now)
    if known is not None and (pushed.dedup_key, pushed.mood) == (known.alert.dedup_key, known.mood):
        return News.REPEATED, replace(known, heard_at=now)
    if known is not None and told_at < known.told_at:
        if not _goes_on(known, pushed, now):
            return News.OUTDATED, known
        told_at = known.told_at
    since = _since(known, pushed, told_at, now)
    well_at, fired_since = (None, None) if known is None else (known.well_at, known.fired_since)
    if pushed.mood is Mood.WELL:
        well_at, fired_since = told_at, None
    elif pushed.mood is Mood.FIRING:
        fired_since = since
    found = Alert(pushed, since, told_at, now, now, well_at, fired_since)
    if known is not None and _stands(found) == _stands(known):
        return News.REPEATED, replace(found, changed_at=known.changed_at)
    return News.CHANGED, found


def _since(known: Alert | None, pushed: Pushed, told_at: datetime, now: datetime) -> datetime | None:
    if known is not None and known.mood is Mood.UNKNOWN and pushed.mood is Mood.FIRING and known.fired_since:
        return known.fired_since
    if known is not None and known.mood is pushed.mood and pushed.recurs and now - known.heard_at <= GOES_ON:
        return known.since
    if pushed.since is not None:
        began = min(pushed.since, now)
        if not _was_well_after(known, pushed, began):
            return began
        return told_at if known is not None and told_at > known.told_at else now
    if known is None:
        return None
    return known.since if known.mood is pushed.mood else told_at


def _goes_on(known: Alert, pushed: Pushed, now: datetime) -> bool:
    """Its system told that it ended, because it heard no more of it, and tells now that it has lasted all the time."""
    ended = known.mood is Mood.WELL and now - known.heard_at > OVERTAKEN
    return pushed.untimed and pushed.mood is not Mood.WELL and ended


def _was_well_after(known: Alert | None, pushed: Pushed, began: datetime) -> bool:
    """It is told to fire since *began*, and was told to be well then or later."""
    if known is None or known.mood is Mood.FIRING or pushed.mood is not Mood.FIRING or pushed.untimed:
        return False
    return known.fired_since is None and known.well_at is not None and began <= known.well_at


def _stands(alert: Alert) -> tuple[Mood, datetime | None, Mapping[str, str]]:
    return alert.mood, alert.since, alert.alert.labels
