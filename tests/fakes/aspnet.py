"""An instance that serves ASP.NET Core behind IIS: what its health check answers, told from what happened to it.

Source:
    dotnet/aspnetcore: HealthCheckResponseWriters (one word, not cacheable), AppOfflineHandler.cpp (503, text/html);
    AspNetCore.Diagnostics.HealthChecks: UIResponseWriter (the whole, and each check by name).
"""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from tests.fakes.world import World

OFFLINE = "<html><!-- app_offline --><body>We are back in a minute.</body></html>"
SPLASH = "<html><body>Warming up</body></html>"
_STATUS = {"Healthy": 200, "Degraded": 200, "Unhealthy": 503}


@dataclass(frozen=True, slots=True)
class Deployed:
    """app_offline.htm was put there; it goes away, and *version* starts, after *takes*, and is cold for *warms*."""

    at: datetime
    version: str
    takes: timedelta = timedelta(0)
    warms: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Reported:
    """From then on the one check that there is finds this."""

    at: datetime
    status: str


@dataclass
class Instance:
    """One instance, at the world's time.

    Attributes:
        writes_json: It has the JSON writer and not the default one.
        splash: For so long, while it is cold, a static file answers: application initialization with ``remapManagedRequestsTo``.
    """

    world: World
    log: list[Deployed | Reported] = field(default_factory=list)
    writes_json: bool = False
    splash: timedelta = timedelta(0)

    def answer(self) -> web.Response:
        """To whoever asks for the readiness check."""
        past = [each for each in self.log if each.at <= self.world.now]
        deployed = [each for each in past if isinstance(each, Deployed)][-1]
        since = self.world.now - deployed.at - deployed.takes
        if since < timedelta(0):
            return web.Response(status=503, text=OFFLINE, content_type="text/html")
        is_cold = since < deployed.warms
        if is_cold and since < self.splash:
            return web.Response(text=SPLASH, content_type="text/html")
        found = ["Healthy", *(each.status for each in past if isinstance(each, Reported))][-1]
        return self._checked("Unhealthy" if is_cold else found, deployed.version)

    def _checked(self, status: str, version: str) -> web.Response:
        headers = {"X-Release": version, "Cache-Control": "no-store, no-cache"}
        if not self.writes_json:
            return web.Response(status=_STATUS[status], text=status, headers=headers)
        entries = {"self": {"status": "Healthy", "tags": []}, "db": {"status": status, "tags": ["ready"]}}
        body = json.dumps({"status": status, "totalDuration": "00:00:00.0512342", "entries": entries})
        return web.Response(
            status=_STATUS[status], text=body, content_type="application/json", headers=headers
        )
