"""Alerts that were pushed: what is remembered of each, who told it, and which watches are looked at because of it."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from watcher.core.alerts import Alert, Mood, News, Pushed, Remembered, heard
from watcher.store.documents import ALERT
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, moment, seconds
from watcher.store.store import Concerned, Heard

# The sender was heard. Its row is locked from here on, so that what is known of its alerts is what everybody knows.
SENDER = """
INSERT INTO alert_senders (sender, revision, heard_at, lacking_at) VALUES (:sender, 1, :now, :lacking_at)
ON CONFLICT (sender) DO UPDATE SET
    revision = alert_senders.revision + 1,
    heard_at = CASE WHEN alert_senders.heard_at > :now THEN alert_senders.heard_at ELSE :now END,
    lacking_at = COALESCE(:lacking_at, alert_senders.lacking_at)
"""

# What is known of some alerts.
KNOWN = """
SELECT alert_moods.alert, alert_moods.document FROM alert_moods, json_each(:alerts) AS told
WHERE alert_moods.sender = :sender AND alert_moods.alert = told.key
"""

# How those stand now that are in one mood: one statement, whether they are two or a thousand, because whoever told them waits.
REMEMBER = """
INSERT INTO alert_moods (sender, alert, mood, heard_at, document)
SELECT :sender, told.key, :mood, :now, told.value FROM json_each(:documents) AS told WHERE 1 = 1
ON CONFLICT (sender, alert) DO UPDATE SET mood = excluded.mood, heard_at = excluded.heard_at, document = excluded.document
"""

# More than are kept: those go first that are well, then those without data, and of each those that were heard longest ago.
MANY = "SELECT COUNT(*) AS many FROM alert_moods WHERE sender = :sender"
FORGET = """
DELETE FROM alert_moods WHERE sender = :sender AND alert IN (
    SELECT alert FROM alert_moods WHERE sender = :sender
    ORDER BY CASE mood WHEN 'well' THEN 0 WHEN 'unknown' THEN 1 ELSE 2 END, heard_at, alert LIMIT :surplus
) RETURNING mood
"""
LACKING = "UPDATE alert_senders SET lacking_at = :now WHERE sender = :sender"

# Watches of these services, due now: as ``watches.HURRY``.
HURRY = """
UPDATE watches SET hurried_at = :now FROM json_each(:services) AS concerned
WHERE watches.final = 0 AND watches.service || '/' || watches.environment = concerned.key
RETURNING id, service || '/' || environment AS service
"""

# All of one sender, and all senders.
ONE = "SELECT revision, heard_at, lacking_at FROM alert_senders WHERE sender = :sender"
ALL = "SELECT document FROM alert_moods WHERE sender = :sender ORDER BY alert"
SENDERS = "SELECT sender, revision, heard_at, lacking_at FROM alert_senders ORDER BY sender"

MOST = 2000  # alerts of one sender that are remembered; some 2 MB


def hear(
    sender: str, pushed: Sequence[Pushed], now: datetime, concerned: Concerned, *, incomplete: bool
) -> Operation[Heard]:
    """Remember what was told, and hurry the watches that it concerns, in one transaction."""
    yield SENDER, {"sender": sender, "now": seconds(now), "lacking_at": seconds(now) if incomplete else None}
    known = yield from _known(sender, pushed)
    news: dict[News, list[Alert]] = {each: [] for each in News}
    for each in pushed:
        what, alert = heard(known.get(each.key), each, now)
        known[each.key] = alert
        news[what].append(alert)
    yield from _remembered(sender, [*news[News.CHANGED], *news[News.REPEATED]], known, now)
    dropped = yield from _forgotten(sender, now)
    hurried = yield from _hurried(sender, news[News.CHANGED], now, concerned)
    changed, repeated, outdated = (len(news[each]) for each in News)
    return Heard(changed, repeated, outdated, dropped, hurried)


def _known(sender: str, pushed: Sequence[Pushed]) -> Operation[dict[str, Alert]]:
    rows = yield KNOWN, {"sender": sender, "alerts": json.dumps({each.key: "" for each in pushed})}
    return {row["alert"]: ALERT.decode(row["document"]) for row in rows}


def _remembered(
    sender: str, told: Sequence[Alert], standing: Mapping[str, Alert], now: datetime
) -> Operation[None]:
    """Of one that was told more than once, as it stands after the last word."""
    keys = {alert.alert.key for alert in told}
    for mood in Mood:
        documents = {key: ALERT.encode(standing[key]) for key in sorted(keys) if standing[key].mood is mood}
        if documents:
            parameters = {"sender": sender, "mood": mood.value, "now": seconds(now)}
            yield REMEMBER, {**parameters, "documents": json.dumps(documents)}


def _forgotten(sender: str, now: datetime) -> Operation[int]:
    """How many are too many, and forgotten. Where one of them is not well, what is silent of this sender is well no more."""
    surplus = (yield MANY, {"sender": sender})[0]["many"] - MOST
    if surplus <= 0:
        return 0
    rows = yield FORGET, {"sender": sender, "surplus": surplus}
    if any(row["mood"] != Mood.WELL for row in rows):
        yield LACKING, {"sender": sender, "now": seconds(now)}
    return len(rows)


def _hurried(
    sender: str, changed: Sequence[Alert], now: datetime, concerned: Concerned
) -> Operation[Collection[str]]:
    """The watches that are due now, each with a line in the audit that says why."""
    why: dict[str, Alert] = {}
    for alert in changed:
        why |= dict.fromkeys(("/".join(key) for key in concerned.get(alert.alert.key, ())), alert)
    if not why:
        return ()
    rows = yield HURRY, {"services": json.dumps(dict.fromkeys(why, "")), "now": seconds(now)}
    for row in rows:
        alert = why[row["service"]]
        facts = {"alert": alert.alert.name, "mood": alert.mood.value}
        yield audited(now, f"alerts:{sender}", "watch.hurried", row["id"], alert.alert.words, **facts)
    return tuple(row["id"] for row in rows)


def of(sender: str, known: Remembered | None) -> Operation[Remembered]:
    """All that is remembered of one sender; *known* itself, where nothing was told since."""
    rows = yield ONE, {"sender": sender}
    if not rows:
        return Remembered()
    if known is not None and known.revision == rows[0]["revision"]:
        return known
    alerts = yield ALL, {"sender": sender}
    return _remembering(rows[0], tuple(ALERT.decode(row["document"]) for row in alerts))


def senders() -> Operation[Mapping[str, Remembered]]:
    """All that were ever heard, without their alerts."""
    rows = yield SENDERS, {}
    return {row["sender"]: _remembering(row) for row in rows}


def _remembering(row: Row, alerts: Sequence[Alert] = ()) -> Remembered:
    lacking_at = None if row["lacking_at"] is None else moment(row["lacking_at"])
    return Remembered(moment(row["heard_at"]), lacking_at, alerts, row["revision"])
