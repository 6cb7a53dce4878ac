"""A site that takes events and finds them again: what was posted is one log, and a search sees it a while later.

Source:
    https://docs.datadoghq.com/api/latest/events/; the answers are recorded in DataDog/datadog-api-client-python
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes.datadog.site import API_KEY, APPLICATION_KEY, JSONAPI, Site, errors

EVENTS, SEARCH = "/api/v1/events", "/api/v2/events/search"
PAST = timedelta(hours=18)


@dataclass(frozen=True)
class Event:
    """One that was posted."""

    id: int
    came: datetime
    at: datetime
    title: str
    text: str
    tags: tuple[str, ...]
    told: Mapping[str, Any]

    @property
    def mentions(self) -> Sequence[str]:
        """Who is notified of it."""
        return re.findall(r"@([\w.\-]+)", f"{self.title} {self.text}")


@dataclass
class EventSite(Site):
    """How it is, and what was posted.

    Attributes:
        indexed: After which an event is found.
        lost: Events that are taken, and whose answers do not arrive.
    """

    scopes: frozenset[str] = frozenset({"timeseries_query", "events_read"})
    events: list[Event] = field(default_factory=list)
    indexed: timedelta = timedelta(0)
    lost: int = 0

    def _unknown(self, request: web.Request) -> web.Response | None:
        if request.path not in {EVENTS, SEARCH}:
            return super()._unknown(request)
        if request.headers.get("DD-API-KEY") != API_KEY:
            return errors(403, "Forbidden")
        is_right = request.headers.get("DD-APPLICATION-KEY") == APPLICATION_KEY
        is_allowed = request.path == EVENTS or (is_right and "events_read" in self.scopes)
        return None if is_allowed else errors(403, "Forbidden")

    def _told(self, request: web.Request, content: Any) -> web.Response:
        if request.path == EVENTS and request.method == "POST":
            return self._posted(content)
        if request.path == SEARCH and request.method == "POST":
            return self._found(content)
        return super()._told(request, content)

    def _posted(self, content: Mapping[str, Any]) -> web.Response:
        at = datetime.fromtimestamp(content.get("date_happened", self._now().timestamp()), UTC)
        if not content.get("title") or not content.get("text"):
            return errors(400, "The event needs a title and a text")
        if len(content["title"]) > 100 or len(content["text"]) > 4000:
            return errors(400, "Title or text is too long")
        if self._now() - at > PAST:
            text = json.dumps({"errors": ["Event too far in the past"]})
            return web.Response(status=400, text=text, content_type="text/plain")
        number = 6327818702635911562 + len(self.events)
        tags = tuple(dict.fromkeys(kept(each) for each in content.get("tags", [])))
        event = Event(number, self._now(), at, content["title"], content["text"], tags, content)
        self.events.append(event)
        if self.lost:
            self.lost -= 1
            return web.Response(status=504, text="upstream request timeout")
        told = {"id": number // 1000 * 1000, "id_str": str(number), "title": event.title, "tags": list(tags)}
        return web.json_response({"status": "ok", "event": told}, status=202)

    def _found(self, content: Mapping[str, Any]) -> web.Response:
        asked = content["filter"]
        since, until = (self._time(asked[name]) for name in ("from", "to"))
        found = [
            each
            for each in self.events
            if asked["query"] in each.tags
            and since <= each.at < until
            and each.came + self.indexed <= self._now()
        ][: content.get("page", {}).get("limit", 10)]
        data = [
            {
                "type": "event",
                "id": f"AgAAAY{each.id}",
                "attributes": {
                    "attributes": {"title": each.title, "evt": {"id": str(each.id)}},
                    "message": each.text,
                    "tags": list(each.tags),
                    "timestamp": each.at.isoformat(),
                },
            }
            for each in found
        ]
        return web.json_response({"data": data}, content_type=JSONAPI)

    def _time(self, text: str) -> datetime:
        if text.startswith("now"):
            return self._now() - timedelta(minutes=int(text[4:-1] or 0)) if text != "now" else self._now()
        return datetime.fromisoformat(text)


def kept(tag: str) -> str:
    """A tag, as it is kept: in lower case, other signs as one underscore, none at its end, and no more than 200 of them."""
    return re.sub(r"[^a-z0-9_\-./:]+", "_", tag.lower())[:200].rstrip("_")
