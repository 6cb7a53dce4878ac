"""The HTTP API, as far as annotations go: tokens and roles, dashboards, and tags as Grafana keeps them.

Source:
    https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/annotations/
    grafana/grafana: pkg/services/tag (a tag is split at its colons, and what stands behind the second is lost)
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

TOKEN, VIEWER = "glsa_of-an-editor", "glsa_of-a-viewer"
LONGEST_TAG = 100  # characters, of a key or of a value


@dataclass(frozen=True)
class Made:
    """One annotation."""

    id: int
    at: datetime
    text: str
    tags: tuple[str, ...]
    dashboard: str = ""


@dataclass
class Grafana:
    """One organisation.

    Attributes:
        dashboards: Their uids.
        down: Answers that are a 502.
        lost: Annotations that are made, and whose answers do not arrive.
        asked: Methods and paths that came.
    """

    now: Callable[[], datetime]
    dashboards: set[str] = field(default_factory=lambda: {"shop", "cart"})
    log: list[Made] = field(default_factory=list)
    down: int = 0
    lost: int = 0
    asked: list[str] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        if self.down:
            self.down -= 1
            return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in {TOKEN, VIEWER}:
            return said(401, "Invalid API key")
        if request.path != "/api/annotations" or request.method not in {"GET", "POST"}:
            return said(404, "Not found")
        if request.method == "GET":
            return self._listed(request)
        return said(403, "Access denied") if token == VIEWER else self._made(await request.json())

    def _listed(self, request: web.Request) -> web.Response:
        wanted = {kept(each) for each in request.query.getall("tags", [])}
        dashboard = request.query.get("dashboardUID", "")
        if dashboard and dashboard not in self.dashboards:
            return said(400, "Invalid dashboard UID in annotation request")
        found = [
            each
            for each in reversed(self.log)
            if wanted <= set(each.tags) and dashboard in {"", each.dashboard}
        ]
        return web.json_response([told(each) for each in found[: int(request.query.get("limit", "100"))]])

    def _made(self, content: dict[str, Any]) -> web.Response:
        dashboard = content.get("dashboardUID", "")
        if not content.get("text"):
            return said(400, "Failed to save annotation: text field should not be empty")
        if dashboard and dashboard not in self.dashboards:
            return said(400, "Invalid dashboard UID in the annotation request")
        tags = tuple(dict.fromkeys(kept(each) for each in content.get("tags", [])))
        if any(len(part) > LONGEST_TAG for each in tags for part in each.split(":")):
            return said(500, "Failed to save annotation")
        at = datetime.fromtimestamp(content["time"] / 1000, UTC) if "time" in content else self.now()
        self.log.append(Made(next(self.ids), at, content["text"], tags, dashboard))
        if self.lost:
            self.lost -= 1
            return said(504, "upstream request timeout")
        return web.json_response({"message": "Annotation added", "id": self.log[-1].id})


def kept(tag: str) -> str:
    """A tag, as it is kept."""
    key, _, rest = tag.partition(":")
    value = rest.partition(":")[0].strip(" ")
    return f"{key.strip(' ')}:{value}" if value else key.strip(" ")


def told(made: Made) -> dict[str, Any]:
    at = round(made.at.timestamp() * 1000)
    return {
        "id": made.id,
        "dashboardUID": made.dashboard or None,
        "time": at,
        "timeEnd": at,
        "text": made.text,
        "tags": list(made.tags),
        "login": "sa-1-rollbackd",
    }


def said(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)


def app(grafana: Grafana) -> web.Application:
    """The API, to be served."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", grafana.answer)
    return application
