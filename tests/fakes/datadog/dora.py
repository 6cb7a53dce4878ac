"""A site that takes deployments for its DORA metrics: each is one by the id that it is told with, and may be marked as failed.

Source:
    https://docs.datadoghq.com/api/latest/dora-metrics/; no answer of it was recorded: what it calls a deployment, and what it
    does with one that is told again, is as the documents describe it
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fakes.datadog.events import EventSite
from tests.fakes.datadog.site import API_KEY, APPLICATION_KEY, JSONAPI, errors

DEPLOYMENT, DEPLOYMENTS = "/api/v2/dora/deployment", "/api/v2/dora/deployments/"
_ID = re.compile(r"[A-Za-z0-9_.:-]{16,128}")


@dataclass
class Deployed:
    """One deployment: what was told of it, and whether it failed."""

    told: Mapping[str, Any]
    failed: bool = False
    remedied_by: str = ""


@dataclass
class DoraSite(EventSite):
    """What was deployed, by what the site calls it.

    Attributes:
        down: It does not take deployments just now; events it takes.
        unfound: What becomes of a deployment that was taken is not taken yet, so many times.
        unanswered: Deployments that are taken, and whose answers do not arrive.
        contradictions: What was told of one that was known, and was something else.
    """

    deployed: dict[str, Deployed] = field(default_factory=dict)
    down: bool = False
    unfound: int = 0
    unanswered: int = 0
    contradictions: list[Mapping[str, Any]] = field(default_factory=list)

    def named(self, own: str) -> Deployed:
        """By the id that it was told with."""
        return self.deployed[_name(own)]

    def _unknown(self, request: web.Request) -> web.Response | None:
        if not request.path.startswith("/api/v2/dora/"):
            return super()._unknown(request)
        if request.headers.get("DD-API-KEY") != API_KEY:
            return errors(403, "Forbidden")
        writes = request.headers.get("DD-APPLICATION-KEY") == APPLICATION_KEY
        is_allowed = request.path == DEPLOYMENT or (writes and "dora_metrics_write" in self.scopes)
        return None if is_allowed else errors(403, "Forbidden")

    def _told(self, request: web.Request, content: Any) -> web.Response:
        if not request.path.startswith("/api/v2/dora/"):
            return super()._told(request, content)
        if self.down:
            return web.Response(status=503, text="upstream connect error")
        if request.path == DEPLOYMENT and request.method == "POST":
            return self._taken(content["data"]["attributes"])
        if request.method == "PATCH":
            return self._patched(request.path.removeprefix(DEPLOYMENTS), content["data"])
        return errors(404, "Not found", jsonapi=True)

    def _taken(self, told: Mapping[str, Any]) -> web.Response:
        if not _ID.fullmatch(told["id"]):
            return errors(400, "id must be 16-128 characters", jsonapi=True)
        if (
            not {"service", "started_at", "finished_at"} <= told.keys()
            or told["started_at"] > told["finished_at"]
        ):
            return errors(400, "invalid attributes", jsonapi=True)
        name = _name(told["id"])
        if self.deployed.setdefault(name, Deployed(told)).told != told:
            self.contradictions.append(told)
        if self.unanswered:
            self.unanswered -= 1
            return web.Response(status=504, text="upstream request timeout")
        answer = {"data": {"id": name, "type": "dora_deployment"}}
        return web.json_response(answer, status=202, content_type=JSONAPI)

    def _patched(self, name: str, data: Mapping[str, Any]) -> web.Response:
        deployed = self.deployed.get(name)
        if deployed is None or data["id"] != name or data["type"] != "dora_deployment_patch_request":
            return errors(404, "Not found", jsonapi=True)
        if self.unfound:
            self.unfound -= 1
            return errors(404, "Not found", jsonapi=True)
        deployed.failed = data["attributes"]["change_failure"]
        remediation = data["attributes"]["remediation"]
        if remediation["type"] not in {"rollback", "rollforward"} or remediation["id"] not in self.deployed:
            return errors(400, "invalid remediation", jsonapi=True)
        deployed.remedied_by = remediation["id"]
        return web.Response(status=202)


def _name(own: str) -> str:
    """What the site calls what was told as *own*."""
    return hashlib.sha256(own.encode()).hexdigest()[:16]
