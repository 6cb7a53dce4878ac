"""Releases and their deploys, as an organisation takes and lists them: what was deployed is one log.

Source:
    https://docs.sentry.io/api/releases/
    getsentry/sentry: src/sentry/releases/endpoints/release_deploys.py (of each project and environment the last deploy is listed)
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.sentry import shapes
from tests.fakes.sentry.shop import ORGANIZATION, TOKEN, Shop
from tests.schemas.book import book
from tests.schemas.door import served

# Django's validator of addresses: a host is localhost, an address, or has a dot in it.
_URL = re.compile(r"https?://(localhost|[\w-]+(\.[\w-]+)+)(:\d+)?(/\S*)?")


@dataclass(frozen=True)
class Deploy:
    """One that was made."""

    id: int
    release: str
    project: str
    environment: str
    finished: datetime
    name: str | None
    url: str | None


@dataclass
class Releases:
    """The organisation of a shop.

    Attributes:
        projects_of: Of each release that there is.
        lost: Deploys that are made, and whose answers do not arrive.
        asked: Methods and paths that came.
    """

    shop: Shop
    projects_of: dict[str, list[str]] = field(default_factory=dict)
    log: list[Deploy] = field(default_factory=list)
    lost: int = 0
    asked: list[str] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1234567))

    async def answer(self, request: web.Request) -> web.Response:
        path = request.raw_path.partition("?")[0]
        self.asked.append(f"{request.method} {path}")
        body = await request.read()
        answer = self._refused(request, path) or self._answered(path, json.loads(body) if body else None)
        served(book("sentry"), request, body, answer)
        return answer

    def _refused(self, request: web.Request, path: str) -> web.Response | None:
        if not path.endswith("/"):
            return web.Response(status=301, headers={"Location": f"{path}/"})
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return detail(401, "Invalid token")
        if "project:releases" not in self.shop.scopes:
            return detail(403, "You do not have permission to perform this action.")
        return None

    def _answered(self, path: str, content: dict[str, Any] | None) -> web.Response:
        found = re.fullmatch(rf"/api/0/organizations/{ORGANIZATION}/releases/(?:([^/]+)/deploys/)?", path)
        if found is not None and found[1] is None:
            return self._released(content) if content else web.json_response(self._releases())
        version = unquote(found[1]) if found else ""
        if version not in self.projects_of:
            return detail(404, "The requested resource does not exist")
        return self._deployed(version, content) if content else web.json_response(self._listed(version))

    def _releases(self) -> list[dict[str, Any]]:
        return [shapes.listed_release(version, slugs) for version, slugs in self.projects_of.items()]

    def _released(self, content: dict[str, Any]) -> web.Response:
        version, projects = content["version"], content["projects"]
        if not re.fullmatch(r"[^\s/\\]{1,200}", version):
            return web.json_response({"version": ["Release with name does not match"]}, status=400)
        if not set(projects) <= set(self.shop.projects):
            return web.json_response({"projects": ["Invalid project slugs"]}, status=400)
        status = 208 if version in self.projects_of else 201
        known = self.projects_of.setdefault(version, [])
        known += [each for each in projects if each not in known]
        return web.json_response(shapes.listed_release(version, known), status=status)

    def _listed(self, version: str) -> list[dict[str, Any]]:
        last = {(each.project, each.environment): each for each in self.log if each.release == version}
        return [told(each) for each in sorted(last.values(), key=lambda each: each.finished, reverse=True)]

    def _deployed(self, version: str, content: dict[str, Any]) -> web.Response:
        url, name, environment = content.get("url"), content.get("name"), content.get("environment", "")
        if not re.fullmatch(r"[^\s/]{1,64}", environment):
            return web.json_response({"environment": ["Invalid value for environment"]}, status=400)
        if url and not _URL.fullmatch(url):
            return web.json_response({"url": ["Enter a valid URL."]}, status=400)
        if name and len(name) > 64:
            return web.json_response(
                {"name": ["Ensure this field has no more than 64 characters."]}, status=400
            )
        finished = (
            datetime.fromisoformat(content["dateFinished"]) if "dateFinished" in content else self.shop.now
        )
        for project in content.get("projects", self.projects_of[version]):
            if project not in self.projects_of[version]:
                return detail(400, f"Invalid projects ({project}) for release {version}")
            self.log.append(Deploy(next(self.ids), version, project, environment, finished, name, url))
        if self.lost:
            self.lost -= 1
            return web.Response(status=504, text="<html>timeout</html>", content_type="text/html")
        return web.json_response(told(self.log[-1]), status=201)


def told(deploy: Deploy) -> dict[str, Any]:
    return {
        "id": str(deploy.id),
        "environment": deploy.environment,
        "dateStarted": None,
        "dateFinished": deploy.finished.isoformat(),
        "name": deploy.name,
        "url": deploy.url,
    }


def detail(status: int, words: str) -> web.Response:
    return web.json_response({"detail": words}, status=status)


def app(releases: Releases) -> web.Application:
    """The API, to be served."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", releases.answer)
    return application
