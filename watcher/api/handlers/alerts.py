"""``POST /v1/alerts/{sender}``: the door of systems that tell of their alerts by themselves; and what is known of those.

Whoever does not prove who it is hears one and the same answer, whether there is such a sender or not. What is proven is
remembered before it is answered, and judged later: it is answered within milliseconds, as those systems want it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from deploy.source import Ignored, Received, Rejected
from watcher.api.asked import Nothing, OneSender
from watcher.api.bodies import Delivery, NoBody
from watcher.api.problems import Declined, Mistake, forbidden, malformed, not_found, unsigned
from watcher.api.route import AnyCall, Call
from watcher.api.told import AlertKnown, AlertSender, AlertSenders, AlertsHeard, AlertsKnown
from watcher.core.alerts import Alert, Mood, Remembered, closed, is_way
from watcher.signals.alert.pushed import Told
from watcher.signals.alert.query import PROVIDER, Query, labels_of, may_mean, parsed
from watcher.signals.alert.senders.sender import Unproven

AGAIN = timedelta(seconds=30)  # until what proves it may be had


async def push(call: Call[OneSender, Delivery]) -> AlertsHeard:
    """Take what a system says of its alerts."""
    name, alerts = call.asked.sender, call.deps.alerts
    if alerts is None:
        raise unsigned()
    received = Received(call.raw, call.headers, call.deps.now(), f"alerts:{name}")
    match await alerts.hear(name, received):
        case Told(alerts=told):
            return AlertsHeard(alerts=len(told))
        case Ignored():
            return AlertsHeard(alerts=0)
        case Rejected(why, remedy, where):
            raise malformed(f"what {name} sent", [Mistake(where=where, what=why)], remedy)
        case Unproven(later=True):
            raise _later()
        case Unproven():
            raise unsigned()


async def senders(call: Call[Nothing, NoBody]) -> AlertSenders:
    """Who tells of alerts, and when each was last heard: they are nobody's in particular."""
    kinds = _kinds(call)
    remembered = {name: await call.deps.store.alerts(name) for name in sorted(kinds)}
    return AlertSenders(
        senders=[AlertSender(**_sender(name, kinds[name], known)) for name, known in remembered.items()]
    )


async def sender(call: Call[OneSender, NoBody]) -> AlertsKnown:
    """What is known of the alerts of one sender, and which rules may mean each."""
    name, kinds = call.asked.sender, _kinds(call)
    if name not in kinds:
        told = ", ".join(sorted(kinds)) or "none is configured"
        raise not_found(f"nobody called {name} tells of alerts", f"known: {told}")
    remembered = await call.deps.store.alerts(name)
    found = [each for each in remembered.alerts if not is_way(each.alert)]
    found.sort(key=lambda each: (_ORDER.index(each.mood), -each.heard_at.timestamp(), each.alert.key))
    asking = _asking(call, name)
    return AlertsKnown(
        **_sender(name, kinds[name], remembered),
        alerts=[_known(each, asking) for each in found[:MOST]],
        more=max(0, len(found) - MOST),
    )


_ORDER = (Mood.FIRING, Mood.UNKNOWN, Mood.WELL)
MOST = 500  # alerts in one answer


def _kinds(call: AnyCall) -> Mapping[str, str]:
    """All who may be heard.

    Raises:
        Declined: The token is not for all services.
    """
    if not call.who.covers_all:
        raise forbidden(
            f"{call.who.name} is not for all services, and who tells of alerts does so of all",
            "take a token whose `services` are all",
        )
    return call.deps.alerts.kinds() if call.deps.alerts is not None else {}


def _sender(name: str, kind: str, known: Remembered) -> dict[str, Any]:
    moods = Counter(alert.mood.value for alert in known.alerts if not is_way(alert.alert))
    return {
        "name": name,
        "kind": kind,
        "heard_at": known.heard_at,
        "lacking_at": known.lacking_at,
        "moods": dict(sorted(moods.items())),
        "unsubscribed": [each.alert.name for each in closed(known.alerts)],
    }


def _asking(call: AnyCall, sender: str) -> Sequence[tuple[str, Query]]:
    """The rules that ask what *sender* tells, by service and name, each with what it means."""
    return [
        (f"{service.name}/{service.environment}: {rule.name}", query)
        for service in call.deps.services().values()
        for indicator in service.policy.rules.indicators
        if indicator.provider == PROVIDER and (query := parsed(indicator.query)).source == sender
        for rule in service.policy.rules.rules
        if rule.indicator == indicator.id
    ]


def _known(alert: Alert, asking: Sequence[tuple[str, Query]]) -> AlertKnown:
    told = alert.alert
    labels = labels_of(told.name, told.labels)
    return AlertKnown(
        name=told.name,
        mood=alert.mood.value,
        since=alert.since,
        heard_at=alert.heard_at,
        words=told.words,
        link=told.link,
        runbook=told.runbook,
        labels=told.labels,
        rules=sorted({rule for rule, query in asking if may_mean(query, labels)}),
    )


def _later() -> Declined:
    return Declined(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unproven",
        "what proves who sends this cannot be had now; nothing was changed",
        remedy="send it again in half a minute",
        retry_after=AGAIN,
    )
