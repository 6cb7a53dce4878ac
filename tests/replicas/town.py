"""The world outside: services, their pages of metrics, whoever is told; and one log of all that is done to it.

Programs write a line for each call as it happens, with the time and the process that made it.
"""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.fakes.serve import serving_app
from watcher import clock

# A platform that forgets: `live` tells no key, and `move` moves each time that it is asked, so that whoever asks twice is seen.
LIVE = """#!/bin/sh
set -eu
cd "$1"
echo "$(date +%s.%N) $PPID live ${PWD##*/} -" >> ../calls
moving=$(cat moving 2>/dev/null || true)
now=$(readlink current)
printf '{"tag": "%s"%s}' "${now##*/}" "${moving:+, \\"moving_to\\": \\"$moving\\"}"
"""
MOVE = """#!/bin/sh
set -eu
cd "$1"
echo "$(date +%s.%N) $PPID move ${PWD##*/} $2" >> ../calls
echo "$2" > moving.new; mv moving.new moving
(sleep 0.2; ln -s "releases/$2" new; mv -T new current; rm moving) > /dev/null 2>&1 &
"""

CONFIGURATION = """
version: 1
daemon:
  store: {{postgresql: {{dsn: {{env: DATABASE_URL}}, pool: 4}}}}
  http: {{listen: "127.0.0.1:0"}}
  reach: [127.0.0.0/8]
  ceilings: {{service_per_day: 2, fleet_per_hour: {ceiling}}}
connections:
  ops: {{webhook: {{url: "http://127.0.0.1:{port}/told", secret: {{file: {root}/secret}}}}}}
teams:
  shop: {{tell: [ops], may_order: [local]}}
defaults:
  team: shop
  mode: auto
  speak: all
  countdown: {countdown}
  bake: {{at_least: 30m, at_most: 1h}}
  reads_live: {reads_live}
  runs_on:
    - command:
        live: [{root}/live, "{root}/services/${{service}}"]
        move: [{root}/move, "{root}/services/${{service}}", "${{tag}}"]
services:
{services}
"""
SERVICE = '  {name}: {{production: {{rules: [{{file: rules.yaml, with: {{page: "http://127.0.0.1:{port}/metrics/{name}"}}}}]}}}}\n'
RULES = """
version: 1
parameters: {page: {}}
indicators:
  errors:
    ratio:
      scrape:
        url: "${page}"
        every: 2s
        counter: http_requests_total
        where: {version: "${arm.version}"}
        bad: {code: "5.."}
rules:
  - name: the objective holds
    indicator: errors
    judge: {slo: {objective: 99%}}
    on_breach: rollback
    statistics: {correlation: independent, min_buckets: 1}
"""
A_SECOND = 100  # requests
SHARE = 0.5  # of those to a bad release that fail


@dataclass(frozen=True)
class Call:
    """One run of a program: when (seconds since 1970), by which process, on which service."""

    at: float
    by: int
    what: str
    service: str
    tag: str


@dataclass
class Town:
    """The services, in a folder. *bad*: releases that fail half of their requests, as (service, tag)."""

    root: Path
    services: Sequence[str]
    port: int = 0
    bad: set[tuple[str, str]] = field(default_factory=set)
    told: list[dict[str, Any]] = field(default_factory=list)
    _counted: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    _counted_at: dict[str, float] = field(default_factory=dict)

    @property
    def configuration(self) -> Path:
        return self.root / "rollbackd.yaml"

    def write(self, ceiling: int, countdown: str, reads_live: str) -> None:
        """Make the folder; v1 serves everywhere."""
        self.root.mkdir()
        services = "".join(SERVICE.format(name=name, port=self.port) for name in self.services)
        filled = {"ceiling": ceiling, "countdown": countdown, "reads_live": reads_live}
        text = CONFIGURATION.format(root=self.root, port=self.port, services=services, **filled)
        self.configuration.write_text(text)
        (self.root / "rules.yaml").write_text(RULES)
        (self.root / "secret").write_text("a secret that is long enough")
        (self.root / "secret").chmod(0o600)
        for name, program in (("live", LIVE), ("move", MOVE)):
            (self.root / name).write_text(program)
            (self.root / name).chmod(0o755)
        for service in self.services:
            for tag in ("v1", "v2", "v3"):
                (self.root / "services" / service / "releases" / tag).mkdir(parents=True)
            self.deploy(service, "v1")

    def deploy(self, service: str, tag: str, *, bad: bool = False) -> None:
        """Somebody moves a service, past the daemons."""
        if bad:
            self.bad.add((service, tag))
        place = self.root / "services" / service
        (place / "new").symlink_to(f"releases/{tag}")
        (place / "new").replace(place / "current")

    def turn_bad(self, services: Sequence[str], tag: str = "v2") -> None:
        """What was well fails from now on."""
        self.bad |= {(service, tag) for service in services}

    def movers(self, services: Sequence[str]) -> set[int]:
        """The processes that moved these services."""
        return {call.by for call in self.calls("move") if call.service in services}

    def were_moved(self, services: Sequence[str]) -> bool:
        """Whether each of them was."""
        return {call.service for call in self.calls("move")} >= set(services)

    def serves(self, service: str) -> str:
        return (self.root / "services" / service / "current").readlink().name

    def calls(self, what: str, service: str | None = None) -> list[Call]:
        """What was called, in order: ``move`` or ``live``; of one service, or of all."""
        log = self.root / "services" / "calls"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        found = [Call(float(at), int(by), did, whom, tag) for at, by, did, whom, tag in lines]
        return [call for call in found if call.what == what and service in {None, call.service}]

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/metrics/{service}", self._metrics), web.post("/told", self._hear)])
        return app

    async def _metrics(self, request: web.Request) -> web.Response:
        """What a service has answered until now: so many requests a second, all by the release that serves."""
        service = request.match_info["service"]
        counted, now, serves = (
            self._counted.setdefault(service, Counter()),
            clock.monotonic(),
            self.serves(service),
        )
        requests = A_SECOND * (now - self._counted_at.get(service, now - 1))
        self._counted_at[service] = now
        fails = SHARE if (service, serves) in self.bad else 0.0
        counted[serves, "500"] += round(requests * fails)
        counted[serves, "200"] += round(requests * (1 - fails))
        lines = [
            f'http_requests_total{{version="{version}",code="{code}"}} {count}'
            for (version, code), count in sorted(counted.items())
        ]
        page = "\n".join(["# TYPE http_requests_total counter", *lines, ""])
        return web.Response(text=page, content_type="text/plain")

    async def _hear(self, request: web.Request) -> web.Response:
        self.told.append(json.loads(await request.read()))
        return web.Response()


@contextlib.asynccontextmanager
async def a_town(
    root: Path, services: Sequence[str], *, ceiling: int = 100, countdown: str = "0s", reads_live: str = "10m"
) -> AsyncIterator[Town]:
    """Services that v1 serves, for as long as this lasts."""
    town = Town(root, services)
    async with serving_app(town.app()) as town.port:
        town.write(ceiling, countdown, reads_live)
        yield town
        await asyncio.sleep(0)
