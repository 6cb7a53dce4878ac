"""``POST /v1/alerts/{sender}``: the door of systems that tell of their alerts by themselves; and ``GET /v1/alerts``: who was heard.

Whoever does not prove who it is hears one and the same answer, whether there is such a sender or not. What is proven is
remembered before it is answered, and judged later: it is answered within milliseconds, as those systems want it.
"""

from collections import Counter
from datetime import timedelta
from http import HTTPStatus

from deploy.source import Ignored, Received, Rejected
from watcher.api.asked import Nothing, OneSender
from watcher.api.bodies import Delivery, NoBody
from watcher.api.problems import Declined, Mistake, forbidden, malformed, unsigned
from watcher.api.route import Call
from watcher.api.told import AlertSender, AlertSenders, AlertsHeard
from watcher.signals.alert.pushed import Told
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
    if not call.who.covers_all:
        raise forbidden(
            f"{call.who.name} is not for all services, and who tells of alerts does so of all",
            "take a token whose `services` are all",
        )
    kinds = call.deps.alerts.kinds() if call.deps.alerts is not None else {}
    return AlertSenders(senders=[await _sender(call, name, kinds[name]) for name in sorted(kinds)])


async def _sender(call: Call[Nothing, NoBody], name: str, kind: str) -> AlertSender:
    known = await call.deps.store.alerts(name)
    moods = Counter(alert.mood.value for alert in known.alerts)
    return AlertSender(
        name=name,
        kind=kind,
        heard_at=known.heard_at,
        lacking_at=known.lacking_at,
        moods=dict(sorted(moods.items())),
    )


def _later() -> Declined:
    return Declined(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unproven",
        "what proves who sends this cannot be had now; nothing was changed",
        remedy="send it again in half a minute",
        retry_after=AGAIN,
    )
