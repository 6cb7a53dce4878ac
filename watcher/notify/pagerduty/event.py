"""One event as PagerDuty's Events API v2 takes it, within its limits whatever is in the notice.

Source:
    https://developer.pagerduty.com/docs/send-alert-event
    https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json
"""

from collections.abc import Mapping
from typing import Any

from watcher.core.watch import Message, Notice
from watcher.core.wording import Event
from watcher.notify.commands import commands
from watcher.notify.pagerduty.wanted import Wanted

MOST_SUMMARY = 1024  # characters: what is longer is refused
MOST_KEY = 255  # characters of a dedup key
# An event may have 512 KiB; nobody reads so much on a phone. All of ours stays below 64 KiB, four bytes a character.
MOST_LINES, MOST_LINE = 20, 400
MOST_FACTS, MOST_FACT = 30, 120
CLIENT = "rollbackd"
# Where the urgency of a service goes by severity, what is being undone already wakes nobody: a warning is of low urgency.
# https://support.pagerduty.com/main/docs/dynamic-notifications
SEVERITIES: Mapping[str, str] = {
    Event.ASKED: "critical",
    Event.STUCK: "critical",
    Event.BREACHED: "error",
}
MILDEST = "warning"


def event(message: Message, what: Wanted, public_url: str | None) -> dict[str, Any]:
    """The event, without the routing key: one watch is one incident, so all that is sent of it has one key."""
    notice = message.notice
    sent = {"event_action": what.value, "dedup_key": f"{CLIENT}/{notice.watch or message.id}"[:MOST_KEY]}
    return {**sent, "payload": _payload(message), **_link(notice, public_url)}


def _payload(message: Message) -> Mapping[str, Any]:
    notice = message.notice
    told = {
        "summary": _plain(notice.headline, MOST_SUMMARY) or "rollbackd needs somebody",
        "source": _plain(f"{notice.service} {notice.environment}", MOST_LINE) or CLIENT,
        "severity": SEVERITIES.get(notice.event, MILDEST),
        "component": _plain(notice.service, MOST_LINE),
        "group": _plain(notice.environment, MOST_LINE),
        "class": _plain(notice.event, MOST_LINE),
        "timestamp": notice.at.isoformat() if notice.at else "",
    }
    return {name: value for name, value in told.items() if value} | {"custom_details": _details(message)}


def _details(message: Message) -> Mapping[str, Any]:
    """What a message has below its headline, what may be typed, and the facts for machines."""
    notice = message.notice
    typed = commands(notice)[:MOST_LINES]
    facts = list(notice.facts.items())[:MOST_FACTS]
    return {
        "message": message.id,
        "details": [_plain(line, MOST_LINE) for line in notice.lines[:MOST_LINES]],
        "to answer": [_plain(line, MOST_LINE) for line in typed],
        "facts": {_plain(name, MOST_FACT): _plain(value, MOST_FACT) for name, value in facts},
    }


def _link(notice: Notice, public_url: str | None) -> Mapping[str, Any]:
    others = [{"href": each.url, "text": _plain(each.label, MOST_LINE)} for each in notice.links]
    if not public_url or not notice.watch:
        return {"client": CLIENT, **({"links": others} if others else {})}
    href = f"{public_url}/v1/watches/{notice.watch}"
    return {"client": CLIENT, "client_url": href, "links": [{"href": href, "text": "The watch"}, *others]}


def _plain(text: str, most: int) -> str:
    """*text* on one line, and of at most *most* characters."""
    shown = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
