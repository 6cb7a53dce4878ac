"""What PagerDuty takes, and what comes of it.

Source:
    https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json [D]
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ROUTING_KEY = "e93facc04764012d7bfb002500d5d1a6"  # of PagerDuty's own example
_MOST = 512 * 1024
_SEVERITIES = {"critical", "error", "warning", "info"}


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that was taken."""

    at: datetime
    action: str
    key: str
    payload: Mapping[str, Any]
    body: Mapping[str, Any]


@dataclass
class Incident:
    """One incident. Who is on call is woken when it opens, and not by what is added to it."""

    key: str
    title: str
    severity: str
    opened_at: datetime
    added: int = 0
    resolved_at: datetime | None = None


@dataclass
class PagerDutyWorld:
    """One service of PagerDuty.

    Attributes:
        key: Its integration key.
        once: What is answered next, instead of taking the event: a status, and headers; ``None``: it is taken.
        repeats: What an answer that refuses says before it repeats what it was sent; ``None``: it says nothing.
    """

    now: Callable[[], datetime]
    key: str = ROUTING_KEY
    log: list[Taken] = field(default_factory=list)
    once: list[tuple[int, Mapping[str, str]] | None] = field(default_factory=list)
    repeats: str | None = None

    def enqueue(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """The status, the headers and the body of the answer."""
        due = self.once.pop(0) if self.once else None
        if due is not None:
            repeated = json.dumps({"message": f"{self.repeats}{body.decode()}"})
            return due[0], due[1], b"" if self.repeats is None else repeated.encode()
        if len(body) > _MOST:
            return 413, {}, b""
        told = json.loads(body)
        wrong = self._wrong(told)
        if wrong:
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
            return 400, _JSON, json.dumps(said).encode()
        key = told.get("dedup_key") or f"made-{len(self.log)}"
        self.log.append(Taken(self.now(), told["event_action"], key, told.get("payload", {}), told))
        said = {"status": "success", "message": "Event processed", "dedup_key": key}
        return 202, _JSON, json.dumps(said).encode()

    def incidents(self) -> list[Incident]:
        """All of them, in the order in which they opened. To resolve what is not open changes nothing."""
        found: list[Incident] = []
        for each in self.log:
            live = next((one for one in found if one.key == each.key and one.resolved_at is None), None)
            if each.action == "resolve" and live is not None:
                live.resolved_at = each.at
            elif each.action == "trigger" and live is not None:
                live.added += 1
            elif each.action == "trigger":
                title, severity = each.payload["summary"], each.payload["severity"]
                found.append(Incident(each.key, title, severity, each.at))
        return found

    def _wrong(self, told: Mapping[str, Any]) -> list[str]:
        payload = told.get("payload") or {}
        key = told.get("routing_key", "")
        rules = {
            "Length of 'routing_key' is incorrect (should be 32 characters)": len(key) == 32,
            "Invalid routing key": key == self.key,
            "'event_action' is invalid": told.get("event_action") in {"trigger", "acknowledge", "resolve"},
            "Length of 'dedup_key' is incorrect": len(told.get("dedup_key", "")) <= 255,
        }
        if told.get("event_action") == "trigger":
            rules |= {
                "'payload.summary' is missing or too long": 0 < len(payload.get("summary", "")) <= 1024,
                "'payload.source' is missing or blank": bool(payload.get("source", "").strip()),
                "'payload.severity' is invalid": payload.get("severity") in _SEVERITIES,
                "'payload.timestamp' is invalid": _is_moment(payload.get("timestamp")),
                "'links' is invalid": all(each["href"].startswith("http") for each in told.get("links", [])),
            }
        else:
            rules["'dedup_key' is missing"] = bool(told.get("dedup_key"))
        return [words for words, holds in rules.items() if not holds]


_JSON = {"content-type": "application/json"}


def _is_moment(told: str | None) -> bool:
    try:
        return told is None or datetime.fromisoformat(told).tzinfo is not None
    except ValueError:
        return False
